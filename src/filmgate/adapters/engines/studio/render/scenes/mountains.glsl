// Ranges of rock and snow behind a lake that mirrors them. PART 0 is the sky, PART 1 the ground.

#if PART == 0

vec4 soft() {
    return heaven(seen(0.02) - vec2(0.0, uStage.x));
}

vec4 scene() {
    return vec4(sky(seen(0.02) - vec2(0.0, uStage.x), softly()), 1.0);
}

#else

float height(vec2 at) {
    float crest = ridged(at * 0.085 + 31.0, 7), hills = fbm(at * 0.24 + 5.0, 6);
    float shore = at.y + 1.6 * (fbm(at * 0.5, 3) - 0.5) + 0.35 * abs(at.x - 1.5);
    float basin = smoothstep(4.0, 6.5, shore) * smoothstep(24.0, 12.0, at.y + 9.0 * (hills - 0.5));
    float meadow = 0.04 + 0.16 * hills + 0.07 * fbm(at * 1.7, 3);
    float range = smoothstep(9.0, 30.0, at.y);
    return max(meadow + 1.6 * (hills - 0.3) * smoothstep(6.0, 16.0, at.y) + range * (crest * 8.5 - 1.4) - 0.9 * basin, 0.0);
}

#ifndef BAKE

vec3 land(Ground g, float blades) {
    vec2 at = g.place.xz;
    float fine = mix(0.5, noise(at * 9.0) * 0.5 + noise(at * 23.0) * 0.5, exp2(-0.035 * g.away)), broad = noise(at * 1.1 + 7.0);
    vec3 rock = mix(vec3(0.10, 0.095, 0.09), vec3(0.25, 0.23, 0.21), broad * 0.6 + fine * 0.4);
    float steep = 1.0 - g.normal.y, line = 2.3 + (broad - 0.5) * 1.4;
    vec3 grass = mix(uLeaf, uLeaf.grb * vec3(0.55, 0.75, 0.8), 0.45 * broad) * (0.35 + 0.5 * fine + 0.75 * blades);
    vec3 body = mix(grass, rock, smoothstep(0.16, 0.34, steep + 0.12 * (fine - 0.5)));
    float woods = smoothstep(0.40, 0.55, broad + 0.5 * (fine - 0.5)) * smoothstep(6.0, 9.0, at.y) * smoothstep(0.45, 0.30, steep);
    body = mix(body, mix(vec3(0.020, 0.045, 0.024), uLeaf * 0.7, 0.4 * float(!bool(WINTER))) * (0.4 + 1.1 * fine), woods * smoothstep(line * 0.9, line * 0.5, g.place.y));
    float snow = smoothstep(line * 0.62, line * 1.25, g.place.y + 0.5 * (fine - 0.5)) * smoothstep(0.62, 0.38, steep + 0.2 * (fine - 0.5));
#if WINTER
    snow = max(snow, smoothstep(0.5, 0.25, steep + 0.2 * (fine - 0.5)) * (1.0 - 0.6 * woods));
#endif
    return mix(body, vec3(0.80, 0.84, 0.90), snow);
}

// What lies over the horizon, upside down in the water, drawn out by ripples.
vec3 mirrored(Ground g) {
    vec2 p = onScreen();
    float ripple = noise(vec2(g.place.x * 2.0, g.place.z * 7.0) + sway(0.5, 0.8, 0.0)) - 0.5;
    float calm = 0.25 + 0.9 * uWind;
    p.y = 2.0 * (uStage.x - uNet.z * uNet.w / 19.0) - p.y + (0.012 + 0.03 * ripple) * calm;
    p.x += 0.006 * ripple * calm;
    ivec2 at = ivec2(vec2(p.x, -p.y) * sqrt(uSize.x * uSize.y) + 0.5 * uSize);
    Ground far = groundAt(clamp(at, ivec2(0), ivec2(uSize) - 1));
    vec3 above = skyColour(p.y - uStage.x + 0.10) * 0.9;
    vec3 c = mix(above, hazed(lit(land(far, 0.0), far), far, 0.013), far.cover * smoothstep(0.001, 0.012, far.place.y));
    float down = clamp((eye().y - g.place.y) / g.away, 0.0, 1.0);
    return mix(c * vec3(0.86, 0.93, 0.97), uAccent * 0.16 * (uSky + uHorizon), 0.12 + 0.5 * down * down);
}

vec4 scene() {
    Ground g = groundHere();
    float blades = noise(vec2(g.place.x * 60.0, g.place.z * 14.0)) * smoothstep(9.0, 3.0, g.place.z);
    vec3 c = mix(mirrored(g), lit(land(g, blades), g), smoothstep(0.001, 0.010 + 0.0012 * g.away, g.place.y));
    return vec4(hazed(c, g, 0.013), g.cover);
}

#endif
#endif
