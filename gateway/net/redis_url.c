/* redis_url.c - the forms of a Redis address. Knows nothing of connections. */
#include "net/redis_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_url.h"

static int parse_number(const char *p, long max, int *out) {
    char *end;
    long n = strtol(p, &end, 10);
    if (end == p || *end || *p < '0' || *p > '9' || n > max)
        return -1;
    *out = (int)n;
    return 0;
}

static int parse_unix(const char *p, struct redis_url *u) {
    const char *query = strchr(p, '?');
    size_t n = query ? (size_t)(query - p) : strlen(p);
    if (*p != '/' || n > 107) /* sun_path */
        return -1;
    if (query && (strncmp(query, "?db=", 4) != 0 || parse_number(query + 4, 65535, &u->db) < 0))
        return -1;
    u->path = mem_strndup(p, n);
    return 0;
}

static int parse_login(struct span login, struct redis_url *u) {
    const char *colon = memchr(login.p, ':', login.n);
    if (!colon)
        return -1;
    struct span user = span_of(login.p, (size_t)(colon - login.p));
    struct span password = span_of(colon + 1, login.n - user.n - 1);
    u->user = user.n ? http_url_decode(user, false) : NULL;
    u->password = http_url_decode(password, false);
    return (user.n && !u->user) || !u->password ? -1 : 0;
}

static int parse_tcp(const char *p, struct redis_url *u) {
    const char *slash = strchr(p, '/');
    size_t n = slash ? (size_t)(slash - p) : strlen(p);
    const char *at = memrchr(p, '@', n);
    if (slash && slash[1] && parse_number(slash + 1, 65535, &u->db) < 0)
        return -1;
    if (at) {
        if (parse_login(span_of(p, (size_t)(at - p)), u) < 0)
            return -1;
        n -= (size_t)(at + 1 - p);
        p = at + 1;
    }
    const char *end = p + n, *port = NULL;
    if (*p == '[') {
        const char *close = memchr(p, ']', n);
        if (!close || (close + 1 < end && close[1] != ':'))
            return -1;
        port = close + 1 < end ? close + 2 : NULL;
        u->host = mem_strndup(p + 1, (size_t)(close - p - 1));
    } else {
        const char *colon = memchr(p, ':', n);
        port = colon ? colon + 1 : NULL;
        u->host = mem_strndup(p, colon ? (size_t)(colon - p) : n);
    }
    u->port = 6379;
    if (port) {
        char *number = mem_strndup(port, (size_t)(end - port));
        int rc = parse_number(number, 65535, &u->port);
        free(number);
        if (rc < 0)
            return -1;
    }
    return *u->host && u->port > 0 ? 0 : -1;
}

int redis_url_parse(const char *text, struct redis_url *out, struct err *err) {
    int rc = -1;
    *out = (struct redis_url){0};
    if (strncmp(text, "unix://", 7) == 0)
        rc = parse_unix(text + 7, out);
    else if (strncmp(text, "redis://", 8) == 0)
        rc = parse_tcp(text + 8, out);
    if (rc < 0) {
        redis_url_free(out);
        return err_set(err, ERR_INVALID,
            "a Redis address is unix:///path or redis://[user:password@]host[:port][/number]");
    }
    return 0;
}

void redis_url_free(struct redis_url *u) {
    free(u->path);
    free(u->host);
    free(u->user);
    free(u->password);
    *u = (struct redis_url){0};
}
