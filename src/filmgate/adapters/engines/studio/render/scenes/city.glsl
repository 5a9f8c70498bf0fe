// An avenue between towers: rays walk over a grid of plots, each with a building on it. PART 0 is the sky, PART 1 the
// street, which mirrors the towers when it is wet, PART 2 all that stands. A unit is 20 metres.

const float FOCAL = 1.2, EYE = 0.16;
const float FAR = 26.0;

#define LIT (NIGHT == 1 || NEON == 1)

vec3 eye() {
    float ahead = 0.52 * (1.0 - uPose.z);
    vec2 aside = uPose.xy * 0.52 / FOCAL;
    return vec3(aside.x, max(EYE + aside.y - uStage.x / FOCAL * ahead, 0.03), ahead);
}

// How high the building of a plot is: none on the avenue and the cross streets, towers further back.
float tower(vec2 plot) {
    if (plot.x == 0.0 || mod(plot.y, 5.0) == 4.0) return 0.0;
    vec2 r = hash2(plot);
    float back = smoothstep(0.5, 3.0, abs(plot.x) - 0.5);
    return 0.7 + 1.4 * r.x + (0.6 + 2.4 * back) * r.y * r.y * r.y * 2.2;
}

struct Hit {
    float far;    // distance along the ray, FAR if nothing is hit
    vec2 plot;
    float across; // 1 if the wall faces the avenue, 0 if it faces the camera
};

// Walk from plot to plot, at most so many steps, until a wall is met. The plots of column x lie between x - 0.5 and x + 0.5.
Hit walk(vec3 from, vec3 way, float limit, int steps) {
    vec2 at = from.xz + vec2(0.5, 0.0), plot = floor(at), go = sign(way.xz);
    vec2 stride = 1.0 / max(abs(way.xz), 1e-4), next = (plot + 0.5 + 0.5 * go - at) * go * stride;
    Hit hit = Hit(FAR, plot, 0.0);
    float t = 0.0, across = 0.0;
    for (int i = 0; i < steps; i++) {
        across = step(next.x, next.y);
        t = min(next.x, next.y);
        plot += mix(vec2(0.0, go.y), vec2(go.x, 0.0), across);
        next += mix(vec2(0.0, stride.y), vec2(stride.x, 0.0), across);
        if (t > limit) break;
        if (from.y + way.y * t < tower(plot)) {
            hit = Hit(t, plot, across);
            break;
        }
    }
    return hit;
}

vec3 neonColour(float r) {
    return r < 0.4 ? uLight : r < 0.75 ? uAccent * 1.25 : r < 0.9 ? vec3(1.0, 0.62, 0.20) : vec3(0.45, 0.30, 1.0);
}

