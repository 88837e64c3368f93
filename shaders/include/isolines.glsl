// Isolines of constant width on the screen, from the derivatives of the level coordinate.
const int MOST_LEVELS = 96;
uniform vec4 levels[MOST_LEVELS];  // value on the height's scale, strength, ink (0 dark, 1 light), -
uniform int level_count;
uniform float line_width;  // framebuffer pixels
uniform float line_opacity;

// Coverage of the nearest line at this value, and its ink. Call in uniform control flow.
vec2 isoline(float value) {
    float slope = length(vec2(dFdx(value), dFdy(value)));
    // A plateau at a level is an area and no line; it is flat up to the rounding of its texels.
    if (level_count == 0 || slope <= 4e-7 * abs(value)) return vec2(0.0);
    int low = 0, high = level_count - 1;
    for (int step = 0; step < 7; ++step) {
        int middle = (low + high + 1) / 2;
        if (levels[middle].x <= value) low = middle; else high = max(middle - 1, low);
    }
    int next = min(low + 1, level_count - 1);
    bool upper = abs(levels[next].x - value) < abs(value - levels[low].x);
    vec4 level = levels[upper ? next : low];
    float distance = abs(level.x - value) / slope;
    float gap = low == next ? 1e9 : (levels[next].x - levels[low].x) / slope;
    // Strong lines are wider; where lines come closer than a few widths the weak ones fade first.
    float width = line_width * (level.y > 0.5 ? 1.7 : 1.0);
    float coverage = clamp(0.5 * width + 0.5 - distance, 0.0, 1.0);
    float room = gap / max(line_width, 1.0) * (level.y > 0.5 ? 4.0 : 1.0);
    return vec2(coverage * smoothstep(2.5, 6.0, room) * line_opacity, level.z);
}

vec3 ink_over(vec3 color, vec2 line) {
    // Not pure black or white: a line should belong to the surface that it lies on.
    vec3 ink = line.y > 0.5 ? mix(color, vec3(1.0), 0.85) : mix(color, vec3(0.0), 0.88);
    return mix(color, ink, line.x);
}
