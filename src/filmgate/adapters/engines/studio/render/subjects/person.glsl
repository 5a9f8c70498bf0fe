// A person: stands, walks, runs, dances, or floats where there is nothing to stand on.

const vec3 SKIN = vec3(0.60, 0.38, 0.27), HAIR = vec3(0.09, 0.055, 0.035), CLOTH = vec3(0.07, 0.085, 0.15);
const vec3 SHOE = vec3(0.05, 0.04, 0.04);

void leg(vec2 p, vec2 hip, vec2 foot, float side, float dim, float toe) {
    vec2 ankle = foot + vec2(0.0, 0.035), knee = joint(hip, ankle, 0.235, 0.235, side);
    paint(limb(p, ankle + vec2(-0.012, -0.008), ankle + vec2(toe, -0.022), 0.026, 0.018), SHOE * dim);
    vec3 shape = grown(limb(p, hip, knee, 0.066, 0.046), limb(p, knee, ankle, 0.047, 0.031), 0.02);
    paint(shape, CLOTH * dim);
}

void arm(vec2 p, vec2 shoulder, vec2 elbow, vec2 hand, float dim) {
    paint(ball(p, hand, 0.026), SKIN * dim);
    paint(grown(limb(p, shoulder, elbow, 0.040, 0.031), limb(p, elbow, hand, 0.031, 0.022), 0.02), uBody * dim);
}

vec2 reach(vec2 from, float angle, float length_) {
    return from + length_ * vec2(sin(angle), -cos(angle));
}

// An arm that hangs down by an angle and is bent ahead by another.
void hanging(vec2 p, vec2 shoulder, float angle, float bend, float dim) {
    vec2 elbow = reach(shoulder, angle, 0.17);
    arm(p, shoulder, elbow, reach(elbow, angle + bend, 0.16), dim);
}

// A head that is turned aside by `ahead`: 1 is seen from the side, 0 from the front.
void head(vec2 p, vec2 neck, float tilt, float ahead) {
    vec2 q = rotation(-tilt) * (p - neck) - vec2(0.0, 0.105);
    paint(limb(q, vec2(0.0, -0.125), vec2(0.0), 0.030, 0.030), SKIN * 0.85);
    vec3 skull = egg(q, vec2(0.0), vec2(0.056, 0.072), 0.0);
    paint(grown(skull, ball(q, vec2(0.050 * ahead, -0.010), 0.012), 0.012), SKIN);
    paint(ball(q, vec2(0.034 * ahead + 0.022 * (1.0 - ahead), 0.008), 0.0075), HAIR * 0.5);
    paint(ball(q, vec2(0.034 * ahead - 0.022 * (1.0 - ahead), 0.008), 0.0075), HAIR * 0.5);
    vec3 hair = egg(q, vec2(-0.010 * ahead, 0.016), vec2(0.064, 0.066), 0.0);
    float hairline = min(0.034 + 0.2 * ahead * q.x - q.y, mix(0.05, q.x + 0.010, ahead));
    paint(vec3(max(hair.x, hairline), hair.yz), HAIR);
}

