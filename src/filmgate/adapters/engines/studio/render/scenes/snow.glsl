// Snowfields in low light with blue shadows, firs on the slopes. PART 0 is the sky, PART 1 the ground, PART 2 firs.

#if PART == 0

vec4 soft() {
    return heaven(seen(0.02) - vec2(0.0, uStage.x));
}

vec4 scene() {
    return vec4(sky(seen(0.02) - vec2(0.0, uStage.x), softly()), 1.0);
}

#elif PART == 1

float height(vec2 at) {
    float drift = fbm(vec2(at.x * 0.35 + 0.2 * at.y, at.y * 0.5) + 3.0, 5), far = smoothstep(14.0, 34.0, at.y);
    float hills = fbm(at * 0.10 + 9.0, 6);
    float ridge = ridged(vec2(at.x * 0.16 + 0.3 * at.y, at.y * 0.22) + 6.0, 3);
    return 0.85 * (drift - 0.45) + 0.55 * ridge * smoothstep(1.5, 5.0, at.y) + 2.6 * (hills - 0.42) * smoothstep(5.0, 16.0, at.y) + far * (ridged(at * 0.07 + 50.0, 7) * 6.5 - 1.0);
}

#ifndef BAKE

vec4 scene() {
    Ground g = groundHere();
    vec2 at = g.place.xz;
    float fine = mix(0.5, noise(at * 11.0) * 0.6 + noise(at * 29.0) * 0.4, exp2(-0.07 * g.away)), broad = noise(at * 0.9);
    float steep = 1.0 - g.normal.y;
    vec3 rock = mix(vec3(0.07, 0.08, 0.10), vec3(0.17, 0.17, 0.18), fine);
    float bare = smoothstep(0.30, 0.52, steep + 0.25 * (fine - 0.5)) * smoothstep(10.0, 18.0, at.y);
    float woods = smoothstep(0.50, 0.62, broad + 0.6 * (fine - 0.5)) * smoothstep(9.0, 14.0, at.y) * smoothstep(3.4, 1.6, g.place.y);
    // Snow keeps some light: the shadow side is blue, the sunny side near white but never burnt out.
    float wrap = clamp(g.sun * 0.92 + 0.03, 0.0, 1.0);
    vec3 shadow = mix(uZenith, uSky, 0.6) * vec3(0.62, 0.74, 1.0) * (0.35 + 0.5 * g.open) + uHorizon * 0.06;
    vec3 c = shadow * 0.85 + uKey * 0.58 * wrap;
    c *= 0.93 + 0.14 * fine;
    vec3 dark = mix(rock, vec3(0.018, 0.034, 0.030) * (0.5 + fine), woods);
    c = mix(c, lit(dark, g), max(bare, woods * 0.85));
    float glint = hash(floor(at * 160.0)) * smoothstep(7.0, 2.0, at.y);
    c += uKey * step(0.9965, glint) * wrap * (0.5 + 0.5 * wave(beat(2.0) * uTime + 90.0 * glint)) * 0.9;
    return vec4(hazed(c, g, 0.016), g.cover);
}

#endif
#else

// Two rows of firs with snow on their branches, standing in a hollow of the slope.
vec4 scene() {
    vec4 sum = vec4(0.0);
    float middle = 0.30 * (hash(vec2(1.0, 2.0)) - 0.5);
    for (int row = 0; row < 2; row++) {
        float near = float(row), depth = mix(0.30, 0.62, near), tall = mix(0.085, 0.30, near);
        vec2 p = seen(depth);
        vec2 q = vec2(p.x, p.y - mix(-0.035, -0.165, near) - 0.016 * wave(p.x * 4.0 + 2.0 * near + float(uSeed & 63u)));
        vec2 tree = conifers(q, tall, 5.0 + near, vec2(middle, 0.42 + 0.12 * near)) * vec2(step(-0.01, q.y), 1.0);
        float snow = smoothstep(0.80, 0.10, tree.y + 0.7 * (noise(q * 130.0) - 0.35)) * 0.75;
        vec3 body = mix(vec3(0.016, 0.034, 0.028) * (0.6 + uKey), uKey * 0.34 + uFill * 0.8, snow);
        float haze = 1.0 - exp2(-uAir.w * (1.0 / depth - 1.0) * 4.0);
        sum = mix(sum, vec4(mix(body, uAir.rgb, haze), 1.0), tree.x);
    }
    return vec4(sum.rgb / max(sum.a, 1e-3), sum.a);
}

#endif
