#version 330
// Lines of constant width on the screen along polylines: two vertices a point, one triangle strip.
// Between two polylines the strip goes through points of no width.

#if defined VERTEX_SHADER

uniform mat4 camera;
uniform vec2 viewport;  // framebuffer pixels
uniform float width;  // framebuffer pixels
uniform vec3 eye;
uniform vec3 forward;
uniform int orthographic;
uniform float lift;  // scene units towards the eye, for the depth alone
uniform int flatten;
uniform float floor_z;
uniform vec4 clip;  // a plane of the scene: what lies below it is not drawn

in vec3 before;
in vec3 place;
in vec3 after;
in vec3 kind;  // colour, length along the line, 1 or 0 for no width

out float value;
out float along;
out float across;  // pixels from the middle of the line

vec3 put(vec3 point) { return flatten == 1 ? vec3(point.xy, floor_z) : point; }

// The direction on the screen of a movement in the scene; zero if there is none.
vec2 seen(vec4 at, vec3 movement) {
    vec4 moved = camera * vec4(movement, 0.0);
    vec2 on_screen = (moved.xy * at.w - at.xy * moved.w) * viewport;
    float size = length(on_screen);
    return size < 1e-9 * at.w * at.w ? vec2(0.0) : on_screen / size;
}

void main() {
    vec3 own = put(place);
    vec4 at = camera * vec4(own, 1.0);
    vec2 from = seen(at, own - put(before)), to = seen(at, put(after) - own);
    if (from == vec2(0.0)) from = to;
    if (to == vec2(0.0)) to = from;
    vec2 middle = from + to;
    middle = dot(middle, middle) < 1e-6 ? from : normalize(middle);
    float longer = 1.0 / max(dot(middle, to), 0.6);  // a bend keeps the width
    float side = (gl_VertexID & 1) == 0 ? -1.0 : 1.0;
    across = side * (0.5 * width + 1.0);
    vec2 offset = kind.z * across * longer * vec2(-middle.y, middle.x);
    at.xy += offset / (viewport * 0.5) * at.w;
    vec3 toward = orthographic == 1 ? -forward : normalize(eye - own);
    vec4 nearer = camera * vec4(own + lift * toward, 1.0);
    if (at.w > 0.0 && nearer.w > 0.0) at.z = nearer.z / nearer.w * at.w;
    gl_Position = at;
    gl_ClipDistance[0] = flatten == 1 ? 1.0 : dot(clip, vec4(own, 1.0));
    value = kind.x;
    along = kind.y;
}

#elif defined FRAGMENT_SHADER

uniform sampler2D ramp;  // colours of 0 to 1, linear light
uniform sampler2D inks;  // colours of 2, 3, …
uniform vec4 cover;  // a colour for all, where its alpha is 1
uniform vec3 missing;  // of values that are no numbers
uniform float width;
uniform float opacity;
uniform float dash;  // length of a dash and its gap; 0: none

in float value;
in float along;
in float across;
out vec4 fragment;

vec3 color() {
    if (cover.a > 0.5) return cover.rgb;
    if (value > 1.5) return texelFetch(inks, ivec2(int(value - 1.5), 0), 0).rgb;
    if (value < -0.01) return missing;
    return texture(ramp, vec2((clamp(value, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}

void main() {
    float coverage = clamp(0.5 * width + 0.5 - abs(across), 0.0, 1.0);
    if (dash > 0.0 && fract(along / dash) > 0.55) discard;
    fragment = vec4(color(), 1.0) * opacity * coverage;
}

#endif
