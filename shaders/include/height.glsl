// The displayed height: a quantity on its scale, between low and high, capped above.
// Texels are (share of the range, log10 value, 1 or 0 for a hole): see lossviz/viewer/ranges.py.
uniform sampler2D height_field;
uniform int height_log;
uniform vec2 height_span;  // low, high on the scale of height_log
uniform float height_top;  // z at high

float height_value(vec3 texel) { return height_log == 1 ? texel.g : texel.r; }

float height_unit(float value) {
    return clamp((value - height_span.x) / (height_span.y - height_span.x), 0.0, 1.0);
}
