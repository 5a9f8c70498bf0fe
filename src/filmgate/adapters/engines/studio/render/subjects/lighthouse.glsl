// A lighthouse on its rock, with a light that turns.

void beam(vec2 p, vec2 lamp, float turn) {
    // A cone of light that sweeps around: long to the sides, and a flash when it looks at us.
    float side = wave(turn * TURN), towards = max(wave(turn * TURN + 0.25 * TURN), 0.0);
    vec2 d = p - lamp;
    float along = d.x * sign(side), reach_ = abs(side) * 2.6 + 0.02;
    float cone = smoothstep(0.035 + 0.10 * along, 0.0, abs(d.y)) * smoothstep(reach_, 0.0, along) * step(0.0, along);
    float power = mix(0.16, 0.62, max(float(NIGHT), 0.6 * uFog));
    veil(cone * power * (0.35 + 0.65 * abs(side)), vec3(0), vec3(1.3, 1.15, 0.8));
    float flash = exp(-dot(d, d) * mix(900.0, 60.0, towards * towards));
    veil(flash * (0.25 + 0.75 * towards) * mix(0.55, 1.0, float(NIGHT)), vec3(0), vec3(1.6, 1.45, 1.1));
}

void figure(vec2 p) {
    vec2 lamp = vec2(0.0, 0.865);
#if PIECE == 1
    beam(p, lamp, turns(0.17));
#else
    vec3 rock = vec3(0.13, 0.12, 0.11) * (0.6 + 0.8 * fbm(p * 14.0, 3));
    float heap = p.y - 0.145 + 0.55 * p.x * p.x * 3.0 - 0.05 * noise(vec2(p.x * 9.0, 2.0)) - 0.03 * noise(vec2(p.x * 27.0, 5.0));
    float lean = noise(p * 15.0) - 0.5;
    paint(vec3(max(heap * 0.6, -0.01 - p.y), clamp(p.x * 1.6 + lean, -0.9, 0.9), 0.35 + lean * 0.5), rock);
    paint(block(p, vec2(0.155, 0.185), vec2(0.062, 0.050), 0.006), vec3(0.72, 0.68, 0.60));
    paint(wedge(p, vec2(0.075, 0.232), vec2(0.235, 0.232), vec2(0.155, 0.300)), vec3(0.40, 0.10, 0.06));
    shine(block(p, vec2(0.165, 0.190), vec2(0.013, 0.017), 0.003), mix(vec3(0.03), vec3(1.3, 0.8, 0.3), float(NIGHT)));
    float girth = mix(0.098, 0.058, clamp((p.y - 0.13) / 0.66, 0.0, 1.0));
    float d = max((abs(p.x) - girth) * 0.99, max(0.10 - p.y, p.y - 0.80));
    float band = step(0.5, fract((p.y - 0.13) / 0.66 * 2.5 + 0.0));
    vec3 tower = vec3(d, clamp(p.x / girth, -0.97, 0.97), 0.05);
    paint(tower, mix(vec3(0.82, 0.80, 0.76), uBody, band));
    for (int i = 0; i < 3; i++)
        shine(block(p, vec2(0.012, 0.28 + 0.19 * float(i)), vec2(0.012, 0.022), 0.010), mix(vec3(0.02), vec3(1.1, 0.7, 0.25), float(NIGHT)));
    paint(block(p, vec2(0.0, 0.150), vec2(0.024, 0.042), 0.018), vec3(0.10, 0.06, 0.03));
    paint(block(p, vec2(0.0, 0.802), vec2(0.092, 0.012), 0.006), vec3(0.07));
    paint(block(p, vec2(0.0, 0.862), vec2(0.044, 0.052), 0.006), vec3(0.10, 0.11, 0.12));
    shine(block(p, vec2(0.0, 0.862), vec2(0.037, 0.045), 0.006), uFill * 0.35 + vec3(0.8, 0.65, 0.3) * mix(0.35, 1.4, float(NIGHT)));
    for (float x = -0.0275; x < 0.03; x += 0.0275) paint(block(p, vec2(x, 0.862), vec2(0.003, 0.048), 0.002), vec3(0.06));
    for (float x = -0.088; x < 0.09; x += 0.022) paint(block(p, vec2(x, 0.828), vec2(0.002, 0.016), 0.001), vec3(0.06));
    paint(block(p, vec2(0.0, 0.843), vec2(0.090, 0.003), 0.002), vec3(0.06));
    vec3 dome = egg(p, vec2(0.0, 0.908), vec2(0.056, 0.055), 0.0);
    paint(vec3(max(dome.x, 0.908 - p.y), dome.yz), uBody * 0.8);
    paint(limb(p, vec2(0.0, 0.955), vec2(0.0, 0.995), 0.005, 0.003), vec3(0.06));
#endif
}