// A wall: rows of windows between bands of stone or glass, a lit ground floor, signs on some.
vec3 facade(Hit hit, vec3 q, vec3 way, float size) {
    vec2 r = hash2(hit.plot + 0.5), s = hash2(hit.plot + 90.0);
    float along = hit.across > 0.5 ? q.z : q.x + 0.5, high = tower(hit.plot);
    float storey = 0.14 + 0.04 * r.x, bay = 1.0 / (7.0 + floor(6.0 * r.y));
    vec2 cell = vec2(along / bay, q.y / storey), id = floor(cell), f = cell - id;
    // Windows smaller than a pixel fade into the wall's average.
    vec2 soft = vec2(size / bay, size / storey) * 0.8, edge = mix(vec2(0.16, 0.24), vec2(0.06, 0.10), step(0.6, s.x));
    vec2 inside = smoothstep(edge - soft, edge + soft, f) * smoothstep(edge - soft, edge + soft, 1.0 - f);
    float window = mix(inside.x * inside.y, (1.0 - 2.0 * edge.x) * (1.0 - 2.0 * edge.y), clamp(2.2 * max(soft.x, soft.y) - 0.5, 0.0, 1.0));
    float top = smoothstep(high - 0.06 - size, high - 0.06 + size, q.y);
    window *= 1.0 - top;
    vec3 stone = mix(mix(vec3(0.44, 0.36, 0.27), vec3(0.46, 0.45, 0.43), r.y), mix(vec3(0.36, 0.17, 0.11), vec3(0.12, 0.14, 0.17), r.x), step(0.5, s.y));
    stone *= 0.85 + 0.25 * noise(vec2(along * 9.0, q.y * 3.0) + hit.plot * 7.0);
    // Light: the sun from its side, the sky from above, little of it deep in the street.
    float turned = hit.across > 0.5 ? max(-sign(way.x) * uSun.x, 0.0) : max(-uSun.z, 0.25);
    float open = 0.35 + 0.65 * smoothstep(0.0, 1.6, q.y);
    float sunny = smoothstep(-0.15, 0.15, q.y - 0.28 + 0.5 * hash(hit.plot + 5.0) - 0.4 * (along - floor(along)));
    vec3 c = stone * (uKey * 1.55 * turned * sunny + uFill * (LIT ? 0.45 : 1.15) * open);
    vec3 mirror = mix(uSky, uHorizon, 0.25 + 0.5 * f.y) * (0.30 + 0.30 * open) + uKey * turned * sunny * 0.12;
    c = mix(c, mix(vec3(0.02, 0.03, 0.04), mirror, 0.55 + 0.4 * s.x), window);
#if LIT
    float there = hash(id + hit.plot * 31.0), blink = 1.0;
    float lamp = step(0.62 - 0.2 * r.x, there);
    float share = clamp(2.2 * max(soft.x, soft.y) - 0.5, 0.0, 1.0);
    vec3 warm = mix(vec3(1.0, 0.72, 0.38), mix(vec3(0.75, 0.88, 1.0), uAccent, 0.3), step(0.72, fract(there * 7.0)));
    c += warm * window * mix(lamp * (0.35 + 0.9 * fract(there * 13.0)), 0.32, share);
    // An upright sign at the corner, and a band of light over the shops.
    float hue = hash(hit.plot + 13.0);
    vec3 neon = neonColour(hue);
    float flick = 0.86 + 0.14 * wave(beat(2.0 + 9.0 * hue) * uTime + 40.0 * hue);
    float sx = along - floor(along) - (hit.across > 0.5 ? 0.10 : 0.80), sy = q.y - 0.62 - 0.25 * r.x, tall = 0.22 + 0.18 * r.y;
    float board = smoothstep(size, -size, abs(sx) - 0.05) * smoothstep(size, -size, abs(sy) - tall);
    float glyph = step(0.42, hash(floor(vec2(sx * 60.0, sy * 30.0)) + hit.plot)) * (1.0 - clamp(size * 40.0, 0.0, 1.0)) + 0.55 * clamp(size * 40.0, 0.0, 1.0);
    float frame = smoothstep(0.012 + size, 0.0, abs(max(abs(sx) - 0.042, (abs(sy) - tall + 0.01))));
    float signs = step(0.45, hash(hit.plot + 21.0));
    c = mix(c, vec3(0.01), board * signs * 0.9) + neon * board * signs * (glyph * 1.1 + frame * 1.8) * flick * 1.5;
    c += neon * signs * 0.045 / (0.03 + sx * sx + max(abs(sy) - tall, 0.0) * max(abs(sy) - tall, 0.0) * 2.0) * 0.34 * flick;
    vec3 other = neonColour(fract(hue * 5.3));
    c += other * smoothstep(0.018 + size, 0.0, abs(q.y - 0.245)) * 0.9;
#endif
    // Shops: large panes on the ground floor, some of them dark.
    float pane = floor(along * 5.0), in_ = fract(along * 5.0);
    vec2 kind = hash2(vec2(pane, 7.0) + hit.plot * 3.0);
    float shop = smoothstep(0.205 + size, 0.205 - size, q.y) * smoothstep(0.025 - size, 0.035 + size, q.y);
    shop *= mix(smoothstep(0.02, 0.06, in_) * smoothstep(0.98, 0.94, in_), 0.92, clamp(size * 25.0, 0.0, 1.0));
    float goods = 0.55 + 0.45 * smoothstep(0.03, 0.16, q.y) - 0.35 * noise(vec2(along * 40.0, q.y * 18.0)) * smoothstep(0.12, 0.05, q.y);
#if LIT
    vec3 inside_ = mix(vec3(1.0, 0.78, 0.48), mix(vec3(0.80, 0.92, 1.0), other, 0.35), kind.x) * goods * (kind.y < 0.3 ? 0.10 : 0.45 + 0.5 * kind.y);
    c = mix(c * 0.6, inside_, shop);
#else
    c = mix(c * 0.9, stone * 0.05 + mirror * (0.20 + 0.30 * kind.x) + vec3(0.10, 0.08, 0.05) * goods * kind.y, shop);
#endif
    return c * (0.75 + 0.25 * smoothstep(0.0, 0.2, q.y));
}

