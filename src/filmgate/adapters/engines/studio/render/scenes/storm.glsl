// A sea in uproar under low clouds, lit by lightning. PART 0 is the sky, PART 1 the water.

// How bright the lightning is at this moment: a few flashes, each of two strokes. The same again after a loop.
float lightning() {
    float slot = scrolled(0.55), count = mod(floor(slot), repeats(0.55)), t = fract(slot);
    float strikes = step(0.35, hash(vec2(count, 71.0)));
    float start = 0.15 + 0.5 * hash(vec2(count, 72.0)), since = t - start;
    float stroke = step(0.0, since) * exp2(-since * 42.0), second = step(0.09, since) * exp2(-(since - 0.09) * 28.0);
    return strikes * (stroke + 0.7 * second);
}

// Where it strikes.
float strikesAt() {
    return 0.9 * (hash(vec2(mod(floor(scrolled(0.55)), repeats(0.55)), 73.0)) - 0.5);
}

#if PART == 0

// Two decks of cloud, the lower one torn.
vec4 soft() {
    vec2 p = seen(0.02) - vec2(0.0, uStage.x);
    float y = max(p.y, 0.0);
    vec2 q = vec2(p.x, 0.8) / (y + 0.13);
    float warp = noise(q * 0.8 + sway(0.15, 0.25, 0.0));
    float high = drifting(q * vec2(0.7, 1.1) + 1.3 * warp, vec2(0.10, 0.03), 5);
    float low = drifting(q * vec2(1.2, 2.0) + 0.9 * high + 7.0, vec2(0.22, 0.05), 5);
    float lift = smoothstep(0.25, 0.75, high);
    vec3 c = mix(uZenith * 0.30, uHorizon * 0.85, lift * lift) * (0.45 + 0.7 * low);
    c = mix(c, uZenith * 0.22, smoothstep(0.48, 0.74, low) * 0.85);
    c = mix(c, uHorizon * (0.75 + 0.25 * lift), exp2(-y * 14.0));
    float flash = lightning(), aside = p.x - strikesAt();
    c += vec3(0.62, 0.70, 1.0) * flash * exp2(-7.0 * aside * aside) * (0.25 + 1.3 * lift * lift) * (0.5 + low);
    return vec4(c, 1.0);
}

// A bolt from the clouds to the sea: a crooked line with two branches.
float bolt(vec2 p) {
    float x = p.x - strikesAt(), y = p.y, count = floor(scrolled(0.55));
    float crooked = 0.09 * (noise(vec2(y * 9.0, count)) - 0.5) + 0.035 * (noise(vec2(y * 34.0, count + 9.0)) - 0.5);
    float line = abs(x - crooked), branch = abs(x - crooked - 0.55 * (0.26 - y)), other = abs(x - crooked + 0.8 * (0.17 - y));
    float thin = 0.0022 + 0.004 * y;
    float sum = thin * thin / (line * line + 0.000002);
    sum += 0.25 * thin * thin / (branch * branch + 0.000002) * step(y, 0.26) * smoothstep(0.08, 0.2, y);
    sum += 0.25 * thin * thin / (other * other + 0.000002) * step(y, 0.17) * smoothstep(0.02, 0.12, y);
    return min(sum, 6.0) * step(0.0, y) * step(y, 0.42);
}

vec4 scene() {
    vec2 p = seen(0.02) - vec2(0.0, uStage.x);
    return vec4(softly().rgb + vec3(0.8, 0.86, 1.0) * bolt(p) * lightning(), 1.0);
}

#elif !defined(BAKE)

vec4 scene() {
    Water w = waterHere();
    vec3 c = seaColour(w);
    float white = foam(w, 0.40, 0.35);
    vec2 torn = vec2(dot(w.at, vec2(0.83, 0.56)), dot(w.at, vec2(-0.56, 0.83)));
    float streaks = smoothstep(0.55, 0.80, fbm(torn * vec2(0.5, 2.6), 3)) * exp2(-w.ground.away * 0.03) * 0.5;
    vec3 froth = mix(uHorizon, uLight, 0.4) * (0.80 - 0.50 * float(NIGHT));
    c = mix(c, froth, clamp(white * 0.85 + streaks * (0.35 + w.crest), 0.0, 0.92));
    float aside = w.ground.place.x / max(w.ground.away, 1.0) * 1.15 - strikesAt();
    c += vec3(0.5, 0.58, 0.8) * lightning() * (0.15 + w.fresnel) * exp2(-3.0 * aside * aside);
    float spray = smoothstep(0.35, 1.0, w.crest) * smoothstep(60.0, 12.0, w.ground.away);
    c = mix(c, uHorizon, 0.22 * spray);
    return vec4(seaAir(c, w), w.ground.cover);
}

#endif
