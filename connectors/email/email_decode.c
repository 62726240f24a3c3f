/* email_decode.c - base64 as it is found in mails: several encoded texts one after the other,
 * rubbish between, the end missing. */
#include "connectors/email/email_decode.h"

#define NO 64
#define SPACE 65

/* Of each octet its value, or one of the above. */
static const unsigned char values[256] = {64, 64, 64, 64, 64, 64, 64, 64, 64, 65, 65, 64, 64, 65,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 65, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64,
    64, 64, 64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
    23, 24, 25, 64, 64, 64, 64, 64, 64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64};

/* What a group that ends early holds. */
static size_t flush(struct email_base64 *b, char *out) {
    size_t n = b->count > 1 ? b->count - 1 : 0;
    uint32_t bits = b->bits << (6 * (4 - b->count));
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    b->bits = b->count = 0;
    return n;
}

/* Whole groups of a good line; returns how many octets they were. */
static size_t fast_groups(struct span in, char *out) {
    const unsigned char *p = (const unsigned char *)in.p;
    size_t i = 0;
    for (; i + 4 <= in.n; i += 4, out += 3) {
        unsigned a = values[p[i]], b = values[p[i + 1]], c = values[p[i + 2]], d = values[p[i + 3]];
        if ((a | b | c | d) >= NO)
            break;
        out[0] = (char)(a << 2 | b >> 4);
        out[1] = (char)(b << 4 | c >> 2);
        out[2] = (char)(c << 6 | d);
    }
    return i;
}

/* One character; returns how many bytes came out. */
static size_t step(struct email_base64 *b, unsigned char c, char *out) {
    unsigned v = values[c];
    if (v == SPACE)
        return 0;
    if (c == '=') {
        b->repaired = b->repaired || b->count == 1;
        b->padded = true;
        return b->count ? flush(b, out) : 0;
    }
    if (v == NO) {
        b->repaired = true;
        return 0;
    }
    b->repaired = b->repaired || b->padded;
    b->padded = false;
    b->bits = b->bits << 6 | v;
    if (++b->count < 4)
        return 0;
    out[0] = (char)(b->bits >> 16);
    out[1] = (char)(b->bits >> 8);
    out[2] = (char)b->bits;
    b->bits = b->count = 0;
    return 3;
}

size_t email_base64_step(struct email_base64 *b, struct span in, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        if (b->count == 0 && !b->padded) {
            size_t fast = fast_groups(span_of(in.p + i, in.n - i), out + n);
            n += fast / 4 * 3;
            i += fast;
        }
        if (i < in.n)
            n += step(b, (unsigned char)in.p[i], out + n);
    }
    return n;
}

size_t email_base64_end(struct email_base64 *b, char *out) {
    b->repaired = b->repaired || b->count;
    return b->count ? flush(b, out) : 0;
}
