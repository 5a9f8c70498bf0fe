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
uniform sampler2D uSeen;   // net, height, and 1 where there is ground

struct Ground {
    vec3 place;    // x right, y up, z away from the camera
    vec3 normal;
    float sun;     // sunlight on it: 0 in shadow or turned away, 1 face to face
    float open;    // light from the sky, 0 to 1
    float away;    // distance to the camera
    float cover;   // how much of the pixel it covers: its outline is smoothed over three pixels
};

Ground groundHere() {
    ivec2 at = ivec2(gl_FragCoord.xy), last = ivec2(uSize) - 1;
    vec4 seen_ = texelFetch(uSeen, at, 0);
    vec4 above = texelFetch(uSeen, max(at - ivec2(0, 1), ivec2(0)), 0), below = texelFetch(uSeen, min(at + ivec2(0, 1), last), 0);
    vec4 left = texelFetch(uSeen, max(at - ivec2(1, 0), ivec2(0)), 0), right = texelFetch(uSeen, min(at + ivec2(1, 0), last), 0);
    Ground g;
    g.cover = (2.0 * seen_.w + above.w + below.w + left.w + right.w) / 6.0;
    if (seen_.w < 0.5) seen_ = below.w > 0.5 ? below : left.w > 0.5 ? left : right;
    vec2 place = placeOf(seen_.xy);
    g.place = vec3(place.x, seen_.z, place.y);
    vec4 shade = texture(uShade, inTexture(seen_.xy));
    g.normal = normalize(vec3(-shade.x, 1.0, -shade.y));
    g.sun = max(dot(g.normal, uSun), 0.0) * shade.z;
    g.open = shade.w * (0.5 + 0.5 * g.normal.y);
    g.away = length(g.place - eye());
    return g;
}

// Light and air on a surface colour.
vec3 outdoors(vec3 body, Ground g, float thick) {
    float clear = 1.0 - 0.85 * uCloud * uCloud;
    vec3 light = uLight * g.sun * 1.9 * clear * (1.0 - 0.65 * float(NIGHT));
    light += (uSky * 0.70 + uHorizon * 0.30) * g.open * (1.0 + 0.4 * uCloud);
    float haze = 1.0 - exp(-g.away * thick * (1.0 + 9.0 * uFog * uFog));
    vec2 d = seen(0.0) - vec2(0.0, uStage.x) - uLightAt;
    vec3 air = mix(uHorizon, uSky, 0.35) * 0.92 + uLight * clear * 0.35 * exp(-4.0 * length(d)) * (1.0 - 0.7 * float(NIGHT));
    return mix(body * light, air, haze);
}

#endif
