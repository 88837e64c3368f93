#version 330
// A grid from a height texture: one instance is one strip between two rows, so that the level of
// detail is a stride. No vertex buffers. What is drawn of it: FLAT (the same grid on the floor),
// LINES, WIRE, BASINS, CAPPED, ONE_FIELD where height and colour show the same quantity. VEIL is a
// mesh of one colour, premultiplied, that what is behind is seen through; DEPTH is where that is.
#include "height.glsl"

#if defined VERTEX_SHADER
invariant gl_Position;  // the same with DEPTH as with VEIL

uniform sampler2D xs;
uniform sampler2D ys;
uniform ivec2 size;  // columns, rows
uniform int stride;
uniform float floor_z;
uniform mat4 camera;
uniform vec4 clip;  // a plane of the scene: what lies below it is not drawn

out vec3 world;
out vec2 uv;
#ifndef FLAT
out vec3 normal;
#endif

float height_at(ivec2 at) {
    return height_unit(height_value(texelFetch(height_field, at, 0).rgb)) * height_top;
}

void main() {
    ivec2 at = ivec2(gl_VertexID / 2, gl_InstanceID + (gl_VertexID & 1)) * stride;
    at = min(at, size - 1);
    float x = texelFetch(xs, ivec2(at.x, 0), 0).r, y = texelFetch(ys, ivec2(at.y, 0), 0).r;
    uv = (vec2(at) + 0.5) / vec2(size);
#ifdef FLAT
    world = vec3(x, y, floor_z);
    gl_ClipDistance[0] = 1.0;
#else
    world = vec3(x, y, height_at(at));
    // The normal of the displayed height, whatever its scale and cap.
    ivec2 low = max(at - 1, ivec2(0)), high = min(at + 1, size - 1);
    float dx = texelFetch(xs, ivec2(high.x, 0), 0).r - texelFetch(xs, ivec2(low.x, 0), 0).r;
    float dy = texelFetch(ys, ivec2(high.y, 0), 0).r - texelFetch(ys, ivec2(low.y, 0), 0).r;
    float slope_x = (height_at(ivec2(high.x, at.y)) - height_at(ivec2(low.x, at.y))) / dx;
    float slope_y = (height_at(ivec2(at.x, high.y)) - height_at(ivec2(at.x, low.y))) / dy;
    normal = vec3(-slope_x, -slope_y, 1.0);
    gl_ClipDistance[0] = dot(clip, vec4(world, 1.0));
#endif
    gl_Position = camera * vec4(world, 1.0);
}

#elif defined FRAGMENT_SHADER
#include "color.glsl"
#ifdef LINES
#include "isolines.glsl"
#endif
#ifdef BASINS
#include "basins.glsl"
#endif

uniform vec3 eye;
uniform vec3 forward;
uniform vec3 right;
uniform vec3 up;
uniform int orthographic;
uniform float light;
uniform float occlusion;
uniform sampler2D occlusion_field;
uniform float parts;  // fine cells in a computed cell, along a side
uniform vec2 fine_cells;
uniform float pixel;  // framebuffer pixels a point
uniform vec3 background;
uniform float opacity;
uniform vec4 veil;  // a mesh's colour, and its opacity between the lines

in vec3 world;
in vec2 uv;
#ifndef FLAT
in vec3 normal;
#endif
out vec4 fragment;

#ifdef FLAT
float shade() { return 1.0; }
#else
float shade() {
    vec3 n = normalize(normal);
    vec3 to_eye = orthographic == 1 ? -forward : normalize(eye - world);
    if (dot(n, to_eye) < 0.0) n = -n;  // two-sided
    // A lamp beside the eye models the shape, a wrapped sky keeps every slope readable.
    vec3 lamp = normalize(to_eye + 0.45 * up - 0.55 * right);
    float head = max(dot(n, lamp), 0.0);
    float sky = 0.5 + 0.5 * n.z;
    float lit = 0.40 + 0.50 * head + 0.20 * sky;
    float open = mix(1.0, texture(occlusion_field, uv).r, occlusion);
    return mix(1.0, lit * open, light);
}
#endif

// In computed cells, from the first grid point.
vec2 cell() { return (uv * (fine_cells + 1.0) - 0.5) / parts; }

#ifdef RIM
uniform float rim_width;  // framebuffer pixels
uniform float ground;  // luminance of the background

