// A cat: sits and looks around, walks, runs, dances on its hind legs, or floats.

vec3 fur(vec2 p) {
    float stripe = smoothstep(0.45, 0.75, noise(vec2(p.x * 16.0 + 2.0 * p.y, p.y * 5.0)));
    return mix(uBody, uBody * 0.42, stripe * 0.75);
}

const vec3 PINK = vec3(0.62, 0.30, 0.28);

// A head seen from the front, with a radius of about `r`.
void face(vec2 p, vec2 middle, float r, float tilt, float look) {
    vec2 q = rotation(-tilt) * (p - middle) / r;
    soft /= r;
    for (float s = -1.0; s < 2.0; s += 2.0) {
        float x = 0.12 * look;
        paint(wedge(q, vec2(s * 0.92 + x, 0.35), vec2(s * 0.22 + x, 0.78), vec2(s * 0.80 + x, 1.42)) - vec3(0.06, 0.0, 0.0), uBody * 0.8);
        paint(wedge(q, vec2(s * 0.78 + x, 0.50), vec2(s * 0.40 + x, 0.78), vec2(s * 0.73 + x, 1.22)), PINK);
    }
    paint(grown(egg(q, vec2(0.0), vec2(1.02, 0.86), 0.0), egg(q, vec2(0.0, -0.30), vec2(0.98, 0.55), 0.0), 0.2), fur(q * 0.12 + 3.0));
    float x = 0.20 * look;
    paint(egg(q, vec2(x - 0.20, -0.42), vec2(0.28, 0.22), 0.0), vec3(0.75, 0.70, 0.62));
    paint(egg(q, vec2(x + 0.20, -0.42), vec2(0.28, 0.22), 0.0), vec3(0.75, 0.70, 0.62));
    float blink = 1.0 - 0.92 * smoothstep(0.97, 0.995, swing(0.23, 0.4));
    for (float s = -1.0; s < 2.0; s += 2.0) {
        vec2 eye = vec2(s * 0.40 + x, 0.06);
        shine(egg(q, eye, vec2(0.21, 0.20 * blink), 0.0), vec3(0.42, 0.52, 0.10) * (0.25 + 0.6 * uLight.g));
        paint(egg(q, eye + vec2(0.06 * look, 0.0), vec2(0.075, 0.17 * blink), 0.0), vec3(0.01));
    }
    paint(wedge(q, vec2(x - 0.13, -0.20), vec2(x + 0.13, -0.20), vec2(x, -0.36)), PINK);
    for (float s = -1.0; s < 2.0; s += 2.0)
        for (float k = -1.0; k < 2.0; k += 1.0)
            paint(limb(q, vec2(x + s * 0.38, -0.40 + 0.03 * k), vec2(x + s * 1.30, -0.36 + 0.16 * k), 0.014, 0.006), vec3(0.8));
    soft *= r;
}

// A tail of four pieces that curls from its root.
void tail(vec2 p, vec2 root, float angle, float curl, float length_, float thick) {
    vec2 a = root;
    vec3 shape = vec3(1e3, 0.0, 0.0);
    for (int i = 0; i < 5; i++) {
        vec2 b = a + length_ * 0.2 * vec2(cos(angle), sin(angle));
        shape = grown(shape, limb(p, a, b, thick, thick * 0.96), 0.008);
        a = b;
        angle += curl;
        curl *= 1.12;
    }
    paint(shape, fur(p) * 0.9);
}

void paw(vec2 p, vec2 hip, vec2 foot, float upper, float lower, float side, float thick, float dim) {
    vec2 knee = joint(hip, foot + vec2(0.0, 0.02), upper, lower, side);
    paint(grown(limb(p, hip, knee, thick * 1.5, thick), limb(p, knee, foot + vec2(0.0, 0.02), thick, thick * 0.72), 0.03), fur(p) * dim);
    paint(egg(p, foot + vec2(0.018, 0.018), vec2(0.042, 0.024), 0.0), uBody * dim * 1.05);
}

