// What all layers of a frame share: what is known of the scene, noise, time and the camera.
// Colours are linear until develop(). LOOP, NIGHT, CLOUD, RAIN, SNOW and a scene's own features are defined as 0 or 1 in
// front of this file: what is not needed is compiled out, because a CPU renderer pays for both sides of every branch.

uniform vec2 uSize;     // pixels
uniform uint uSeed;
uniform float uTime;    // seconds since the first frame of the first clip, may be negative
uniform float uPeriod;  // seconds after which everything is the same again, if LOOP
uniform float uTravel;  // how far the camera has flown, in the scene's own units; 0 in a loop
uniform vec3 uPose;     // camera: shift x, shift y, width of view
uniform vec2 uTurn;     // cosine and sine of its roll
uniform vec3 uStage;    // height of the horizon, of near ground, and a metre near the camera, in units
uniform vec2 uLightAt;  // the sun or moon, counted from the horizon in the middle of the frame
uniform vec3 uSun;      // the direction to it: right, up, away from the camera
uniform vec3 uTowards;  // the direction to the light on subjects: right, up, towards the viewer
uniform vec3 uKey, uFill;
uniform vec4 uAir;      // the air between a subject and the camera, and how thick it is
uniform float uCloud, uWind, uFog;
uniform vec4 uGrade;    // exposure, contrast, saturation, warmth
uniform vec3 uZenith, uSky, uHorizon, uLight, uAccent, uGround, uLeaf;

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

// Noise with sharp crests, sharper where it is high: ranges of mountains.
float ridged(vec2 p, int octaves) {
    float sum = 0.0, weight = 0.5, before = 1.0;
    for (int i = 0; i < octaves; i++) {
        float ridge = 1.0 - abs(2.0 * noise(p) - 1.0);
        ridge *= ridge;
        sum += ridge * weight * before;
        before = clamp(ridge * 1.6, 0.0, 1.0);
        p = OCTAVE * p + 7.3;
        weight *= 0.5;
    }
    return sum;
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

