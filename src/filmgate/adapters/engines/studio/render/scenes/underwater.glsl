// A reef: light from above (PART 0), the sea floor with its rocks (PART 1), weed, bubbles and dust (PART 2).

// The net of light that waves throw on what is below them.
float caustics(vec2 p) {
    vec2 q = p + 0.35 * vec2(noise(p * 0.9 + sway(0.5, 0.6, 0.0)), noise(p * 0.9 + 7.0 + sway(0.5, 0.7, 2.0)));
    float a = abs(noise(q * 1.6 + sway(0.45, 0.9, 0.0)) - 0.5), b = abs(noise(q * 1.9 + 11.0 + sway(0.45, 1.1, 1.0)) - 0.5);
    float line = max(1.0 - 3.2 * min(a, b), 0.0);
    return line * line * line;
}

vec3 water(vec2 p) {
    float y = p.y + 0.10 * p.x;
    vec3 c = mix(uSky, uZenith, smoothstep(0.05, -0.42, y));
    c = mix(c, uHorizon, smoothstep(0.0, 0.55, y) * 0.85);
    vec2 d = p - vec2(-0.10, 0.52);
    return c + uLight * 0.10 / (0.10 + 1.6 * dot(d, d));
}

#if PART == 0

vec4 soft() {
    vec2 p = seen(0.15);
    // Shafts that fan out from above the frame.
    vec2 from = p - vec2(-0.15, 1.05);
    float angle = from.x / -from.y;
    float shafts = drifting(vec2(angle * 7.0, 0.3), vec2(0.10, 0.05), 3) * 0.65 + drifting(vec2(angle * 19.0, 4.0), vec2(-0.16, 0.1), 2) * 0.35;
    float beam = smoothstep(0.45, 0.80, shafts) * smoothstep(-0.50, 0.45, p.y);
    // The surface seen from below.
    float up = max(p.y - 0.22, 0.0), far = 0.10 / (0.62 - min(up + 0.22, 0.58));
    float surface = caustics(vec2(p.x * (1.0 + 4.0 * far), far * 14.0) * 1.4) * smoothstep(0.24, 0.42, p.y);
    return vec4(beam, surface, 0.0, 1.0);
}

vec4 scene() {
    vec2 p = seen(0.15);
    vec4 light = softly();
    vec3 c = water(p) + (uLight * 0.35 + uHorizon * 0.25) * light.x * (0.45 + 0.5 * p.y) + uLight * light.y * 0.8;
    return vec4(c, 1.0);
}

#elif PART == 1

// Sand with rocks on it, piled up at the sides.
float height(vec2 at) {
    float side = smoothstep(0.25, 1.1, abs(at.x + 0.4) / (0.9 + 0.45 * at.y)) * smoothstep(1.0, 3.0, at.y);
    float knobs = fbm(at * 1.9, 4), lumps = fbm(at * 0.55 + 4.0, 4);
    float rock = smoothstep(0.50, 0.62, lumps + 0.26 * side) * (0.16 + 0.85 * side) * (0.45 + 1.1 * knobs);
    float far = 1.3 * smoothstep(8.0, 16.0, at.y) * fbm(at * 0.3 + 9.0, 4);
    return 0.16 * (fbm(at * 0.6, 3) - 0.5) + rock + far;
}

#ifndef BAKE

vec4 scene() {
    Ground g = groundHere();
    vec2 at = g.place.xz;
    float grit = noise(at * 14.0) * 0.5 + noise(at * 37.0) * 0.5, fade = exp2(-0.12 * g.away);
    float rocky = smoothstep(0.12, 0.24, g.place.y + 0.2 * (grit - 0.5));
    float rows = wave(at.y * 16.0 + 4.0 * noise(at * 1.8)) * fade;
    vec3 sand = uGround * (0.75 + 0.10 * rows + 0.35 * grit);
    float kind = noise(at * 1.7 + 30.0), spots = noise(vec2(at.x + 0.7 * at.y, g.place.y * 1.6 + 0.7 * at.y) * 7.0);
    vec3 coral = mix(mix(uAccent, vec3(0.60, 0.26, 0.62), smoothstep(0.35, 0.6, kind)), vec3(0.80, 0.52, 0.16), smoothstep(0.58, 0.75, kind));
    vec3 stone = mix(vec3(0.08, 0.10, 0.09), vec3(0.26, 0.27, 0.22), grit);
    vec3 body = mix(sand, mix(stone, coral, smoothstep(0.50, 0.62, spots) * 0.9), rocky);
    float up = 0.25 + 0.75 * max(g.normal.y, 0.0), net = caustics(at * 1.5 + g.place.y);
    vec3 c = body * ((uFill * 1.6 + uKey * 0.38) * g.open * up + uLight * net * up * 0.85 * fade);
    float thick = 1.0 - exp2(-g.away * 0.20);
    c *= exp2(-g.away * vec3(0.22, 0.05, 0.03));  // water takes the red away first
    return vec4(mix(c, water(seen(0.15)) * 0.95, thick), g.cover);
}

