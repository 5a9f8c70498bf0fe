// A nebula with stars (PART 0), and a planet in front of it, with rings where asked for (PART 1, drawn over PART 0).

const float RADIUS = 0.22;
const vec3 SUN = vec3(-0.72, 0.46, 0.52);

vec2 onPlanet() {
    return (seen(1.0) - vec2(0.20, -0.03)) / RADIUS;
}

#if PART == 0

vec3 nebula(vec2 p) {
    vec2 q = p * 1.5;
    vec2 warp = vec2(fbm(q + sway(0.10, 0.25, 0.0), 3), fbm(q + 7.3 + sway(0.10, 0.25, 2.0), 3));
    float gas = drifting(q * 1.3 + 2.0 * warp, vec2(0.018, -0.008), 5);
    float dust = fbm(q * 2.6 + 2.4 * warp + 11.0, 4);
    float dense = smoothstep(0.36, 0.80, gas * 0.7 + warp.x * 0.5);
    vec3 c = mix(uZenith, uAccent, smoothstep(0.30, 0.72, warp.y));
    c = mix(c, uSky * 1.4, smoothstep(0.35, 0.75, warp.x) * 0.75);
    c = mix(c, uHorizon, smoothstep(0.52, 0.80, gas) * 0.75);
    c += uLight * pow(smoothstep(0.55, 0.85, gas), 3.0) * 0.5;
    return c * dense * dense * (0.35 + 1.1 * smoothstep(0.30, 0.66, dust)) * 1.5 + uZenith * 0.5;
}

vec3 beacon(vec2 p, float index) {
    vec2 r = hash2(vec2(index, 5.0));
    vec2 d = p - (r - 0.5) * vec2(1.5, 0.95);
    float distance = dot(d, d), twinkle = 0.8 + 0.2 * sin(beat(0.9 + r.x) * uTime + 9.0 * r.y);
    float core = 0.00010 / (distance + 0.00004), spikes = exp(-abs(d.x) * 300.0 - abs(d.y) * 26.0) + exp(-abs(d.y) * 300.0 - abs(d.x) * 26.0);
    return mix(vec3(0.7, 0.84, 1.0), uLight, hash(vec2(index, 9.0))) * (core + spikes * 0.9) * twinkle * (0.4 + 0.6 * r.y);
}

vec4 scene() {
    vec3 c = nebula(seen(0.25));
    c += stars(seen(0.12), 0.75, 0.20);
    for (int i = 0; i < 4; i++) c += beacon(seen(0.3), float(i));
    vec2 q = onPlanet();
    float r = length(q);
    float day = smoothstep(-0.5, 0.8, dot(q / (r + 1e-3), normalize(SUN.xy)));
    c += mix(uAccent, vec3(0.35, 0.60, 1.0), 0.6) * exp(-max(r - 1.0, 0.0) * 11.0) * day * 0.55;
    return vec4(c, 1.0);
}

#else

vec3 surface(vec3 n) {
    vec2 q = vec2(atan(n.x, n.z), asin(clamp(n.y, -1.0, 1.0)));
#if RINGS
    float curl = drifting(q * vec2(1.4, 6.0), vec2(0.05, 0.0), 4);
    float band = fbm(vec2(q.x * 0.25, q.y * 7.0 + curl * 1.1), 4);
    vec3 c = mix(uGround * 1.6 + uAccent * 0.12, uHorizon, smoothstep(0.25, 0.72, band));
    return mix(c, uLight, smoothstep(0.55, 0.85, curl * 0.6 + band * 0.4) * 0.5);
#else
    vec2 moving = q * vec2(1.5, 2.1);
    float warp = drifting(moving, vec2(0.045, 0.0), 3);
    float land = drifting(moving * 1.2 + warp * 0.8 + 4.0, vec2(0.054, 0.0), 5);
    vec3 ground = mix(uGround * 0.8, mix(uHorizon, uGround, 0.4), smoothstep(0.56, 0.74, land));
    vec3 c = mix(mix(vec3(0.01, 0.04, 0.12), uAccent * 0.35, 0.45), ground, smoothstep(0.49, 0.53, land));
    float cloud = smoothstep(0.50, 0.74, drifting(moving * vec2(1.6, 2.4) + warp * 1.6 + 13.0, vec2(0.085, 0.0), 4));
    return mix(mix(c, vec3(0.9), cloud * 0.85), vec3(0.9, 0.94, 1.0), smoothstep(1.12, 1.32, abs(q.y) + 0.25 * land));
#endif
}

vec4 scene() {
    vec2 q = onPlanet();
    float r = length(q), edge = pixel() / RADIUS * 1.2;
    float z = sqrt(max(0.0, 1.0 - r * r));
    vec3 sun = normalize(SUN), n = vec3(q, z);
    float tilt = 0.36;
    mat2 turned = mat2(cos(tilt), -sin(tilt), sin(tilt), cos(tilt));
    vec3 c = surface(vec3(turned * n.xy, n.z));
    float light = dot(n, sun);
    c *= max(light, 0.0) * smoothstep(-0.05, 0.35, light) * 1.25 * mix(vec3(1), uLight, 0.35) + 0.006;
    vec3 air = mix(uAccent, vec3(0.35, 0.60, 1.0), 0.6);
    c += air * pow(1.0 - z, 2.6) * smoothstep(-0.15, 0.6, light) * 0.75;
    float cover = smoothstep(1.0 + edge, 1.0 - edge, r);
#if RINGS
    vec2 flat_ = turned * q;
    flat_.y *= 3.4;
    float away = length(flat_);
    float grain = fbm(vec2(away * 11.0, 1.0), 3) * 0.6 + noise(vec2(away * 44.0, 2.0)) * 0.4;
    float ring = smoothstep(1.30, 1.36, away) * smoothstep(2.25, 2.15, away) * smoothstep(0.16, 0.62, grain);
    ring *= 1.0 - 0.85 * exp(-pow((away - 1.92) * 28.0, 2.0));
    float front = step(flat_.y, 0.0);
    // The planet's shadow on the ring: a strip away from the sun as wide as the planet.
    vec2 down = -normalize(sun.xy);
    float behind = dot(q, down), beside = abs(dot(q, vec2(-down.y, down.x)));
    float dark = smoothstep(0.0, 0.35, behind) * smoothstep(1.02, 0.94, beside) * (1.0 - front * step(0.0, -behind));
    vec3 ringColour = mix(uHorizon, uLight, 0.5) * (0.45 + 0.55 * grain) * (1.0 - 0.9 * dark * (1.0 - 0.6 * front));
    float seenRing = ring * 0.85 * max(front, 1.0 - cover);
    float alpha = max(cover, seenRing);
    return vec4(mix(c, ringColour, seenRing), alpha);
#else
    return vec4(c, cover);
#endif
}

#endif
