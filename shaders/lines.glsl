#version 330
// Straight lines of constant width on the screen: one instance a line, six vertices a quad.

#if defined VERTEX_SHADER

uniform mat4 camera;
uniform vec2 viewport;  // framebuffer pixels
uniform float towards;  // share of the depth by which lines are drawn nearer

in vec3 start;
in vec3 end;
in vec4 color;
in float width;  // framebuffer pixels

out vec4 tint;
out float across;  // pixels from the middle of the line
out float half_width;

void main() {
    vec4 a = camera * vec4(start, 1.0), b = camera * vec4(end, 1.0);
    // Behind the eye: cut at the near plane, since dividing by w would turn the line around.
    if (a.w < 1e-3 && b.w < 1e-3) { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); return; }
    if (a.w < 1e-3) a = mix(a, b, (1e-3 - a.w) / (b.w - a.w));
    if (b.w < 1e-3) b = mix(b, a, (1e-3 - b.w) / (a.w - b.w));
    vec2 pa = a.xy / a.w * viewport * 0.5, pb = b.xy / b.w * viewport * 0.5;
    vec2 along = pb - pa;
    along = length(along) < 1e-6 ? vec2(1.0, 0.0) : normalize(along);
    vec2 normal = vec2(-along.y, along.x);
    int corner = int[6](0, 1, 2, 2, 1, 3)[gl_VertexID % 6];
    float side = (corner & 1) == 0 ? -1.0 : 1.0;
    bool second = corner >= 2;
    half_width = 0.5 * width;
    across = side * (half_width + 1.0);
    vec4 at = second ? b : a;
    vec2 offset = (normal * across + along * (second ? 0.5 : -0.5) * width) / (viewport * 0.5);
    at.xy += offset * at.w;
    at.z -= towards * at.w;
    gl_Position = at;
    tint = color;
}

#elif defined FRAGMENT_SHADER

in vec4 tint;
in float across;
in float half_width;
out vec4 fragment;

void main() {
    float coverage = clamp(half_width + 0.5 - abs(across), 0.0, 1.0);
    fragment = vec4(tint.rgb, 1.0) * tint.a * coverage;
}

#endif
