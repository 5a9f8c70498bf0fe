// A dog: sits, walks, runs, dances on its hind legs, or floats. Its tail wags whatever it does.

const vec3 NOSE = vec3(0.02, 0.017, 0.015), TONGUE = vec3(0.60, 0.16, 0.17);

vec3 coat(vec2 p) {
    float patch_ = smoothstep(0.50, 0.58, noise(p * 3.1 + 7.0));
    return mix(uBody, vec3(0.72, 0.66, 0.56), patch_ * 0.8);
}

// A head in profile; its skull has a radius of about `r`.
void muzzle(vec2 p, vec2 middle, float r, float tilt, float pant) {
    vec2 q = rotation(-tilt) * (p - middle) / r;
    soft /= r;
    float open_ = 0.10 + 0.10 * pant;
    paint(limb(q, vec2(0.95, -0.42), vec2(1.25, -0.80 - 0.2 * pant), 0.15, 0.19), TONGUE);
    paint(limb(q, vec2(0.45, -0.38 - open_), vec2(1.45, -0.36 - open_), 0.26, 0.15), uBody * 0.75);
    vec3 skull = grown(ball(q, vec2(0.0), 1.0), limb(q, vec2(0.5, -0.16), vec2(1.65, -0.14), 0.52, 0.33), 0.35);
    paint(skull, uBody);
    paint(egg(q, vec2(1.92, 0.06), vec2(0.20, 0.16), 0.0), NOSE);
    paint(ball(q, vec2(0.52, 0.32), 0.17), NOSE);
    shine(ball(q, vec2(0.57, 0.38), 0.05), uFill * 0.7);
    float flap = 0.12 * swing(1.7, 0.2);
    paint(grown(limb(q, vec2(-0.30, 0.62), vec2(-0.62 - flap, -0.30), 0.34, 0.42), limb(q, vec2(-0.62 - flap, -0.30), vec2(-0.55 - flap, -0.75), 0.40, 0.24), 0.1), uBody * 0.45);
    soft *= r;
}

void leg(vec2 p, vec2 hip, vec2 foot, float upper, float lower, float side, float thick, float dim) {
    vec2 ankle = foot + vec2(-0.01, 0.03), knee = joint(hip, ankle, upper, lower, side);
    paint(egg(p, foot + vec2(0.022, 0.022), vec2(0.055, 0.030), 0.0), vec3(0.70, 0.64, 0.54) * dim);
    paint(grown(limb(p, hip, knee, thick * 1.7, thick), limb(p, knee, ankle, thick, thick * 0.7), 0.03), uBody * dim);
}

void wag(vec2 p, vec2 root, float angle) {
    float w = swing(2.4, 0.0);
    vec2 a = root + 0.14 * vec2(cos(angle), sin(angle)), b = a + 0.15 * vec2(cos(angle - 0.55 - 0.35 * w), sin(angle - 0.55 - 0.35 * w));
    paint(grown(limb(p, root, a, 0.040, 0.034), limb(p, a, b, 0.034, 0.018), 0.01), uBody * 0.9);
}

