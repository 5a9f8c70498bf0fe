// A burning mountain: smoke lit from below (PART 0, with the sky), the cone with its lava (PART 1), embers (PART 2).

const vec2 CRATER = vec2(1.1, 15.0);
const float RIM = 2.5;

// Where the crater is seen, and how bright the fire in it is.
vec2 craterSeen() {
    float d = 0.21;
    return (vec2(0.085, 0.165) - uPose.xy * d) / mix(1.0, uPose.z, d);
}

float flicker() {
    return 0.82 + 0.18 * wave(beat(3.1) * uTime) * wave(beat(7.3) * uTime + 1.0);
}

#if PART == 0

// A plume that rolls upward from the crater, leaning with the wind, and its light.
vec4 soft() {
    vec2 p = seen(0.0) - craterSeen();
    vec4 veil = heaven(seen(0.02) - vec2(0.0, uStage.x));
    float up = max(p.y + 0.02, 0.0), lean = (0.25 + 0.9 * uWind) * up * up;
    float wide = 0.035 + 0.34 * up;
    vec2 q = vec2(p.x - lean, p.y);
    vec2 roll = vec2(q.x / (0.35 + 1.6 * up), 1.9 * log(0.10 + up));
    float n = drifting(roll * 4.2 + 3.0, vec2(0.02, -0.75), 4);
    float fine = drifting(roll * 9.0 + n * 1.5, vec2(0.0, -1.3), 3);
    float body = smoothstep(1.0, 0.25, abs(q.x) / wide + 1.3 * (0.5 - n));
    body *= smoothstep(0.0, 0.05, p.y + 0.02) * (1.0 - 0.55 * smoothstep(0.2, 0.75, up));
    float glow = exp2(-up * 7.5) * flicker();
    vec3 ash = mix(uSky, uHorizon, 0.25) * (0.10 + 0.55 * fine) + uFill * 0.08 * fine;
    vec3 c = ash + vec3(1.0, 0.30, 0.06) * glow * (0.25 + 2.2 * fine * n) * 1.5;
    return vec4(mix(veil.rgb, c, body), max(veil.a, body));
}

vec4 scene() {
    vec3 c = sky(seen(0.02) - vec2(0.0, uStage.x), softly());
    vec2 d = seen(0.0) - craterSeen();
    c += vec3(1.0, 0.28, 0.05) * flicker() * (0.010 / (0.012 + dot(d, d)) + 0.22 * exp2(-3.5 * length(d))) * (1.0 - 0.6 * softly().a);
    // A fountain of fire above the rim.
    float up = d.y + 0.03, jet = drifting(vec2(d.x * 42.0, up * 13.0), vec2(0.0, -2.0), 1);
    float flame = smoothstep(0.16, 0.0, up) * smoothstep(1.0, 0.1, abs(d.x) / (0.012 + 0.22 * up * (0.5 + jet)));
    c += vec3(3.2, 1.1, 0.22) * flame * (0.5 + jet) * step(0.0, up);
    return vec4(c, 1.0);
}

#elif PART == 1

// How hot the ground is: rivers that wind down from the rim.
float lava(vec2 at) {
    vec2 d = at - CRATER;
    float r = length(d), angle = atan(d.x, -d.y);
    angle += 0.75 * (fbm(vec2(r * 0.8, angle * 1.5) + 2.0, 4) - 0.5) + 0.12 * sin(r * 1.1 + angle * 3.0);
    float hot = 0.0;
    for (int i = 0; i < 4; i++) {
        float way = -0.75 + 0.52 * float(i) + 0.25 * hash(vec2(float(i), 3.0)), length_ = 8.0 + 7.0 * hash(vec2(float(i), 8.0));
        float wide = 0.060 + 0.05 * hash(vec2(float(i), 5.0));
        hot = max(hot, smoothstep(wide * 2.2 / max(r, 1.0), 0.0, abs(angle - way)) * smoothstep(length_, length_ * 0.6, r));
    }
    return max(hot, smoothstep(1.15, 0.8, r));
}

