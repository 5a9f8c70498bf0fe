// A whale: swims, or comes up to blow and shows its fluke.

vec3 skin(vec2 p, vec2 q) {
    float belly = smoothstep(-0.02, -0.14, q.y + 0.03 * sin(q.x * 3.0));
    float grooves = belly * smoothstep(0.3, 0.7, sin(q.y * 130.0) * 0.5 + 0.5) * smoothstep(0.0, 0.2, q.x);
    float spots = smoothstep(0.66, 0.76, noise(p * 17.0)) * 0.25;
    return mix(uBody * (1.0 + spots), vec3(0.55, 0.58, 0.60) * (1.0 - 0.45 * grooves), belly);
}

// q: the body's own coordinates, 2 long, its nose at the right.
void whale(vec2 q, float beat_) {
    vec2 straight = q;
    q.y -= 0.16 * beat_ * smoothstep(0.0, -1.0, q.x) * (0.3 - q.x) - 0.02 * beat_;
    vec2 root = vec2(-0.92, 0.02);
    paint(grown(limb(q, root, vec2(-1.16, 0.13 + 0.06 * beat_), 0.05, 0.030), limb(q, root, vec2(-1.14, -0.06 + 0.10 * beat_), 0.05, 0.026), 0.08), uBody * 0.75);
    paint(limb(q, vec2(0.38, -0.12), vec2(0.16, -0.36 + 0.05 * beat_), 0.060, 0.028), uBody * 0.55);
    vec3 body = grown(egg(q, vec2(0.36, 0.0), vec2(0.56, 0.255), 0.0), limb(q, vec2(0.05, 0.0), vec2(-0.90, 0.015), 0.205, 0.035), 0.20);
    body = grown(body, egg(q, vec2(0.72, -0.05), vec2(0.26, 0.17), 0.0), 0.10);
    body = grown(body, limb(q, vec2(-0.42, 0.14), vec2(-0.52, 0.20), 0.03, 0.012), 0.06);
    paint(body, skin(straight, q));
    paint(limb(q, vec2(0.94, -0.06), vec2(0.56, -0.11), 0.007, 0.005), uBody * 0.25);
    paint(ball(q, vec2(0.52, -0.045), 0.022), vec3(0.012));
    paint(ball(q, vec2(0.527, -0.038), 0.006), vec3(0.6));
    paint(grown(limb(q, vec2(0.30, -0.14), vec2(0.10, -0.34 - 0.05 * beat_), 0.070, 0.034), ball(q, vec2(0.30, -0.13), 0.06), 0.04), uBody * 0.8);
}

void figure(vec2 p) {
#if ACT_BLOW
    // It lies at the surface, blows, and dives with its fluke in the air.
    float t = fract(turns(0.16) + 0.25), up = max(smoothstep(0.60, 0.44, t), smoothstep(0.84, 1.0, t));
    float dive = smoothstep(0.46, 0.62, t) * smoothstep(0.92, 0.78, t);
    vec2 q = rotation(0.10 * smoothstep(0.3, 0.6, t) - 0.02) * (p - vec2(0.0, mix(-0.62, 0.05, up) + 0.02 * swing(0.35, 0.0)));
    if (up > 0.02) whale(q / 1.15, swing(0.4, 0.0) * 0.4);
    vec2 tail = p - vec2(-0.75, mix(-0.75, 0.04, dive));
    tail = rotation(0.45 * smoothstep(0.60, 0.95, t)) * tail;
    vec3 fluke = limb(tail, vec2(0.12, -0.4), vec2(0.0, 0.34), 0.12, 0.055);
    for (float s = -1.0; s < 2.0; s += 2.0)
        fluke = grown(fluke, grown(limb(tail, vec2(0.0, 0.34), vec2(0.22 * s, 0.50), 0.06, 0.055), limb(tail, vec2(0.22 * s, 0.50), vec2(0.40 * s, 0.44), 0.055, 0.012), 0.04), 0.05);
    if (dive > 0.02) paint(fluke, uBody);
    covered *= smoothstep(-0.015, 0.02, p.y - 0.02 * sin(p.x * 8.0 + beat(2.3) * uTime));
    float puff = clamp((t - 0.22) / 0.22, 0.0, 1.0), fade = smoothstep(0.0, 0.06, puff) * (1.0 - puff);
    vec2 b = (p - vec2(0.62, 0.24)) / vec2(0.10 + 0.30 * smoothstep(0.0, 0.8, p.y - 0.2), 0.85 * puff + 0.05);
    float spray = noise(vec2(p.x * 16.0, p.y * 9.0 - 5.0 * t)) * smoothstep(1.0, 0.2, abs(b.x)) * smoothstep(0.0, 0.08, b.y) * smoothstep(1.0, 0.55, b.y);
    veil(spray * fade * 2.2 * step(0.24, p.y), vec3(0.9), vec3(0));
    float foam = smoothstep(0.05, 0.0, abs(p.y)) * smoothstep(1.05, 0.7, abs(p.x + 0.75 * dive)) * smoothstep(0.35, 0.7, noise(vec2(p.x * 9.0, 3.0) + sway(0.8, 1.3, 0.0)));
    veil(foam * max(up, dive * step(abs(p.x + 0.75), 0.4)) * 0.7, vec3(0.9), vec3(0));
#else
    float t = swing(0.22, 0.0);
    whale((p - vec2(0.0, 0.5 + 0.03 * swing(0.13, 0.2))) * rotation(0.04 * swing(0.13, 0.0)) / 1.0, t);
#endif
}
