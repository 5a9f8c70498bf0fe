// Ridges of conifers, one behind the other in mist, under the common sky. PART 0 is the sky, PART 1 what is above the
// trees, PART 2 the rest of the land.

const int LAYERS = 6;  // mountains, then five rows of trees
const int DRAWN = PART == 1 ? 1 : LAYERS;

float nearness(int layer) {
    return float(layer) / float(LAYERS - 1);
}

#if PART == 0

vec3 aurora(vec2 p) {
    vec3 sum = vec3(0);
    for (int i = 0; i < 3; i++) {
        float z = float(i);
        float fold = drifting(vec2(p.x * (1.3 + 0.3 * z) + 5.0 * z, 3.0 * z), vec2(0.06, 0.04), 3);
        float y = p.y - 0.05 - 0.07 * z - 0.22 * (fold - 0.4);
        float ray = 0.35 + 0.65 * drifting(vec2(p.x * 13.0 + fold * 6.0, z), vec2(0.3, 0.2), 2);
        float curtain = smoothstep(-0.02, 0.015, y) * exp(-max(y, 0.0) * (7.0 - 3.0 * ray)) * ray * smoothstep(0.30, 0.6, fold);
        vec3 green = mix(vec3(0.05, 0.85, 0.40), uAccent * 1.4, 0.25);
        sum += mix(green, vec3(0.50, 0.15, 0.80), smoothstep(0.02, 0.28, y)) * curtain * 0.75;
    }
    return sum;
}

vec4 scene() {
    vec2 p = seen(0.12) + vec2(0.0, 0.02);
    vec3 c = sky(p);
#if AURORA
    c += aurora(p);
#endif
    return vec4(c, 1.0);
}

#else

// How much of a pixel one tree covers. `d` counts from its foot, in tree heights.
float conifer(vec2 d, vec2 r, float soft) {
    float up = clamp(d.y, 0.0, 1.0);
    float tier = up * (8.0 + 4.0 * r.x) + r.y + abs(d.x) * 5.0;
    float width = (1.0 - up) * (0.13 + 0.06 * r.y) * (0.62 + 0.5 * (1.0 - fract(tier)));
    return smoothstep(soft, -soft, abs(d.x) - width) * step(d.y, 1.0);
}

// The height of the ground of a row of trees: hills of three waves.
float ground(float x, float near) {
    float wide = mix(5.0, 1.6, near);
    float hills = wave(x * wide) + 0.5 * wave(x * wide * 2.31 + 1.0) + 0.25 * wave(x * wide * 4.87 + 2.0);
    return mix(0.085, -0.46, near) + 0.030 * hills;
}

float mountain(vec2 p) {
    return 0.08 + (fbm(vec2(p.x * 2.2, 3.0), 4) - 0.5) * 0.42;
}

// One row of trees at a pixel: how much of it is covered, where its ground begins, and where in the row the pixel is.
float row(int layer, out vec2 p, out float top) {
    float near = nearness(layer), shift = 11.0 * float(layer) + float(uSeed & 1023u) * 0.37;
    p = seen(0.15 + 0.85 * near * near);
    top = ground(p.x + shift, near);
    float height = mix(0.030, 0.46, near * near), across = height * 0.34;
    float soft = 1.4 * pixel() / height * uPose.z;
    float x = (p.x + shift) / across, column = floor(x);
    float other = x - column < 0.5 ? -1.0 : 1.0;
    float wind = wave(beat(0.9) * uTime + p.x * 3.0 + shift) * (0.004 + 0.014 * uWind);
    float cover = smoothstep(pixel(), -pixel(), p.y - top);
    for (int side = 0; side <= 1; side++) {
        float at = column + float(side) * other;
        vec2 r = hash2(vec2(at, float(layer) * 17.0));
        float tall = height * (0.50 + 0.65 * r.y);
        vec2 d = vec2((x - at - 0.35 - 0.3 * r.x) * across, p.y - top) / tall;
        d.x -= wind * d.y * d.y;
        d.y += 0.06;
        cover = max(cover, conifer(d, r, soft));
    }
    return cover;
}

