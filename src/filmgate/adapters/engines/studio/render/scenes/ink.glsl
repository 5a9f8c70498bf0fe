// Ink that folds into itself: noise bent by noise bent by noise, with a light along its creases.

vec2 place() {
    return seen(1.0) * 1.55 + float(uSeed & 127u);
}

// The slow currents that carry the ink.
vec4 soft() {
    vec2 p = place();
    vec2 flow = vec2(
        drifting(p + sway(0.10, 0.3, 0.0), vec2(0.055, 0.020), 3),
        drifting(p + 5.7 + sway(0.10, 0.3, 1.6), vec2(-0.040, 0.050), 3)
    );
    vec2 bent = p + 2.6 * flow;
    vec2 fold = vec2(fbm(bent + sway(0.22, 0.45, 0.5), 4), fbm(bent + 8.1 + sway(0.22, 0.45, 3.6), 4));
    return vec4(flow, fold);
}

vec4 scene() {
    vec4 current = softly();
    vec2 flow = current.xy, fold = current.zw, at = place() * 0.9 + 3.0 * fold;
    float height = fbm(at, 5), slope = fbm(at + vec2(0.022, 0.017), 5) - height;
    float lift = smoothstep(0.30, 0.66, height * 0.75 + fold.x * 0.25);
    vec3 c = mix(uZenith * 1.3, uSky * 1.2, lift);
    c = mix(c, uAccent * 1.15, smoothstep(0.44, 0.60, fold.x));
    c = mix(c, uHorizon * 1.1, smoothstep(0.52, 0.64, fold.y) * 0.95);
    c = mix(c, uGround, smoothstep(0.47, 0.34, flow.y) * (1.0 - 0.6 * lift));
    c = mix(c, uLight, smoothstep(0.56, 0.74, height * 0.55 + flow.x * 0.5) * 0.45);
    // Strands: thin lines of colour where the folds are drawn out.
    float strand = abs(fract(height * 7.0 + fold.y * 2.0) - 0.5) * 2.0;
    c *= 0.80 + 0.35 * smoothstep(0.1, 0.9, strand);
    c *= 1.0 + clamp(slope * 13.0, -0.7, 1.2);
    float glint = clamp(slope * 13.0, 0.0, 1.0);
    c += uLight * glint * glint * glint * 0.6;
    return vec4(c * mix(0.42, 1.22, lift), 1.0);
}
