// ---- sky ------------------------------------------------------------------------------------------------------------

vec3 skyColour(float height) {
    float y = max(height, 0.0);
    vec3 c = mix(uSky, uZenith, smoothstep(0.0, 0.6, y));
    return mix(c, uHorizon, exp(-y * 6.5));
}

// Two layers of stars, few bright and many faint; `share` of the cells have one. Each is a round spot that ends within
// its cell and spreads over more than one pixel, so that it neither looks square nor flickers when it moves.
vec3 stars(vec2 p, float size, float share) {
    vec3 sum = vec3(0);
    for (int layer = 0; layer < 2; layer++) {
        float scale = (layer == 0 ? 24.0 : 52.0) / size;
        vec2 q = p * scale + float(layer) * 31.0;
        vec2 cell = floor(q);
        vec2 r = hash2(cell);
        float bright = max(1.0 - hash(cell + 7.0) / share, 0.0);
        bright = 0.03 * sign(bright) + bright * bright * bright * bright;
        vec2 d = q - cell - 0.32 - 0.36 * r;
        float reach = clamp(max(0.07 * size, 1.9 * pixel() * scale) * (0.75 + bright), 0.0, 0.32);
        float spot = max(1.0 - dot(d, d) / (reach * reach), 0.0);
        float twinkle = 0.75 + 0.25 * sin(beat(1.0 + 3.0 * r.x) * uTime + r.y * 40.0);
        sum += twinkle * bright * spot * spot * spot * mix(vec3(0.65, 0.78, 1.0), vec3(1.0, 0.84, 0.66), r.y) * 2.4;
    }
    return sum;
}

// Clouds lie on a plane above; `detail` octaves.
float cloudAt(vec2 p, int detail) {
    vec2 q = vec2(p.x, 0.9) / (p.y + 0.20);
    float warp = noise(q * 1.1 + sway(0.10, 0.2, 1.0));
    return drifting(q * vec2(1.0, 1.9) + warp * 0.9, vec2(0.05, 0.02) * (0.4 + uWind), detail);
}

// The sky with its sun or moon and clouds; `p` counts from the horizon.
vec3 sky(vec2 p) {
    float y = max(p.y, 0.0);
    vec3 c = skyColour(y);
    vec2 d = p - uLightAt;
    float r = length(d);
    float shine = 1.0 - 0.85 * uCloud * uCloud;
#if NIGHT
    c += stars(p, 1.0, 0.20) * smoothstep(0.0, 0.25, y);
#endif
    vec3 halo = uLight * shine * (0.012 / (r * r * 4.0 + 0.02) + 0.30 * exp(-r * 4.5)) * (1.0 - 0.55 * float(NIGHT));
    c += halo;
    float radius = mix(0.034, 0.042, float(NIGHT));
    float disc = smoothstep(radius + pixel(), radius - pixel(), r) * smoothstep(0.95, 0.6, uCloud);
#if NIGHT
    float seas = fbm(d * 24.0 + 3.0, 3);
    c = mix(c, uLight * (1.0 - 0.55 * smoothstep(0.42, 0.68, seas)), disc);
#else
    c += uLight * disc * 3.0;
#endif
#if CLOUD
    float n = cloudAt(vec2(p.x, y), 5);
    float edge = mix(0.66, 0.24, uCloud);
    float body = smoothstep(edge, edge + 0.24, n);
    float ahead = cloudAt(vec2(p.x, y) - d / (r + 0.02) * 0.035, 3);
    float lit = clamp((n - ahead) * 3.5 + 0.5, 0.0, 1.0);
    vec3 shade = mix(uSky, uZenith, 0.45) * 0.55 + uHorizon * 0.08;
    vec3 bright = uLight * 0.6 * shine + uHorizon * 0.5;
    vec3 cloud = mix(shade, bright, lit * (1.0 - 0.5 * body * uCloud)) * mix(1.0, 0.35 + 1.0 * n, uCloud) + halo * 0.7;
    cloud = mix(cloud, uHorizon, exp(-y * 9.0) * 0.75);
    c = mix(c, cloud, body * smoothstep(0.0, 0.09, y) * 0.94);
#endif
    return c;
}
