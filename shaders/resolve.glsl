#version 330
// From the scene's linear light to the screen. With AVERAGED it is the mean of samples x samples
// pixels first; a loop of one step would cost more than the encoding.

#if defined VERTEX_SHADER

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}

#elif defined FRAGMENT_SHADER

uniform sampler2D picture;
uniform int samples;
uniform mat3 seen;  // with SEEN: what is seen of linear light
uniform ivec2 origin;  // lower left pixel of the target
out vec4 fragment;

vec3 encode(vec3 linear) {
    linear = clamp(linear, 0.0, 1.0);
    return mix(12.92 * linear, 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055,
               step(vec3(0.0031308), linear));
}

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy) - origin;
#ifdef AVERAGED
    vec4 sum = vec4(0.0);
    for (int y = 0; y < samples; ++y)
        for (int x = 0; x < samples; ++x)
            sum += texelFetch(picture, at * samples + ivec2(x, y), 0);
    sum /= float(samples * samples);
#else
    vec4 sum = texelFetch(picture, at, 0);
#endif
    // Stored un-premultiplied, as PNG wants it; opaque pictures have alpha 1 anyway.
    vec3 color = sum.a > 0.0 ? sum.rgb / sum.a : vec3(0.0);
#ifdef SEEN
    color = seen * clamp(color, 0.0, 1.0);
#endif
    fragment = vec4(encode(color), sum.a);
}

#endif
