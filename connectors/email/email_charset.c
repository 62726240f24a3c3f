/* email_charset.c - which charset is it? iconv converts strictly, libuchardet guesses, and a small
 * score of our own knows Russian (its five old charsets are told apart by letters' frequency and by
 * capitals inside words). */
#include "connectors/email/email_charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>
#include <uchardet/uchardet.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define SAMPLE_MAX 16384
#define LABEL_MAX 40
#define REPLACEMENT "\xef\xbf\xbd"
#define RUSSIAN_ENOUGH 3000 /* score per 1000 characters */

/* --- clean text ------------------------------------------------------------------------------ */

size_t email_text_clean(char *p, size_t n) {
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c == '\r') {
            if (i + 1 < n && p[i + 1] == '\n')
                continue;
            p[out++] = '\n';
        } else if (c == 0xc2 && i + 1 < n && (unsigned char)p[i + 1] < 0xa0) {
            i++; /* C1 */
        } else if ((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') {
            p[out++] = (char)c;
        }
    }
    p[out] = '\0';
    return out;
}

size_t email_text_prefix(const char *p, size_t n, size_t max) {
    if (n <= max)
        return n;
    while (max && ((unsigned char)p[max] & 0xc0) == 0x80)
        max--;
    return max;
}

/* U+200B, U+200E, U+200F, U+202A..E, U+2060..U+2069, U+FEFF. */
static bool is_mark(const unsigned char *p) {
    if (p[0] == 0xe2 && p[1] == 0x80)
        return p[2] == 0x8b || p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xaa && p[2] <= 0xae);
    if (p[0] == 0xe2 && p[1] == 0x81)
        return p[2] >= 0xa0 && p[2] <= 0xa9;
    return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

bool email_line_clean(char *s, size_t max) {
    bool marks = false, space = false;
    size_t out = 0;
    utf8_repair(s);
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (is_mark(p)) {
            marks = true;
            p += 2;
        } else if (*p == 0xc2 && p[1] < 0xa0) {
            p++;
        } else if (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
            space = out > 0;
        } else if (*p > 0x20 && *p != 0x7f) {
            if (space)
                s[out++] = ' ';
            space = false;
            s[out++] = (char)*p;
        }
    }
    s[out] = '\0';
    out = email_text_prefix(s, out, max);
    while (out && s[out - 1] == ' ')
        out--;
    s[out] = '\0';
    return marks;
}

/* --- conversion ------------------------------------------------------------------------------ */