void figure(vec2 p) {
#if ACT_DANCE
    float hop = abs(swing(1.0, 0.0)), side = swing(0.5, 0.0), beat_ = swing(1.0, 0.12);
    vec2 hips = vec2(0.05 * side, 0.24 + 0.05 * hop), chest = vec2(-0.02 * side, 0.50 + 0.05 * hop);
    tail(p, hips + vec2(-0.08, -0.04), 2.7 + 0.5 * beat_, -0.42 + 0.12 * side, 0.46, 0.028);
    float lift = max(side, 0.0), other = max(-side, 0.0);
    for (float s = -1.0; s < 2.0; s += 2.0) {
        float up = s > 0.0 ? lift : other;
        vec2 foot = vec2(s * (0.13 + 0.04 * up), 0.10 * up * hop);
        vec2 hip = hips + vec2(s * 0.085, -0.02), knee = joint(hip, foot + vec2(0.0, 0.03), 0.15, 0.13, s);
        paint(grown(egg(p, mix(hip, knee, 0.35), vec2(0.085, 0.11), s * 0.35), limb(p, knee, foot + vec2(0.0, 0.03), 0.05, 0.036), 0.04), fur(p));
        paint(egg(p, foot + vec2(s * 0.025, 0.022), vec2(0.062, 0.028), 0.0), uBody * 1.1);
    }
    paint(grown(egg(p, hips, vec2(0.135, 0.15), 0.0), egg(p, chest, vec2(0.11, 0.15), 0.0), 0.10), fur(p));
    paint(egg(p, mix(hips, chest, 0.45) + vec2(0.0, 0.0), vec2(0.075, 0.17), 0.06 * side), vec3(0.75, 0.70, 0.62));
    for (float s = -1.0; s < 2.0; s += 2.0) {
        float up = 0.5 + 0.5 * side * s;
        vec2 shoulder = chest + vec2(s * 0.085, 0.06);
        vec2 hand = shoulder + vec2(s * mix(0.17, 0.13, up), mix(-0.10, 0.20, up) + 0.03 * beat_);
        vec2 elbow = joint(shoulder, hand, 0.12, 0.12, s);
        paint(grown(limb(p, shoulder, elbow, 0.045, 0.038), limb(p, elbow, hand, 0.038, 0.032), 0.03), fur(p));
        paint(ball(p, hand, 0.042), uBody * 1.1);
    }
    face(p, chest + vec2(0.02 * beat_, 0.26), 0.165, 0.16 * beat_, 0.35 * side);
#elif ACT_WALK || ACT_RUN || ACT_FLOAT
  #if ACT_RUN
    float pace = 1.7, step_ = 0.26, lift = 0.16, shift = 0.12;
  #elif ACT_WALK
    float pace = 0.95, step_ = 0.13, lift = 0.06, shift = 0.25;
  #else
    float pace = 0.3, step_ = 0.10, lift = 0.10, shift = 0.2;
  #endif
    float bob = 0.012 * swing(2.0 * pace, 0.0), t = turns(pace);
    vec2 rump = vec2(-0.36, 0.50 - bob), shoulder = vec2(0.30, 0.51 + bob);
    vec2 a = stride(t), b = stride(t + 0.5), c = stride(t + shift), d = stride(t + 0.5 + shift);
    paw(p, rump + vec2(0.02, -0.04), vec2(-0.36 + b.x * step_, b.y * lift), 0.25, 0.26, -1.0, 0.042, 0.55);
    paw(p, shoulder + vec2(0.0, -0.06), vec2(0.32 + d.x * step_, d.y * lift), 0.23, 0.24, 1.0, 0.038, 0.55);
    tail(p, rump + vec2(-0.10, 0.04), 2.5 + 0.15 * swing(0.6, 0.0), -0.33 + 0.1 * swing(0.6, 0.2), 0.62, 0.030);
    vec3 trunk = grown(grown(egg(p, rump, vec2(0.17, 0.155), 0.0), egg(p, shoulder, vec2(0.16, 0.150), 0.0), 0.12),
        limb(p, vec2(-0.25, 0.50), vec2(0.22, 0.50), 0.125, 0.12), 0.10);
    paint(trunk, fur(p));
    paw(p, rump + vec2(-0.01, -0.03), vec2(-0.38 + a.x * step_, a.y * lift), 0.25, 0.26, -1.0, 0.048, 1.0);
    paw(p, shoulder + vec2(0.02, -0.05), vec2(0.31 + c.x * step_, c.y * lift), 0.23, 0.24, 1.0, 0.042, 1.0);
    paint(limb(p, shoulder + vec2(0.02, 0.04), shoulder + vec2(0.16, 0.19), 0.105, 0.09), fur(p));
    face(p, shoulder + vec2(0.20, 0.245 + 0.5 * bob), 0.165, 0.04 * swing(pace, 0.1), 0.55);
#else
    float breath = 0.006 * swing(0.35, 0.0), look = 0.7 * swing(0.17, 0.1);
    tail(p, vec2(-0.20, 0.05), 3.0, -0.36 + 0.16 * swing(0.4, 0.0), 0.50, 0.036);
    vec3 trunk = grown(egg(p, vec2(-0.02, 0.20), vec2(0.24, 0.205), 0.0), egg(p, vec2(0.02, 0.42), vec2(0.155 + breath, 0.21), 0.0), 0.14);
    paint(trunk, fur(p));
    paint(egg(p, vec2(0.02, 0.40), vec2(0.085, 0.15), 0.0), vec3(0.75, 0.70, 0.62));
    for (float s = -1.0; s < 2.0; s += 2.0) {
        paint(egg(p, vec2(s * 0.185, 0.13), vec2(0.105, 0.135), s * 0.25), fur(p));
        paint(egg(p, vec2(s * 0.20, 0.026), vec2(0.078, 0.030), 0.0), uBody * 1.1);
        paint(limb(p, vec2(s * 0.065 + 0.01, 0.36), vec2(s * 0.07, 0.05), 0.058, 0.044), fur(p));
        paint(egg(p, vec2(s * 0.072, 0.030), vec2(0.056, 0.032), 0.0), uBody * 1.1);
    }
    face(p, vec2(0.02 + 0.02 * look, 0.73 + breath), 0.180, -0.06 * look, look);
#endif
}
