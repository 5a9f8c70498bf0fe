// Ridges of conifers, one behind the other in mist, before mountains. PART 0 is the sky, PART 1 the mountains, PART 2 the
// trees.

const int ROWS = 5;

vec3 glow() {
    return uKey * 0.45;
}

float nearness(int row) {
    return (float(row) + 1.0) / float(ROWS);
}

// How deep in the frame a row stands.
float depthOf(float near) {
    return 0.10 + 0.90 * near * near;
}

// The colour of the air in front of something, brighter towards the sun.
vec3 air(vec2 p) {
    return mix(uHorizon, uSky, 0.45) * (0.72 + 0.15 * uFog) + glow() * 0.55 * exp2(-4.0 * length(p - uLightAt));
}

#if PART == 0

vec4 soft() {
    return heaven(seen(0.12) + vec2(0.0, 0.02));
}

vec4 scene() {
    return vec4(sky(seen(0.12) + vec2(0.0, 0.02), softly()), 1.0);
}

#elif PART == 1

// How the slopes of the two ranges face the light.
vec4 soft() {
    vec2 p = seen(0.06), q = seen(0.12);
    float x = p.x * 2.6 + float(uSeed & 511u), y = q.x * 3.2 + 9.0 + float(uSeed & 511u);
    return vec4(ridged(vec2(x + 0.9 * p.y, p.y * 6.0), 4), ridged(vec2(y + 0.9 * q.y, q.y * 6.0), 4), 0.0, 1.0);
}

// Two ranges, lit from the side of the sun, sinking into mist.
vec4 scene() {
    vec4 sum = vec4(0.0), slopes = softly();
    for (int i = 0; i < 2; i++) {
        float near = float(i);
        vec2 p = seen(0.06 + 0.06 * near);
        float x = p.x * (2.0 + 0.5 * near) + 7.0 * near + float(uSeed & 511u);
        float top = 0.115 - 0.065 * near + (ridged(vec2(x, 3.0), 4) - 0.40) * (0.20 - 0.06 * near);
        float cover = smoothstep(pixel(), -pixel(), p.y - top);
        float lit_ = smoothstep(0.25, 0.75, i == 0 ? slopes.x : slopes.y);
        vec3 body = mix(uZenith, uSky, 0.5) * (0.30 + 0.25 * lit_) + glow() * 0.30 * lit_ + uLeaf * 0.15;
        vec3 c = mix(body, air(p), clamp(0.46 - 0.16 * near + 0.35 * uFog + smoothstep(0.0, -0.18, p.y - top) * 0.55, 0.0, 1.0));
        sum = mix(sum, vec4(c, 1.0), cover);
    }
    return vec4(sum.rgb / max(sum.a, 1e-3), sum.a);
}

#else

// The ground of a row: hills of three waves.
float ground(float x, float near) {
    float wide = mix(5.0, 1.6, near);
    float hills = wave(x * wide) + 0.5 * wave(x * wide * 2.31 + 1.0) + 0.25 * wave(x * wide * 4.87 + 2.0);
    return mix(0.050, -0.46, near) + 0.030 * hills;
}

vec4 soft() {
    vec2 p = onScreen();
    float mist = drifting(vec2(p.x * 1.5, p.y * 4.0), vec2(0.08, 0.01), 3);
    float low = drifting(vec2(p.x * 2.6 + 9.0, p.y * 6.0), vec2(0.13, 0.01), 3);
    vec2 d = p - uLightAt, way = d / (length(d) + 1e-3);
    float rays = noise(way * 5.0 + sway(0.25, 0.3, 0.0)) * 0.6 + noise(way * 11.0 + 3.0) * 0.4;
    return vec4(mist, low, smoothstep(0.42, 0.85, rays) * exp2(-3.2 * length(d)), 1.0);
}

