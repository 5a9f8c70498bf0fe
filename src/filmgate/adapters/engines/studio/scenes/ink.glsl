// Ink that folds into itself: noise bent by noise bent by noise, with a light along its creases.

vec4 scene() {
    vec2 p = seen(1.0) * 1.7;
    vec2 flow = vec2(
        drifting(p + sway(0.10, 0.3, 0.0), vec2(0.055, 0.020), 3),
        drifting(p + 5.7 + sway(0.10, 0.3, 1.6), vec2(-0.040, 0.050), 3)
    );
    vec2 bent = p + 2.4 * flow;
    vec2 fold = vec2(
        fbm(bent + sway(0.22, 0.45, 0.5), 4),
        fbm(bent + 8.1 + sway(0.22, 0.45, 3.6), 4)
    );
    vec2 at = p * 0.9 + 2.8 * fold;
    float height = fbm(at, 5);
    float slope = fbm(at + vec2(0.026, 0.019), 5) - height;

    float lift = smoothstep(0.28, 0.72, height);
    vec3 c = mix(mix(uGround, uZenith, 0.6), uSky, lift);
    c = mix(c, uAccent, smoothstep(0.44, 0.64, fold.x) * 0.85);
    c = mix(c, uHorizon, smoothstep(0.53, 0.70, fold.y) * 0.80);
    c = mix(c, uGround, smoothstep(0.50, 0.36, flow.y) * (1.0 - lift) * 0.85);
    c = mix(c, uLight, smoothstep(0.62, 0.80, height * 0.6 + flow.x * 0.5) * 0.50);
    c *= 1.0 + clamp(slope * 11.0, -0.75, 1.1);
    c += uLight * pow(clamp(slope * 12.0, 0.0, 1.0), 3.0) * 0.5;
    return vec4(c * mix(0.22, 1.25, lift), 1.0);
}
