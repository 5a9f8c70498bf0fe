// ---- weather and film -----------------------------------------------------------------------------------------------

vec3 weather(vec3 c) {
    vec2 p = onScreen();
#if RAIN
    float drops = 0.0;
    for (int layer = 0; layer < 3; layer++) {
        float scale = 12.0 + 9.0 * float(layer), rate = 3.2 - 0.5 * float(layer);
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
    for (int layer = 0; layer < 4; layer++) {
        float scale = 5.0 + 6.0 * float(layer), rate = 0.55 + 0.12 * float(layer);
        vec2 q = p * scale + sway(0.35, 0.7, float(layer) * 2.0) + float(layer) * 11.0;
        q.y += scrolled(rate);
        vec2 cell = floor(q);
        cell.y = mod(cell.y, repeats(rate));
        vec2 r = hash2(cell + vec2(91.0 * float(layer), 0.0));
        vec2 d = fract(q) - 0.5 - 0.56 * (r - 0.5);
        float radius = 0.05 + 0.07 * r.y;
        flakes += smoothstep(radius, radius * 0.2, length(d)) * step(0.3, r.x) * (0.9 - 0.17 * float(layer));
    }
    c += flakes * 0.55 * mix(uHorizon, vec3(1), 0.5) * (1.0 - 0.5 * float(NIGHT));
#endif
    return c;
}

// From light to picture: a soft shoulder, gamma, a little contrast, and noise of half a step against banding.
vec3 develop(vec3 c) {
    c = weather(max(c, 0.0));
    vec2 p = onScreen();
    c *= 1.0 - 0.32 * dot(p, p);
    c *= 1.0 + uGrade.w * vec3(0.22, 0.02, -0.24);
    c = 1.0 - exp(-c * 1.35 * uGrade.x);
    c = pow(c, vec3(1.0 / 2.1));
    c = mix(c, c * c * (3.0 - 2.0 * c), 0.35 * uGrade.y);
    c = mix(vec3(dot(c, vec3(0.30, 0.59, 0.11))), c, uGrade.z);
    float grain = hash(gl_FragCoord.xy) + hash(gl_FragCoord.yx + 131.0) - 1.0;
    return c + grain * 1.5 / 255.0;
}
