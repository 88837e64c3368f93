// The colour of a line's value: in a ramp, one of a few inks, or the same for all.
uniform sampler2D ramp;  // colours of 0 to 1, linear light
uniform sampler2D inks;  // colours of 2, 3, …
uniform vec4 cover;  // a colour for all, where its alpha is 1
uniform vec3 missing;  // of values that are no numbers

vec3 ink(float value) {
    if (cover.a > 0.5) return cover.rgb;
    if (value > 1.5) return texelFetch(inks, ivec2(int(value - 1.5), 0), 0).rgb;
    if (value < -0.01) return missing;
    return texture(ramp, vec2((clamp(value, 0.0, 1.0) * 255.0 + 0.5) / 256.0, 0.5)).rgb;
}
