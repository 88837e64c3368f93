#version 330
// Flat rectangles in pixels over everything: text from an atlas, a colour bar, plain colour.
// One instance a rectangle.

#if defined VERTEX_SHADER

uniform vec4 window;  // x, y, width, height of what is drawn, in pixels of the whole picture

in vec4 place;  // x, y, width, height; y counts down
in vec4 source;  // the same in the atlas, 0 to 1; of arrows their ink, and its width in pixels
in vec4 color;
in float mode;  // 0 plain, 1 text, 2 colour bar, 3 arrow up, 4 arrow down

out vec2 from;
out vec4 tint;
flat out int kind;
flat out vec4 rim;
flat out vec2 extent;
out float along;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 at = (place.xy + corner * place.zw - window.xy) / window.zw;
    gl_Position = vec4(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
    from = source.xy + corner * source.zw;
    along = 1.0 - corner.y;
    tint = color;
    kind = int(mode + 0.5);
    rim = source;
    extent = place.zw;
    if (kind >= 3) from = vec2(corner.x - 0.5, kind == 3 ? along : corner.y) * extent;
}

#elif defined FRAGMENT_SHADER

uniform sampler2D atlas;
uniform sampler2D color_table;

in vec2 from;
in vec4 tint;
flat in int kind;
flat in vec4 rim;
flat in vec2 extent;
in float along;
out vec4 fragment;

// How far outside a triangle that stands on the middle of its base, in pixels.
float outside_arrow(vec2 at) {
    vec2 sides = vec2(extent.y, 0.5 * extent.x);
    return (dot(sides, vec2(abs(at.x), at.y)) - sides.x * sides.y) / length(sides);
}

void main() {
    float coverage = kind == 1 ? texture(atlas, from).r : 1.0;
    vec3 color = tint.rgb;
    if (kind == 2) color = texture(color_table, vec2((along * 255.0 + 0.5) / 256.0, 0.5)).rgb;
    // Dark type thins out when blended in linear light; this gives its weight back.
    if (kind == 1) coverage = pow(coverage, dot(tint.rgb, vec3(0.333)) < 0.3 ? 0.72 : 1.1);
    if (kind >= 3) {
        float outside = outside_arrow(from);
        coverage = clamp(0.5 - outside, 0.0, 1.0);
        // The bar's own frame is the base.
        float filled = clamp(0.5 - max(outside, -from.y) - rim.a, 0.0, 1.0);
        color = mix(rim.rgb, color, filled);
    }
    fragment = vec4(color, 1.0) * tint.a * coverage;
}

#endif
