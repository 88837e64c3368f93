// A quantity as a colour, in linear light.
uniform sampler2D color_field;
uniform sampler2D color_table;  // 256 linear colours in a row
uniform int color_log;
uniform vec2 color_span;

vec3 table_color(float unit) {
    // Half-texel coordinates: 0 and 1 are the first and last colour, exactly.
    return texture(color_table, vec2((clamp(unit, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}

// height: the height field's texel there
vec3 field_color(vec2 uv, vec3 height) {
#ifdef ONE_FIELD
    vec3 texel = height;
#else
    vec3 texel = texture(color_field, uv).rgb;
#endif
    float value = color_log == 1 ? texel.g : texel.r;
    return table_color((value - color_span.x) / (color_span.y - color_span.x));
}
