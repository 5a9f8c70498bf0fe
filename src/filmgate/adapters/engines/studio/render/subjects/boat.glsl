// A boat under sail, or a ship under steam.

const vec3 WOOD = vec3(0.22, 0.10, 0.045), SAIL = vec3(0.86, 0.83, 0.76);

void sail(vec2 p, vec2 foot, vec2 head, vec2 clew, float belly, float seam) {
    vec3 cloth = wedge(p, foot, head, clew);
    float bulge = belly * (0.4 + 0.6 * smoothstep(0.0, 0.4, p.y - foot.y));
    cloth.yz = vec2(bulge * 0.7 + 0.2 * swing(0.3, 0.1), 0.12);
    float bands = 1.0 - 0.10 * smoothstep(0.006, 0.0, abs(fract((p.y + seam) * 7.0) - 0.5) / 7.0);
    paint(cloth, mix(SAIL, uBody, smoothstep(0.36, 0.30, p.y) * 0.0) * bands);
}

vec3 hull(vec2 p, float stern, float bow, float deck, float keel) {
    float t = clamp((p.x - stern) / (bow - stern), 0.0, 1.0);
    float top = deck + 0.075 * t * t * t + 0.025 * (1.0 - t) * (1.0 - t);
    float front = (p.x - bow + 0.13 * (top - p.y) / max(top - keel, 0.05)) * 0.75, back = (stern - p.x + 0.06 * (top - p.y) / max(top - keel, 0.05)) * 0.9;
    float d = max(max(p.y - top, keel - p.y), max(front, back));
    return vec3(d, (t - 0.5) * 0.9, mix(-0.45, 0.25, smoothstep(keel, top, p.y)));
}

void figure(vec2 p) {
#if ACT_STEAM
    for (int i = 0; i < 7; i++) {
        float age = fract(turns(0.16) + float(i) / 7.0), size = 0.05 + 0.20 * age;
        vec2 at = vec2(-0.06 - 0.95 * age, 0.66 + 0.30 * age) + vec2(0.0, 0.03 * sin(20.0 * age));
        veil(smoothstep(1.0, 0.1, length(p - at) / size) * 0.5 * (1.0 - age) * smoothstep(0.0, 0.1, age), vec3(0.35), vec3(0));
    }
    paint(block(p, vec2(-0.08, 0.53), vec2(0.055, 0.15), 0.02), vec3(0.55, 0.07, 0.04));
    paint(block(p, vec2(-0.08, 0.66), vec2(0.058, 0.025), 0.01), vec3(0.03));
    paint(limb(p, vec2(0.50, 0.25), vec2(0.50, 0.66), 0.010, 0.006), vec3(0.25));
    paint(block(p, vec2(-0.05, 0.34), vec2(0.42, 0.055), 0.02), vec3(0.80));
    paint(block(p, vec2(0.08, 0.43), vec2(0.22, 0.045), 0.02), vec3(0.82));
    for (int i = 0; i < 9; i++) {
        vec2 at = vec2(-0.40 + 0.085 * float(i), 0.345);
        shine(block(p, at, vec2(0.022, 0.018), 0.006), mix(vec3(0.02, 0.03, 0.04), vec3(1.2, 0.8, 0.35), float(NIGHT)));
    }
    paint(hull(p, -0.86, 0.88, 0.27, -0.10), mix(vec3(0.55, 0.06, 0.04), uBody * 0.4, smoothstep(0.045, 0.055, p.y)));
#else
    paint(limb(p, vec2(-0.02, 0.10), vec2(-0.02, 0.985), 0.012, 0.007), WOOD);
    sail(p, vec2(0.03, 0.24), vec2(0.005, 0.90), vec2(0.46, 0.24), 0.35, 0.0);
    sail(p, vec2(-0.05, 0.20), vec2(-0.045, 0.96), vec2(-0.50, 0.22), -0.35, 0.03);
    paint(limb(p, vec2(-0.03, 0.19), vec2(-0.50, 0.205), 0.011, 0.009), WOOD);
    float flutter = 0.02 * sin(p.x * 60.0 + beat(9.0) * uTime);
    vec3 pennant = wedge(p + vec2(0.0, flutter * smoothstep(-0.02, -0.16, p.x)), vec2(-0.02, 0.985), vec2(-0.02, 0.935), vec2(-0.19, 0.955));
    paint(pennant, uBody);
    paint(egg(p, vec2(-0.30, 0.235), vec2(0.040, 0.060), 0.0), uBody * 0.6);
    paint(ball(p, vec2(-0.295, 0.315), 0.030), vec3(0.60, 0.38, 0.27));
    vec3 planks = mix(WOOD, uBody, step(0.055, p.y)) * (0.85 + 0.25 * step(0.5, fract(p.y * 17.0)));
    planks = mix(planks, vec3(0.80), smoothstep(0.012, 0.006, abs(p.y - 0.135 - 0.05 * smoothstep(0.0, 0.6, p.x))));
    paint(hull(p, -0.55, 0.62, 0.17, -0.12), planks);
#endif
}