void figure(vec2 p) {
#if ACT_DANCE
    float hop = abs(swing(1.0, 0.0)), side = swing(0.5, 0.0), lean = swing(1.0, 0.12);
    vec2 hips = vec2(0.045 * side, 0.455 + 0.03 * hop), chest = hips + vec2(-0.03 * side + 0.012 * lean, 0.30);
    float lift = max(side, 0.0), other = max(-side, 0.0);
    leg(p, hips + vec2(0.045, 0.0), vec2(0.10 + 0.05 * lift, 0.10 * lift * hop), 1.0, 1.0, 0.055);
    leg(p, hips - vec2(0.045, 0.0), vec2(-0.10 - 0.05 * other, 0.10 * other * hop), -1.0, 1.0, -0.055);
    for (float s = -1.0; s < 2.0; s += 2.0) {
        float up = 0.5 + 0.5 * side * s;
        vec2 shoulder = chest + vec2(0.085 * s, 0.0);
        vec2 elbow = shoulder + 0.16 * vec2(s * (0.95 - 0.35 * up), mix(-0.45, 0.65, up));
        vec2 hand = elbow + 0.15 * vec2(s * mix(0.35, -0.15, up) + 0.12 * lean, mix(0.35, 1.0, up));
        arm(p, shoulder, elbow, hand, 1.0);
    }
    vec3 torso = grown(limb(p, hips + vec2(0.0, 0.04), chest - vec2(0.0, 0.03), 0.075, 0.075),
        limb(p, chest - vec2(0.055, 0.015), chest + vec2(0.055, -0.015), 0.050, 0.050), 0.05);
    paint(limb(p, hips - vec2(0.03, 0.0), hips + vec2(0.03, 0.0), 0.075, 0.075), CLOTH);
    paint(torso, uBody);
    head(p, chest + vec2(0.0, 0.045), 0.22 * lean, 0.25);
#elif ACT_FLOAT
    float sway_ = swing(0.25, 0.0), other = swing(0.21, 0.3);
    vec2 hips = vec2(0.0, 0.47), chest = vec2(0.02, 0.77);
    hanging(p, chest, 1.5 + 0.4 * other, 0.5 + 0.3 * sway_, 0.7);
    leg(p, hips, vec2(-0.13 + 0.05 * other, 0.09), 1.0, 0.7, 0.05);
    leg(p, hips, vec2(0.10 + 0.06 * sway_, 0.10 + 0.03 * other), 1.0, 1.0, 0.05);
    paint(grown(limb(p, hips + vec2(0.0, 0.02), chest, 0.070, 0.082), ball(p, chest + vec2(0.0, 0.005), 0.075), 0.05), uBody);
    head(p, chest + vec2(0.005, 0.055), 0.10 * sway_, 1.0);
    hanging(p, chest + vec2(0.01, 0.0), -0.9 - 0.5 * sway_, -0.5 - 0.2 * other, 1.0);
#else
  #if ACT_RUN
    float pace = 1.35, step_ = 0.25, lift = 0.20, lean = 0.16, bend = 1.5, swung = 0.95;
    float bob = 0.02 * swing(2.0 * pace, 0.1);
  #elif ACT_WALK
    float pace = 0.9, step_ = 0.15, lift = 0.07, lean = 0.03, bend = 0.35, swung = 0.5;
    float bob = 0.010 + 0.010 * swing(2.0 * pace, 0.1);
  #else
    float pace = 0.25, step_ = 0.035, lift = 0.0, lean = 0.0, bend = 0.18, swung = 0.06;
    float bob = 0.024 + 0.003 * swing(pace, 0.0);
  #endif
  #if ACT_RUN || ACT_WALK
    vec2 a = stride(turns(pace)), b = stride(turns(pace) + 0.5);
  #else
    vec2 a = vec2(1.0, 0.0), b = vec2(-1.0, 0.0);
  #endif
    float arms = wave((turns(pace) + 0.2) * TURN);
    vec2 hips = vec2(0.0, 0.475 + bob), chest = hips + vec2(0.30 * sin(lean), 0.30);
    hanging(p, chest - vec2(0.01, 0.0), lean + swung * arms, bend, 0.6);
    leg(p, hips - vec2(0.01, 0.0), vec2(b.x * step_, b.y * lift), 1.0, 0.6, 0.06);
    leg(p, hips + vec2(0.01, 0.0), vec2(a.x * step_, a.y * lift), 1.0, 1.0, 0.06);
    vec3 torso = grown(limb(p, hips + vec2(0.0, 0.02), chest - vec2(0.0, 0.02), 0.070, 0.076), ball(p, chest - vec2(0.0, 0.01), 0.072), 0.06);
    paint(limb(p, hips - vec2(0.0, 0.02), hips + vec2(0.0, 0.02), 0.069, 0.070), CLOTH);
    paint(torso, uBody);
    head(p, chest + vec2(0.012, 0.050), lean * 0.6, 1.0);
    hanging(p, chest + vec2(0.005, 0.0), lean - swung * arms, bend, 1.0);
#endif
}
