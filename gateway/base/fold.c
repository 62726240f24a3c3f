/* fold.c - text made comparable as people mean it. Pure. */
#include "base/fold.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- code points ----------------------------------------------------------------------------- */

/* The next one; what is malformed is taken for a space. */
static size_t next_point(const unsigned char *p, size_t n, uint32_t *out) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    *out = p[0];
    if (len == 1)
        return 1;
    *out = ' ';
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 1;
    uint32_t c = p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 1;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c >= least[len] && c <= 0x10ffff)
        *out = c;
    return len;
}

static size_t put_point(char *to, uint32_t c) {
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static bool is_between(uint32_t c, uint32_t from, uint32_t to) {
    return c >= from && c <= to;
}

/* Letters of U+00C0..U+017F without what stands on or under them; " " those that are none. */
static const char bare[] = "aaaaaaaceeeeiiii" /* C0 */
                           "dnooooo ouuuuyts" /* D0 */
                           "aaaaaaaceeeeiiii" /* E0 */
                           "dnooooo ouuuuyty" /* F0 */
                           "aaaaaaccccccccdd" /* 100 */
                           "ddeeeeeeeeeegggg" /* 110 */
                           "gggghhhhiiiiiiii" /* 120 */
                           "iiiijjkkklllllll" /* 130 */
                           "lllnnnnnnnnnoooo" /* 140 */
                           "oooorrrrrrssssss" /* 150 */
                           "ssttttttuuuuuuuu" /* 160 */
                           "uuuuwwyyyzzzzzzs" /* 170 */;

static uint32_t lower_cyrillic(uint32_t c) {
    if (is_between(c, 0x410, 0x42f))
        c += 0x20;
    else if (is_between(c, 0x400, 0x40f))
        c += 0x50;
    else if ((is_between(c, 0x460, 0x481) || is_between(c, 0x48a, 0x4bf) ||
                 is_between(c, 0x4d0, 0x52f)) &&
             c % 2 == 0)
        c += 1;
    return c == 0x451 || c == 0x450 ? 0x435 : c == 0x45d ? 0x438 : c; /* people write e for yo */
}

static uint32_t lower_greek(uint32_t c) {
    static const struct {
        uint16_t from, to;
    } marked[] = {{0x386, 0x3b1}, {0x388, 0x3b5}, {0x389, 0x3b7}, {0x38a, 0x3b9}, {0x38c, 0x3bf},
        {0x38e, 0x3c5}, {0x38f, 0x3c9}, {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7},
        {0x3af, 0x3b9}, {0x3cc, 0x3bf}, {0x3cd, 0x3c5}, {0x3ce, 0x3c9}, {0x3c2, 0x3c3}};
    for (size_t i = 0; i < ARRAY_LEN(marked); i++)
        if (c == marked[i].from)
            return marked[i].to;
    return is_between(c, 0x391, 0x3a9) ? c + 0x20 : c;
}

static uint32_t lower(uint32_t c) {
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
    if (is_between(c, 0xc0, 0x17f))
        return (unsigned char)bare[c - 0xc0];
    if (is_between(c, 0x370, 0x3ff))
        return lower_greek(c);
    if (is_between(c, 0x400, 0x52f))
        return lower_cyrillic(c);
    if (is_between(c, 0x531, 0x556))
        return c + 0x30; /* Armenian */
    if (is_between(c, 0xff21, 0xff3a))
        return c - 0xff21 + 'a'; /* full width */
    if (is_between(c, 0xff41, 0xff5a))
        return c - 0xff41 + 'a';
    if (is_between(c, 0xff10, 0xff19))
        return c - 0xff10 + '0';
    if (is_between(c, 0x1e00, 0x1eff) && c % 2 == 0)
        return c + 1;
    return c;
}

enum sort { IS_SPACE, IS_LETTER, IS_WORD, IS_MARK };

/* After lower(). IS_WORD: scripts without spaces, and pictures, are a word each. */
static enum sort sort_of(uint32_t c) {
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? IS_LETTER : IS_SPACE;
    if (is_between(c, 0x300, 0x36f) || is_between(c, 0x1ab0, 0x1aff) ||
        is_between(c, 0xfe00, 0xfe0f) || is_between(c, 0x200b, 0x200f) || c == 0xad ||
        c == 0x2060 || c == 0xfeff)
        return IS_MARK;
    if (c < 0xc0)
        return c == 0xaa || c == 0xb5 || c == 0xba ? IS_LETTER : IS_SPACE;
    if (is_between(c, 0x2000, 0x25ff) || is_between(c, 0x2900, 0x2bff) ||
        is_between(c, 0x3000, 0x303f) || is_between(c, 0xfe10, 0xfe6f) ||
        is_between(c, 0xff00, 0xff65) || is_between(c, 0xe000, 0xf8ff))
        return IS_SPACE;
    if (is_between(c, 0xe00, 0xeff) || is_between(c, 0x2600, 0x28ff) ||
        is_between(c, 0x2e80, 0xabff) || is_between(c, 0xf900, 0xfaff) || c >= 0x1f000)
        return IS_WORD;
    return IS_LETTER;
}

/* A letter of two that is one, when it was written in two. */
static uint32_t composed(uint32_t base, uint32_t mark) {
    return base == 0x438 && mark == 0x306 ? 0x439 : base;
}

/* --- text ------------------------------------------------------------------------------------ */

static unsigned pair_of(const char *p) {
    return ((unsigned char)p[0] * 61u + (unsigned char)p[1]) & (FOLD_PAIRS * 64 - 1);
}

static void note_pairs(struct folded *f) {
    for (size_t i = 0; i + 1 < f->n; i++) {
        unsigned b = pair_of(f->p + i);
        f->pairs[b / 64] |= UINT64_C(1) << b % 64;
    }
}

static void count_letter(struct folded *f, uint32_t c) {
    f->cyrillic += is_between(c, 0x400, 0x52f);
    f->latin += (c >= 'a' && c <= 'z') || is_between(c, 0x1e00, 0x1eff);
}

static void put_space(struct folded *f) {
    if (f->n == 0 || f->p[f->n - 1] != ' ')
        f->p[f->n++] = ' ';
}

void fold_text(struct folded *f, const char *s, size_t n) {
    const unsigned char *at = (const unsigned char *)s;
    uint32_t last = 0; /* the letter before, for marks that follow it */
    size_t last_at = 0;
    memset(f, 0, sizeof *f);
    if (n > FOLD_MAX)
        n = FOLD_MAX;
    f->p = mem_alloc(n * 3 + 4); /* of one byte at most " x " */
    put_space(f);
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += next_point(at + i, n - i, &c);
        if (c >= 0x80 || (c >= 'A' && c <= 'Z'))
            c = lower(c);
        enum sort sort = sort_of(c);
        if (sort == IS_MARK && last) {
            f->n = last_at + put_point(f->p + last_at, composed(last, c));
            last = 0;
            continue;
        }
        last = 0;
        if (sort == IS_MARK)
            continue;
        if (sort != IS_LETTER)
            put_space(f);
        if (sort == IS_SPACE)
            continue;
        last = c;
        last_at = f->n;
        f->n += put_point(f->p + f->n, c);
        count_letter(f, c);
        if (sort == IS_WORD)
            put_space(f);
    }
    put_space(f);
    f->p[f->n] = '\0';
    note_pairs(f);
}

void fold_free(struct folded *f) {
    free(f->p);
    f->p = NULL;
    f->n = 0;
}

bool fold_pattern(struct folded *f, const char *s, size_t n) {
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\n' || s[n - 1] == '\t' || s[n - 1] == '\r'))
        n--;
    bool any_end = n && s[n - 1] == '*';
    fold_text(f, s, n);
    if (f->n < 2)
        return false;
    if (any_end)
        f->p[--f->n] = '\0';
    return true;
}

bool fold_has(const struct folded *text, const struct folded *pattern) {
    for (size_t i = 0; i + 1 < pattern->n; i++) {
        unsigned b = pair_of(pattern->p + i);
        if (!(text->pairs[b / 64] >> b % 64 & 1))
            return false;
    }
    return memmem(text->p, text->n, pattern->p, pattern->n) != NULL;
}