// The air between: thicker and brighter low down, where the lights are.
vec3 misty(vec3 c, float far, vec3 way) {
    float haze = 1.0 - exp2(-far * (0.030 + 0.10 * uFog));
#if LIT
    vec3 air = mix(uHorizon, uSky, 0.30) * (0.55 + 0.65 * exp2(-9.0 * abs(way.y)));
#else
    vec3 air = mix(uAir.rgb, uHorizon, 0.3) + uKey * 0.04;
#endif
    return mix(c, air, haze);
}

vec3 rayHere(vec2 p) {
    return vec3(p.x, p.y - uStage.x, FOCAL) / FOCAL;
}

#if PART == 0

vec4 soft() {
    return heaven(seen(0.0) - vec2(0.0, uStage.x));
}

vec4 scene() {
    vec2 p = seen(0.0) - vec2(0.0, uStage.x);
    vec3 c = sky(p, softly());
#if LIT
    c += uHorizon * 0.55 * exp2(-5.0 * max(p.y, 0.0));
#endif
    return vec4(c, 1.0);
}

#elif PART == 1

// Lamps of cars that come and go: where they are in the picture, and in what colour they shine.
vec3 traffic(vec2 p) {
    vec3 sum = vec3(0.0);
    for (int i = 0; i < 6; i++) {
        float lane = i < 3 ? -1.0 : 1.0, rate = 0.10 + 0.02 * float(i % 3);
        float z = 1.6 + 14.0 * fract((float(i % 3) + hash(vec2(float(i), 6.0))) / 3.0 - lane * scrolled(rate));
        vec3 at = vec3(lane * 0.14, 0.035, z) - eye();
        vec2 d = p - vec2(0.0, uStage.x) - FOCAL * at.xy / at.z, pair = vec2(abs(d.x) - 0.028 * FOCAL / at.z, d.y);
        float size = 0.010 / at.z;
        vec3 lamp = lane > 0.0 ? vec3(1.0, 0.10, 0.06) : vec3(1.0, 0.90, 0.70);
        float near = smoothstep(16.0, 11.0, z) * smoothstep(1.6, 2.2, z);
        sum += lamp * near * (size * size / (dot(pair, pair) + size * size * 0.25) * 0.45);
#if WET
        float below = max(-d.y, 0.0);
        sum += lamp * near * 0.30 * exp2(-abs(pair.x) / size * 0.9) * exp2(-below * 14.0) * step(0.0, -d.y);
#endif
    }
    return sum;
}

