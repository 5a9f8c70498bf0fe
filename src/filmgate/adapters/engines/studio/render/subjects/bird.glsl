// A bird on the wing.

void figure(vec2 p) {
    float glide = smoothstep(-0.2, 0.6, swing(0.16, 0.0)), rate = 1.3 + 0.7 * uSelf.y, bank = 2.0 * uSelf.y - 1.0;
    float flap = mix(0.35 * swing(rate * 0.25, 0.0), swing(rate, 0.0), glide);
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
