// A sea of sharpened sines, marched to its surface, lit by the common sky. PART 0 is the sky, PART 1 the water.

const float HORIZON = 0.035;

#if PART == 0

vec4 scene() {
    return vec4(sky(seen(0.35) - vec2(0.0, HORIZON)), 1.0);
}

#else

const int COARSE = 4, FINE = 12;

// Height and slope. What is smaller than `footprint` (units of the sea) fades away, so that nothing flickers far off.
vec3 swell(vec2 p, int waves, float footprint) {
    float height = 0.0, amplitude = 0.30 * (0.25 + 1.15 * uWind), k = 0.46, angle = 0.6;
    vec2 slope = vec2(0);
    for (int i = 0; i < waves; i++) {
        vec2 along = vec2(sin(angle), cos(angle));
        float phase = dot(p, along) * k + beat(sqrt(9.0 * k) * 0.62) * uTime + float(i) * 2.4;
        float up = 0.5 + 0.5 * wave(phase);
        float steep = up * wave(phase + 0.25 * TURN);
        float kept = 1.0 / (1.0 + 0.6 * footprint * footprint * k * k);
        height += amplitude * up * up * kept;
        slope += along * (amplitude * k * steep * kept);
        p -= along * (amplitude * steep * 0.9);
        amplitude *= 0.73;
        k *= 1.37;
        angle += 2.30;
    }
    return vec3(height, slope);
}

vec4 scene() {
    vec2 p = seen(0.35);
    vec3 ray = normalize(vec3(p.x, min(p.y - HORIZON, -0.0015), 1.15));
#if LOOP
    vec2 travel = sway(0.25, 0.5, 0.0);
#else
    vec2 travel = vec2(0.0, uTime * 0.55);
#endif
    // The surface lies between two planes; walk from the upper to the lower one and stop where the ray dips in.
    float roof = 0.92 * (0.25 + 1.15 * uWind);
    float above = max(1.75 + 0.25 * uWind + uPose.y * 9.0, roof + 0.25);  // a camera that sinks stays dry
    vec3 eye = vec3(uPose.x * 8.0 + travel.x, above, travel.y - log(uPose.z) * 16.0);
    float near = max((roof - eye.y) / ray.y, 0.0), end = -eye.y / ray.y;
    float hit = mix(near, end, 0.62);
    if (end < 70.0) {
        float stride = (end - near) / 7.0, t = near, gap = 0.0;
        hit = end;
        for (int i = 0; i < 8; i++) {
            vec3 q = eye + ray * t;
            float over = q.y - swell(q.xz, COARSE, 0.0).x;
            if (over < 0.0) {
                hit = t - stride * over / min(over - gap, -1e-4);
                break;
            }
            gap = over;
            t += stride;
        }
    }
    vec3 q = eye + ray * hit;
    float footprint = hit * pixel() / max(-ray.y, 0.03) * 0.75;
    vec3 wave = swell(q.xz, FINE, footprint);
    float rough = clamp(footprint * 0.5, 0.0, 1.0);
    vec3 normal = normalize(vec3(-wave.y, 1.0, -wave.z));
    normal = normalize(normal - ray * max(dot(normal, ray) + 0.03, 0.0));  // nobody sees the back of a wave

    vec3 mirror = reflect(ray, normal);
    mirror.y = abs(mirror.y) + 0.012 + 0.06 * rough;
    float fresnel = 0.02 + 0.98 * pow(1.0 - max(dot(normal, -ray), 0.0), 5.0);
    fresnel *= 1.0 - 0.35 * rough;
    vec3 up = skyColour(min(mirror.y / max(mirror.z, 0.25) * 1.1, 0.42));
    vec3 toLight = normalize(vec3(uLightAt.x, max(uLightAt.y, 0.04), 1.15));
    float towards = max(dot(mirror, toLight), 0.0);
    float shine = 1.0 - 0.94 * uCloud * uCloud;
    vec3 glitter = uLight * shine * (pow(towards, mix(520.0, 100.0, rough)) * mix(9.0, 3.0, rough) + pow(towards, 22.0) * 0.25);

    float height = wave.x / max(roof, 0.05);
    float through = pow(clamp(height * 1.05, 0.0, 1.0), 2.0) * (0.35 + 0.65 * pow(max(dot(ray, toLight), 0.0), 3.0));
    vec3 deep = mix(uGround, uAccent, 0.32) * (0.20 + 0.5 * dot(uHorizon, vec3(0.33)));
    vec3 water = deep + uAccent * through * (0.28 + 0.45 * dot(uLight, vec3(0.33)) * (1.0 - 0.8 * float(NIGHT)));
    vec3 c = mix(water, up, fresnel) + glitter * (0.12 + fresnel);

    float froth = fbm(q.xz * 1.6 + wave.yz * 0.8, 3) * 0.6 + noise(q.xz * 7.0 + wave.yz * 3.0) * 0.4;
    float foam = smoothstep(0.72, 1.05, height + 0.42 * (froth - 0.35)) * smoothstep(0.40, 0.66, froth);
    foam *= smoothstep(0.25, 0.8, uWind) * exp(-hit * 0.035);
    c = mix(c, mix(uHorizon, uLight, 0.4) * (0.85 - 0.55 * float(NIGHT)), foam * 0.8);

    float haze = 1.0 - exp(-hit * (0.004 + 0.03 * uFog * uFog));
    vec3 air = mix(uHorizon, uSky, 0.22) + uLight * 0.25 * shine * exp(-7.0 * abs(p.x - uLightAt.x)) * (1.0 - 0.7 * float(NIGHT));
    c = mix(c, air, haze * 0.9);
    return vec4(c, smoothstep(pixel(), -pixel(), p.y - HORIZON));
}

#endif