vec3 shade(int layer, vec2 p, float top, vec3 glow) {
    float near = nearness(layer), away = 1.0 - near, shift = 11.0 * float(layer);
    float aside = exp(-3.0 * length(p - uLightAt));
    vec3 air = mix(uHorizon, uSky, 0.5) * (0.80 + 0.15 * uFog) + glow * 0.30 * aside;
    float grain = noise(vec2(p.x, p.y * 0.6) * mix(90.0, 40.0, near) + shift);
    vec3 body = uGround * mix(0.9, 0.34, near) * (0.6 + 0.8 * grain);
    body += glow * uGround * 0.8 * aside * away;
#if SNOW
    body = mix(body, uHorizon * 0.7, 0.10 + 0.25 * grain);
#endif
    vec3 c = mix(body, air, clamp(pow(away, 1.15) * (0.72 + 0.30 * uFog), 0.0, 0.96));
    float mist = drifting(vec2(p.x * 1.6 + shift, p.y * 4.5), vec2(0.07 + 0.04 * near, 0.01), 2);
    float low = smoothstep(top + 0.01, top - 0.14, p.y) + 0.30 * near;
    low *= 0.25 + 0.75 * smoothstep(0.28, 0.66, mist);
    return mix(c, air * 1.03, clamp(low, 0.0, 1.0) * (0.55 + 0.40 * uFog) * (1.0 - 0.75 * near));
}

vec4 scene() {
    vec3 glow = uLight * (1.0 - 0.78 * float(NIGHT)) * (1.0 - 0.8 * uCloud * uCloud);
    // Find the layer in front and the one behind it, then shade these two only.
    int front = 0, back = 0;
    vec2 frontAt = seen(0.15), backAt = frontAt;
    float frontTop = mountain(frontAt), backTop = frontTop;
    float frontCover = smoothstep(pixel(), -pixel(), frontAt.y - frontTop), backCover = 0.0;
    float alpha = frontCover;
    for (int layer = 1; layer < DRAWN; layer++) {
        vec2 at;
        float top, cover = row(layer, at, top);
        alpha = max(alpha, cover);
        if (cover > 0.01) {
            if (frontCover > 0.5) {
                back = front; backCover = frontCover; backTop = frontTop; backAt = frontAt;
            }
            front = layer; frontCover = cover; frontTop = top; frontAt = at;
        }
    }
    vec3 behind = shade(back, backAt, backTop, glow);
    vec3 c = mix(behind, shade(front, frontAt, frontTop, glow), backCover > 0.0 ? frontCover : 1.0);
    float far = 1.0 - nearness(front) * frontCover;
    vec2 p = onScreen();
#if NIGHT
    for (int i = 0; i < 14; i++) {
        vec2 r = hash2(vec2(float(i), 41.0)), s = hash2(vec2(float(i), 43.0));
        vec2 at = vec2(r.x - 0.5, -0.05 - 0.30 * r.y) * vec2(1.4, 1.0) + sway(0.03, 0.5 + s.x, 6.0 * s.y);
        vec2 d = seen(0.9) - at;
        float pulse = max(0.0, wave(beat(1.3 + s.y) * uTime + 6.0 * s.x));
        c += vec3(0.9, 0.8, 0.25) * pulse * pulse * (0.00003 / (dot(d, d) + 0.00002));
    }
#else
    vec2 d = p - uLightAt;
    vec2 way = d / (length(d) + 1e-3);
    float rays = noise(way * 5.0 + sway(0.25, 0.3, 0.0)) * 0.6 + noise(way * 11.0 + 3.0) * 0.4;
    c += glow * smoothstep(0.42, 0.85, rays) * exp(-2.4 * length(d)) * smoothstep(0.05, -0.2, d.y) * (0.10 + 0.24 * uFog) * far;
#endif
    return vec4(c, alpha);
}

#endif
