/* email_imap_text.c - see email_imap_text.h. */
#include "connectors/email/email_imap_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#define NAME_MAX_BYTES 1000u
#define RAW_NAME_MAX 4000u

static const char *const months[] = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* --- names ----------------------------------------------------------------------------------- */

/* Valid UTF-8 at *p; moves behind it. */
static unsigned next_point(const unsigned char **p) {
    const unsigned char *s = *p;
    unsigned n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    unsigned point = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (unsigned i = 1; i < n; i++)
        point = point << 6 | (s[i] & 0x3f);
    *p += n;
    return point;
}

struct base64 {
    struct buf *out;
    unsigned long bits;
    unsigned n;
};

static void add_sextets(struct base64 *b, unsigned least) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    while (b->n >= least && b->n) {
        unsigned shift = b->n >= 6 ? b->n - 6 : 0;
        unsigned long sextet = b->n >= 6 ? b->bits >> shift : b->bits << (6 - b->n);
        buf_add(b->out, &digits[sextet & 0x3f], 1);
        b->n = shift;
    }
}

static void add_unit(struct base64 *b, unsigned unit) {
    b->bits = (b->bits << 16 | unit) & 0xffffffff;
    b->n += 16;
    add_sextets(b, 6);
}

/* A run of characters that are not printable ASCII, as UTF-16 in base64. */
static const unsigned char *add_run(struct buf *out, const unsigned char *p) {
    struct base64 b = {.out = out};
    buf_adds(out, "&");
    while (*p >= 0x80) {
        unsigned point = next_point(&p);
        if (point >= 0x10000) {
            add_unit(&b, 0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + ((point - 0x10000) & 0x3ff);
        }
        add_unit(&b, point);
    }
    add_sextets(&b, 1);
    buf_adds(out, "-");
    return p;
}

char *email_imap_folder_word(const char *name) {
    size_t n = name ? strlen(name) : 0;
    struct buf out;
    if (!n || n > NAME_MAX_BYTES || !utf8_is_text(name, n) || strpbrk(name, "\t\r\n"))
        return NULL;
    buf_init(&out, 8 * NAME_MAX_BYTES);
    buf_adds(&out, "\"");
    for (const unsigned char *p = (const unsigned char *)name; *p;) {
        if (*p >= 0x80) {
            p = add_run(&out, p);
            continue;
        }
        if (*p == '"' || *p == '\\')
            buf_adds(&out, "\\");
        buf_add(&out, p, 1);
        if (*p == '&')
            buf_adds(&out, "-");
        p++;
    }
    buf_adds(&out, "\"");
    return buf_take(&out);
}

char *email_imap_raw_folder_word(struct span name) {
    struct buf out;
    if (!name.n || name.n > RAW_NAME_MAX)
        return NULL;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '\0' || name.p[i] == '\r' || name.p[i] == '\n')
            return NULL;
    buf_init(&out, 2 * RAW_NAME_MAX + 2);
    buf_adds(&out, "\"");
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_adds(&out, "\\");
        buf_add(&out, name.p + i, 1);
    }
    buf_adds(&out, "\"");
    return buf_take(&out);
}

bool email_imap_is_keyword(const char *name) {
    size_t n = name ? strlen(name) : 0;
    if (n < 1 || n > 100)
        return false;
    for (size_t i = 0; i < n; i++)
        if (name[i] <= 0x20 || name[i] >= 0x7f || strchr("(){%*\"\\]", name[i]))
            return false;
    return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

char *email_imap_uid_set(const uint32_t *uids, size_t n) {
    struct buf out;
    buf_init(&out, n * 11 + 1);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && uids[end - 1] != UINT32_MAX && uids[end] == uids[end - 1] + 1;)
            end++;
        buf_addf(&out, "%s%u", i ? "," : "", (unsigned)uids[i]);
        if (end - i > 1)
            buf_addf(&out, ":%u", (unsigned)uids[end - 1]);
    }
    buf_str(&out);
    return buf_take(&out);
}

bool email_imap_uid_read(struct span text, uint32_t *out) {
    uint64_t value = 0;
    if (text.n < 1 || text.n > 10)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (value < 1 || value > UINT32_MAX)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* --- dates ----------------------------------------------------------------------------------- */

char *email_imap_date(int64_t ms, char out[16]) {
    time_t t = (time_t)(ms > 0 ? ms / 1000 : 0);
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year > 8099) {
        t = 0;
        gmtime_r(&t, &tm);
    }
    snprintf(out, 16, "%d-%s-%04d", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900);
    return out;
}

static int two(const char *p) {
    bool first = (p[0] >= '0' && p[0] <= '9') || p[0] == ' ';
    if (!first || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
}

static int month(const char *p) {
    for (int i = 0; i < 12; i++)
        if (strncasecmp(p, months[i], 3) == 0)
            return i;
    return -1;
}

int email_imap_date_time_read(struct span text, int64_t *ms_out) {
    char with_space[27];
    if (text.n == 25) { /* a day of one digit, which some write so */
        with_space[0] = ' ';
        memcpy(with_space + 1, text.p, 25);
        text = span_of(with_space, 26);
    }
    if (text.n != 26)
        return -1;
    const char *p = text.p;
    struct tm tm = {.tm_mday = two(p),
        .tm_mon = month(p + 3),
        .tm_hour = two(p + 12),
        .tm_min = two(p + 15),
        .tm_sec = two(p + 18)};
    int century = two(p + 7), year = two(p + 9), zone_h = two(p + 22), zone_m = two(p + 24);
    bool marks = p[2] == '-' && p[6] == '-' && p[11] == ' ' && p[14] == ':' && p[17] == ':' &&
                 p[20] == ' ' && (p[21] == '+' || p[21] == '-');
    if (!marks || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_mon < 0 || tm.tm_hour < 0 ||
        tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60 ||
        century < 0 || year < 0 || zone_h < 0 || zone_h > 23 || zone_m < 0 || zone_m > 59)
        return -1;
    tm.tm_year = century * 100 + year - 1900;
    int64_t zone_s = (zone_h * 60 + zone_m) * 60;
    *ms_out = ((int64_t)timegm(&tm) - (p[21] == '-' ? -zone_s : zone_s)) * 1000;
    return 0;
}
