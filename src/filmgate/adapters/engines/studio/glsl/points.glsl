// The points of the net, where the camera sees them; to the pixels they tell the net, the height, and that they are.

uniform ivec2 uCount;  // columns and rows

out vec3 vSeen;

void main() {
    vec2 at = vec2(gl_VertexID % uCount.x, gl_VertexID / uCount.x) / vec2(uCount - 1);
    vec2 net = vec2(at.x * 2.0 - 1.0, at.y), place = placeOf(net);
    vSeen = vec3(net, textureLod(uHeights, inTexture(net), 0.0).x);
    vec3 p = vec3(place.x, vSeen.z, place.y) - eye();
    vec2 q = uNet.z * p.xy + vec2(0.0, uStage.x) * p.z;
    float c = cos(uPose.w), s = sin(uPose.w), near = 0.04 * uNet.x, far = 1.3 * uNet.y;
    q = mat2(c, -s, s, c) * q * 2.0 * sqrt(uSize.x * uSize.y) / uSize;
    gl_Position = vec4(q.x, -q.y, (p.z * (far + near) - 2.0 * far * near) / (far - near), p.z);
}
