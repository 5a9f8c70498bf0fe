// Conifers: one, and rows of them.

// How much of a pixel one tree covers, and how high in its tier of branches the pixel is. `d` counts from its foot, in
// tree heights.
vec2 conifer(vec2 d, vec2 r, float soft) {
    float up = clamp(d.y, 0.0, 1.0);
    float tier = fract(up * (8.0 + 4.0 * r.x) + r.y + abs(d.x) * 5.0);
    float width = (1.0 - up) * (0.13 + 0.06 * r.y) * (1.12 - 0.5 * tier);
    return vec2(smoothstep(soft, -soft, abs(d.x) - width) * step(d.y, 1.0), tier);
}

// A row of conifers on a line: how much they cover at p, which counts from the line, in units, and the tier. `height` is
// a tall one's; a `clearing` (middle, half width) has few.
vec2 conifers(vec2 p, float height, float row, vec2 clearing) {
    float across = height * 0.36, x = p.x / across, column = floor(x);
    float soft = 1.3 * pixel() / height, other = x - column < 0.5 ? -1.0 : 1.0;
    float wind = wave(beat(0.9) * uTime + p.x * 3.0 + row) * (0.004 + 0.014 * uWind);
    vec2 found = vec2(0.0);
    for (int side = 0; side <= 1; side++) {
        float at = column + float(side) * other;
        vec2 r = hash2(vec2(at, row * 17.0));
        float open = smoothstep(0.6, 1.0, abs(at * across - clearing.x) / clearing.y);
        vec2 d = vec2((x - at - 0.35 - 0.3 * r.x) * across, p.y) / (height * (0.50 + 0.65 * r.y));
        d.x -= wind * d.y * d.y;
        d.y += 0.05;
        vec2 tree = conifer(d, r, soft) * vec2(step(hash(vec2(at, row + 3.0)), open), 1.0);
        found = tree.x > found.x ? tree : found;
    }
    return found;
}
