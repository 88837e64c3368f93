#version 330
// Tubes with a halo along polylines: flat strips that are lit as cylinders are, and as deep. A halo
// lies behind its tube, so that the nearer of two tubes parts the other one where they cross.

#if defined VERTEX_SHADER

#include "strip.glsl"
uniform float width;  // framebuffer pixels at the camera's target
uniform float halo;  // framebuffer pixels on each side
uniform float lift;  // scene units towards the eye of the halo, for the depth alone
uniform float bulge;  // scene units by which the middle of the tube is nearer than its halo
uniform float target_w;  // of clip space, at the camera's target
uniform vec2 bounds;  // how much thinner and thicker a tube may be farther and nearer than that

out float radius;  // framebuffer pixels
out vec3 facing;  // towards the eye, upright on the tube
out vec3 sideways;
noperspective out vec2 depths;  // of the halo, of the middle of the tube

void main() {
    vec4 at = camera * vec4(place, 1.0);
    float larger = clamp(target_w / max(at.w, 1e-6), bounds.x, bounds.y);
    radius = 0.5 * width * larger;
    gl_Position = corner(at, place - before, after - place, radius + halo + 1.0);
    depths = 0.5 + 0.5 * vec2(lifted(place, at, lift * larger),
                              lifted(place, at, (lift + bulge) * larger));
    gl_Position.z = clamp(2.0 * depths.y - 1.0, -1.0, 1.0) * at.w;
    gl_ClipDistance[0] = dot(clip, vec4(place, 1.0));
    vec3 ahead = after - before, toward = toward_eye(place);
    ahead = dot(ahead, ahead) > 0.0 ? normalize(ahead) : vec3(0.0);
    facing = toward - ahead * dot(toward, ahead);
    facing = dot(facing, facing) > 1e-6 ? normalize(facing) : toward;
    sideways = cross(facing, ahead);
}

#elif defined FRAGMENT_SHADER

#include "ink.glsl"
uniform vec3 lamp;  // direction towards it
uniform float light;  // strength of the shading, 0: none
uniform vec3 casing;  // colour of the halo
uniform float halo;
uniform float halo_opacity;
uniform float opacity;
uniform float dash;  // length of a dash and its gap; 0: none
uniform float until;  // what is reached later is not drawn

in float value;
in float along;
in float across;
in float reached;
in float radius;
in vec3 facing;
in vec3 sideways;
noperspective in vec2 depths;
out vec4 fragment;

void main() {
    if (reached > until || (dash > 0.0 && fract(along / dash) > 0.55)) discard;
    float body = clamp(radius + 0.5 - abs(across), 0.0, 1.0);
    float around = clamp(radius + halo + 0.5 - abs(across), 0.0, 1.0) * halo_opacity;
    float share = clamp(across / max(radius, 1e-3), -1.0, 1.0), rise = sqrt(1.0 - share * share);
    vec3 normal = normalize(share * sideways + rise * facing);
    float head = max(dot(normal, lamp), 0.0);  // where it looks at the eye the colour is as it is
    vec3 color = ink(value) * mix(1.0, 0.30 + 0.84 * head, light);
    color += light * vec3(0.22 * pow(head, 20.0));
    float coverage = mix(around, 1.0, body);
    if (coverage <= 0.0) discard;
    fragment = vec4(mix(casing * around, color, body), coverage) * opacity;
    gl_FragDepth = mix(depths.x, depths.y, rise * body);
}

#endif
