#version 330
// Flat pieces of one colour in the scene: the plane of a slice, and the face that it lays open.

#if defined VERTEX_SHADER

uniform mat4 camera;

in vec3 place;

void main() {
    gl_Position = camera * vec4(place, 1.0);
}

#elif defined FRAGMENT_SHADER

uniform vec3 color;  // linear light
uniform float opacity;

out vec4 fragment;

void main() {
    fragment = vec4(color, 1.0) * opacity;
}

#endif
