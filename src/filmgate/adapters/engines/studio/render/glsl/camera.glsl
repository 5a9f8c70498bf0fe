// ---- camera ---------------------------------------------------------------------------------------------------------

// Image coordinates: the middle is 0, y is up, the unit is the square root of the frame's area.
vec2 onScreen() {
    vec2 p = (gl_FragCoord.xy - 0.5 * uSize) / sqrt(uSize.x * uSize.y);
    return vec2(p.x, -p.y);
}

// The same as seen by the camera; a depth of 0 is infinitely far and stands still, 1 is near.
vec2 seen(float depth) {
    vec2 p = onScreen();
    return mat2(uTurn.x, uTurn.y, -uTurn.y, uTurn.x) * p * mix(1.0, uPose.z, depth) + uPose.xy * depth;
}

float pixel() {
    return 1.0 / sqrt(uSize.x * uSize.y);
}

uniform sampler2D uSoft;

// What soft() of this layer drew at this pixel.
vec4 softly() {
    return texture(uSoft, gl_FragCoord.xy / uSize);
}
