#version 330
// Dear ImGui's triangles, in pixels of the window, colours already encoded for the screen.

#if defined VERTEX_SHADER

uniform vec2 display;

in vec2 position;
in vec2 uv;
in vec4 color;
out vec2 from;
out vec4 tint;

void main() {
    gl_Position = vec4(position.x / display.x * 2.0 - 1.0, 1.0 - position.y / display.y * 2.0, 0.0, 1.0);
    from = uv;
    tint = color;
}

#elif defined FRAGMENT_SHADER

uniform sampler2D picture;

in vec2 from;
in vec4 tint;
out vec4 fragment;

void main() { fragment = tint * texture(picture, from); }

#endif
