// A fish: swims, or leaps out of the water.

void fish(vec2 p, float beat_, vec3 colour) {
    p.y += 0.05 * beat_ * (0.25 - p.x) * (0.35 - p.x);
    float open_ = 0.12 * beat_;
    for (float s = -1.0; s < 2.0; s += 2.0)
        paint(wedge(p, vec2(-0.34, 0.0), vec2(-0.60, 0.20 * s + open_), vec2(-0.47, 0.02 * s + open_)) - vec3(0.020, 0.0, 0.0), colour * 0.72);
    paint(wedge(p, vec2(0.20, 0.13), vec2(-0.10, 0.27), vec2(-0.26, 0.08)) - vec3(0.018, 0.0, 0.0), colour * 0.72);
    paint(wedge(p, vec2(0.02, -0.12), vec2(-0.16, -0.24), vec2(-0.20, -0.08)) - vec3(0.014, 0.0, 0.0), colour * 0.72);
    vec3 body = grown(egg(p, vec2(0.08, 0.0), vec2(0.40, 0.205), 0.0), limb(p, vec2(-0.15, 0.0), vec2(-0.42, 0.0), 0.10, 0.035), 0.12);
    float band = smoothstep(0.035, 0.015, abs(abs(p.x - 0.03) - 0.13)) , belly = smoothstep(0.02, -0.16, p.y);
    paint(body, mix(mix(colour, vec3(0.80, 0.78, 0.70), belly * 0.7), vec3(0.85), band * 0.75));
    paint(wedge(p, vec2(0.14, -0.03), vec2(-0.04, -0.06 - 0.05 * beat_), vec2(0.02, -0.14 - 0.05 * beat_)) - vec3(0.014, 0.0, 0.0), colour * 0.62);
    paint(ball(p, vec2(0.32, 0.055), 0.052), vec3(0.85));
    paint(ball(p, vec2(0.335, 0.058), 0.030), vec3(0.01));
    paint(limb(p, vec2(0.47, -0.045), vec2(0.40, -0.062), 0.008, 0.006), colour * 0.3);
}

void figure(vec2 p) {
#if ACT_LEAP
    // The path is a parabola, and the water hides the rest.
    float u = 2.2 * fract(turns(0.4)) - 0.35;
    vec2 at = vec2(1.3 * (u - 0.5), 4.4 * u * (1.0 - u) - 0.12), way = normalize(vec2(1.3, 4.4 * (1.0 - 2.0 * u)));
    fish(mat2(way.x, -way.y, way.y, way.x) * (p - at), swing(2.0, 0.0), uBody);
    covered *= smoothstep(-0.01, 0.04, p.y);
    for (float k = 0.0; k < 2.0; k += 1.0) {
        float age = u - k;
        vec2 drop = p - vec2(1.3 * (k - 0.5), 0.0);
        float d = length(drop / vec2(1.4, 0.28));
        float ring = smoothstep(0.05, 0.0, abs(d - 0.06 - 0.42 * age)) * step(0.0, age) * max(1.0 - age * 1.3, 0.0);
        float jet = 0.5 * sin(3.14159265 * clamp(age * 2.4, 0.0, 1.0));
        float splash = smoothstep(0.18, 0.03, abs(drop.x) + 0.05 * noise(drop * 30.0)) * smoothstep(jet, 0.4 * jet, drop.y) * step(0.0, drop.y) * step(0.02, jet);
        veil(max(ring, splash * noise(drop * vec2(40.0, 18.0))) * 0.7, vec3(0.85), vec3(0));
    }
#else
    fish(p, swing(1.4 + uSelf.y, 0.0), mix(uBody, uBody.gbr, 0.25 * uSelf.y) * (0.75 + 0.4 * uSelf.y));
#endif
}
