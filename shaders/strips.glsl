#version 330
// Lines of constant width on the screen along polylines.

#if defined VERTEX_SHADER

#include "strip.glsl"
uniform float width;  // framebuffer pixels
uniform float lift;  // scene units towards the eye, for the depth alone
uniform int flatten;
uniform float floor_z;

vec3 put(vec3 point) { return flatten == 1 ? vec3(point.xy, floor_z) : point; }

void main() {
    vec3 own = put(place);
    vec4 at = camera * vec4(own, 1.0);
    gl_Position = corner(at, own - put(before), put(after) - own, 0.5 * width + 1.0);
    gl_Position.z = lifted(own, at, lift) * at.w;
    gl_ClipDistance[0] = flatten == 1 ? 1.0 : dot(clip, vec4(own, 1.0));
}

#elif defined FRAGMENT_SHADER

#include "ink.glsl"
uniform float width;
uniform float opacity;
uniform float dash;  // length of a dash and its gap; 0: none
uniform float until;  // what is reached later is not drawn

in float value;
in float along;
in float across;
in float reached;
out vec4 fragment;

void main() {
    float coverage = clamp(0.5 * width + 0.5 - abs(across), 0.0, 1.0);
    if (reached > until || (dash > 0.0 && fract(along / dash) > 0.55)) discard;
    fragment = vec4(ink(value), 1.0) * opacity * coverage;
}

#endif
