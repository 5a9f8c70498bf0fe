// A flock of birds on the wing.

const int BIRDS = 7;

void bird(vec2 p, float flap, float bank) {
    vec3 dim = uBody * 0.55;
    for (float s = -1.0; s < 2.0; s += 2.0) {
        vec2 shoulder = vec2(0.03, 0.02), wrist = shoulder + vec2(-0.02 + 0.10 * s, 0.30 * flap + 0.06);
        vec2 tip = wrist + vec2(-0.17 + 0.16 * s, 0.26 * flap - 0.10 + 0.05 * bank * s);
        vec3 wing = grown(limb(p, shoulder, wrist, 0.060, 0.052), limb(p, wrist, tip, 0.052, 0.006), 0.03);
        if (s < 0.0) paint(wing, dim); else paint(wing, uBody);
        if (s < 0.0) {
            paint(wedge(p, vec2(-0.10, 0.02), vec2(-0.32, 0.05), vec2(-0.31, -0.03)), dim);
            paint(grown(egg(p, vec2(0.0, 0.0), vec2(0.17, 0.062), 0.08), ball(p, vec2(0.17, 0.035), 0.058), 0.05), uBody);
            paint(wedge(p, vec2(0.21, 0.055), vec2(0.21, 0.015), vec2(0.29, 0.025)), vec3(0.75, 0.38, 0.06));
        }
    }
}

void figure(vec2 p) {
    for (int i = 0; i < BIRDS; i++) {
        float k = float(i), row = floor((k + 1.0) / 2.0), side = i % 2 == 0 ? 1.0 : -1.0;
        vec2 r = hash2(vec2(k, 23.0 + 91.0 * uSelf.y));
        float size = 0.62 - 0.05 * row + 0.10 * r.x, rate = 1.3 + 0.7 * r.y;
        vec2 at = vec2(0.72 - 0.40 * row, 0.52 + 0.125 * row * side) + 0.05 * (r - 0.5) + vec2(0.030, 0.035) * vec2(swing(0.21 + 0.2 * r.x, r.y), swing(0.31 + 0.2 * r.y, r.x));
        vec2 q = (p - at) / size;
        if (abs(q.x) < 0.62 && abs(q.y) < 0.75) {
            soft /= size;
            float glide = smoothstep(-0.2, 0.6, swing(0.16, 3.0 * r.x));
            bird(q, mix(0.35 * swing(rate * 0.25, r.x), swing(rate, r.x), glide), 2.0 * r.x - 1.0);
            soft *= size;
        }
    }
}