float height(vec2 at) {
    float r = length(at - CRATER);
    float cone = RIM * 1.3 * (0.75 * exp2(-r * 0.30) + 0.25 * exp2(-r * 0.9)) , rough = fbm(at * 0.55, 6);
    cone -= smoothstep(1.05, 0.4, r) * 0.9;
    float gullies = ridged(vec2(atan(at.x - CRATER.x, CRATER.y - at.y) * 4.0, r * 0.25) + 3.0, 5);
    return cone + (rough - 0.4) * 0.55 * smoothstep(1.5, 5.0, at.y) - 0.35 * gullies * smoothstep(0.8, 3.0, r) * exp2(-r * 0.12) + 0.5 * (fbm(at * 0.12 + 40.0, 4) - 0.5) * smoothstep(10.0, 26.0, at.y);
}

#ifndef BAKE

vec4 scene() {
    Ground g = groundHere();
    vec2 at = g.place.xz;
    float fine = noise(at * 7.0) * 0.5 + noise(at * 19.0) * 0.5;
    vec3 rock = mix(vec3(0.022, 0.020, 0.022), vec3(0.085, 0.075, 0.070), fine);
#if WINTER
    rock = mix(rock, vec3(0.7, 0.74, 0.8), smoothstep(0.4, 0.7, g.normal.y * 0.7 + 0.4 * (fine - 0.5)));
#endif
    vec3 c = lit(rock, g);
    float hot = lava(at), r = length(at - CRATER);
    float crust = noise(vec2(at.x * 5.0, at.y * 5.0 + 0.4 * r) + sway(0.3, 0.7, r));
    float glow = hot * hot * (0.35 + 0.95 * crust) * exp2(-0.05 * r);
    // Cracks in the plain, through which it glows.
    float crack = 1.0 - abs(2.0 * noise(at * 1.5 + 0.5 * fine) - 1.0);
    glow += smoothstep(0.93, 1.0, crack) * smoothstep(0.45, 0.75, noise(at * 0.55 + 8.0)) * 0.45 * (0.4 + crust);
    c = mix(c, vec3(0.0), hot * 0.6);
    c += (vec3(2.4, 0.42, 0.04) * glow + vec3(2.2, 1.5, 0.5) * pow(glow, 4.0)) * flicker();
    // Light of the fire on the rocks beside it.
    c += rock * vec3(1.0, 0.25, 0.04) * (7.0 / (2.0 + r * r) + 2.2 * smoothstep(0.0, 0.25, hot)) * flicker() * g.open;
    return vec4(hazed(c, g, 0.010), g.cover);
}

#endif
#else

// Embers that rise and fade, each in a cell of its own.
vec4 scene() {
    vec2 p = seen(0.5) - craterSeen();
    vec3 sum = vec3(0.0);
    for (int layer = 0; layer < 3; layer++) {
        float scale = 7.0 + 4.5 * float(layer), rate = 0.55 - 0.10 * float(layer);
        vec2 q = p * scale + vec2(-0.35 * (0.3 + uWind) * p.y * scale, 0.0) + sway(0.30, 0.8, float(layer) * 2.0);
        q.y -= scrolled(rate);
        vec2 cell = floor(q);
        cell.y = mod(cell.y, repeats(rate));
        vec2 r = hash2(cell + 37.0 * float(layer));
        vec2 d = fract(q) - 0.5 - 0.5 * (r - 0.5);
        float spark = max(0.0, 1.0 - dot(d, d) * (500.0 + 900.0 * r.x));
        float life = step(0.62, hash(cell + 91.0)) * (0.6 + 0.4 * wave(beat(5.0) * uTime + 40.0 * r.y));
        sum += vec3(1.0, 0.42, 0.10) * spark * spark * life;
    }
    sum *= smoothstep(0.75, 0.1, length(p)) * 2.2;
    float cover = clamp(max(sum.r, 0.0), 0.0, 1.0);
    return vec4(sum / max(cover, 1e-3), cover);
}

#endif
