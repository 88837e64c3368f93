// A quantity as a colour, in linear light.
uniform sampler2D color_field;
uniform sampler2D color_table;  // 256 linear colours in a row
uniform int color_log;
uniform vec2 color_span;

vec3 table_color(float unit) {
    // Half-texel coordinates: 0 and 1 are the first and last colour, exactly.
    return texture(color_table, vec2((clamp(unit, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}

#ifdef BANDS
uniform sampler2D band_table;  // linear colour, and the value at which the band begins, in a row
uniform int band_count;

// The band of a value, a pixel soft at its ends. Call in uniform control flow.
vec3 band_color(float value) {
    float slope = max(length(vec2(dFdx(value), dFdy(value))), 1e-12);
    int low = 0, high = band_count - 1;
    for (int step = 0; step < 7; ++step) {
        int middle = (low + high + 1) / 2;
        if (texelFetch(band_table, ivec2(middle, 0), 0).a <= value) low = middle;
        else high = max(middle - 1, low);
    }
    vec4 own = texelFetch(band_table, ivec2(low, 0), 0);
    vec4 below = texelFetch(band_table, ivec2(max(low - 1, 0), 0), 0);
    vec4 above = texelFetch(band_table, ivec2(min(low + 1, band_count - 1), 0), 0);
    vec3 color = mix(below.rgb, own.rgb, clamp((value - own.a) / slope + 0.5, 0.0, 1.0));
    float over = low + 1 < band_count ? clamp((value - above.a) / slope + 0.5, 0.0, 1.0) : 0.0;
    return mix(color, above.rgb, over);
}
#endif

// height: the height field's texel there
vec3 field_color(vec2 uv, vec3 height) {
#ifdef ONE_FIELD
    vec3 texel = height;
#else
    vec3 texel = texture(color_field, uv).rgb;
#endif
    float value = color_log == 1 ? texel.g : texel.r;
#ifdef BANDS
    return band_color(value);
#else
    return table_color((value - color_span.x) / (color_span.y - color_span.x));
#endif
}
