// ---- camera ---------------------------------------------------------------------------------------------------------

// Image coordinates: the middle is 0, y is up, the unit is the square root of the frame's area.
vec2 onScreen() {
    vec2 p = (gl_FragCoord.xy - 0.5 * uSize) / sqrt(uSize.x * uSize.y);
    return vec2(p.x, -p.y);
}

// The same as seen by the camera; a depth of 0 is infinitely far and stands still, 1 is near.
vec2 seen(float depth) {
    vec2 p = onScreen();
    float c = cos(uPose.w), s = sin(uPose.w);
    return mat2(c, s, -s, c) * p * mix(1.0, uPose.z, depth) + uPose.xy * depth;
}

float pixel() {
    return 1.0 / sqrt(uSize.x * uSize.y);
}
