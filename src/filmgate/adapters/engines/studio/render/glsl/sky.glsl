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
    vec2 q = vec2(p.x, 0.9) / (p.y + 0.16);
    float warp = noise(q * 1.1 + sway(0.10, 0.2, 1.0));
    return drifting(q * vec2(0.9, 1.5) + warp * 0.9, vec2(0.05, 0.02) * (0.4 + uWind), detail);
}

float sunThrough() {
    return 1.0 - 0.85 * uCloud * uCloud;
}

vec3 halo(vec2 d) {
    float r = length(d);
    return uLight * sunThrough() * (0.012 / (r * r * 4.0 + 0.02) + 0.30 * exp(-r * 4.5)) * (1.0 - 0.55 * float(NIGHT));
}

// The soft share of a sky at p, which counts from the horizon: everything but sharp lights, and how much is cloud.
vec4 heaven(vec2 p) {
    float y = max(p.y, 0.0);
    vec2 d = p - uLightAt;
    vec3 glow = halo(d), c = skyColour(y) + glow;
#if CLOUD
    float n = cloudAt(vec2(p.x, y), 6);
    float edge = mix(0.66, 0.22, uCloud);
    float body = smoothstep(edge, edge + 0.22, n);
    float ahead = cloudAt(vec2(p.x, y) - d / (length(d) + 0.02) * 0.035, 3);
    float lit = clamp((n - ahead) * 4.0 + 0.5, 0.0, 1.0);
    vec3 shade = mix(uSky, uZenith, 0.45) * 0.55 + uHorizon * 0.08;
    vec3 bright = uLight * (0.75 - 0.45 * float(NIGHT)) * sunThrough() + uHorizon * 0.5;
    vec3 cloud = mix(shade, bright, lit * (1.0 - 0.5 * body * uCloud)) * mix(1.0, 0.25 + 1.25 * n, uCloud);
    cloud = mix(cloud + glow * 0.7, uHorizon, exp2(-y * 13.0) * 0.75);
    float cover = body * smoothstep(0.0, 0.09, y) * 0.96;
    return vec4(mix(c, cloud, cover), cover);
#else
    return vec4(c, 0.0);
#endif
}

// The whole sky: the soft share with the sun, or the moon and stars, behind its clouds.
vec3 sky(vec2 p, vec4 soft) {
    vec2 d = p - uLightAt;
    float r = length(d), clear = 1.0 - soft.a, radius = NIGHT == 1 ? 0.042 : 0.034;
    float disc = smoothstep(radius + pixel(), radius - pixel(), r) * smoothstep(0.95, 0.6, uCloud);
#if NIGHT
    float seas = noise(d * 42.0 + 3.0) * 0.6 + noise(d * 90.0) * 0.4;
    vec3 moon = uLight * (1.0 - 0.5 * smoothstep(0.42, 0.68, seas)) * (0.8 + 0.2 * wave(1.57 + d.x * 20.0));
    return mix(soft.rgb + stars(p, 1.0, 0.20) * clear * smoothstep(0.0, 0.25, p.y), moon, disc * clear);
#else
    return soft.rgb + uLight * disc * clear * 3.0;
#endif
}

// Curtains of aurora above the horizon: sheets that hang from folded lines, made of rays.
vec3 curtains(vec2 p) {
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 4; i++) {
        float z = float(i), x = p.x * (1.0 + 0.3 * z) + 3.7 * z + 0.05 * p.y * z + float(uSeed & 255u);
        float fold = drifting(vec2(x * 1.5, 3.0 * z), vec2(0.06, 0.04), 3);
        float y = p.y - 0.05 - 0.065 * z - 0.34 * (fold - 0.45);
        float ray = noise(vec2(x * 17.0 + fold * 34.0, z) + sway(0.9, 0.45, z)) * 0.55 + noise(vec2(x * 46.0 + fold * 80.0, z + 9.0) + sway(0.9, 0.6, z)) * 0.45;
        float tall = 0.05 + 0.19 * ray * ray + 0.04 * z;
        float sheet = smoothstep(-0.022, 0.012, y + 0.02 * ray) * exp2(-max(y, 0.0) / tall) * (0.35 + 0.9 * ray);
        sheet *= smoothstep(0.38, 0.66, noise(vec2(x * 1.1 + 9.0 * z, 1.0) + sway(0.5, 0.22, z)));
        vec3 low = mix(vec3(0.06, 0.95, 0.42), uAccent, 0.5), high = mix(vec3(0.50, 0.10, 0.80), uAccent.brg, 0.35);
        sum += mix(low, high, smoothstep(0.03, 0.26, y)) * sheet * (0.72 - 0.10 * z);
    }
    return sum * smoothstep(-0.02, 0.10, p.y);
}