vec4 scene() {
    vec2 p = seen(0.0);
    vec3 from = eye(), way = rayHere(p);
    float t = min(-from.y / min(way.y, -1e-3), FAR);
    vec3 q = from + way * t;
    float x = abs(q.x), size = t * pixel() / FOCAL, long_ = size * t / from.y;
    // The road with its lines, the kerb, the pavement.
    float grit = noise(q.xz * 60.0) * 0.5 + noise(q.xz * 23.0) * 0.5;
    grit = mix(grit, 0.5, clamp(long_ * 12.0, 0.0, 1.0));
    float cross_ = smoothstep(0.02, -0.02, abs(mod(q.z, 5.0) - 4.5) - 0.5), road = max(smoothstep(0.30 + size, 0.30 - size, x), cross_);
    vec3 c = mix(vec3(0.20, 0.195, 0.19), vec3(0.055, 0.057, 0.062), road) * (0.75 + 0.5 * grit);
    vec2 slab = abs(fract(q.xz * 9.0) - 0.5);
    c *= 1.0 - 0.25 * (1.0 - road) * smoothstep(0.44, 0.5, max(slab.x, slab.y)) * (1.0 - clamp(long_ * 9.0, 0.0, 1.0));
    float dash = smoothstep(0.010 + size, 0.004, x) * smoothstep(0.0, 0.03 + long_, 0.25 - abs(fract(q.z * 1.4) - 0.5));
    float stripe = smoothstep(0.02, -0.02, abs(mod(q.z, 5.0) - 3.86) - 0.08) * step(x, 0.28) * smoothstep(0.35, 0.45, abs(fract(q.x * 12.0) - 0.5) + 0.2);
    c = mix(c, vec3(0.52), max(dash * (1.0 - cross_), stripe * 0.8) * 0.75);
    c = mix(c, vec3(0.30), smoothstep(0.014 + size, 0.0, abs(x - 0.307)) * (1.0 - cross_) * 0.8);
    float sunny = smoothstep(-0.1, 0.1, uSun.y - 0.25 + 0.4 * (q.x * sign(-uSun.x))) * (1.0 - uCloud);
    c *= uFill * (LIT ? 0.7 : 1.1) + uKey * (0.10 + 0.55 * sunny) * max(uSun.y, 0.1);
#if LIT
    c += c * (uHorizon * 1.6 + vec3(0.9, 0.6, 0.35) * 0.25) + vec3(0.012);
#endif
#if WET
    // Puddles: the mirrored ray walks on from the street, shaken by ripples.
    float pool = smoothstep(0.40, 0.62, fbm(q.xz * vec2(2.6, 1.5) + 9.0, 3) + 0.12 * road);
    vec2 shake = (vec2(noise(q.xz * 38.0 + sway(1.0, 6.0, 0.0)), noise(q.xz * 38.0 + 60.0 + sway(1.0, 7.0, 1.0))) - 0.5) * (0.10 - 0.06 * pool) / (1.0 + 40.0 * long_);
    vec3 up = vec3(way.x + shake.x, -way.y * (1.0 + 1.4 * shake.y), way.z);
    Hit hit = walk(q, up, FAR, 12);
    vec3 over = q + up * hit.far;
    vec3 image = hit.far < FAR ? misty(facade(hit, over, up, (t + hit.far) * pixel() * 2.0), t + hit.far, up) : skyColour(up.y) + uHorizon * 0.4 * exp2(-5.0 * up.y);
    float grazing = 1.0 - clamp(-way.y / length(way), 0.0, 1.0), g2 = grazing * grazing;
    c = mix(c, image, (0.12 + 0.75 * g2 * g2) * mix(0.45, 0.95, pool));
#endif
    c = misty(c, t, way);
    c += traffic(p) * (0.25 + 0.75 * float(LIT || WET == 1));
    return vec4(c, 1.0);
}

#else

vec4 scene() {
    vec3 from = eye(), way = rayHere(seen(0.0));
    Hit hit = walk(from, way, way.y < 0.0 ? -from.y / way.y : FAR, 24);
    vec3 q = from + way * hit.far;
    float size = hit.far * pixel() / FOCAL, high = tower(hit.plot);
    vec3 c = misty(facade(hit, q, way, size), hit.far, way);
    float roof = smoothstep(high + 0.2 * size, high - 1.6 * size, q.y);
    return vec4(c, step(hit.far, FAR - 0.01) * mix(1.0, roof, step(0.0, way.y)));
}

#endif
