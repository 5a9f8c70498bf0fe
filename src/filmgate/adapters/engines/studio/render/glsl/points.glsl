// The points of the net, where the camera sees them; to the pixels they tell where in the net they are (1 to 2 from near to far, so that 0 is no ground).

uniform ivec2 uCount;  // columns and rows

out vec2 vSeen;

void main() {
    vec2 at = vec2(gl_VertexID % uCount.x, gl_VertexID / uCount.x) / vec2(uCount - 1);
    vec2 net = vec2(at.x * 2.0 - 1.0, at.y), place = placeOf(net);
    vSeen = net + vec2(0.0, 1.0);
    vec3 p = vec3(place.x, textureLod(uHeights, inTexture(net), 0.0).x, place.y) - eye();
    vec2 q = uNet.z * p.xy + vec2(0.0, uStage.x) * p.z;
    float near = 0.04 * uNet.x, far = 1.3 * uNet.y;
    q = mat2(uTurn.x, -uTurn.y, uTurn.y, uTurn.x) * q * 2.0 * sqrt(uSize.x * uSize.y) / uSize;
    gl_Position = vec4(q.x, -q.y, (p.z * (far + near) - 2.0 * far * near) / (far - near), p.z);
}
