/* err.c - error codes, their names and their HTTP statuses. */
#include "base/err.h"

#include <stdio.h>

#include "base/utf8.h"

static const struct {
    const char *name;
    int http;
} codes[] = {
    [ERR_NONE] = {"none", 200},
    [ERR_INVALID] = {"invalid", 400},
    [ERR_NOT_FOUND] = {"not_found", 404},
    [ERR_CONFLICT] = {"conflict", 409},
    [ERR_AUTH] = {"auth", 401},
    [ERR_SECOND_FACTOR] = {"second_factor", 401},
    [ERR_DENIED] = {"denied", 403},
    [ERR_TOO_LARGE] = {"too_large", 413},
    [ERR_TOO_MANY] = {"too_many", 429},
    [ERR_UNAVAILABLE] = {"unavailable", 503},
    [ERR_TIMEOUT] = {"timeout", 503},
    [ERR_PROTOCOL] = {"protocol", 502},
    [ERR_IO] = {"io", 503},
    [ERR_UNSUPPORTED] = {"unsupported", 422},
    [ERR_INTERNAL] = {"internal", 500},
};

int err_setv(struct err *e, enum err_code code, const char *fmt, va_list ap) {
    if (e) {
        e->code = code;
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        utf8_repair(e->text);
    }
    return -1;
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    err_setv(e, code, fmt, ap);
    va_end(ap);
    return -1;
}

const char *err_name(enum err_code code) {
    return codes[code].name;
}

bool err_passes(const struct err *e) {
    return e && (e->code == ERR_UNAVAILABLE || e->code == ERR_TIMEOUT || e->code == ERR_IO ||
                    e->code == ERR_TOO_MANY);
}

int err_http_status(enum err_code code) {
    return codes[code].http;
}
