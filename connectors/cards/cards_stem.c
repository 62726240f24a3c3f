/* cards_stem.c - words of a text, folded to lower case (ё as е) and without their commonest
 * endings, for Russian and English: light stemming, the same for what is indexed and what is asked.
 * Pure. */
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include "base/mem.h"
#include "connectors/cards/cards_private.h"

#define WORD_MAX 64 /* letters; the rest of a longer word does not count */
#define STEM_MIN 3  /* letters that stay */

/* One code point of valid UTF-8; malformed bytes come one by one as U+FFFD. */
static unsigned decode_long(const unsigned char *p, size_t n, size_t *len) {
    *len = 1;
    size_t want = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc2 ? 2 : 0;
    if (!want || want > n)
        return 0xfffd;
    unsigned c = p[0] & (0xffu >> (want + 1));
    for (size_t i = 1; i < want; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0xfffd;
        c = c << 6 | (p[i] & 0x3fu);
    }
    *len = want;
    return c;
}

static inline unsigned decode(const unsigned char *p, size_t n, size_t *len) {
    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] >= 0xc2 && p[0] < 0xe0 && n > 1 && (p[1] & 0xc0) == 0x80) {
        *len = 2;
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    }
    return decode_long(p, n, len);
}

static inline unsigned fold(unsigned c) {
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if (c >= 0x410 && c <= 0x42f)
        return c + 32;
    if (c == 0x401 || c == 0x451) /* Ё ё */
        return 0x435;
    if (c >= 0xc0 && c <= 0xde && c != 0xd7)
        return c + 32;
    return c;
}

static inline bool is_word(unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 0xc0 && c != 0xfffd && !(c >= 0x2000 && c <= 0x2bff) &&
               !(c >= 0x3000 && c <= 0x303f) && c != 0xd7 && c != 0xf7 &&
               !(c >= 0x1f000 && c <= 0x1ffff));
}

/* An ending as code points. Those of one last letter stand together, the longest first. */
#define ENDINGS_MAX 12 /* of one last letter, with the empty one that ends the list */
struct ending {
    size_t n;
    const char32_t *points;
};
#define E(text)                                                                                    \
    { sizeof(U##text) / sizeof(char32_t) - 1, U##text }

/* Without the first of the endings that fits. */
static size_t strip(const unsigned *w, size_t n, const struct ending *e) {
    for (; e->n; e++) {
        size_t k = e->n;
        if (n < k + STEM_MIN)
            continue;
        while (k && w[n - e->n + k - 1] == e->points[k - 1])
            k--;
        if (k == 0)
            return n - e->n;
    }
    return n;
}

static size_t stem(const unsigned *w, size_t n) {
    static const struct ending russian[32][ENDINGS_MAX] = {
        [0] = {E("ала"), E("ила"), E("ыла"), E("а")},
        [2] = {E("ов"), E("ев")},
        [5] = {E("ете"), E("ите"), E("ое"), E("ее"), E("ые"), E("ие"), E("е")},
        [8] = {E("иями"), E("ями"), E("ами"), E("ыми"), E("ими"), E("али"), E("или"), E("ыли"),
            E("ии"), E("и")},
        [9] = {E("ией"), E("ий"), E("ый"), E("ой"), E("ей"), E("й")},
        [11] = {E("ал"), E("ил"), E("ел")},
        [12] = {E("ям"), E("ем"), E("ам"), E("ом")},
        [14] = {E("ого"), E("его"), E("о")},
        [18] = {E("ует"), E("уют"), E("ает"), E("яет"), E("ают"), E("яют"), E("ет"), E("ют"),
            E("ит"), E("ат"), E("ят")},
        [19] = {E("ему"), E("ому"), E("у")},
        [21] = {E("иях"), E("ах"), E("ях"), E("их"), E("ых")},
        [27] = {E("ы")},
        [28] = {E("ешь"), E("ишь"), E("ать"), E("ять"), E("ить"), E("еть"), E("ыть"), E("ь")},
        [30] = {E("ую"), E("юю"), E("ою"), E("ею"), E("ию"), E("ю")},
        [31] = {E("ться"), E("тся"), E("ая"), E("яя"), E("ия"), E("я")},
    };
    static const struct ending english[26][ENDINGS_MAX] = {
        [3] = {E("ied"), E("ed")},
        [4] = {E("e")},
        [6] = {E("ing")},
        [13] = {E("ation")},
        [17] = {E("er")},
        [18] = {E("ations"), E("ness"), E("ies"), E("ers"), E("es"), E("s")},
        [24] = {E("ingly"), E("edly"), E("ly"), E("y")},
    };
    unsigned last = w[n - 1];
    if (n <= STEM_MIN)
        return n;
    return last >= 0x430 && last <= 0x44f ? strip(w, n, russian[last - 0x430])
           : last >= 'a' && last <= 'z'   ? strip(w, n, english[last - 'a'])
                                          : n;
}

static void encode(unsigned c, char *out, size_t *n) {
    if (c < 0x80) {
        out[(*n)++] = (char)c;
    } else if (c < 0x800) {
        out[(*n)++] = (char)(0xc0 | c >> 6);
        out[(*n)++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out[(*n)++] = (char)(0xe0 | c >> 12);
        out[(*n)++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[(*n)++] = (char)(0x80 | (c & 0x3f));
    } else {
        out[(*n)++] = (char)(0xf0 | c >> 18);
        out[(*n)++] = (char)(0x80 | (c >> 12 & 0x3f));
        out[(*n)++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[(*n)++] = (char)(0x80 | (c & 0x3f));
    }
}

void cards_words(const char *text, size_t n,
    void (*each)(void *arg, const char *stem, size_t start, size_t end), void *arg) {
    unsigned w[WORD_MAX];
    size_t letters = 0, start = 0;
    for (size_t i = 0, len = 0; i <= n; i += len) {
        unsigned c = i < n ? fold(decode((const unsigned char *)text + i, n - i, &len)) : 0;
        if (i == n)
            len = 1;
        if (i < n && is_word(c)) {
            if (letters == 0)
                start = i;
            if (letters < WORD_MAX)
                w[letters++] = c;
            continue;
        }
        if (letters) {
            char out[WORD_MAX * 4 + 1];
            size_t keep = stem(w, letters), bytes = 0;
            for (size_t k = 0; k < keep; k++)
                encode(w[k], out, &bytes);
            out[bytes] = '\0';
            each(arg, out, start, i);
        }
        letters = 0;
    }
}

static void add_stem(void *arg, const char *s, size_t start, size_t end) {
    struct buf *b = arg;
    (void)start;
    (void)end;
    if (b->n)
        buf_add(b, " ", 1);
    buf_adds(b, s);
}

char *cards_stems(const char *text) {
    struct buf b;
    size_t n = strlen(text);
    buf_init(&b, n * 4 + 64);
    buf_reserve(&b, n + n / 8);
    cards_words(text, n, add_stem, &b);
    return buf_take(&b);
}
