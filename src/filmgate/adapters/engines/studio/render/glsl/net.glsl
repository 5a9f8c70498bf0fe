// The net that is the ground of a scene: denser near the camera, as wide as the camera can ever see.

uniform sampler2D uHeights;  // the ground's height over the net
uniform vec4 uNet;           // distance of depth 1, far end, focal length, height of the eye
uniform vec2 uReach;         // half the width that is seen far away, and what near points need beside it, in units

// The place (x right, z away) of a point of the net; u goes from -1 to 1 across, v from 0, near, to 1, far.
vec2 placeOf(vec2 net) {
    float back = 0.4 * uNet.x, start = 0.5 * uNet.x;
    float away = start * pow((uNet.y + back) / start, net.y);
    return vec2(net.x * (uReach.x * away + uReach.y * uNet.x) / uNet.z, away - back);
}

vec2 netOf(vec2 place) {
    float back = 0.4 * uNet.x, start = 0.5 * uNet.x, away = max(place.y + back, start);
    return vec2(place.x * uNet.z / (uReach.x * away + uReach.y * uNet.x), log(away / start) / log((uNet.y + back) / start));
}

// Where a point of the net is in a texture over it.
vec2 inTexture(vec2 net) {
    vec2 size = vec2(textureSize(uHeights, 0));
    return ((net * vec2(0.5, 1.0) + vec2(0.5, 0.0)) * (size - 1.0) + 0.5) / size;
}

// Where the camera is: a shift or zoom of the frame, as a step to the side, up or forward.
vec3 eye() {
    float ahead = uNet.x * (1.0 - uPose.z);
    vec2 aside = uPose.xy * uNet.x / uNet.z;
    return vec3(aside.x, uNet.w + aside.y - uStage.x / uNet.z * ahead, ahead);
}
