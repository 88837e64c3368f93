// Basins of attraction from labels at the computed grid points, which are never mixed.
// Each point's label counts by the quadratic B-spline around it, and the basin that counts most has
// the place: at every grid point its own (the spline is 9/16 there), and between them the borders
// are smooth curves instead of stairs.
uniform sampler2D basin_field;  // label (-1: none), tint in linear light
uniform float border_width;  // framebuffer pixels
const float TINT = 0.32;

// The tint (rgb, and how much of it: nothing for basin 0, which keeps the colours of its values), and the coverage by a border and by the rim around it.
void basins_at(vec2 at, vec2 along_x, vec2 along_y, out vec4 tint, out vec2 border) {
    ivec2 last = textureSize(basin_field, 0) - 1;
    ivec2 base = ivec2(floor(at + 0.5));
    vec2 f = at - vec2(base), low = 0.5 - f, high = 0.5 + f;
    mat2x3 weight = mat2x3(0.5 * low.x * low.x, 0.75 - f.x * f.x, 0.5 * high.x * high.x,
                           0.5 * low.y * low.y, 0.75 - f.y * f.y, 0.5 * high.y * high.y);
    mat2x3 slope = mat2x3(-low.x, -2.0 * f.x, high.x, -low.y, -2.0 * f.y, high.y);
    float labels[9];
    vec3 counts[9];  // weight, and its slope along both sides of the grid
    vec3 colors[9];
    int found = 0;
    for (int i = 0; i < 9; ++i) {
        int x = i % 3, y = i / 3;
        vec4 texel = texelFetch(basin_field, clamp(base + ivec2(x, y) - 1, ivec2(0), last), 0);
        vec3 count = vec3(weight[0][x] * weight[1][y], slope[0][x] * weight[1][y],
                          weight[0][x] * slope[1][y]);
        int k = 0;
        while (k < found && labels[k] != texel.r) ++k;
        if (k == found) {
            labels[k] = texel.r;
            counts[k] = vec3(0.0);
            colors[k] = texel.gba;
            ++found;
        }
        counts[k] += count;
    }
    int best = 0;
    for (int k = 1; k < found; ++k) if (counts[k].x > counts[best].x) best = k;
    tint = vec4(colors[best], labels[best] <= 0.0 ? 0.0 : TINT);
    float distance = 1e9;  // framebuffer pixels to the nearest border between two basins
    for (int k = 0; k < found; ++k) {
        if (k == best || labels[k] < 0.0 || labels[best] < 0.0) continue;
        vec3 ahead = counts[best] - counts[k];
        float pixel = length(vec2(dot(ahead.yz, along_x), dot(ahead.yz, along_y)));
        distance = min(distance, ahead.x / max(pixel, 1e-9));
    }
    border = clamp(0.5 * vec2(1.0, 2.6) * border_width + 0.5 - distance, 0.0, 1.0);
}
