// ids.mjs - ids that a page makes itself: keys for commands, so that the same command sent twice is
// done once. Not secrets.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

// A ULID: 48 bits of time, 80 random bits, Crockford's base 32; sorts by time.
export function ulid(now = Date.now()) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    let out = "";
    let t = now;
    for (let i = 0; i < 10; i++) {
        out = ALPHABET[t % 32] + out;
        t = Math.floor(t / 32);
    }
    for (let i = 0; i < 16; i++) out += ALPHABET[random[i] & 31];
    return out;
}

export function isUlid(text) {
    return typeof text === "string" && /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