// Coverage by the line along the border, and along the outline, where the surface turns away from
// the eye: both are as far as the screen's derivatives say. Call in uniform control flow.
float rim() {
    vec2 at = cell(), last = fine_cells / parts;
    vec2 slope = vec2(length(vec2(dFdx(at.x), dFdy(at.x))), length(vec2(dFdx(at.y), dFdy(at.y))));
    vec2 border = min(at, last - at) / max(slope, vec2(1e-6));
    vec3 to_eye = orthographic == 1 ? -forward : normalize(eye - world);
    float facing = dot(normalize(normal), to_eye);
    float turning = length(vec2(dFdx(facing), dFdy(facing)));
    float outline = abs(facing) < 0.3 ? abs(facing) / max(turning, 1e-6) : 1e9;
    return clamp(rim_width + 0.5 - min(min(border.x, border.y), outline), 0.0, 1.0);
}

// Dark, but for what is as dark as the background itself.
vec3 rim_color(vec3 color) {
    float dark = 1.0 - smoothstep(0.03, 0.12, dot(color, vec3(0.2126, 0.7152, 0.0722)));
    return mix(color * 0.1, mix(color, vec3(1.0), 0.45), ground < 0.2 ? dark : 0.0);
}
#endif

#ifdef SHADOW
uniform float shadow;  // strength of the surface's shadow on the floor
uniform sampler2D shadow_field;  // over the floor, evenly spaced
uniform vec2 extent;  // half the floor's sides in scene units

float floor_light() {
    vec2 side = vec2(textureSize(shadow_field, 0));
    vec2 at = (world.xy / extent * 0.5 + 0.5) * (side - 1.0);
    return mix(1.0, texture(shadow_field, (at + 0.5) / side).r, shadow);
}
#endif

float wire() {
    vec2 at = cell();
    vec2 slope = vec2(length(vec2(dFdx(at.x), dFdy(at.x))), length(vec2(dFdx(at.y), dFdy(at.y))));
    vec2 distance = abs(fract(at - 0.5) - 0.5) / max(slope, vec2(1e-6));
    // Fades where lines come closer than a few points, in a large picture as in a small one.
    vec2 room = smoothstep(3.0, 9.0, 1.0 / max(slope * pixel, vec2(1e-6)));
    vec2 lines = clamp(0.5 * 0.7 * pixel + 0.5 - distance, 0.0, 1.0) * room;
    return max(lines.x, lines.y);
}

float hatch() {  // in screen space
    float at = abs(fract((gl_FragCoord.x + gl_FragCoord.y) / (7.0 * pixel)) - 0.5) * 2.0;
    return smoothstep(0.55, 0.7, at);
}

const float MESH_INK = 0.7, CAP_INK = 0.35;  // opacity of a mesh's lines and of its cap's hatching

void main() {
    vec3 texel = texture(height_field, uv).rgb;
    float value = height_value(texel);
    // Derivatives come before anything is left out.
#ifdef LINES
    vec2 line = isoline(value);
#endif
#ifdef WIRE
    float grid = wire();
#endif
#ifdef RIM
    float edge = rim();
#endif
#if !defined DEPTH && !defined VEIL
    vec3 color = field_color(uv, texel);
#endif
#ifdef BASINS
    vec2 along_x = dFdx(cell()), along_y = dFdy(cell());
#endif
    if (texel.b < 0.999) discard;
#ifdef DEPTH
    fragment = vec4(0.0);
#else
    float lit = shade();
#ifdef VEIL
    float ink = MESH_INK * grid, film = veil.a;
#ifdef LINES
    ink = max(ink, line.x);
#endif
#ifdef CAPPED
    if (value >= height_span.y) film = max(film, CAP_INK * hatch());
#endif
    float covered = mix(film, 1.0, ink);
    fragment = vec4(veil.rgb * mix(lit, 1.0, ink) * covered, covered);
#else
#ifdef BASINS
    vec4 tint;
    vec2 border;
    basins_at(cell(), along_x, along_y, tint, border);
    color = mix(color, tint.rgb, tint.a);
#endif
    color *= lit;
#ifdef SHADOW
    color *= floor_light();
#endif
#ifdef CAPPED
    if (value >= height_span.y) {
        // Nobody should take the cap for data: grey with hatching.
        color = vec3(0.42) * lit * mix(1.0, 0.72, hatch());
#ifdef LINES
        line.x = 0.0;
#endif
    }
#endif
#ifdef RIM
    vec3 plain = color;  // without lines
#endif
#ifdef LINES
    color = ink_over(color, line);
#endif
#ifdef BASINS
    // Light with a dark rim: seen on every colour, and not taken for an isoline.
    color = mix(mix(color, color * 0.25, border.y * 0.6), vec3(0.95), border.x);
#endif
#ifdef WIRE
    color = mix(color, color * 0.35, grid * 0.6);
#endif
#ifdef RIM
    color = mix(color, rim_color(plain), edge * 0.85);
#endif
    fragment = vec4(mix(background, color, opacity), 1.0);
#endif
#endif
}

#endif
