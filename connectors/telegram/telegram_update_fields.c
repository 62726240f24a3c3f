/* telegram_update_fields.c - the fields of a Message sorted out in one walk, and small readers of
 * single values. They trust nothing: what is missing or of another type is simply not there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_update_private.h"

#define EXACT_MAX 9007199254740992.0 /* a double holds whole numbers up to here */
#define YEAR_9999_S 253402300799

#define FIELD_NAME(name) #name
static const char *const field_names[] = {TELEGRAM_FIELDS(FIELD_NAME)};
#undef FIELD_NAME

const char *telegram_field_name(enum telegram_field f) {
    return field_names[f];
}

static int find_field(const char *key) {
    int low = 0, high = TELEGRAM_FIELD_COUNT - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        int order = strcmp(key, field_names[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle - 1;
        else
            low = middle + 1;
    }
    return -1;
}

void telegram_fields_read(json_t *message, struct telegram_fields *out) {
    const char *key;
    json_t *v;
    memset(out, 0, sizeof *out);
    json_object_foreach(message, key, v) {
        int f = json_is_null(v) ? 0 : find_field(key);
        if (json_is_null(v))
            continue;
        if (f >= 0)
            out->at[f] = v;
        else if (!out->unknown)
            out->unknown = key;
    }
}

static bool int_of_text(const char *s, int64_t *out) {
    size_t sign = *s == '-', digits = strspn(s + sign, "0123456789");
    if (digits < 1 || digits > 18 || s[sign + digits])
        return false;
    *out = strtoll(s, NULL, 10);
    return true;
}

bool telegram_int(const json_t *v, int64_t *out) {
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    if (json_is_string(v))
        return int_of_text(json_string_value(v), out);
    double d = json_is_real(v) ? json_real_value(v) : NAN;
    if (!(fabs(d) <= EXACT_MAX) || d != floor(d))
        return false;
    *out = (int64_t)d;
    return true;
}

int64_t telegram_int_in(const json_t *object, const char *key, int64_t lo, int64_t hi) {
    int64_t n;
    return telegram_int(json_object_get(object, key), &n) && n >= lo && n <= hi ? n : -1;
}

const char *telegram_string(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static bool is_unwanted(unsigned char c) {
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

json_t *telegram_text_of(json_t *s, size_t max_bytes) {
    const char *p = json_string_value(s);
    size_t n = json_string_length(s), i = 0;
    if (!p)
        return NULL;
    if (n <= max_bytes) {
        while (i < n && !is_unwanted((unsigned char)p[i]))
            i++;
        if (i == n)
            return json_incref(s);
    }
    if (n > max_bytes) {
        n = max_bytes;
        while (n && ((unsigned char)p[n] & 0xc0) == 0x80)
            n--;
    }
    char *clean = mem_alloc(n + 1);
    size_t kept = 0;
    for (i = 0; i < n; i++)
        if (!is_unwanted((unsigned char)p[i]))
            clean[kept++] = p[i];
    json_t *out = json_stringn(clean, kept);
    free(clean);
    return out;
}

char *telegram_excerpt(const char *s, size_t points) {
    size_t n = utf8_prefix(s, strlen(s), points), kept = 0;
    char *out = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        if (!is_unwanted((unsigned char)s[i]))
            out[kept++] = s[i];
    out[kept] = '\0';
    return out;
}

char *telegram_name(const char *s) {
    char *name = utf8_clean_name(s ? s : "", TELEGRAM_NAME_BYTES);
    size_t n = strlen(name);
    if (n > TELEGRAM_NAME_BYTES) {
        n = TELEGRAM_NAME_BYTES;
        while (((unsigned char)name[n] & 0xc0) == 0x80)
            n--;
    }
    while (n && name[n - 1] == ' ')
        n--;
    name[n] = '\0';
    return name;
}

char *telegram_name_of(const json_t *who) {
    const char *first = telegram_string(who, "first_name");
    const char *last = telegram_string(who, "last_name");
    const char *title = telegram_string(who, "title");
    const char *username = telegram_string(who, "username");
    if (title && *title)
        return telegram_name(title);
    char *name = NULL;
    if (first && *first && last && *last) {
        char *both =
            mem_printf("%.*s %.*s", TELEGRAM_NAME_BYTES * 4, first, TELEGRAM_NAME_BYTES * 4, last);
        utf8_repair(both);
        name = telegram_name(both);
        free(both);
    } else {
        name = telegram_name(first && *first ? first : last);
    }
    if (*name || !username || !*username)
        return name;
    free(name);
    char *at = mem_printf("@%.64s", username);
    utf8_repair(at);
    name = telegram_name(at);
    free(at);
    return name;
}

void telegram_set_time(json_t *body, const char *key, const json_t *seconds) {
    char text[CLOCK_TEXT_SIZE];
    int64_t s;
    if (!telegram_int(seconds, &s) || s < 1 || s > YEAR_9999_S)
        return;
    clock_format(s * 1000, text);
    json_object_set_new_nocheck(body, key, json_stringn_nocheck(text, CLOCK_TEXT_SIZE - 1));
}

void telegram_set_text(json_t *body, const char *key, char *s) {
    if (s && *s)
        json_object_set_new(body, key, json_string(s));
    free(s);
}
