// A nebula with stars (PART 0), and a planet in front of it, with rings where asked for (PART 1).

const float RADIUS = 0.22;
const vec3 SUN = vec3(-0.7339, 0.4689, 0.4913);

vec2 onPlanet() {
    return (seen(1.0) - vec2(0.20, -0.03)) / RADIUS;
}

vec3 airColour() {
    return mix(uAccent, vec3(0.30, 0.55, 1.0), 0.65);
}

#if PART == 0

// Gas in filaments, with dark dust in front of it.
vec4 soft() {
    vec2 q = seen(0.25) * 1.5 + float(uSeed & 255u);
    vec2 warp = vec2(fbm(q + sway(0.10, 0.25, 0.0), 4), fbm(q + 7.3 + sway(0.10, 0.25, 2.0), 4));
    float gas = drifting(q * 1.3 + 2.2 * warp, vec2(0.018, -0.008), 6);
    float dust = fbm(q * 2.2 + 2.6 * warp + 11.0, 6);
    float dense = smoothstep(0.34, 0.78, gas * 0.65 + warp.x * 0.45);
    vec3 c = mix(uZenith * 2.0, uAccent, smoothstep(0.32, 0.68, warp.y));
    c = mix(c, uSky * 1.5, smoothstep(0.40, 0.70, warp.x) * 0.7);
    c = mix(c, uHorizon, smoothstep(0.54, 0.78, gas) * 0.6);
    float rim = pow(1.0 - abs(2.0 * gas - 1.0), 6.0);
    float core = smoothstep(0.58, 0.86, gas * dense + 0.15);
    c = c * dense * dense * (0.55 + 0.9 * rim) + uLight * core * core * 0.55;
    c *= mix(1.0, 0.12, smoothstep(0.46, 0.68, dust));
    return vec4(c * 0.85 + uZenith * 0.35, smoothstep(0.46, 0.68, dust));
}

vec3 beacon(vec2 p, float index) {
    vec2 r = hash2(vec2(index, 5.0));
    vec2 d = p - (r - 0.5) * vec2(1.5, 0.95);
    float far = dot(d, d), twinkle = 0.85 + 0.15 * wave(beat(0.9 + r.x) * uTime + 9.0 * r.y);
    float core = 0.00006 / (far + 0.00003), spikes = exp2(-abs(d.x) * 700.0 - abs(d.y) * 50.0) + exp2(-abs(d.y) * 700.0 - abs(d.x) * 50.0);
    return mix(vec3(0.7, 0.84, 1.0), uLight, r.x) * (core + spikes * 0.8) * twinkle * (0.3 + 0.7 * r.y);
}

vec4 scene() {
    vec4 gas = softly();
    vec3 c = gas.rgb + stars(seen(0.12), 0.55, 0.24) * (1.0 - 0.6 * gas.a);
    for (int i = 0; i < 3; i++) c += beacon(seen(0.3), float(i));
    vec2 q = onPlanet();
    float r = length(q), day = smoothstep(-0.5, 0.8, dot(q / (r + 1e-3), normalize(SUN.xy)));
    c += airColour() * exp2(-max(r - 1.0, 0.0) * 20.0) * day * 0.5;
    return vec4(c, 1.0);
}

#else

