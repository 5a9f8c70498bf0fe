// A horse: stands and grazes the air, walks, gallops, dances on the spot, or floats.

const vec3 HOOF = vec3(0.03, 0.025, 0.02);

vec3 dark() {
    return uBody * 0.22;
}

void leg(vec2 p, vec2 hip, vec2 foot, float side, float thick, float dim) {
    vec2 fetlock = foot + vec2(-0.012, 0.055), knee = joint(hip, fetlock, 0.215, 0.235, side);
    paint(limb(p, foot + vec2(0.0, 0.012), fetlock, 0.024, 0.018), HOOF);
    vec3 shape = grown(limb(p, hip, knee, thick * 2.1, thick * 0.85), limb(p, knee, fetlock, thick * 0.80, thick * 0.55), 0.025);
    paint(shape, mix(dark(), uBody, smoothstep(0.10, 0.24, p.y - foot.y)) * dim);
}

void strands(vec2 p, vec2 root, vec2 tip, float thick, float late) {
    vec2 mid_ = mix(root, tip, 0.5) + vec2(-0.03, 0.035 + 0.02 * swing(0.8, late));
    vec2 end = tip + vec2(0.0, 0.035) * swing(0.8, late + 0.25);
    paint(grown(limb(p, root, mid_, thick * 0.7, thick), limb(p, mid_, end, thick, thick * 0.35), 0.02), dark());
}

void figure(vec2 p) {
#if ACT_RUN
    float pace = 1.45, step_ = 0.27, lift = 0.20, nod = 0.022, blown = 1.0;
    float offsets[4] = float[4](0.0, 0.12, 0.42, 0.55);
#elif ACT_WALK
    float pace = 0.75, step_ = 0.13, lift = 0.07, nod = 0.008, blown = 0.25;
    float offsets[4] = float[4](0.0, 0.5, 0.25, 0.75);
#elif ACT_DANCE
    float pace = 1.0, step_ = 0.05, lift = 0.17, nod = 0.022, blown = 0.3;
    float offsets[4] = float[4](0.0, 0.5, 0.5, 0.0);
#elif ACT_FLOAT
    float pace = 0.4, step_ = 0.14, lift = 0.12, nod = 0.01, blown = 0.8;
    float offsets[4] = float[4](0.0, 0.12, 0.42, 0.55);
#else
    float pace = 0.2, step_ = 0.0, lift = 0.0, nod = 0.004, blown = 0.15;
    float offsets[4] = float[4](0.0, 0.0, 0.0, 0.0);
#endif
    float t = turns(pace), bob = nod * swing(pace, 0.0), rock = nod * swing(pace, 0.25);
    vec2 rump = vec2(-0.26, 0.575 + bob - rock), chest = vec2(0.20, 0.575 + bob + rock);
    vec2 feet[4];
    for (int i = 0; i < 4; i++) {
        vec2 s = stride(t + offsets[i]);
        feet[i] = vec2((i < 2 ? -0.30 : 0.21) + (i % 2 == 0 ? -0.012 : 0.02) + s.x * step_, s.y * lift);
    }
    leg(p, rump + vec2(0.03, -0.08), feet[1], -1.0, 0.034, 0.5);
    leg(p, chest + vec2(0.0, -0.09), feet[3], 1.0, 0.030, 0.5);
    vec2 back = rump + vec2(-0.125, 0.055);
    strands(p, back, back + mix(vec2(-0.07, -0.36), vec2(-0.30, -0.08), blown), 0.034, 0.0);
    strands(p, back, back + mix(vec2(-0.04, -0.33), vec2(-0.26, -0.13), blown), 0.030, 0.2);
    vec3 trunk = grown(egg(p, rump, vec2(0.155, 0.135), 0.1), egg(p, chest, vec2(0.15, 0.145), 0.0), 0.10);
    trunk = grown(trunk, limb(p, vec2(-0.20, 0.565 + bob), vec2(0.14, 0.555 + bob), 0.120, 0.128), 0.08);
    float droop = 0.10 * swing(0.11, 0.0) * (1.0 - blown);
    vec2 poll = chest + vec2(0.255 + 0.04 * blown - 0.3 * droop, 0.30 - 0.06 * blown - droop + 1.5 * rock);
    vec3 neck = limb(p, chest + vec2(0.03, 0.05), poll + vec2(-0.005, -0.02), 0.115, 0.058);
    vec3 body = grown(trunk, neck, 0.07);
    paint(body, uBody);
    leg(p, rump + vec2(0.0, -0.07), feet[0], -1.0, 0.038, 1.0);
    leg(p, chest + vec2(0.02, -0.08), feet[2], 1.0, 0.034, 1.0);
    vec2 way = normalize(vec2(0.72, -0.70 + 0.22 * blown)), muzzle = poll + 0.205 * way;
    paint(wedge(p, poll + vec2(-0.035, 0.03), poll + vec2(0.015, 0.04), poll + vec2(-0.012 - 0.02 * blown, 0.115)) - vec3(0.007, 0.0, 0.0), uBody * 0.8);
    vec3 head = grown(limb(p, poll + vec2(0.0, -0.002), poll + 0.09 * way, 0.060, 0.052), limb(p, poll + 0.09 * way, muzzle, 0.050, 0.034), 0.02);
    paint(head, mix(uBody, dark(), smoothstep(0.15, 0.24, dot(p - poll, way))));
    paint(limb(p, poll + 0.06 * way + vec2(0.032, 0.030), poll + 0.16 * way + vec2(0.024, 0.024), 0.012, 0.008), vec3(0.75, 0.72, 0.68));
    paint(ball(p, poll + 0.055 * way + vec2(0.002, 0.014), 0.0115), HOOF);
    paint(ball(p, muzzle + vec2(0.014, 0.008), 0.007), HOOF);
    for (float k = 0.0; k < 5.0; k += 1.0) {
        vec2 root = mix(poll + vec2(-0.012, 0.050), chest + vec2(-0.075, 0.135), k / 4.6);
        vec2 tip = root + mix(vec2(-0.045, -0.115), vec2(-0.135, -0.025), blown) + vec2(0.0, 0.016) * swing(0.9, 0.14 * k);
        paint(limb(p, root, tip, 0.030, 0.012), dark());
    }
}
