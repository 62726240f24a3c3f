/* err.h - what went wrong: a code for the program and a sentence for the human.
 *
 * Convention of the whole tree: a function that can fail returns 0 or -1 and takes `struct err *`
 * last; -1 implies that err is set. The text goes up and is logged once, by whoever decides. */
#ifndef SB_BASE_ERR_H
#define SB_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,       /* the caller's data is wrong: never retry */
    ERR_NOT_FOUND,     /* no such thing */
    ERR_CONFLICT,      /* exists already, or changed meanwhile */
    ERR_AUTH,          /* who are you? */
    ERR_SECOND_FACTOR, /* the password is right; a code is needed, too */
    ERR_DENIED,        /* we know you; you may not */
    ERR_TOO_LARGE,     /* over a size limit */
    ERR_TOO_MANY,      /* over a rate limit */
    ERR_UNAVAILABLE,   /* a peer (Redis, CRM, channel) cannot serve now: retry later */
    ERR_TIMEOUT,       /* no answer in time: the outcome is not known */
    ERR_PROTOCOL,      /* the peer's answer makes no sense */
    ERR_IO,            /* disk or system call */
    ERR_UNSUPPORTED,   /* this channel or build cannot do it */
    ERR_INTERNAL       /* our own bug */
};

struct err {
    enum err_code code;
    char text[320]; /* UTF-8, one sentence, no secrets */
};

/* Fills e (which may be NULL) and returns -1, so that `return err_set(...)` reads well. What
 * "%.40s" or the size of the text cuts in the middle of a character is made valid UTF-8 again. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_setv(struct err *e, enum err_code code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* The code's name in lower case with underscores ("not_found"): stable, used in JSON and logs. */
const char *err_name(enum err_code code);

/* Is it worth another try later, though nobody changes anything? NULL: there is no error. */
bool err_passes(const struct err *e);

/* The HTTP status that fits the code (400, 404, 409, 401, 403, 413, 429, 503, ...). */
int err_http_status(enum err_code code);

#endif