vec3 surface(vec3 n, out float shine) {
    vec2 q = vec2(atan(n.x, n.z), n.y * (1.2 + 0.37 * n.y * n.y));
    shine = 0.0;
#if RINGS
    float curl = drifting(q * vec2(1.4, 6.0), vec2(0.05, 0.0), 4);
    float band = fbm(vec2(q.x * 0.25, q.y * 7.0 + curl * 1.1), 4);
    vec3 c = mix(uGround * 1.6 + uAccent * 0.10, uHorizon, smoothstep(0.28, 0.70, band));
    return mix(c, uLight, smoothstep(0.55, 0.85, curl * 0.6 + band * 0.4) * 0.5);
#else
    vec2 moving = q * vec2(1.5, 2.1) + float(uSeed & 31u);
    float warp = drifting(moving, vec2(0.045, 0.0), 2);
    float land = drifting(moving * 1.2 + warp * 0.8 + 4.0, vec2(0.054, 0.0), 5);
    vec3 ground = mix(mix(uGround, vec3(0.10, 0.16, 0.05), 0.4), mix(uHorizon, vec3(0.45, 0.34, 0.20), 0.6), smoothstep(0.53, 0.68, land));
    float coast = smoothstep(0.49, 0.515, land);
    shine = 1.0 - coast;
    vec3 c = mix(mix(vec3(0.008, 0.030, 0.105), uAccent * 0.30, 0.30) + vec3(0.0, 0.05, 0.06) * smoothstep(0.42, 0.5, land), ground, coast);
    float cloud = smoothstep(0.48, 0.72, drifting(moving * vec2(1.5, 2.6) + warp * 2.2 + 13.0, vec2(0.085, 0.0), 5));
    shine *= 1.0 - cloud;
    return mix(mix(c, vec3(0.92), cloud * 0.9), vec3(0.9, 0.94, 1.0), smoothstep(1.10, 1.28, abs(q.y) + 0.25 * land));
#endif
}

vec4 scene() {
    vec2 q = onPlanet();
    float r = length(q), edge = pixel() / RADIUS * 1.2;
    float z = sqrt(max(0.0, 1.0 - r * r)), shine;
    vec3 n = vec3(q, z);
    mat2 turned = mat2(0.9359, -0.3523, 0.3523, 0.9359);
    vec3 c = surface(vec3(turned * n.xy, n.z), shine);
    float light = dot(n, SUN), half_ = max(dot(n, normalize(SUN + vec3(0, 0, 1))), 0.0);
    c *= max(light, 0.0) * smoothstep(-0.05, 0.30, light) * 1.5 * mix(vec3(1), uLight, 0.35) + 0.004;
    float h2 = half_ * half_, h8 = h2 * h2 * h2 * h2;
    c += uLight * shine * h8 * h8 * h8 * 0.55 * step(0.0, light);
    float limb = 1.0 - z;
    c += airColour() * limb * limb * smoothstep(-0.15, 0.6, light) * 0.75;
    float cover = smoothstep(1.0 + edge, 1.0 - edge, r);
#if RINGS
    vec2 plane = turned * q;
    plane.y *= 3.4;
    float away = length(plane), fade = clamp(1.0 - 12.0 * edge, 0.2, 1.0);
    float grain = fbm(vec2(away * 11.0, 1.0), 3) * 0.6 + mix(0.5, noise(vec2(away * 40.0, 2.0)), fade) * 0.4;
    float ring = smoothstep(1.28, 1.40, away) * smoothstep(2.28, 2.12, away) * smoothstep(0.16, 0.62, grain);
    ring *= 1.0 - 0.85 * exp2(-pow((away - 1.92) * 34.0, 2.0));
    float front = smoothstep(0.02, -0.02, plane.y);
    // The planet's shadow on the far side of the ring: the strip away from the sun, soft at its edges.
    vec2 down = -normalize(SUN.xy);
    float behind = dot(q, down), beside = abs(dot(q, vec2(-down.y, down.x)));
    float dark = smoothstep(-0.1, 0.7, behind) * smoothstep(1.15, 0.80, beside);
    vec3 ringColour = mix(uHorizon, uLight, 0.5) * (0.40 + 0.55 * grain) * (1.0 - 0.93 * dark * (1.0 - 0.75 * front));
    // The ring's shadow on the planet.
    c *= 1.0 - 0.55 * cover * smoothstep(0.16, 0.02, abs(dot(q, vec2(0.3523, -0.9359)) - 0.16)) * step(0.0, light);
    float seenRing = ring * 0.85 * max(front, 1.0 - cover);
    float alpha = max(cover, seenRing);
    return vec4(mix(c, ringColour, seenRing), alpha);
#else
    return vec4(c, cover);
#endif
}

#endif
