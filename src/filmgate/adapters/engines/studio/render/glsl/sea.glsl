// A sea of sharpened sines. It is a relief whose heights are made anew for every frame; what its points are too coarse
// for is in the normals. A scene defines STEEP, the height of its waves in a middling wind.

// Height and slope. What is smaller than `footprint` (units of the sea) fades away, so that nothing flickers far off.
vec3 swell(vec2 p, int waves, float footprint) {
    float height = 0.0, amplitude = STEEP * (0.25 + 1.15 * uWind), k = 0.46, frequency = 1.2615;
    vec2 slope = vec2(0), along = vec2(0.5646, 0.8253);
    for (int i = 0; i < waves; i++) {
        float phase = dot(p, along) * k + beat(frequency) * uTime + float(i) * 2.4;
        float up = 0.5 + 0.5 * wave(phase);
        float steep = up * wave(phase + 0.25 * TURN);
        float kept = 1.0 / (1.0 + 0.6 * footprint * footprint * k * k);
        height += amplitude * up * up * kept;
        slope += along * (amplitude * k * steep * kept);
        p -= along * (amplitude * steep * 0.9);
        amplitude *= 0.73;
        k *= 1.37;
        frequency *= 1.1705;  // of a wave in deep water: it grows with the root of k
        along = mat2(-0.6663, 0.7457, -0.7457, -0.6663) * along;
    }
    return vec3(height, slope);
}

vec2 travelled(vec2 at) {
#if LOOP
    return at + sway(0.25, 0.5, 0.0);
#else
    return at + vec2(0.0, uTravel);
#endif
}

float height(vec2 at) {
    return swell(travelled(at), 6, 0.03 * length(at)).x - 0.7 * STEEP * (0.25 + 1.15 * uWind);
}

#ifndef BAKE

struct Water {
    Ground ground;
    vec3 normal, ray;
    vec2 at;
    float crest;    // 0 in a trough, 1 on the highest crest
    float rough;    // how much of the waves is too small to be seen
    float fresnel;
};

Water waterHere() {
    Water w;
    w.ground = groundHere();
    vec3 from = w.ground.place - eye();
    w.ray = from / w.ground.away;
    w.at = travelled(w.ground.place.xz);
    float footprint = w.ground.away * pixel() / max(-w.ray.y, 0.03) * 0.75;
    vec3 wave_ = swell(w.at, 9, footprint);
    w.rough = clamp(footprint * 0.5, 0.0, 1.0);
    w.crest = clamp(wave_.x / (3.1 * STEEP * (0.25 + 1.15 * uWind)), 0.0, 1.0);
    vec2 choppy = vec2(noise(w.at * 3.1 + sway(0.6, 1.7, 0.0)), noise(w.at * 3.1 + 31.0 + sway(0.6, 1.9, 2.0))) - 0.5;
    w.normal = normalize(vec3(-wave_.y + choppy.x * 0.10 * (1.0 - w.rough), 1.0, -wave_.z + choppy.y * 0.10 * (1.0 - w.rough)));
    w.normal = normalize(w.normal - w.ray * max(dot(w.normal, w.ray) + 0.03, 0.0));  // nobody sees the back of a wave
    float facing = 1.0 - max(dot(w.normal, -w.ray), 0.0), squared = facing * facing;
    w.fresnel = (0.02 + 0.98 * squared * squared * facing) * (1.0 - 0.35 * w.rough);
    return w;
}

// The sky in the water, the light through the crests, and the sun's glitter.
vec3 seaColour(Water w) {
    vec3 mirror = reflect(w.ray, w.normal);
    mirror.y = abs(mirror.y) + 0.012 + 0.06 * w.rough;
    vec3 up = skyColour(min(mirror.y / max(mirror.z, 0.25) * 1.1, 0.42));
    float towards = max(dot(mirror, uSun), 0.0), bright = dot(uHorizon, vec3(0.33));
    float t2 = towards * towards, t4 = t2 * t2, t16 = t4 * t4 * t4 * t4;
    vec3 glitter = uLight * sunThrough() * sunThrough() * (pow(towards, mix(520.0, 100.0, w.rough)) * mix(9.0, 3.0, w.rough) + t16 * t4 * t2 * 0.25);
    float low = max(dot(w.ray, uSun), 0.0);
    float through = w.crest * w.crest * (0.35 + 0.65 * low * low * low);
    vec3 water = mix(uGround, uAccent, 0.32) * (0.20 + 0.5 * bright);
    water += uAccent * through * (0.28 + 0.45 * dot(uLight, vec3(0.33)) * (1.0 - 0.8 * float(NIGHT)));
    return mix(water, up, w.fresnel) + glitter * (0.12 + w.fresnel);
}

// Foam on what is higher than `from`, in torn patches.
float foam(Water w, float from, float width) {
    float froth = fbm(w.at * 1.6 + w.normal.xz * 0.8, 2) * 0.6 + noise(w.at * 7.0 + w.normal.xz * 3.0) * 0.4;
    return smoothstep(from, from + width, w.crest + 0.42 * (froth - 0.35)) * smoothstep(0.40, 0.66, froth) * exp2(-w.ground.away * 0.045);
}

vec3 seaAir(vec3 c, Water w) {
    float haze = 1.0 - exp2(-w.ground.away * (0.005 + 0.04 * uFog * uFog));
    vec2 d = seen(0.0) - vec2(0.0, uStage.x) - uLightAt;
    vec3 air = mix(uHorizon, uSky, 0.22) + uLight * 0.25 * sunThrough() * exp2(-10.0 * abs(d.x)) * (1.0 - 0.7 * float(NIGHT));
    return mix(c, air, haze * 0.9);
}

#endif