#endif
#else

// Weed: ribbons that sway from the lower edge of the frame, more of them at the sides.
vec2 weed(vec2 p) {
    float spacing = 0.075, x = p.x / spacing;
    vec2 found = vec2(0.0);
    for (int side = -1; side <= 1; side++) {
        float column = floor(x) + float(side);
        vec2 r = hash2(vec2(column, 50.0));
        float open = smoothstep(0.30, 0.62, abs(column * spacing));
        float tall = (0.16 + 0.34 * r.y) * open * step(0.30, r.x + 0.2 * r.y) + 1e-3;
        float up = (p.y + 0.42) / tall;
        float lean = (0.05 * wave(beat(0.8) * uTime + 2.2 * up + 9.0 * r.x) + 0.06 * (r.x - 0.5)) * up * up * tall * 3.0;
        float d = abs(p.x - (column + 0.3 + 0.4 * r.x) * spacing - lean);
        float wide = 0.013 * clamp(1.0 - up, 0.0, 1.0) * (0.75 + 0.35 * wave(up * tall * 90.0 + 9.0 * r.y)) + 0.001;
        float here = smoothstep(pixel(), -pixel(), d - wide) * step(up, 1.0);
        found = here > found.x ? vec2(here, up) : found;
    }
    return found;
}

vec4 scene() {
    vec2 p = seen(0.9);
    float sum = 0.0;
    // Bubbles: rings with a light on them, in columns that rise.
    for (int layer = 0; layer < 2; layer++) {
        float scale = 6.0 + 4.0 * float(layer), rate = 0.60 - 0.15 * float(layer);
        vec2 q = p * scale + sway(0.12, 1.3, float(layer) * 2.0) + 5.0 * float(layer);
        q.y -= scrolled(rate);
        vec2 cell = floor(q);
        cell.y = mod(cell.y, repeats(rate));
        vec2 r = hash2(cell + 37.0 * float(layer));
        vec2 d = fract(q) - 0.5 - 0.5 * (r - 0.5);
        float size = 0.025 + 0.06 * r.y, there = step(0.86, hash(vec2(cell.x, 4.0 + float(layer))) + 0.22 * r.x);
        float rim = smoothstep(0.03, 0.0, abs(length(d) - size)), light = smoothstep(0.03, 0.0, length(d - size * vec2(-0.35, 0.4)) - 0.006);
        sum += there * (0.45 * rim + 0.8 * light + 0.08 * step(length(d), size));
    }
    // Dust that hangs in the water.
    vec2 q = p * 15.0 + sway(0.5, 0.35, 0.0), cell = floor(q), r = hash2(cell + 71.0), d = q - cell - 0.2 - 0.6 * r;
    sum += max(0.0, 1.0 - dot(d, d) * 700.0) * 0.35 * r.x;
    vec2 leaf = weed(p);
    vec3 green = mix(vec3(0.020, 0.055, 0.035), vec3(0.10, 0.20, 0.06), leaf.y) * (uFill * 1.5 + uKey * 0.25);
    vec4 bright = vec4(uLight * 0.9 + uHorizon * 0.3, clamp(sum, 0.0, 0.9));
    float cover = max(bright.a, leaf.x);
    return vec4(mix(mix(green, water(p), 0.25), bright.rgb, bright.a / max(cover, 1e-3)), cover);
}

#endif