// Fireflies among the near trees.
vec3 fireflies() {
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 12; i++) {
        vec2 r = hash2(vec2(float(i), 41.0)), s = hash2(vec2(float(i), 43.0));
        vec2 at = vec2(r.x - 0.5, -0.05 - 0.30 * r.y) * vec2(1.4, 1.0) + sway(0.03, 0.5 + s.x, 6.0 * s.y);
        vec2 d = seen(0.9) - at;
        float pulse = max(0.0, wave(beat(1.3 + s.y) * uTime + 6.0 * s.x));
        sum += vec3(0.9, 0.8, 0.25) * pulse * pulse * (0.00003 / (dot(d, d) + 0.00002));
    }
    return sum;
}

struct Row {
    int row;
    vec2 at;      // from the line of the trees
    vec2 tree;    // how much they cover, and the tier of branches
    float cover;  // trees and soil
};

Row rowHere(int row) {
    float near = nearness(row), shift = 11.0 * float(row) + float(uSeed & 1023u) * 0.37;
    vec2 p = seen(depthOf(near));
    vec2 at = vec2(p.x + shift, p.y - ground(p.x + shift, near));
    float height = mix(0.030, 0.46, near * near);
    vec2 tree = conifers(at, height, float(row), vec2(shift + 0.1, row > 3 ? 0.30 : 0.001));
    return Row(row, at, tree, max(tree.x, smoothstep(pixel(), -pixel(), at.y)));
}

vec3 shade(Row r, vec4 veil, vec2 here) {
    float near = nearness(r.row), height = mix(0.030, 0.46, near * near);
    vec3 mist = air(here) * 1.04;
    float grain = noise(vec2(r.at.x, r.at.y * 0.6) * mix(120.0, 55.0, near));
    vec2 d = here - uLightAt;
    float side = 0.03 / (0.03 + dot(d, d)), one = hash(vec2(floor(r.at.x / height * 2.8), float(r.row)));
    vec3 leaf = mix(vec3(0.012, 0.030, 0.020), uLeaf * (float(r.row & 1) * 0.25 + 0.45), (0.35 + 0.5 * one) * float(1 - WINTER));
    vec3 body = leaf * ((uFill * 0.9 + uKey * 0.5) * (0.35 + 0.9 * grain) * (1.15 - 0.5 * r.tree.y) + glow() * side * 3.0);
#if WINTER
    body = mix(body, (uKey * 0.3 + uFill * 0.75) * (0.85 + 0.2 * grain), r.tree.x > 0.5 ? smoothstep(0.7, 0.2, r.tree.y + 0.4 * grain) * 0.85 : 0.9);
#endif
    float away = 1.0 - near;
    vec3 c = mix(body, mist, clamp(away * sqrt(away) * (0.62 + 0.36 * uFog), 0.0, 0.96));
    float low = smoothstep(0.03, -0.16, r.at.y) * smoothstep(0.30, 0.66, mix(veil.x, veil.y, near));
    return mix(c, mist, clamp(low + 0.12 * uFog, 0.0, 1.0) * (0.55 + 0.4 * uFog) * (1.0 - 0.72 * near));
}

vec4 scene() {
    vec4 veil = softly();
    vec2 here = onScreen();
    // From the nearest row on, until one hides what is behind; only the two in front are shaded.
    Row front = rowHere(ROWS - 1), back = front;
    for (int row = ROWS - 2; row >= 0 && front.cover < 0.99; row--) {
        Row next = rowHere(row);
        if (front.cover < 0.02) {
            front = next;
            back = next;
        } else if (back.row == front.row || back.cover < 0.5) {
            back = next;
            if (next.cover > 0.5) break;
        }
    }
    float alpha = max(front.cover, back.cover);
    vec3 c = shade(front, veil, here);
    if (front.cover < 0.99) c = mix(shade(back, veil, here), c, front.cover / max(alpha, 1e-3));
#if NIGHT
    c += fireflies();
#else
    c += glow() * veil.z * (0.35 + 0.8 * uFog);
#endif
    return vec4(c, alpha);
}

#endif