void figure(vec2 p) {
#if ACT_DANCE
    float hop = abs(swing(1.0, 0.0)), side = swing(0.5, 0.0), beat_ = swing(1.0, 0.12);
    vec2 hips = vec2(-0.08 + 0.05 * side, 0.30 + 0.05 * hop), chest = hips + vec2(0.06 + 0.02 * beat_, 0.28);
    wag(p, hips + vec2(-0.10, -0.06), 2.9);
    leg(p, hips + vec2(-0.02, -0.06), vec2(-0.16, 0.08 * max(-side, 0.0) * hop), 0.16, 0.15, -1.0, 0.052, 0.6);
    leg(p, hips + vec2(0.04, -0.06), vec2(0.02, 0.08 * max(side, 0.0) * hop), 0.16, 0.15, -1.0, 0.056, 1.0);
    leg(p, chest + vec2(0.06, 0.02), chest + vec2(0.26, 0.06 - 0.12 * side), 0.14, 0.13, -1.0, 0.040, 0.6);
    paint(grown(egg(p, hips, vec2(0.14, 0.15), 0.0), egg(p, chest, vec2(0.14, 0.18), 0.15), 0.12), coat(p));
    leg(p, chest + vec2(0.06, 0.0), chest + vec2(0.25, -0.06 + 0.14 * side), 0.14, 0.13, -1.0, 0.044, 1.0);
    paint(limb(p, chest + vec2(0.03, 0.08), chest + vec2(0.09, 0.22), 0.095, 0.08), uBody);
    muzzle(p, chest + vec2(0.09, 0.27 + 0.01 * beat_), 0.115, 0.14 * beat_ + 0.12, hop);
#elif ACT_WALK || ACT_RUN || ACT_FLOAT
  #if ACT_RUN
    float pace = 1.8, step_ = 0.27, lift = 0.17, shift = 0.12, nod = 0.03;
  #elif ACT_WALK
    float pace = 1.0, step_ = 0.15, lift = 0.07, shift = 0.25, nod = 0.012;
  #else
    float pace = 0.5, step_ = 0.12, lift = 0.12, shift = 0.25, nod = 0.01;
  #endif
    float bob = nod * swing(2.0 * pace, 0.0), t = turns(pace);
    vec2 rump = vec2(-0.34, 0.54 - bob), shoulder = vec2(0.26, 0.57 + bob);
    vec2 a = stride(t), b = stride(t + 0.5), c = stride(t + shift), d = stride(t + 0.5 + shift);
    leg(p, rump + vec2(0.03, -0.06), vec2(-0.36 + b.x * step_, b.y * lift), 0.25, 0.25, -1.0, 0.048, 0.5);
    leg(p, shoulder + vec2(-0.02, -0.09), vec2(0.25 + d.x * step_, d.y * lift), 0.24, 0.24, 1.0, 0.042, 0.5);
    wag(p, rump + vec2(-0.12, 0.08), 2.15);
    vec3 trunk = grown(grown(egg(p, rump, vec2(0.16, 0.15), 0.0), egg(p, shoulder, vec2(0.18, 0.19), 0.2), 0.12),
        limb(p, vec2(-0.26, 0.55), vec2(0.20, 0.55), 0.125, 0.15), 0.10);
    paint(trunk, coat(p));
    leg(p, rump + vec2(0.0, -0.05), vec2(-0.38 + a.x * step_, a.y * lift), 0.25, 0.25, -1.0, 0.054, 1.0);
    leg(p, shoulder + vec2(0.0, -0.08), vec2(0.26 + c.x * step_, c.y * lift), 0.24, 0.24, 1.0, 0.046, 1.0);
    paint(limb(p, shoulder + vec2(0.04, 0.05), shoulder + vec2(0.17, 0.24), 0.115, 0.09), uBody);
    paint(limb(p, shoulder + vec2(0.08, 0.20), shoulder + vec2(0.20, 0.15), 0.026, 0.026), vec3(0.55, 0.05, 0.04));
    muzzle(p, shoulder + vec2(0.21, 0.29 + bob), 0.115, 0.05 + 2.0 * bob, 0.5 + 0.5 * swing(2.0, 0.1));
#else
    float breath = 0.008 * swing(1.3, 0.0);
    wag(p, vec2(-0.27, 0.06), 2.6);
    leg(p, vec2(0.10, 0.50), vec2(0.08, 0.0), 0.25, 0.25, 1.0, 0.045, 0.55);
    vec3 trunk = grown(egg(p, vec2(-0.13, 0.20), vec2(0.19, 0.19), 0.0), egg(p, vec2(0.06 + breath, 0.47), vec2(0.15, 0.23), -0.35), 0.14);
    paint(trunk, coat(p));
    paint(egg(p, vec2(-0.10, 0.14), vec2(0.17, 0.13), 0.35), uBody * 1.05);
    paint(egg(p, vec2(0.02, 0.03), vec2(0.095, 0.034), 0.0), vec3(0.70, 0.64, 0.54));
    leg(p, vec2(0.13, 0.50), vec2(0.15, 0.0), 0.25, 0.25, 1.0, 0.052, 1.0);
    paint(limb(p, vec2(0.09, 0.58), vec2(0.14, 0.76), 0.115, 0.09), uBody);
    paint(limb(p, vec2(0.04, 0.68), vec2(0.20, 0.64), 0.024, 0.024), vec3(0.55, 0.05, 0.04));
    muzzle(p, vec2(0.15, 0.82 + breath), 0.125, 0.12 * swing(0.15, 0.0), 0.5 + 0.5 * swing(1.3, 0.1));
#endif
}
