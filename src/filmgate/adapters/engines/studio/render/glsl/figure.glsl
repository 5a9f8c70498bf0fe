// ---- subjects -------------------------------------------------------------------------------------------------------

// What all subjects share: where they are, shapes with a surface, and the scene's light on them. A subject's own file
// defines `void figure(vec2 p)`, which paints its shapes from back to front; p counts from its foot in its own heights,
// x ahead, y up. Shapes are vec3: how far p is outside, and how far the surface leans there, -1 to 1 in x and y.

uniform vec4 uFoot;    // x and y of its foot and its height, in units, and its depth
uniform vec3 uSelf;    // which way it looks (1 right, -1 left), its phase (0 to 1), its lean to the right (radians)
uniform vec3 uBody;    // its colour

vec3 albedo = vec3(0), surface = vec3(0, 0, 1), glow = vec3(0);
float covered = 0.0, soft = 0.0;

// Turns at a rate per second; whole ones in a loop.
float turns(float rate) {
    return beat(TURN * rate) * uTime / TURN + uSelf.y;
}

// A swing between -1 and 1, so many per second, some turns late.
float swing(float rate, float late) {
    return wave((turns(rate) - late) * TURN);
}

mat2 rotation(float angle) {
    float c = cos(angle), s = sin(angle);
    return mat2(c, s, -s, c);
}

// A straight piece between two points, as thick as two radii.
vec3 limb(vec2 p, vec2 a, vec2 b, float ra, float rb) {
    vec2 way = b - a;
    float h = clamp(dot(p - a, way) / dot(way, way), 0.0, 1.0), r = mix(ra, rb, h);
    vec2 off = p - a - h * way;
    return vec3(length(off) - r, off / r);
}

vec3 ball(vec2 p, vec2 middle, float r) {
    return vec3(length(p - middle) - r, (p - middle) / r);
}

vec3 egg(vec2 p, vec2 middle, vec2 radii, float angle) {
    mat2 turn = rotation(angle);
    vec2 q = (p - middle) * turn, unit = q / radii;
    float k = length(unit);
    return vec3(k * (k - 1.0) / max(length(unit / radii), 1e-4), turn * unit);
}

// A block with round edges.
vec3 block(vec2 p, vec2 middle, vec2 half_, float round_) {
    vec2 q = p - middle, d = abs(q) - half_ + round_;
    float out_ = length(max(d, 0.0)) + min(max(d.x, d.y), 0.0) - round_;
    return vec3(out_, clamp(sign(q) * (d + round_) / round_, -1.0, 1.0) * 0.6 * step(-round_, d));
}

// A triangle; its surface is flat.
vec3 wedge(vec2 p, vec2 a, vec2 b, vec2 c) {
    vec2 ab = b - a, bc = c - b, ca = a - c, pa = p - a, pb = p - b, pc = p - c;
    vec2 da = pa - ab * clamp(dot(pa, ab) / dot(ab, ab), 0.0, 1.0);
    vec2 db = pb - bc * clamp(dot(pb, bc) / dot(bc, bc), 0.0, 1.0);
    vec2 dc = pc - ca * clamp(dot(pc, ca) / dot(ca, ca), 0.0, 1.0);
    float s = sign(ab.x * ca.y - ab.y * ca.x);
    vec2 d = min(min(vec2(dot(da, da), s * (pa.x * ab.y - pa.y * ab.x)), vec2(dot(db, db), s * (pb.x * bc.y - pb.y * bc.x))),
        vec2(dot(dc, dc), s * (pc.x * ca.y - pc.y * ca.x)));
    return vec3(-sqrt(d.x) * sign(d.y), 0.0, 0.0);
}

// Two shapes grown into one, smoothly within k.
vec3 grown(vec3 a, vec3 b, float k) {
    float h = clamp(0.5 + 0.5 * (b.x - a.x) / k, 0.0, 1.0);
    return vec3(mix(b.x, a.x, h) - k * h * (1.0 - h), mix(b.yz, a.yz, h));
}

// The first shape without the second.
vec3 without(vec3 a, float b) {
    return vec3(max(a.x, -b), a.yz);
}

// Put a shape over those before it.
void paint(vec3 shape, vec3 colour) {
    float a = smoothstep(soft, -soft, shape.x);
    vec2 lean = shape.yz * min(1.0, 0.97 / max(length(shape.yz), 1e-3));
    vec3 normal = vec3(lean, sqrt(1.0 - dot(lean, lean)));
    albedo = mix(albedo, colour, a);
    surface = mix(surface, normal, a);
    glow *= 1.0 - a;
    covered = max(covered, a);
}

// The same, and it shines by itself.
void shine(vec3 shape, vec3 light) {
    paint(shape, vec3(0));
    glow = mix(glow, light, smoothstep(soft, -soft, shape.x));
}

