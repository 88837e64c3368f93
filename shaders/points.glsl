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
uniform vec4 clip;  // a plane of the scene: what stands below it is not drawn

in vec3 place;
in vec4 color;
in vec3 kind;  // radius in points of a disc about as large, shape, 1 hollow

out vec2 from;  // pixels from the middle
out vec4 tint;
flat out float radius;
flat out int shape;
flat out int hollow;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
    radius = kind.x * pixel;
    shape = int(kind.y + 0.5);
    hollow = int(kind.z + 0.5);
    from = corner * (radius * (shape == 0 || shape == 5 ? 1.0 : 1.5) + 3.0 * pixel);
    vec4 at = camera * vec4(place, 1.0);
    vec3 toward = orthographic == 1 ? -forward : normalize(eye - place);
    vec4 nearer = camera * vec4(place + lift * toward, 1.0);
    if (at.w > 0.0 && nearer.w > 0.0) at.z = nearer.z / nearer.w * at.w;
    at.xy += from / (viewport * 0.5) * at.w;
    gl_Position = at;
    gl_ClipDistance[0] = dot(clip, vec4(place, 1.0));
    tint = color;
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
flat in int hollow;
out vec4 fragment;

// Signed distances in pixels, negative inside; Quilez, "2D distance functions".
float triangle(vec2 p, float side) {  // points up; half its side
    const float k = sqrt(3.0);
    p = vec2(abs(p.x) - side, p.y + side / k);
    if (p.x + k * p.y > 0.0) p = vec2(p.x - k * p.y, -k * p.x - p.y) / 2.0;
    p.x -= clamp(p.x, -2.0 * side, 0.0);
    return -length(p) * sign(p.y);
}

float cross_of(vec2 p, float width, float thick) {
    p = abs(p);
    return length(p - min(p.x + p.y, width) * 0.5) - thick;
}

float outside(vec2 p) {
    if (shape == 1) return triangle(vec2(p.x, -p.y), 1.2 * radius);
    if (shape == 2) return triangle(p, 1.2 * radius);
    if (shape == 3) return cross_of(p, 1.5 * radius, 0.36 * radius);
    if (shape == 4) return (abs(p.x) + abs(p.y) - 1.3 * radius) * sqrt(0.5);
    return length(p) - radius;
}

void main() {
    float distance = outside(from);
    float body = clamp(0.5 - distance, 0.0, 1.0);
    float around = clamp(rim + 0.5 - distance, 0.0, 1.0);
    // What is hollow is filled with the colour of its casing.
    if (hollow == 1) body *= clamp(distance + 1.8 * pixel + 0.5, 0.0, 1.0);
    vec3 ink = tint.rgb;
    if (shape == 5) {  // a ball, lit from above at the left
        vec2 p = from / radius;
        vec3 normal = vec3(p, sqrt(max(1.0 - dot(p, p), 0.0)));
        ink *= 0.35 + 0.9 * max(dot(normal, normalize(vec3(-0.5, 0.6, 0.8))), 0.0);
    }
    fragment = vec4(mix(casing, ink, body), 1.0) * tint.a * around * opacity;
}

#endif
