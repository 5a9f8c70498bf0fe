// A rocket on its flame; p.y is along the rocket.

void figure(vec2 p) {
    vec3 white = vec3(0.80, 0.80, 0.82);
    float quick = swing(5.3, 0.0) * 0.5 + swing(3.1, 0.3) * 0.5;
#if ACT_FLY
    float r = length(vec2(p.x, 0.0)), down = 0.10 - p.y, length_ = 0.72 + 0.10 * quick;
    float wide = 0.085 * (1.0 + 1.2 * down) * smoothstep(length_, 0.0, down) + 0.02;
    float rough = noise(vec2(p.x * 14.0, p.y * 6.0) + sway(1.5, 9.0, 0.0));
    float fire = smoothstep(1.1, 0.2, r / wide + 0.5 * (rough - 0.5)) * smoothstep(0.0, 0.03, down) * smoothstep(length_ + 0.05, 0.0, down);
    vec3 hot = mix(vec3(1.0, 0.20, 0.02), vec3(1.2, 0.85, 0.30), smoothstep(0.9, 0.2, r / wide + down * 0.9));
    veil(0.35 * exp(-5.0 * length(vec2(p.x * 1.3, max(down - 0.3, 0.0) + min(down, 0.0)))) * smoothstep(-0.1, 0.25, down), vec3(0), vec3(1.0, 0.45, 0.12) * 0.6);
    veil(fire, vec3(0), mix(hot, vec3(1.5, 1.4, 1.2), smoothstep(0.35, 0.0, r / wide + down * 1.3)) * 1.6);
#endif
    paint(wedge(p, vec2(-0.055, 0.16), vec2(0.055, 0.16), vec2(0.0, 0.34)) - vec3(0.01, 0.0, 0.0), vec3(0.10));
    paint(block(p, vec2(0.0, 0.125), vec2(0.075, 0.045), 0.02), vec3(0.09));
    for (float s = -1.0; s < 2.0; s += 2.0) {
        vec3 fin = grown(limb(p, vec2(s * 0.10, 0.40), vec2(s * 0.235, 0.17), 0.035, 0.018), limb(p, vec2(s * 0.235, 0.17), vec2(s * 0.245, 0.035), 0.018, 0.012), 0.03);
        fin = grown(fin, wedge(p, vec2(s * 0.10, 0.40), vec2(s * 0.10, 0.17), vec2(s * 0.24, 0.12)), 0.01);
        paint(fin, uBody);
    }
    float t = clamp((p.y - 0.14) / 0.86, 0.0, 1.0), girth = 0.145 * sqrt(max(1.0 - pow(abs(t - 0.30) / 0.71, 2.4), 0.0));
    float d = max((abs(p.x) - girth) * (0.94 - 0.25 * t), max(0.14 - p.y, p.y - 1.0));
    vec3 hull = vec3(d, clamp(p.x / max(girth, 0.02), -0.97, 0.97), 0.25 * smoothstep(0.7, 1.0, t));
    vec3 colour = mix(white, uBody, smoothstep(0.775, 0.780, p.y) + smoothstep(0.30, 0.295, p.y) * smoothstep(0.245, 0.25, p.y));
    colour *= 1.0 - 0.25 * smoothstep(0.005, 0.002, min(abs(p.y - 0.48), abs(p.y - 0.70)));
    paint(hull, colour);
    paint(ball(p, vec2(0.02, 0.600), 0.068), vec3(0.45));
    shine(ball(p, vec2(0.02, 0.600), 0.050), mix(uFill * 0.4 + 0.03, vec3(0.25, 0.55, 0.75), 0.4));
    shine(ball(p, vec2(0.005, 0.617), 0.014), vec3(0.9));
    paint(limb(p, vec2(0.0, 0.15), vec2(0.0, 0.36), 0.020, 0.014), uBody * 0.85);
}