// Lay something over it that one can see through: smoke, a beam, glass.
void veil(float a, vec3 colour, vec3 light) {
    float all = covered + a * (1.0 - covered), share = a / max(all, 1e-4);
    albedo = mix(albedo, colour, share);
    surface = normalize(mix(surface, vec3(0.0, 0.35, 0.94), share));
    glow = mix(glow, light, share);
    covered = all;
}

// A joint between two ends that are tied to it by two lengths; it gives way to one side.
vec2 joint(vec2 a, vec2 b, float first, float second, float side) {
    vec2 way = b - a;
    float l = clamp(length(way), abs(first - second) + 1e-3, first + second - 1e-3);
    way /= max(length(way), 1e-4);
    float along = (first * first - second * second + l * l) / (2.0 * l);
    float aside = sqrt(max(first * first - along * along, 0.0));
    return a + way * along + vec2(-way.y, way.x) * aside * side;
}

// Where a foot is in its stride, from 1 ahead to -1 behind, and how high it is lifted on the way back.
vec2 stride(float turn) {
    float t = fract(turn), back = clamp((t - 0.58) / 0.42, 0.0, 1.0);
    return vec2(t < 0.58 ? 1.0 - t / 0.29 : -1.0 + 2.0 * back * back * (3.0 - 2.0 * back), sin(back * 3.14159265));
}

void figure(vec2 p);

// The scene's light on what was painted. Where it comes from behind, it shines around the edges, and a share of it
// comes from the front all the same: a subject is to be seen.
vec3 lit() {
    vec3 n = vec3(surface.x * sign(uSelf.x), surface.yz);
    vec3 front = normalize(vec3(uTowards.xy + vec2(0.0, 0.25), max(uTowards.z, 0.0) + 0.45));
    float behind = max(-uTowards.z, 0.0);
    float key = mix(max(dot(n, uTowards), 0.0), max(dot(n, front), 0.0) * 0.55, behind);
    float edge = 1.0 - n.z, rim = edge * edge * max(dot(n.xy, uTowards.xy) + 0.35 * behind, 0.0);
    vec3 fill = uFill + 0.05, ground = uGround * 0.8 + 0.16 * fill;
    vec3 c = albedo * (mix(ground, fill, 0.5 + 0.5 * n.y) * (0.6 + 0.4 * n.z) + uKey * key) + uKey * rim * (0.25 + albedo);
    return mix(c, uAir.rgb, 1.0 - exp(-uAir.w * (1.0 / max(uFoot.w, 0.05) - 1.0))) + glow;
}

// How dark the ground is under it.
float shadow(vec2 p) {
    vec2 d = p / max(vec2(1.0, 0.16) * float(SHADOW), 1e-3);
    return 0.55 * exp(-2.2 * dot(d, d)) * (1.0 - 0.5 * uCloud);
}

// Logs tied together, under the feet of what can neither swim nor float.
void raft(vec2 p) {
    float wide = 1.5 * float(RAFT), log_ = fract(p.x / 0.10) - 0.5;
    vec3 logs = block(p, vec2(0.0, -0.030), vec2(wide, 0.045), 0.03);
    paint(vec3(logs.x, log_ * 1.4, 0.3 + 8.0 * (p.y + 0.03)), vec3(0.26, 0.145, 0.06) * (0.75 + 0.3 * noise(vec2(floor(p.x / 0.10), 4.0))));
    for (float s = -1.0; s < 2.0; s += 2.0) paint(block(p, vec2(0.7 * wide * s, -0.028), vec2(0.02, 0.05), 0.01), vec3(0.42, 0.34, 0.20));
}

vec4 scene() {
    vec2 p = rotation(uSelf.z) * (seen(uFoot.w) - uFoot.xy) / uFoot.z;
    p.x /= uSelf.x;
    soft = 0.8 * pixel() * mix(1.0, uPose.z, uFoot.w) / uFoot.z;
#if MIRROR
    // What is below the water line is the image of what is above it, broken by ripples.
    float depth = 0.012 * sin(p.x * 9.0 + beat(2.6) * uTime) - 0.06 * float(float(RAFT) > 0.0) - p.y;
    bool under = depth > 0.0;
    float ripple = noise(vec2(p.x * 5.0, p.y * 26.0) + sway(0.8, 1.7, 0.0)) - 0.5;
    if (under) p = p + vec2(ripple * 0.16 * min(depth * 6.0, 1.0), 2.15 * depth);
#endif
    if (float(RAFT) > 0.0) raft(p);
    figure(p);
    float a = covered;
    vec3 c = lit();
#if MIRROR
    if (under) {
        a *= 0.62 * exp(-depth * 2.6);
        c *= 0.75;
    }
#endif
    float dark = float(SHADOW) > 0.0 ? shadow(p) * (1.0 - a) : 0.0;
    return vec4(c * a / max(a + dark, 1e-3), a + dark);
}
