// What all scenes share: the camera, noise, sky, weather and the film.
// Colours are linear until develop(). LOOP, NIGHT, CLOUD, RAIN and SNOW are defined as 0 or 1 in front of this file:
// what a scene does not need is compiled out, because a CPU renderer pays for both sides of every branch.

uniform vec2 uSize;     // pixels
uniform uint uSeed;
uniform float uTime;    // seconds since the first frame of the first clip, may be negative
uniform float uPeriod;  // seconds after which everything is the same again, if LOOP
uniform vec4 uPose;     // camera: shift x, shift y, width of view, turn
uniform vec2 uLightAt;
uniform float uCloud, uWind, uFog;
uniform vec3 uZenith, uSky, uHorizon, uLight, uAccent, uGround;
out vec4 oColour;

const float TURN = 6.28318531;

// ---- noise ----------------------------------------------------------------------------------------------------------

float hash(vec2 cell) {
    ivec2 c = ivec2(cell);
    uint h = uint(c.x) * 0x9E3779B1u + uint(c.y) * 0x85EBCA6Bu + uSeed;
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h ^= h >> 13;
    return float(h & 0xFFFFu) / 65536.0;
}

vec2 hash2(vec2 cell) {
    ivec2 c = ivec2(cell);
    uint h = uint(c.x) * 0x9E3779B1u + uint(c.y) * 0x85EBCA6Bu + uSeed + 77u;
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    h = (h ^ (h >> 12)) * 0x297A2D39u;
    return vec2(float(h & 0xFFFFu), float(h >> 16)) / 65536.0;
}

float noise(vec2 p) {
    vec2 cell = floor(p), f = p - cell;
    f = f * f * (3.0 - 2.0 * f);
    uint x = uint(int(cell.x)) * 0x9E3779B1u, y = uint(int(cell.y)) * 0x85EBCA6Bu + uSeed;
    uvec4 h = uvec4(x + y, x + y + 0x9E3779B1u, x + y + 0x85EBCA6Bu, x + y + 0x9E3779B1u + 0x85EBCA6Bu);
    h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
    vec4 v = vec4(ivec4((h >> 11) & 0xFFFFu)) / 65536.0;
    vec2 side = mix(v.xz, v.yw, f.x);
    return mix(side.x, side.y, f.y);
}

const mat2 OCTAVE = mat2(1.52, -1.29, 1.29, 1.52);

float fbm(vec2 p, int octaves) {
    float sum = 0.0, weight = 0.5, total = 0.0;
    for (int i = 0; i < octaves; i++) {
        sum += weight * noise(p);
        total += weight;
        p = OCTAVE * p + 19.7;
        weight *= 0.5;
    }
    return sum / total;
}

// Noise that moves with a velocity. In a loop it is blended with itself one period earlier, its contrast restored.
float drifting(vec2 p, vec2 velocity, int octaves) {
#if LOOP
    float t = uTime - uPeriod * floor(uTime / uPeriod), k = t / uPeriod;
    float now = fbm(p + velocity * t, octaves) - 0.5, before = fbm(p + velocity * (t - uPeriod), octaves) - 0.5;
    return 0.5 + (now * (1.0 - k) + before * k) / sqrt(k * k + (1.0 - k) * (1.0 - k));
#else
    return fbm(p + velocity * uTime, octaves);
#endif
}

// ---- time -----------------------------------------------------------------------------------------------------------

// An angular frequency, in a loop moved to the nearest whole number of turns.
float beat(float frequency) {
#if LOOP
    return max(1.0, floor(frequency * uPeriod / TURN + 0.5)) * TURN / uPeriod;
#else
    return frequency;
#endif
}

// A sine to a thousandth, at a fraction of its price on a CPU.
float wave(float angle) {
    float f = fract(angle / TURN) * 2.0 - 1.0;
    float y = 4.0 * f * (abs(f) - 1.0);
    return y + 0.225 * (y * abs(y) - y);
}

// A small circular motion, the same again after one period.
vec2 sway(float radius, float frequency, float phase) {
    float a = beat(frequency) * uTime + phase;
    return radius * vec2(wave(a + 0.25 * TURN), wave(a));
}

// Rows that have scrolled by, and after how many rows the pattern must repeat.
float scrolled(float rate) {
#if LOOP
    return uTime / uPeriod * max(1.0, floor(rate * uPeriod + 0.5));
#else
    return uTime * rate;
#endif
}

float repeats(float rate) {
#if LOOP
    return max(1.0, floor(rate * uPeriod + 0.5));
#else
    return 4096.0;
#endif
}

// ---- camera ---------------------------------------------------------------------------------------------------------

// Image coordinates: the middle is 0, y is up, the unit is the square root of the frame's area.
vec2 onScreen() {
    vec2 p = (gl_FragCoord.xy - 0.5 * uSize) / sqrt(uSize.x * uSize.y);
    return vec2(p.x, -p.y);
}

// The same as seen by the camera; a depth of 0 is infinitely far and stands still, 1 is near.
vec2 seen(float depth) {
    vec2 p = onScreen();
    float c = cos(uPose.w), s = sin(uPose.w);
    return mat2(c, s, -s, c) * p * mix(1.0, uPose.z, depth) + uPose.xy * depth;
}

float pixel() {
    return 1.0 / sqrt(uSize.x * uSize.y);
}

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
    c = 1.0 - exp(-c * 1.35);
    c = pow(c, vec3(1.0 / 2.1));
    c = mix(c, c * c * (3.0 - 2.0 * c), 0.35);
    float grain = hash(gl_FragCoord.xy) + hash(gl_FragCoord.yx + 131.0) - 1.0;
    return c + grain / 255.0;
}
