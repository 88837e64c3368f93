#version 330
// Flat rectangles in pixels over everything: text from an atlas, a colour bar, plain colour.
// One instance a rectangle.

#if defined VERTEX_SHADER

uniform vec4 window;  // x, y, width, height of what is drawn, in pixels of the whole picture

in vec4 place;  // x, y, width, height; y counts down
in vec4 source;  // the same in the atlas, 0 to 1
in vec4 color;
in float mode;  // 0 plain, 1 text, 2 colour bar

out vec2 from;
out vec4 tint;
flat out int kind;
out float along;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 at = (place.xy + corner * place.zw - window.xy) / window.zw;
    gl_Position = vec4(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
    from = source.xy + corner * source.zw;
    along = 1.0 - corner.y;
    tint = color;
    kind = int(mode + 0.5);
}

#elif defined FRAGMENT_SHADER

uniform sampler2D atlas;
uniform sampler2D color_table;

in vec2 from;
in vec4 tint;
flat in int kind;
in float along;
out vec4 fragment;

void main() {
    float coverage = kind == 1 ? texture(atlas, from).r : 1.0;
    vec3 color = tint.rgb;
    if (kind == 2) color = texture(color_table, vec2((along * 255.0 + 0.5) / 256.0, 0.5)).rgb;
    // Dark type thins out when blended in linear light; this gives its weight back.
    if (kind == 1) coverage = pow(coverage, dot(tint.rgb, vec3(0.333)) < 0.3 ? 0.72 : 1.1);
    fragment = vec4(color, 1.0) * tint.a * coverage;
}

#endif
