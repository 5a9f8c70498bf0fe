// ---- weather and film -----------------------------------------------------------------------------------------------

vec3 weather(vec3 c) {
    vec2 p = onScreen();
#if RAIN
    float drops = 0.0;
    for (int layer = 0; layer < 2; layer++) {
        float scale = 13.0 + 13.0 * float(layer), rate = 3.2 - 0.5 * float(layer);
        vec2 q = vec2((p.x + p.y * (0.05 + 0.16 * uWind)) * scale * 2.6, p.y * scale * 0.22);
        float column = floor(q.x);
        q.y += scrolled(rate) + hash(vec2(column, 3.0 + float(layer))) * 13.0;
        float row = mod(floor(q.y), repeats(rate));
        vec2 r = hash2(vec2(column, row + 57.0 * float(layer)));
        vec2 f = fract(q);
        float streak = smoothstep(0.16, 0.0, abs(f.x - 0.2 - 0.6 * r.x)) * smoothstep(0.0, 0.5, f.y) * smoothstep(1.0, 0.9, f.y);
        drops += streak * step(0.52, r.y) * (0.5 - 0.11 * float(layer));
    }
    c = mix(c, uHorizon, 0.08) + drops * 0.22 * (uHorizon * 0.7 + 0.1);
#endif
#if SNOW
    float flakes = 0.0;
    for (int layer = 0; layer < 3; layer++) {
        float scale = 6.0 + 7.0 * float(layer), rate = 0.55 + 0.12 * float(layer);
        vec2 q = p * scale + sway(0.35, 0.7, float(layer) * 2.0) + float(layer) * 11.0;
        q.y += scrolled(rate);
        vec2 cell = floor(q);
        cell.y = mod(cell.y, repeats(rate));
        vec2 r = hash2(cell + vec2(91.0 * float(layer), 0.0));
        vec2 d = fract(q) - 0.5 - 0.56 * (r - 0.5);
        float radius = 0.05 + 0.055 * r.y;
        flakes += smoothstep(radius, radius * 0.2, length(d)) * step(0.3, r.x) * (0.9 - 0.17 * float(layer));
    }
    c += flakes * 0.55 * mix(uHorizon, vec3(1), 0.5) * (1.0 - 0.5 * float(NIGHT));
#endif
    return c;
}

// Between -1 and 1, mostly near 0; another one for each pixel.
float grain() {
    uvec2 c = uvec2(gl_FragCoord.xy);
    uint h = c.x * 0x9E3779B1u + c.y * 0x85EBCA6Bu + uSeed;
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h ^= h >> 13;
    return float(int((h & 0xFFFFu) + (h >> 16)) - 65536) / 65536.0;
}

// From light to picture: a soft shoulder, gamma, contrast, and grain of about one step, which also hides banding.
vec3 develop(vec3 c) {
    c = weather(max(c, 0.0));
    vec2 p = onScreen();
    c *= (1.0 - 0.32 * dot(p, p)) * uGrade.x * (1.0 + uGrade.w * vec3(0.22, 0.02, -0.24));
    c = sqrt(1.0 - exp2(-1.95 * c));
    c = mix(c, c * c * (3.0 - 2.0 * c), 0.30 * uGrade.y);
    c = mix(vec3(dot(c, vec3(0.30, 0.59, 0.11))), c, uGrade.z);
    return c + grain() * (0.9 / 255.0);
}
