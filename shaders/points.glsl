#version 330
// Signs of constant size on the screen at places of the scene: one instance a sign.

#if defined VERTEX_SHADER

uniform mat4 camera;
uniform vec2 viewport;  // framebuffer pixels
uniform vec3 eye;
uniform vec3 forward;
uniform int orthographic;
uniform float lift;  // scene units towards the eye, for the depth alone
uniform float pixel;  // framebuffer pixels a point

in vec3 place;
in vec4 color;
in vec2 kind;  // radius in points; 0 disc, 1 ring

out vec2 from;  // pixels from the middle
out vec4 tint;
flat out float radius;
flat out int shape;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    radius = kind.x * pixel;
    from = corner * (radius + 3.0 * pixel);
    vec4 at = camera * vec4(place, 1.0);
    vec3 toward = orthographic == 1 ? -forward : normalize(eye - place);
    vec4 nearer = camera * vec4(place + lift * toward, 1.0);
    if (at.w > 0.0 && nearer.w > 0.0) at.z = nearer.z / nearer.w * at.w;
    at.xy += from / (viewport * 0.5) * at.w;
    gl_Position = at;
    tint = color;
    shape = int(kind.y + 0.5);
}

#elif defined FRAGMENT_SHADER

uniform float pixel;
uniform vec3 casing;
uniform float rim;  // framebuffer pixels of the casing
uniform float opacity;

in vec2 from;
in vec4 tint;
flat in float radius;
flat in int shape;
out vec4 fragment;

void main() {
    float distance = length(from);
    float body = clamp(radius + 0.5 - distance, 0.0, 1.0);
    float around = clamp(radius + rim + 0.5 - distance, 0.0, 1.0);
    // A ring is filled with the colour of its casing.
    if (shape == 1) body *= clamp(distance - (radius - 1.8 * pixel) + 0.5, 0.0, 1.0);
    fragment = vec4(mix(casing, tint.rgb, body), 1.0) * tint.a * around * opacity;
}

#endif
