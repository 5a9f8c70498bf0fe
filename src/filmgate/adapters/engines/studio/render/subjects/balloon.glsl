// A hot-air balloon.

void figure(vec2 p) {
    vec2 basket = vec2(0.0, 0.075);
    float t = clamp((p.y - 0.24) / 0.76, 0.0, 1.0);
    // The envelope: round above, drawn together below.
    float girth = 0.335 * sqrt(max(1.0 - pow(abs(t - 0.58) / (t > 0.58 ? 0.42 : 0.66), 2.0), 0.0));
    girth = t < 0.58 ? mix(0.070, girth, smoothstep(-0.12, 0.62, t)) : girth;
    float d = max((abs(p.x) - girth) * 0.88, max(0.24 - p.y, p.y - 1.0));
    float across = clamp(p.x / max(girth, 0.02), -0.985, 0.985), round_ = asin(across) / 3.14159265 + 0.02 * swing(0.05, 0.0);
    for (float s = -1.0; s < 2.0; s += 2.0) {
        paint(limb(p, vec2(0.066 * s, 0.255), basket + vec2(0.048 * s, 0.04), 0.003, 0.003), vec3(0.05));
        paint(limb(p, vec2(0.022 * s, 0.255), basket + vec2(0.030 * s, 0.04), 0.0025, 0.0025), vec3(0.05));
    }
    float burn = smoothstep(0.1, 0.6, swing(0.21, 0.1));
    float gore = fract(round_ * 8.0 + 0.25), edge = abs(gore - 0.5);
    vec3 stripe = mix(uBody, vec3(0.88, 0.80, 0.60), step(0.5, fract(round_ * 4.0 + 0.125)));
    stripe = mix(stripe, vec3(0.05, 0.08, 0.22), smoothstep(0.35, 0.37, t) * smoothstep(0.50, 0.48, t));
    stripe *= 0.80 + 0.35 * smoothstep(0.5, 0.15, edge);
    vec3 cloth = vec3(d, across * 0.95, clamp((t - 0.58) * 1.7, -0.55, 0.9));
    paint(cloth, stripe);
    float inside = smoothstep(soft, -soft, d) * (0.10 + (0.35 + 1.2 * float(NIGHT)) * burn) * exp(-3.4 * t) * (1.0 - 0.5 * abs(across));
    glow += stripe * vec3(1.5, 0.8, 0.3) * inside;
    paint(block(p, vec2(0.0, 0.250), vec2(0.070, 0.012), 0.01), uBody * 0.5);
    veil(burn * smoothstep(1.0, 0.2, length((p - vec2(0.0, 0.215)) / vec2(0.016, 0.050))), vec3(0), vec3(1.6, 0.85, 0.25));
    for (float s = -1.0; s < 2.0; s += 2.0) {
        paint(egg(p, basket + vec2(0.020 * s, 0.058), vec2(0.013, 0.026), 0.0), s > 0.0 ? vec3(0.10, 0.15, 0.35) : vec3(0.40, 0.10, 0.08));
        paint(ball(p, basket + vec2(0.020 * s, 0.092), 0.012), vec3(0.60, 0.38, 0.27));
    }
    float weave = 0.75 + 0.25 * step(0.5, fract(p.y * 75.0 + 0.5 * step(0.5, fract(p.x * 45.0))));
    paint(block(p, basket, vec2(0.055, 0.048), 0.014), vec3(0.30, 0.17, 0.07) * weave);
    paint(block(p, basket + vec2(0.0, 0.046), vec2(0.060, 0.009), 0.008), vec3(0.20, 0.10, 0.04));
}