/* Names that iconv does not know, or knows as too small a set. */
static const char *known_label(const char *label) {
    static const char *const known[][2] = {{"iso-8859-1", "windows-1252"},
        {"iso8859-1", "windows-1252"}, {"iso_8859-1", "windows-1252"}, {"latin1", "windows-1252"},
        {"x-mac-cyrillic", "MAC-CYRILLIC"}, {"x-sjis", "CP932"}, {"shift_jis", "CP932"},
        {"gb2312", "GB18030"}, {"gbk", "GB18030"}, {"x-gbk", "GB18030"},
        {"ks_c_5601-1987", "CP949"}, {"euc-kr", "CP949"}, {"big5", "BIG5-HKSCS"},
        {"iso-8859-9", "windows-1254"}, {"iso-8859-8-i", "iso-8859-8"}, {"cp-1251", "windows-1251"},
        {"win-1251", "windows-1251"}, {"windows1251", "windows-1251"}, {"win1251", "windows-1251"},
        {"x-cp1251", "windows-1251"}, {"koi8r", "koi8-r"}, {"koi8", "koi8-r"}, {"utf8", "utf-8"},
        {"unicode-1-1-utf-7", "utf-7"}, {"unicode-1-1-utf-8", "utf-8"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(label, known[i][0]) == 0)
            return known[i][1];
    return label;
}

static bool is_label(const char *label) {
    size_t n = label ? strlen(label) : 0;
    if (n == 0 || n > LABEL_MAX)
        return false;
    for (; *label; label++)
        if (!((*label >= 'a' && *label <= 'z') || (*label >= 'A' && *label <= 'Z') ||
                (*label >= '0' && *label <= '9') || strchr("-_.:+", *label)))
            return false;
    return true;
}

/* ASCII octets that may mean something else in these. */
static bool is_stateful(const char *label) {
    return strncasecmp(label, "iso-2022-", 9) == 0 || strncasecmp(label, "utf-16", 6) == 0 ||
           strncasecmp(label, "utf-32", 6) == 0 || strcasecmp(label, "utf-7") == 0 ||
           strncasecmp(label, "ucs-", 4) == 0;
}

/* Adds the octets as UTF-8; false when they do not fit (strict) or iconv does not know the charset.
 * A character cut at the end is left out. */
static bool convert(const char *charset, struct span octets, bool strict, struct buf *out) {
    iconv_t cd = iconv_open("UTF-8", charset);
    char *in = (char *)(uintptr_t)octets.p, piece[8192];
    size_t left = octets.n;
    bool good = cd != (iconv_t)-1;
    if (!good)
        return false;
    while (good && left) {
        char *to = piece;
        size_t room = sizeof piece;
        size_t rc = iconv(cd, &in, &left, &to, &room);
        int why = rc == (size_t)-1 ? errno : 0;
        buf_add(out, piece, sizeof piece - room);
        if (why == EINVAL)
            break;
        if (why == EILSEQ) {
            good = !strict;
            buf_adds(out, REPLACEMENT);
            in++;
            left--;
        }
    }
    iconv_close(cd);
    return good && !out->failed;
}

static bool convert_strictly(const char *charset, struct span octets, struct buf *out) {
    buf_reset(out);
    if (!convert(charset, octets, true, out))
        return false;
    for (size_t i = 0; i + 1 < out->n; i++)
        if ((unsigned char)out->p[i] == 0xc2 && (unsigned char)out->p[i + 1] < 0xa0)
            return false;
    return out->n > 0;
}

/* --- is it Russian? -------------------------------------------------------------------------- */

enum kind { KIND_OTHER, KIND_ASCII_LETTER, KIND_LOWER, KIND_UPPER, KIND_BAD };

static unsigned point_at(const unsigned char *p, size_t *len) {
    if (p[0] < 0x80)
        return *len = 1, p[0];
    if (p[0] < 0xe0)
        return *len = 2, (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (p[0] < 0xf0)
        return *len = 3, (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return *len = 4, 0x10000;
}

static enum kind kind_of(unsigned c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return KIND_ASCII_LETTER;
    if ((c >= 0x430 && c <= 0x44f) || c == 0x451 || c == 0x454 || c == 0x456 || c == 0x457)
        return KIND_LOWER;
    if ((c >= 0x410 && c <= 0x42f) || c == 0x401 || c == 0x404 || c == 0x406 || c == 0x407)
        return KIND_UPPER;
    if (c < 0x80 || c == 0xa0 || c == 0xab || c == 0xbb || c == 0x2116 ||
        (c >= 0x2010 && c <= 0x2026) || c == 0xb0 || c == 0xa7)
        return KIND_OTHER;
    return KIND_BAD;
}

static bool is_common(unsigned c) {
    static const unsigned short common[] = {0x43e, 0x435, 0x430, 0x438, 0x43d, 0x442, 0x441, 0x440,
        0x432, 0x43b, 0x43a, 0x43c, 0x434, 0x43f, 0x443};
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (c == common[i] || c + 0x20 == common[i])
            return true;
    return false;
}

static int letter_score(unsigned c, enum kind kind, enum kind before) {
    int score = is_common(c) ? 6 : 1;
    if (before == KIND_ASCII_LETTER)
        return -8;
    if (kind == KIND_UPPER && before == KIND_LOWER)
        return -10;
    return kind == KIND_UPPER ? score - 1 : score;
}

/* How much a text in UTF-8 looks like Russian, per 1000 characters that are not ASCII. */
static int russian_score(struct span text) {
    const unsigned char *p = (const unsigned char *)text.p;
    enum kind before = KIND_OTHER;
    long score = 0, count = 0;
    for (size_t i = 0, len; i < text.n; i += len) {
        unsigned c = point_at(p + i, &len);
        enum kind kind = kind_of(c);
        count += c >= 0x80;
        if (kind == KIND_LOWER || kind == KIND_UPPER)
            score += letter_score(c, kind, before);
        else if (kind == KIND_BAD)
            score -= 8;
        else if (kind == KIND_ASCII_LETTER && (before == KIND_LOWER || before == KIND_UPPER))
            score -= 8;
        before = kind;
    }
    return count ? (int)(score * 1000 / count) : 0;
}

static struct span sample_of(struct span octets) {
    size_t i = 0;
    while (i < octets.n && (unsigned char)octets.p[i] < 0x80)
        i++;
    i -= i > 32 ? 32 : i;
    return span_of(octets.p + i, octets.n - i < SAMPLE_MAX ? octets.n - i : SAMPLE_MAX);
}

static const char *best_russian(struct span sample, int *score_out) {
    static const char *const charsets[] = {
        "windows-1251", "koi8-r", "IBM866", "iso-8859-5", "MAC-CYRILLIC"};
    const char *best = charsets[0];
    struct buf text;
    *score_out = -10000;
    buf_init(&text, 4 * SAMPLE_MAX + 64);
    for (size_t i = 0; i < ARRAY_LEN(charsets); i++) {
        buf_reset(&text);
        if (!convert(charsets[i], sample, false, &text))
            continue;
        int score = russian_score(buf_span(&text));
        if (score > *score_out) {
            *score_out = score;
            best = charsets[i];
        }
    }
    buf_free(&text);
    return best;
}

static bool is_one_byte_label(const char *label) {
    return strncasecmp(label, "windows-", 8) == 0 || strncasecmp(label, "iso-8859-", 9) == 0 ||
           strncasecmp(label, "koi8", 4) == 0 || strncasecmp(label, "mac", 3) == 0 ||
           strncasecmp(label, "cp", 2) == 0 || strncasecmp(label, "ibm", 3) == 0;
}

/* --- the choice ------------------------------------------------------------------------------ */

/* By the detector and the score; adds to out. */
static void guess(struct span octets, struct buf *out) {
    struct span sample = sample_of(octets);
    int score;
    const char *russian = best_russian(sample, &score);
    uchardet_t detector = uchardet_new();
    const char *found = "";
    if (score < RUSSIAN_ENOUGH && uchardet_handle_data(detector, octets.p,
                                      octets.n < SAMPLE_MAX ? octets.n : SAMPLE_MAX) == 0) {
        uchardet_data_end(detector);
        found = uchardet_get_charset(detector);
    }
    bool done = is_label(found) && convert_strictly(known_label(found), octets, out);
    uchardet_delete(detector);
    if (done)
        return;
    buf_reset(out);
    if (score < 0 && convert_strictly("windows-1252", octets, out))
        return;
    buf_reset(out);
    convert(russian, octets, false, out);
}

/* Is this a text in UTF-8 with a few broken bytes? */
static bool is_nearly_utf8(struct span octets) {
    const unsigned char *p = (const unsigned char *)octets.p;
    size_t good = 0, bad = 0;
    for (size_t i = 0, len; i < octets.n; i += len) {
        len = 1;
        if (p[i] < 0x80)
            continue;
        size_t want = p[i] >= 0xf0 ? 4 : p[i] >= 0xe0 ? 3 : 2;
        if (i + want <= octets.n && utf8_is_valid(octets.p + i, want)) {
            len = want;
            good++;
        } else if (i + want <= octets.n) {
            bad++; /* one cut at the end is no fault */
        }
    }
    return good > 0 && good >= 9 * bad;
}

static bool is_ascii(struct span octets) {
    for (size_t i = 0; i < octets.n; i++)
        if ((unsigned char)octets.p[i] >= 0x80)
            return false;
    return true;
}

/* The label's text when it fits and is not Russian in disguise. */
static bool label_fits(const char *label, struct span octets, struct buf *out) {
    if (!is_label(label) || strcasecmp(label, "us-ascii") == 0)
        return false;
    label = known_label(label);
    if (strcasecmp(label, "utf-8") == 0 || !convert_strictly(label, octets, out))
        return false;
    int labelled = russian_score(buf_span(out)), score;
    if (is_ascii(octets) || !is_one_byte_label(label) || labelled >= RUSSIAN_ENOUGH)
        return true;
    best_russian(sample_of(octets), &score);
    return score < RUSSIAN_ENOUGH || score <= labelled;
}

/* True: it was UTF-8 as it came. */
static bool choose(struct span octets, const char *label, bool *guessed, struct buf *out) {
    bool ascii = is_ascii(octets), stateful = is_label(label) && is_stateful(label);
    bool escapes = octets.n && memchr(octets.p, 0x1b, octets.n);
    if (stateful && label_fits(label, octets, out))
        return false;
    buf_reset(out);
    if (ascii ? !escapes : utf8_is_valid(octets.p, octets.n)) {
        buf_add(out, octets.p, octets.n);
        return true;
    }
    if (!ascii && is_nearly_utf8(octets)) {
        convert("UTF-8", octets, false, out);
    } else if (!label_fits(label, octets, out)) {
        buf_reset(out);
        if (guessed)
            *guessed = true;
        guess(octets, out);
    }
    return false;
}

char *email_charset_text(struct span octets, const char *label, size_t *n_out, bool *guessed) {
    struct buf out;
    if (octets.n >= 3 && memcmp(octets.p, "\xef\xbb\xbf", 3) == 0)
        octets = span_of(octets.p + 3, octets.n - 3);
    buf_init(&out, 4 * octets.n + 64);
    bool is_valid = choose(octets, label, guessed, &out);
    buf_str(&out);
    size_t n = out.n;
    char *text = buf_take(&out);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* of UTF-16 */
        n -= 3;
        memmove(text, text + 3, n);
    }
    n = email_text_clean(text, n);
    if (!is_valid && !utf8_is_valid(text, n)) /* iconv lets numbers beyond Unicode pass */
        utf8_repair(text);
    if (n_out)
        *n_out = n;
    return text;
}

void email_charset_preload(void) {
    static const char *const charsets[] = {"us-ascii", "utf-8", "utf-7", "utf-16", "utf-16le",
        "utf-16be", "utf-32", "windows-1250", "windows-1251", "windows-1252", "windows-1253",
        "windows-1254", "windows-1255", "windows-1256", "windows-1257", "windows-1258",
        "iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
        "iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-11", "iso-8859-13",
        "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "IBM866", "IBM437",
        "IBM850", "IBM852", "IBM855", "IBM857", "MAC-CYRILLIC", "MACINTOSH", "iso-2022-jp",
        "iso-2022-jp-2", "iso-2022-kr", "iso-2022-cn", "euc-jp", "CP932", "shift_jis", "euc-kr",
        "CP949", "GB18030", "gb2312", "gbk", "euc-cn", "big5", "BIG5-HKSCS", "euc-tw", "tis-620",
        "CP874", "VISCII", "KOI8-T", "PT154", "GEORGIAN-PS", "ARMSCII-8"};
    char in[] = "a", out[16];
    for (size_t i = 0; i < ARRAY_LEN(charsets); i++) {
        iconv_t cd = iconv_open("UTF-8", charsets[i]);
        char *from = in, *to = out;
        size_t left = 1, room = sizeof out;
        if (cd != (iconv_t)-1)
            iconv(cd, &from, &left, &to, &room); /* never closed: the module stays */
    }
}
