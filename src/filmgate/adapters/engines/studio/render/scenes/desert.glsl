// Dunes with sharp crests, one side in the sun and one in shadow. PART 0 is the sky, PART 1 the sand.

#if PART == 0

vec4 soft() {
    return heaven(seen(0.02) - vec2(0.0, uStage.x));
}

vec4 scene() {
    return vec4(sky(seen(0.02) - vec2(0.0, uStage.x), softly()), 1.0);
}

#else

// A dune field: long waves bent by noise, rising slowly and falling steeply.
float dunes(vec2 p) {
    p += 1.5 * (vec2(fbm(p * 0.33, 3), fbm(p * 0.33 + 17.0, 3)) - 0.5);
    float x = fract(p.x), bow = x < 0.72 ? x / 0.72 : (1.0 - x) / 0.28;
    float crest = smoothstep(0.0, 1.0, bow) * 0.55 + bow * 0.45;
    return crest * (0.30 + 0.85 * fbm(vec2(floor(p.x) * 3.1 + x, p.y * 0.8), 3));
}

float height(vec2 at) {
    float near = dunes(vec2(at.x * 0.16 + at.y * 0.10, at.y * 0.16) + 2.3) * 1.5 * smoothstep(2.5, 9.0, at.y);
    float far = dunes(vec2(at.x * 0.06 - at.y * 0.03, at.y * 0.06) + 7.7) * 3.4 * smoothstep(12.0, 32.0, at.y);
    return near + far + 0.10 * fbm(at * 0.4, 4);
}

#ifndef BAKE

vec4 scene() {
    Ground g = groundHere();
    vec2 at = g.place.xz;
    vec2 bent = at + 0.35 * vec2(noise(at * 1.3), noise(at * 1.3 + 9.0));
    float fade = exp2(-g.away * 0.16), rows = wave((bent.x * 0.8 + bent.y * 0.45) * 46.0);
    float ripple = rows * fade * (0.4 + 0.8 * noise(at * 0.7));
    float fine = noise(at * 40.0) * fade;
    vec3 sand = mix(vec3(0.50, 0.29, 0.13), vec3(0.62, 0.40, 0.20), noise(at * 0.35)) * (0.95 + 0.14 * fine);
    sand = mix(sand, uAccent, 0.16);
    g.sun = clamp(g.sun * (1.0 + 0.5 * ripple) + 0.02 * ripple * step(0.02, g.sun), 0.0, 1.0);
    vec3 c = lit(sand, g) * (1.0 + 0.05 * ripple) + sand * uKey * 0.06 * g.open;
#if WINTER
    c = mix(c, lit(vec3(0.8, 0.84, 0.9), g), smoothstep(0.35, 0.6, g.normal.y * 0.5 + noise(at * 2.0) * 0.4));
#endif
    float blown = noise(vec2(at.x * 0.5, at.y * 1.4) + sway(1.0, 0.5, 0.0)) * uWind;
    return vec4(hazed(c, g, 0.014 + 0.018 * blown), g.cover);
}

#endif
#endif
