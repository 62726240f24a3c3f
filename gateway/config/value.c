/* value.c - reading single values of the configuration. Pure functions. */
#include "config/value.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct unit {
    const char *name;
    int64_t times;
};

static int with_unit(const char *text, const struct unit *units, int64_t *out) {
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || errno || n < 0 || *text == '+' || *text == ' ')
        return -1;
    for (; units->name; units++)
        if (strcmp(end, units->name) == 0) {
            if (n > INT64_MAX / units->times)
                return -1;
            *out = n * units->times;
            return 0;
        }
    return -1;
}

int value_duration(const char *text, int64_t *ms_out) {
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    return with_unit(text, units, ms_out);
}

int value_size(const char *text, int64_t *bytes_out) {
    static const struct unit units[] = {
        {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0}};
    return with_unit(text, units, bytes_out);
}

static bool is_choice(const char *choices, const char *text) {
    size_t n = strcspn(text, "|");
    if (text[n])
        return false;
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (n && strncmp(p, text, n) == 0 && (p[n] == '|' || !p[n]))
            return true;
    return false;
}

static int check_number(
    const struct setting *row, const char *text, int64_t *out, struct err *err) {
    static const struct unit plain[] = {{"", 1}, {NULL, 0}};
    static const char *const wanted[] = {[SETTING_INT] = "a number",
        [SETTING_DURATION] = "a duration like 250ms, 10s, 5m, 2h or 8d",
        [SETTING_SIZE] = "a size like 512, 64K, 20M or 1G"};
    int rc = row->type == SETTING_INT        ? with_unit(text, plain, out)
             : row->type == SETTING_DURATION ? value_duration(text, out)
                                             : value_size(text, out);
    if (rc < 0)
        return err_set(err, ERR_INVALID, "expected %s, found \"%.60s\"", wanted[row->type], text);
    if ((row->min || row->max) && (*out < row->min || *out > row->max))
        return err_set(err, ERR_INVALID, "must be between %lld and %lld%s, found %s",
            (long long)row->min, (long long)row->max,
            row->type == SETTING_DURATION ? " ms"
            : row->type == SETTING_SIZE   ? " bytes"
                                          : "",
            text);
    return 0;
}

int value_check(const struct setting *row, const char *text, int64_t *number_out, struct err *err) {
    *number_out = 0;
    switch (row->type) {
    case SETTING_BOOL:
        if (is_choice("true|yes|on|1", text))
            *number_out = 1;
        else if (!is_choice("false|no|off|0", text))
            return err_set(err, ERR_INVALID, "expected true or false, found \"%.60s\"", text);
        break;
    case SETTING_ENUM:
        if (!is_choice(row->choices, text))
            return err_set(
                err, ERR_INVALID, "expected one of %s, found \"%.60s\"", row->choices, text);
        break;
    case SETTING_INT:
    case SETTING_DURATION:
    case SETTING_SIZE:
        if (check_number(row, text, number_out, err) < 0)
            return -1;
        break;
    case SETTING_STRING:
    case SETTING_LIST:
        break;
    }
    return row->check ? row->check(text, err) : 0;
}

size_t value_distance(const char *a, const char *b) {
    size_t row[64], n = strlen(b);
    if (n > 63 || strlen(a) > 63)
        return 64;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
            row[j] = change < shorter + 1 ? change : shorter + 1;
        }
    }
    return row[n];
}
