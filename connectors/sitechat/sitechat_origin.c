/* sitechat_origin.c - Origin headers and the list of sites. Knows nothing of requests. */
#include "connectors/sitechat/sitechat_origin.h"

#include <stdlib.h>
#include <string.h>

#include "base/span.h"

/* "https://shop.example:8443" in its parts; the default port is filled in. */
struct origin {
    bool tls;
    bool wild; /* the host began with "*." (taken off) */
    struct span host;
    long port;
};

static bool host_char(char c, bool v6) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return v6 ? c == ':' || c == '.' : c == '-' || c == '.' || c == '_';
}

/* Digits of a port, 1..65535, or -1. */
static long parse_port(struct span s) {
    long port = 0;
    if (s.n == 0 || s.n > 5)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        port = port * 10 + (s.p[i] - '0');
    }
    return port >= 1 && port <= 65535 ? port : -1;
}

/* "host" or "host:port" or "[v6]:port". */
static int parse_authority(struct span s, struct origin *out) {
    size_t end = 0;
    bool v6 = s.n > 0 && s.p[0] == '[';
    if (v6) {
        end = 1;
        while (end < s.n && s.p[end] != ']')
            if (!host_char(s.p[end++], true))
                return -1;
        if (end == s.n || end == 1)
            return -1;
        end++;
    } else {
        while (end < s.n && s.p[end] != ':')
            if (!host_char(s.p[end++], false))
                return -1;
    }
    out->host = span_of(s.p, end);
    if (end == 0 || end > 253 || s.p[0] == '.' || s.p[0] == '-')
        return -1;
    if (end == s.n)
        return 0;
    if (s.p[end] != ':')
        return -1;
    out->port = parse_port(span_of(s.p + end + 1, s.n - end - 1));
    return out->port < 0 ? -1 : 0;
}

static int parse(const char *text, bool may_be_wild, struct origin *out) {
    struct span s = span_str(text);
    *out = (struct origin){0};
    if (span_starts(s, "https://"))
        out->tls = true;
    else if (!span_starts(s, "http://"))
        return -1;
    s = span_of(s.p + (out->tls ? 8 : 7), s.n - (out->tls ? 8 : 7));
    out->port = out->tls ? 443 : 80;
    if (may_be_wild && span_starts(s, "*.")) {
        out->wild = true;
        s = span_of(s.p + 2, s.n - 2);
    }
    return parse_authority(s, out);
}

int origin_rule_check(const char *rule, struct err *err) {
    struct origin o;
    if (strcmp(rule, "self") == 0)
        return 0;
    if (parse(rule, true, &o) < 0)
        return err_set(err, ERR_INVALID,
            "\"%.100s\" is no origin; expected \"self\", \"https://shop.example\" or "
            "\"https://*.example.com\" (no path, no slash at the end)",
            rule);
    if (o.wild && !memchr(o.host.p, '.', o.host.n))
        return err_set(err, ERR_INVALID, "\"%.100s\" would allow a whole top-level domain", rule);
    return 0;
}

static bool same_host(struct span a, struct span b) {
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

bool origin_is_own(const char *origin, const char *host) {
    struct origin o, own = {0};
    if (!origin || !host || parse(origin, false, &o) < 0)
        return false;
    own.port = o.tls ? 443 : 80;
    return parse_authority(span_str(host), &own) == 0 && same_host(o.host, own.host) &&
           o.port == own.port;
}

static bool rule_fits(const char *rule, const struct origin *o) {
    struct origin r;
    if (parse(rule, true, &r) < 0 || r.tls != o->tls || r.port != o->port)
        return false;
    if (!r.wild)
        return same_host(r.host, o->host);
    if (o->host.n < r.host.n + 2)
        return false;
    size_t skip = o->host.n - r.host.n;
    return o->host.p[skip - 1] == '.' && same_host(r.host, span_of(o->host.p + skip, r.host.n));
}

bool origin_is_allowed(const char *const *rules, const char *origin, const char *host) {
    struct origin o;
    if (!origin || parse(origin, false, &o) < 0)
        return false;
    for (size_t i = 0; rules[i]; i++) {
        if (strcmp(rules[i], "self") == 0 ? origin_is_own(origin, host) : rule_fits(rules[i], &o))
            return true;
    }
    return false;
}

void origin_frame_ancestors(const char *const *rules, struct buf *out) {
    buf_adds(out, "frame-ancestors");
    for (size_t i = 0; rules[i]; i++) {
        buf_adds(out, " ");
        buf_adds(out, strcmp(rules[i], "self") == 0 ? "'self'" : rules[i]);
    }
    if (!rules[0])
        buf_adds(out, " 'none'");
}
