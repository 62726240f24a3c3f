/* phone.c - digits, and what they begin with. */
#include "model/phone.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define DIGITS_MIN 10
#define DIGITS_MAX 15
#define RAW_MAX 24 /* with an international prefix; more is no number */

/* The first characters of digits 0..9 in other scripts. */
static const uint32_t zeros[] = {'0', 0x660, 0x6f0, 0x966, 0xff10};

/* The character that valid UTF-8 begins with, and its length. */
static uint32_t next(const char **text) {
    const unsigned char *p = (const unsigned char *)*text;
    unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t c = more == 3 ? *p & 7u : more == 2 ? *p & 15u : more == 1 ? *p & 31u : *p;
    for (unsigned i = 1; i <= more; i++)
        c = c << 6 | (p[i] & 63u);
    *text += more + 1;
    return c;
}

static int digit_of(uint32_t c) {
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++)
        if (c >= zeros[i] && c <= zeros[i] + 9)
            return (int)(c - zeros[i]);
    return -1;
}

static bool is_between(uint32_t c) {
    return strchr(" ()-./\t", c < 0x80 ? (int)c : '!') || c == 0xa0 || c == 0x202f ||
           (c >= 0x2000 && c <= 0x2015) || c == 0x2212 || c == 0x200e || c == 0x202a || c == 0x202c;
}

/* Its digits; *plus: it begins with one. Stops at what can only be an extension. -1: something
 * else. */
static int digits_of(const char *text, char out[RAW_MAX + 1], bool *plus) {
    int digits = 0;
    *plus = false;
    if (!utf8_is_valid(text, strlen(text)))
        return -1;
    while (*text) {
        uint32_t c = next(&text);
        int d = digit_of(c);
        if (d >= 0) {
            if (digits == RAW_MAX)
                return -1;
            out[digits++] = (char)('0' + d);
        } else if (c == '+' && digits == 0 && !*plus) {
            *plus = true;
        } else if (!is_between(c)) {
            if (digits < DIGITS_MIN)
                return -1;
            break; /* "доб. 12", "ext 12", ",12" */
        }
    }
    out[digits] = '\0';
    return digits;
}

int phone_e164(const char *text, const char *country, char out[PHONE_SIZE]) {
    char raw[RAW_MAX + 1];
    bool plus, russian = strcmp(country, "RU") == 0 || strcmp(country, "KZ") == 0;
    int n = digits_of(text, raw, &plus);
    const char *digits = raw;
    if (n < 0)
        return -1;
    if (!plus && strncmp(raw, "00", 2) == 0) {
        digits += 2;
        plus = true;
    } else if (!plus && russian && strncmp(raw, "810", 3) == 0 && n > 11) {
        digits += 3;
        plus = true;
    } else if (!plus && russian && n == 11 && raw[0] == '8') {
        raw[0] = '7';
        plus = true;
    } else if (!plus && russian && n == 10 && raw[0] == '9') {
        memmove(raw + 1, raw, 11);
        raw[0] = '7';
        plus = true;
    } else if (!plus && n > DIGITS_MIN) {
        plus = true;
    }
    size_t left = strlen(digits);
    if (!plus || left < DIGITS_MIN || left > DIGITS_MAX || digits[0] == '0')
        return -1;
    snprintf(out, PHONE_SIZE, "+%.*s", DIGITS_MAX, digits);
    return 0;
}

unsigned phone_variants(const char *e164, char out[PHONE_VARIANTS][PHONE_SIZE]) {
    const char *digits = e164 + 1;
    size_t n = strlen(digits);
    unsigned found = 0;
    snprintf(out[found++], PHONE_SIZE, "%s", e164);
    snprintf(out[found++], PHONE_SIZE, "%s", digits);
    if (n == 11 && digits[0] == '7')
        snprintf(out[found++], PHONE_SIZE, "8%s", digits + 1);
    if (n > DIGITS_MIN)
        snprintf(out[found++], PHONE_SIZE, "%s", digits + n - DIGITS_MIN);
    return found;
}

bool phone_same(const char *a, const char *b, const char *country) {
    char x[PHONE_SIZE], y[PHONE_SIZE];
    return phone_e164(a, country, x) == 0 && phone_e164(b, country, y) == 0 && strcmp(x, y) == 0;
}
