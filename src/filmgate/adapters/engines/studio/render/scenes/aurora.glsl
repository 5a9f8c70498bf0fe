// Curtains of light over snowy hills and still water. PART 0 is the sky, PART 1 the water and its shores.

const float SHORE = -0.10;

vec4 soft() {
    vec2 p = seen(0.02) - vec2(0.0, uStage.x);
    vec4 veil = heaven(p);
    return vec4(veil.rgb - halo(p - uLightAt) * (1.0 - veil.a) + curtains(p + vec2(0.0, 0.10)) * (1.0 - veil.a), veil.a);
}

#if PART == 0

vec4 scene() {
    vec2 p = seen(0.02) - vec2(0.0, uStage.x);
    vec4 glow = softly();
    vec3 c = glow.rgb;
    float bright = dot(glow.rgb, vec3(0.4));
    c += stars(p, 0.8, 0.26) * (1.0 - glow.a) * clamp(1.0 - 1.2 * bright, 0.15, 1.0) * smoothstep(0.0, 0.3, p.y);
    return vec4(c, 1.0);
}

#else

// How much the hills cover at p, and how bright their snow is.
vec2 hills(vec2 p, float layer) {
    float x = p.x * (1.9 + 0.8 * layer) + 17.0 * layer + float(uSeed & 255u);
    float top = SHORE + 0.035 + (0.10 - 0.055 * layer) * ridged(vec2(x * 1.2, 2.0 + layer), 5);
    float cover = smoothstep(pixel(), -pixel(), p.y - top);
    float snow = smoothstep(0.30, 0.75, ridged(vec2(x * 1.8 + 1.5 * (p.y - top), p.y * 9.0 + layer), 4));
    return vec2(cover, snow);
}

vec4 scene() {
    vec2 here = seen(0.25), p = here;
    float below = SHORE - here.y, wet = smoothstep(0.0, pixel() * 1.5, below);
    // In the water everything is seen once more, upside down.
    float ripple = noise(vec2(here.x * 9.0 / (0.08 + below), 14.0 * log(0.05 + max(below, 0.0))) + sway(0.5, 0.9, 0.0)) - 0.5;
    float stir = wet * (0.010 + 0.05 * below) * (0.25 + 1.2 * uWind);
    if (below > 0.0) p.y = 2.0 * SHORE - here.y;
    p += vec2(0.3, 1.0) * ripple * stir;
    vec2 uv = (vec2(p.x, -p.y) * sqrt(uSize.x * uSize.y) + 0.5 * uSize) / uSize;
    vec4 glow = texture(uSoft, clamp(uv, 0.0, 1.0));
    vec3 light = texture(uSoft, clamp(vec2(uv.x, 0.35), 0.0, 1.0)).rgb * 0.5 + uFill * 0.5;
    vec3 c = glow.rgb;
    vec2 far = hills(p, 0.0), near = hills(p, 1.0);
    vec3 body = mix(uGround, (light * 0.55 + uHorizon * 0.6), far.y);
    c = mix(c, mix(body, uHorizon, 0.30), far.x);
    c = mix(c, mix(uGround * 0.7, light * 0.40 + uHorizon * 0.3, near.y * 0.8), near.x);
    vec2 tree = conifers(vec2(p.x, p.y - SHORE - 0.004), 0.075, 2.0, vec2(0.2 * wave(float(uSeed)), 0.50));
    c = mix(c, uGround * 0.35, tree.x * step(SHORE, p.y));
    float cover = max(max(far.x, near.x), max(tree.x, wet));
    c = mix(c, c * vec3(0.62, 0.70, 0.78) + uZenith * 0.4, wet);
    c = mix(c, c * 0.55, smoothstep(0.0, 0.35, below) * wet);
    return vec4(c, cover);
}

#endif
