// icon.mjs - the mark of the product as files: an SVG, and PNGs for systems that want one. Used by build.mjs only; the same
// drawing as Logo of inbox/icons.jsx, on 32 by 32 units.
import { deflateSync } from "node:zlib";

const BACK = [0x2f, 0x5b, 0xd7];
const LINES = [[[8, 10.5], [12.5, 10.5], [17.5, 10.5], [16.5, 21.5], [21.5, 21.5], [24, 21.5]],
    [[8, 21.5], [12.5, 21.5], [17.5, 21.5], [16.5, 10.5], [21.5, 10.5], [24, 10.5]]]; // from, then a curve, then to
const WIDTH = 2.4;
const RADIUS = 9;

export const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="${RADIUS}" fill="#2f5bd7"/>` +
    `<path d="M8 10.5h4.5c5 0 4 11 9 11H24M8 21.5h4.5c5 0 4-11 9-11H24" fill="none" stroke="#fff" stroke-width="${WIDTH}" ` +
    'stroke-linecap="round" stroke-linejoin="round"/></svg>\n';

// A line as points, near enough to each other.
function points([from, start, c1, c2, end, to]) {
    const curve = Array.from({ length: 33 }, (_, i) => {
        const t = i / 32, u = 1 - t;
        return [0, 1].map((k) => u ** 3 * start[k] + 3 * u * u * t * c1[k] + 3 * u * t * t * c2[k] + t ** 3 * end[k]);
    });
    return [from, ...curve, to];
}

function distance([x, y], [ax, ay], [bx, by]) {
    const dx = bx - ax, dy = by - ay;
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

const clamp = (v) => Math.max(0, Math.min(1, v));

// size: pixels. full: to the edges, the lines within the circle that a system may cut out.
function pixels(size, full) {
    const scale = full ? 32 / 0.78 : 32;
    const lines = LINES.map(points);
    const out = Buffer.alloc((size * 4 + 1) * size);
    const unit = size / scale;
    for (let j = 0; j < size; j++) {
        for (let i = 0; i < size; i++) {
            const x = (i + 0.5) / unit - (scale - 32) / 2, y = (j + 0.5) / unit - (scale - 32) / 2;
            const corner = Math.hypot(Math.max(0, Math.abs(x - 16) - 16 + RADIUS), Math.max(0, Math.abs(y - 16) - 16 + RADIUS)) - RADIUS;
            let near = 99;
            for (const line of lines) for (let k = 1; k < line.length; k++) near = Math.min(near, distance([x, y], line[k - 1], line[k]));
            const ink = clamp((WIDTH / 2 - near) * unit + 0.5);
            const at = j * (size * 4 + 1) + 1 + i * 4;
            for (let c = 0; c < 3; c++) out[at + c] = Math.round(BACK[c] + (255 - BACK[c]) * ink);
            out[at + 3] = full ? 255 : Math.round(255 * clamp(0.5 - corner * unit));
        }
    }
    return out;
}

const TABLE = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
});

function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    let crc = 0xffffffff;
    for (const byte of body) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
    const head = Buffer.alloc(4), foot = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    foot.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
    return Buffer.concat([head, body, foot]);
}

export function png(size, full = false) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(size, 0);
    head.writeUInt32BE(size, 4);
    head.set([8, 6, 0, 0, 0], 8); // eight bits, colours with opacity
    return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
        chunk("IDAT", deflateSync(pixels(size, full), { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}
