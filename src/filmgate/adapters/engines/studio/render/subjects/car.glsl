// A car that drives by, or stands.

const vec3 TYRE = vec3(0.018), METAL = vec3(0.50);

void wheel(vec2 p, vec2 hub, float r, float rolled) {
    paint(ball(p, hub, r), TYRE);
    vec2 q = rotation(rolled) * (p - hub);
    paint(ball(q, vec2(0.0), r * 0.64), METAL * 0.8);
    float spoke = abs(fract(atan(q.y, q.x) / TURN * 5.0) - 0.5);
    paint(vec3(max(length(q) - r * 0.56, 0.10 - spoke * 0.55), 0.0, 0.0), vec3(0.04));
    paint(ball(q, vec2(0.0), r * 0.16), METAL);
}

void figure(vec2 p) {
    float shake = 0.006 * swing(2.3, 0.0);
#if ACT_DRIVE
    float rolled = turns(2.0) * TURN;
#else
    float rolled = 0.0;
    shake = 0.0;
#endif
    vec2 q = p - vec2(0.0, shake);
    paint(block(p, vec2(0.0, 0.22), vec2(1.12, 0.10), 0.04), vec3(0.01));
    vec3 lower = grown(block(q, vec2(0.0, 0.40), vec2(1.46, 0.20), 0.13), egg(q, vec2(0.62, 0.50), vec2(0.80, 0.12), -0.05), 0.06);
    lower = grown(lower, egg(q, vec2(-0.95, 0.54), vec2(0.48, 0.10), 0.02), 0.05);
    float cabin = max(max(q.y - 0.955, -0.45 * (q.y - 0.60) - 0.01), max(0.86 * (q.x - 0.60) + 0.50 * (q.y - 0.60), 0.93 * (-0.98 - q.x) + 0.36 * (q.y - 0.60)));
    vec3 body = grown(lower, vec3(cabin - 0.03, 0.0, clamp((q.y - 0.72) * 3.2, -0.2, 0.85)), 0.10);
    float arches = min(length(p - vec2(0.86, 0.24)), length(p - vec2(-0.84, 0.24))) - 0.285;
    paint(without(body, arches), uBody);
    float pane = max(cabin + 0.055, 0.625 - q.y), post = abs(q.x + 0.10) - 0.030;
    vec3 sky = mix(vec3(0.03, 0.04, 0.05), uFill * 0.45, smoothstep(0.62, 0.92, q.y - 0.10 * q.x));
    shine(vec3(max(pane, -post), 0.0, 0.2), sky * (0.55 + 0.45 * smoothstep(0.08, 0.0, abs(fract(q.x * 0.9 + q.y * 0.8) - 0.4))));
    paint(vec3(max(max(pane, post - 0.005), 0.64 - q.y), 0.0, 0.0), uBody * 0.5);
    for (float s = -1.0; s < 2.0; s += 2.0)
        paint(block(q, vec2(-0.10 + 0.48 * s, 0.44), vec2(0.006, 0.15), 0.004), uBody * 0.45);
    paint(block(q, vec2(-0.20, 0.555), vec2(0.075, 0.014), 0.01), METAL);
    paint(block(q, vec2(0.29, 0.555), vec2(0.075, 0.014), 0.01), METAL);
    paint(block(q, vec2(1.42, 0.29), vec2(0.08, 0.035), 0.02), METAL * 0.6);
    paint(block(q, vec2(-1.42, 0.30), vec2(0.07, 0.035), 0.02), METAL * 0.6);
    float lamps = mix(0.55, 3.0, float(NIGHT));
    shine(egg(q, vec2(1.385, 0.465), vec2(0.075, 0.050), -0.4), vec3(1.0, 0.93, 0.75) * lamps);
    shine(egg(q, vec2(-1.425, 0.485), vec2(0.045, 0.065), 0.0), vec3(0.9, 0.03, 0.02) * (0.4 + lamps * 0.4));
    wheel(p, vec2(0.86, 0.235), 0.235, rolled);
    wheel(p, vec2(-0.84, 0.235), 0.235, rolled);
#if NIGHT
    vec2 beam = p - vec2(1.45, 0.46);
    veil(step(0.0, beam.x) * smoothstep(0.06 + 0.22 * beam.x, 0.0, abs(beam.y + 0.08 * beam.x)) * exp(-1.6 * beam.x) * 0.55, vec3(0), vec3(1.0, 0.92, 0.7) * 0.9);
#endif
}
