// The open sea under the common sky (PART 0), with the sun on its waves (PART 1).

#if PART == 0

vec4 soft() {
    return heaven(seen(0.02) - vec2(0.0, uStage.x));
}

vec4 scene() {
    return vec4(sky(seen(0.02) - vec2(0.0, uStage.x), softly()), 1.0);
}

#elif !defined(BAKE)

vec4 scene() {
    Water w = waterHere();
    vec3 c = seaColour(w);
    float white = foam(w, 0.62, 0.30) * smoothstep(0.25, 0.8, uWind);
    c = mix(c, mix(uHorizon, uLight, 0.4) * (0.85 - 0.55 * float(NIGHT)), white * 0.8);
    return vec4(seaAir(c, w), w.ground.cover);
}

#endif
