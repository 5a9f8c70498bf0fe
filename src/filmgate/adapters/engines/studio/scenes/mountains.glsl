// Ranges of rock and snow, a wooded valley in front. PART 0 is the sky, PART 1 the ground.

#if PART == 0

vec4 scene() {
    return vec4(sky(seen(0.02) - vec2(0.0, uStage.x)), 1.0);
}

#else

float ridged(vec2 p, int octaves) {
    float sum = 0.0, weight = 0.5, before = 1.0;
    for (int i = 0; i < octaves; i++) {
        float ridge = 1.0 - abs(2.0 * noise(p) - 1.0);
        ridge *= ridge;
        sum += ridge * weight * before;
        before = clamp(ridge * 1.6, 0.0, 1.0);
        p = OCTAVE * p + 7.3;
        weight *= 0.5;
    }
    return sum;
}

float height(vec2 at) {
    vec2 p = at * 0.085 + 31.0;
    float range = smoothstep(5.0, 26.0, at.y);
    float crest = ridged(p, 7);
    float hills = fbm(at * 0.3, 6);
    return 0.28 * (hills - 0.5) * smoothstep(1.0, 7.0, at.y) + range * (crest * 8.5 - 1.5);
}

#ifndef BAKE
vec4 scene() {
    Ground g = groundHere();
    float detail = fbm(g.place.xz * 2.3 + g.place.y, 4);
    vec3 rock = mix(vec3(0.16, 0.14, 0.13), vec3(0.30, 0.27, 0.24), detail);
    vec3 wood = uGround * mix(0.5, 1.3, detail);
    float line = 2.0 + (detail - 0.5) * 2.0;
    vec3 body = mix(rock, wood, smoothstep(line * 0.75, line * 0.35, g.place.y) * smoothstep(0.55, 0.75, g.normal.y));
    float snow = smoothstep(line * 0.7, line * 1.3, g.place.y) * smoothstep(0.50, 0.72, g.normal.y + 0.25 * (detail - 0.5));
    body = mix(body, vec3(0.85, 0.88, 0.93), snow);
    return vec4(outdoors(body, g, 0.010), g.cover);
}
#endif
#endif
