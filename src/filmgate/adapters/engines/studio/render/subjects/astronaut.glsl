// An astronaut: floats, walks or dances in a suit.

const vec3 SUIT = vec3(0.74, 0.75, 0.78), SHADE = vec3(0.30, 0.31, 0.34);

void sleeve(vec2 p, vec2 a, vec2 b, vec2 c, float ra, float rb, float dim, bool boot) {
    vec3 shape = grown(limb(p, a, b, ra, rb), limb(p, b, c, rb, rb * 0.9), 0.02);
    float ring = min(abs(length(p - b) - 0.004), abs(dot(p - mix(b, c, 0.72), normalize(c - b))));
    vec2 toe = boot ? c + 0.055 * normalize(vec2(0.9, 0.15)) : c + 0.03 * normalize(c - b);
    paint(limb(p, c, toe, rb * 0.98, rb * (boot ? 0.75 : 0.72)), SHADE * dim);
    paint(shape, mix(uBody, SUIT, smoothstep(0.006, 0.012, ring)) * dim);
}

void figure(vec2 p) {
    float a = swing(0.22, 0.0), b = swing(0.17, 0.3);
#if ACT_WALK || ACT_RUN
    float pace = 0.55, hop = 0.05 * abs(swing(pace, 0.0));
    vec2 s = stride(turns(pace)), o = stride(turns(pace) + 0.5), footA = vec2(0.03 + 0.14 * s.x, 0.05 + 0.10 * s.y), footB = vec2(0.03 + 0.14 * o.x, 0.05 + 0.10 * o.y);
    vec2 handA = vec2(0.20 + 0.10 * a, 0.52), handB = vec2(0.14 - 0.08 * a, 0.50);
#elif ACT_DANCE
    float side = swing(0.5, 0.0), hop = 0.06 * abs(swing(1.0, 0.0));
    vec2 footA = vec2(0.17, 0.05 + 0.12 * max(side, 0.0)), footB = vec2(-0.13, 0.05 + 0.12 * max(-side, 0.0));
    vec2 handA = vec2(0.30, 0.70 + 0.22 * side), handB = vec2(-0.24, 0.70 - 0.22 * side);
#else
    float hop = 0.03;
    vec2 footA = vec2(0.13 + 0.04 * a, 0.07 + 0.03 * b), footB = vec2(-0.13 + 0.05 * b, 0.05);
    vec2 handA = vec2(0.31, 0.78 + 0.09 * a), handB = vec2(-0.21 - 0.03 * b, 0.42);
#endif
    vec2 hips = vec2(0.0, 0.36 + hop), chest = vec2(0.02, 0.60 + hop), head = vec2(0.045, 0.84 + hop);
    handA.y += hop;
    handB.y += hop;
    sleeve(p, chest + vec2(-0.05, 0.05), joint(chest + vec2(-0.05, 0.05), handB, 0.17, 0.15, handB.x < 0.0 ? 1.0 : -1.0), handB, 0.065, 0.052, 0.65, false);
    sleeve(p, hips + vec2(-0.04, -0.02), joint(hips + vec2(-0.04, -0.02), footB, 0.18, 0.17, 1.0), footB, 0.085, 0.064, 0.65, true);
    paint(block(p, chest + vec2(-0.135, 0.03), vec2(0.085, 0.165), 0.04), SHADE * 1.5);
    paint(block(p, chest + vec2(-0.155, 0.14), vec2(0.045, 0.02), 0.01), uBody);
    paint(grown(egg(p, hips, vec2(0.125, 0.11), 0.0), egg(p, chest, vec2(0.145, 0.165), 0.0), 0.08), SUIT);
    sleeve(p, hips + vec2(0.04, -0.03), joint(hips + vec2(0.04, -0.03), footA, 0.18, 0.17, 1.0), footA, 0.090, 0.068, 1.0, true);
    paint(block(p, chest + vec2(0.055, -0.01), vec2(0.062, 0.045), 0.015), vec3(0.22, 0.24, 0.28));
    shine(ball(p, chest + vec2(0.025, 0.005), 0.011), vec3(0.9, 0.10, 0.05));
    shine(ball(p, chest + vec2(0.055, 0.005), 0.011), vec3(0.10, 0.7, 0.15));
    paint(block(p, chest + vec2(0.08, 0.105), vec2(0.035, 0.022), 0.004), uBody);
    paint(ball(p, head, 0.145), SUIT);
    vec3 visor = egg(p, head + vec2(0.040, -0.005), vec2(0.098, 0.088), 0.0);
    vec3 gold = mix(vec3(0.50, 0.22, 0.03), vec3(1.1, 0.75, 0.25), smoothstep(-0.6, 0.9, visor.z + 0.3 * visor.y));
    shine(visor, gold * (0.12 + 0.5 * dot(uFill + 0.6 * uKey, vec3(0.33))));
    shine(egg(p, head + vec2(0.005, 0.040), vec2(0.030, 0.013), 0.5), vec3(1.0) * (0.3 + dot(uKey, vec3(0.25))));
    paint(vec3(abs(visor.x) - 0.010, visor.yz * 0.5), SHADE);
    sleeve(p, chest + vec2(0.055, 0.055), joint(chest + vec2(0.055, 0.055), handA, 0.17, 0.15, -1.0), handA, 0.068, 0.054, 1.0, false);
}
