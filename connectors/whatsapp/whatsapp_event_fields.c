/* whatsapp_event_fields.c - small readers of single values. They trust nothing: what is missing or
 * of another type is simply not there. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/whatsapp/whatsapp_event_private.h"

#define MILLISECONDS_FROM 100000000000 /* more seconds than that are the year 5138 */
#define YEAR_9999_MS 253402300799000

static bool is_unwanted(unsigned char c) {
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

json_t *whatsapp_text_of(const json_t *v, size_t max) {
    const char *p = json_string_value(v);
    size_t n = json_string_length(v), i = 0, kept = 0;
    if (!p)
        return NULL;
    while (i < n && !is_unwanted((unsigned char)p[i]))
        i++;
    if (n <= max && i == n)
        return json_incref((json_t *)v);
    if (n > max)
        for (n = max; n && ((unsigned char)p[n] & 0xc0) == 0x80;)
            n--;
    char *clean = mem_alloc(n + 1);
    for (i = 0; i < n; i++)
        if (!is_unwanted((unsigned char)p[i]))
            clean[kept++] = p[i];
    json_t *out = json_stringn(clean, kept);
    free(clean);
    return out;
}

void whatsapp_put(json_t *o, const char *key, const json_t *from, const char *name, size_t max) {
    json_t *t = whatsapp_text_of(json_object_get(from, name), max);
    if (json_string_length(t))
        json_object_set(o, key, t);
    json_decref(t);
}

void whatsapp_word(const json_t *v, char *out, size_t size) {
    const char *s = json_string_value(v);
    out[0] = '\0';
    if (json_is_integer(v))
        snprintf(out, size, "%lld", (long long)json_integer_value(v));
    else if (s && json_string_length(v) < size && strlen(s) == json_string_length(v))
        memcpy(out, s, strlen(s) + 1);
    for (char *p = out; *p; p++)
        if (*p <= 0x20 || *p == 0x7f)
            *out = '\0';
}

char *whatsapp_id(const json_t *v) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v), i = 0;
    char hex[CRYPTO_HEX_SIZE];
    if (json_is_integer(v))
        return mem_printf("%lld", (long long)json_integer_value(v));
    while (i < n && s[i] > 0x20 && s[i] != 0x7f)
        i++;
    if (i == n && n <= WHATSAPP_ID_MAX)
        return mem_strndup(s ? s : "", n);
    crypto_sha256_hex(span_of(s, n), hex);
    return mem_printf("~%s", hex);
}

bool whatsapp_number(const json_t *v, double *out) {
    const char *s = json_string_value(v);
    char *end;
    *out = json_is_number(v) ? json_number_value(v) : s && *s ? strtod(s, &end) : NAN;
    if (s && *s && *end)
        return false;
    return isfinite(*out);
}

int64_t whatsapp_time(const json_t *v) {
    double n;
    if (!whatsapp_number(v, &n) || n <= 0 || n > (double)YEAR_9999_MS)
        return 0;
    int64_t t = (int64_t)n;
    return t < MILLISECONDS_FROM ? t * 1000 : t;
}

void whatsapp_person_add(struct whatsapp_person *p, const json_t *v) {
    char word[WHATSAPP_BSUID_SIZE];
    whatsapp_word(v, word, sizeof word);
    const char *digits = word + (word[0] == '+');
    if (!*word)
        return;
    if (*digits && digits[strspn(digits, "0123456789")] == '\0') {
        if (strlen(digits) < sizeof p->phone && !p->phone[0])
            memcpy(p->phone, digits, strlen(digits) + 1);
    } else if (!p->bsuid[0]) {
        memcpy(p->bsuid, word, strlen(word) + 1);
    }
}

void whatsapp_person_parent(struct whatsapp_person *p, const json_t *v) {
    whatsapp_word(v, p->parent, sizeof p->parent);
}

char *whatsapp_name(const json_t *v) {
    const char *s = json_string_value(v);
    return s ? utf8_clean_name(s, WHATSAPP_NAME_POINTS) : mem_strdup("");
}

json_t *whatsapp_event_body(const char *what, const char *text) {
    return json_pack("{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", what, "text", text);
}
