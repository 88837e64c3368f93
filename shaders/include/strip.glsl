// Along polylines: two vertices a point, one triangle strip. Between two polylines the strip goes
// through points of no width.
uniform mat4 camera;
uniform vec2 viewport;  // framebuffer pixels
uniform vec3 eye;
uniform vec3 forward;
uniform int orthographic;
uniform vec4 clip;  // a plane of the scene: what lies below it is not drawn

in vec3 before;
in vec3 place;
in vec3 after;
in vec4 kind;  // colour, length along the line, 1 or 0 for no width, when it is reached

out float value;
out float along;
out float across;  // pixels from the middle of the line
out float reached;

// The direction on the screen of a movement in the scene; zero if there is none.
vec2 seen(vec4 at, vec3 movement) {
    vec4 moved = camera * vec4(movement, 0.0);
    vec2 on_screen = (moved.xy * at.w - at.xy * moved.w) * viewport;
    float size = length(on_screen);
    return size < 1e-9 * at.w * at.w ? vec2(0.0) : on_screen / size;
}

vec3 toward_eye(vec3 point) { return orthographic == 1 ? -forward : normalize(eye - point); }

// Depth in [-1, 1] of a point that is moved towards the eye by so many scene units.
float lifted(vec3 point, vec4 at, float lift) {
    vec4 nearer = camera * vec4(point + lift * toward_eye(point), 1.0);
    return at.w > 0.0 && nearer.w > 0.0 ? nearer.z / nearer.w : at.z / at.w;
}

// A corner of the strip in clip space: beside the middle by ``half_width`` pixels.
vec4 corner(vec4 at, vec3 from_before, vec3 to_after, float half_width) {
    vec2 from = seen(at, from_before), to = seen(at, to_after);
    if (from == vec2(0.0)) from = to;
    if (to == vec2(0.0)) to = from;
    vec2 middle = from + to;
    middle = dot(middle, middle) < 1e-6 ? from : normalize(middle);
    float longer = 1.0 / max(dot(middle, to), 0.6);  // a bend keeps the width
    across = ((gl_VertexID & 1) == 0 ? -1.0 : 1.0) * half_width;
    vec2 offset = kind.z * across * longer * vec2(-middle.y, middle.x);
    value = kind.x;
    along = kind.y;
    reached = kind.w;
    return vec4(at.xy + offset / (viewport * 0.5) * at.w, at.zw);
}
