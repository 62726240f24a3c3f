/* http_cookie.c - finding one cookie in the Cookie header. */
#include "net/http_cookie.h"

static bool is_cookie_value(struct span v) {
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == ',' || c == ';' || c == '\\')
            return false;
    }
    return true;
}

bool http_cookie_find(struct span header, const char *name, struct span *value_out) {
    size_t len = strlen(name);
    while (header.n) {
        const char *semicolon = memchr(header.p, ';', header.n);
        size_t n = semicolon ? (size_t)(semicolon - header.p) : header.n;
        struct span pair = span_of(header.p, n);
        n += semicolon ? 1 : 0;
        header = span_of(header.p + n, header.n - n);
        while (pair.n && (pair.p[0] == ' ' || pair.p[0] == '\t'))
            pair = span_of(pair.p + 1, pair.n - 1);
        while (pair.n && (pair.p[pair.n - 1] == ' ' || pair.p[pair.n - 1] == '\t'))
            pair.n--;
        if (pair.n <= len || memcmp(pair.p, name, len) != 0 || pair.p[len] != '=')
            continue;
        struct span value = span_of(pair.p + len + 1, pair.n - len - 1);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = span_of(value.p + 1, value.n - 2);
        *value_out = value;
        return is_cookie_value(value);
    }
    return false;
}
