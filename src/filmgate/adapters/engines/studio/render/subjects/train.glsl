// A steam train with its carriages on a track.

const vec3 IRON = vec3(0.035, 0.036, 0.042), BRASS = vec3(0.60, 0.38, 0.10);

void wheel(vec2 p, vec2 hub, float r, float rolled) {
    vec2 q = rotation(rolled) * (p - hub);
    paint(ball(q, vec2(0.0), r), IRON * 0.8);
    float spoke = abs(fract(atan(q.y, q.x) / TURN * 7.0) - 0.5);
    paint(vec3(max(length(q) - r * 0.80, 0.17 - spoke), 0.0, 0.0), vec3(0.28, 0.04, 0.03));
    paint(vec3(abs(length(q) - r * 0.90) - r * 0.07, 0.0, 0.0), vec3(0.30));
    paint(ball(q, vec2(0.0), r * 0.2), vec3(0.35));
}

void carriage(vec2 p, float x, float rolled) {
    paint(block(p, vec2(x, 0.20), vec2(0.78, 0.030), 0.02), IRON);
    paint(block(p, vec2(x, 0.46), vec2(0.80, 0.255), 0.035), mix(uBody, vec3(0.75, 0.66, 0.45), smoothstep(0.44, 0.46, p.y) * smoothstep(0.69, 0.67, p.y) * 0.85));
    paint(block(p, vec2(x, 0.735), vec2(0.84, 0.045), 0.04), vec3(0.16, 0.15, 0.15));
    for (int i = 0; i < 6; i++) {
        vec2 at = vec2(x - 0.60 + 0.24 * float(i), 0.56);
        shine(block(p, at, vec2(0.080, 0.080), 0.02), mix(uFill * 0.22 + 0.015, vec3(1.5, 0.95, 0.40), float(NIGHT)));
    }
    for (float s = -1.0; s < 2.0; s += 2.0) {
        wheel(p, vec2(x + s * 0.46 - 0.12, 0.115), 0.115, rolled);
        wheel(p, vec2(x + s * 0.46 + 0.14, 0.115), 0.115, rolled);
    }
}

void figure(vec2 p) {
    float rolled = turns(0.9) * TURN;
#if PIECE == 0
    float along = p.x * uSelf.x + uFoot.x / uFoot.z;  // the track lies still
    float tie = smoothstep(0.30, 0.36, abs(fract(along * 5.0) - 0.5));
    paint(vec3(abs(p.y + 0.055) - 0.045, 0.0, 0.5), vec3(0.20, 0.18, 0.16) * (0.7 + 0.5 * noise(vec2(along * 24.0, p.y * 30.0))));
    paint(vec3(abs(p.y + 0.026) - 0.014, 0.0, 0.5), mix(vec3(0.13, 0.08, 0.05), vec3(0.03), tie));
    paint(vec3(abs(p.y + 0.006) - 0.008, 0.0, 0.6), vec3(0.32));
#elif PIECE == 1
    // Puffs are blown out with each stroke and stay behind.
    for (int i = 0; i < 12; i++) {
        float age = fract(turns(0.22) + float(i) / 12.0), size = 0.13 + 0.42 * age;
        vec2 at = vec2(2.02 - 3.4 * age, 1.12 + 0.50 * sqrt(age)) + 0.06 * vec2(0.0, sin(17.0 * age + float(i)));
        float n = noise((p - at) * 7.0 + float(i) * 3.7);
        veil(smoothstep(1.0, 0.15, length(p - at) / size + 0.5 * (n - 0.5)) * 0.75 * (1.0 - age) * smoothstep(0.0, 0.06, age), vec3(0.75), vec3(0));
    }
#elif PIECE == 2
    carriage(p, -2.35, rolled);
    carriage(p, -0.62, rolled);
    paint(block(p, vec2(-1.48, 0.22), vec2(0.12, 0.02), 0.01), IRON);
    paint(block(p, vec2(0.28, 0.22), vec2(0.14, 0.02), 0.01), IRON);
#else
    // The engine: cab, boiler, chimney, lamp, cow catcher.
    paint(block(p, vec2(1.25, 0.24), vec2(0.98, 0.050), 0.02), IRON);
    paint(wedge(p, vec2(2.20, 0.28), vec2(2.20, 0.02), vec2(2.52, 0.02)), vec3(0.28, 0.04, 0.03));
    paint(block(p, vec2(2.06, 0.95), vec2(0.060, 0.20), 0.01), IRON);
    paint(wedge(p, vec2(1.93, 1.14), vec2(2.19, 1.14), vec2(2.06, 0.82)), IRON);
    paint(block(p, vec2(2.06, 1.14), vec2(0.14, 0.022), 0.02), BRASS);
    paint(block(p, vec2(1.60, 0.80), vec2(0.075, 0.10), 0.05), BRASS);
    paint(block(p, vec2(1.28, 0.78), vec2(0.10, 0.09), 0.06), uBody);
    vec3 boiler = block(p, vec2(1.56, 0.52), vec2(0.70, 0.235), 0.05);
    boiler.z = clamp((p.y - 0.52) / 0.24, -0.95, 0.95);
    paint(boiler, uBody * 0.8);
    for (int i = 0; i < 4; i++) paint(vec3(max(boiler.x, abs(p.x - 1.05 - 0.33 * float(i)) - 0.014), 0.0, boiler.z), BRASS);
    vec3 front = block(p, vec2(2.27, 0.52), vec2(0.045, 0.235), 0.02);
    front.z = boiler.z;
    paint(front, IRON);
    paint(block(p, vec2(0.70, 0.60), vec2(0.32, 0.36), 0.03), uBody);
    shine(block(p, vec2(0.62, 0.76), vec2(0.14, 0.11), 0.02), mix(uFill * 0.25 + 0.02, vec3(1.4, 0.7, 0.25), float(NIGHT)));
    paint(block(p, vec2(0.66, 0.975), vec2(0.42, 0.034), 0.03), IRON);
    shine(ball(p, vec2(2.30, 0.83), 0.075), vec3(1.0, 0.9, 0.6) * mix(0.7, 3.0, float(NIGHT)));
    wheel(p, vec2(0.62, 0.20), 0.20, rolled);
    wheel(p, vec2(1.10, 0.20), 0.20, rolled);
    wheel(p, vec2(1.58, 0.20), 0.20, rolled);
    wheel(p, vec2(2.00, 0.115), 0.115, rolled * 1.0);
    vec2 crank = 0.105 * vec2(cos(rolled), -sin(rolled));
    paint(limb(p, vec2(0.62, 0.20) + crank, vec2(1.58, 0.20) + crank, 0.022, 0.022), vec3(0.45));
    paint(limb(p, vec2(1.58, 0.20) + crank, vec2(1.98, 0.24), 0.018, 0.018), vec3(0.45));
    paint(block(p, vec2(2.04, 0.26), vec2(0.12, 0.065), 0.03), IRON);
#endif
}
