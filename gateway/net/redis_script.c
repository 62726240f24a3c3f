/* redis_script.c - the name that Redis gives to a script: the SHA-1 of its text. */
#include <stdint.h>
#include <stdio.h>

#include "net/redis.h"

/* Redis names a script by the SHA-1 of its text; libsodium has none. FIPS 180-4, not used for
 * anything that must be secret or unforgeable. */
static uint32_t rol(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const unsigned char *p) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 80; i++)
        w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                              : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t t = rol(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

static void sha1_hex(struct span text, char out[41]) {
    uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    unsigned char tail[128] = {0};
    size_t whole = text.n / 64 * 64, rest = text.n - whole;
    size_t end = rest < 56 ? 64 : 128;
    for (size_t i = 0; i < whole; i += 64)
        sha1_block(h, (const unsigned char *)text.p + i);
    memcpy(tail, text.p + whole, rest);
    tail[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[end - 1 - (size_t)i] = (unsigned char)((uint64_t)text.n * 8 >> (8 * i));
    sha1_block(h, tail);
    if (end == 128)
        sha1_block(h, tail + 64);
    snprintf(out, 41, "%08x%08x%08x%08x%08x", h[0], h[1], h[2], h[3], h[4]);
}

void redis_script_init(struct redis_script *s, const char *name, const char *body) {
    s->name = name;
    s->body = body;
    sha1_hex(span_str(body), s->sha1);
}
