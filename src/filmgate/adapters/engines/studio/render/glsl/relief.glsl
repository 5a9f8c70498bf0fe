// The ground of a scene that gives float height(vec2 at): its light is baked once per clip (BAKE), its points are drawn
// as triangles that only tell where they are, and then the scene shades what is seen of them, each pixel once.

float height(vec2 at);

#ifdef BAKE

vec2 netHere() {
    return (gl_FragCoord.xy - 0.5) / vec2(textureSize(uHeights, 0) - 1) * vec2(2.0, 1.0) - vec2(1.0, 0.0);
}

#if BAKE == 0

vec4 baked() {
    return vec4(height(placeOf(netHere())), 0.0, 0.0, 1.0);
}

#else

float heightAt(vec2 place) {
    return texture(uHeights, inTexture(netOf(place))).x;
}

// Slopes from the neighbours, the sun's light by a walk towards it, and how open the sky is by eight short walks.
vec4 baked() {
    vec2 net = netHere(), texel = vec2(2.0, 1.0) / vec2(textureSize(uHeights, 0) - 1);
    ivec2 at = ivec2(gl_FragCoord.xy), last = textureSize(uHeights, 0) - 1;
    vec2 place = placeOf(net), right = placeOf(net + vec2(texel.x, 0.0)), behind = placeOf(net + vec2(0.0, texel.y));
    float here = texelFetch(uHeights, at, 0).x;
    float across = (texelFetch(uHeights, min(at + ivec2(1, 0), last), 0).x - texelFetch(uHeights, max(at - ivec2(1, 0), ivec2(0)), 0).x) * 0.5;
    float along = (texelFetch(uHeights, min(at + ivec2(0, 1), last), 0).x - texelFetch(uHeights, max(at - ivec2(0, 1), ivec2(0)), 0).x) * 0.5;
    vec2 slope = vec2(across / (right.x - place.x), 0.0);
    slope.y = (along - slope.x * (behind.x - place.x)) / (behind.y - place.y);  // columns spread with the distance
    vec3 sun = normalize(vec3(uSun.x, max(uSun.y, 0.06), uSun.z));
    float spacing = max(behind.y - place.y, 0.02 * uNet.x), lit = 1.0, walked = spacing;
    for (int i = 0; i < 40; i++) {
        vec3 q = vec3(place.x, here, place.y) + sun * walked;
        lit = min(lit, 0.6 + 8.0 * (q.y - heightAt(q.xz)) / walked);
        walked *= 1.16;
    }
    float open = 0.0;
    for (int i = 0; i < 8; i++) {
        float angle = 0.7854 * float(i), rise = 0.0;
        for (int k = 1; k <= 4; k++) {
            float d = spacing * 1.5 * float(k * k);
            rise = max(rise, (heightAt(place + d * vec2(cos(angle), sin(angle))) - here) / d);
        }
        open += 1.0 / (1.0 + rise * rise) / 8.0;
    }
    return vec4(slope, clamp(lit, 0.0, 1.0), open);
}

#endif
#else

uniform sampler2D uShade;  // slope towards x and z, sunlight that reaches the point, light from all around
uniform sampler2D uSeen;   // what the points told: where in the net, y raised by 1

struct Ground {
    vec3 place;    // x right, y up, z away from the camera
    vec3 normal;
    float sun;     // sunlight on it: 0 in shadow or turned away, 1 face to face
    float open;    // light from the sky, 0 to 1
    float away;    // distance to the camera
    float ridge;   // 1 where something much further away is right above it
    float cover;   // how much of the pixel it covers: its outline is softened
};

Ground groundAt(ivec2 at) {
    ivec2 last = ivec2(uSize) - 1;
    vec2 seen_ = texelFetch(uSeen, at, 0).xy;
    vec2 above = texelFetch(uSeen, max(at - ivec2(0, 1), ivec2(0)), 0).xy, below = texelFetch(uSeen, min(at + ivec2(0, 1), last), 0).xy;
    Ground g;
    g.cover = 0.5 * min(seen_.y, 1.0) + 0.25 * (min(above.y, 1.0) + min(below.y, 1.0));
    g.ridge = seen_.y > 0.5 ? smoothstep(0.02, 0.08, above.y - seen_.y) : 0.0;
    if (seen_.y < 0.5) seen_ = below;
    seen_.y -= 1.0;
    vec2 place = placeOf(seen_), at_ = inTexture(seen_);
    g.place = vec3(place.x, texture(uHeights, at_).x, place.y);
    vec4 shade = texture(uShade, at_);
    g.normal = normalize(vec3(-shade.x, 1.0, -shade.y));
    g.sun = max(dot(g.normal, uSun), 0.0) * shade.z;
    g.open = shade.w * (0.5 + 0.5 * g.normal.y);
    g.away = length(g.place - eye());
    return g;
}

Ground groundHere() {
    return groundAt(ivec2(gl_FragCoord.xy));
}

// Light on a surface colour.
vec3 lit(vec3 body, Ground g) {
    return body * (uKey * (1.15 * g.sun) + (uSky * 0.75 + uHorizon * 0.18) * g.open * (0.8 + 0.5 * uCloud));
}

// Air in front of a colour; towards a low sun it glows.
vec3 hazed(vec3 c, Ground g, float thick) {
    float haze = 1.0 - exp2(-g.away * thick * (1.0 + 4.5 * uFog * uFog));
    haze = mix(haze, 1.0, 0.20 * g.ridge);  // half a step between near and far softens an outline
    vec2 d = seen(0.0) - vec2(0.0, uStage.x) - uLightAt;
    return mix(c, uAir.rgb + uKey * (0.02 / (0.08 + dot(d, d))), haze);
}

#endif
