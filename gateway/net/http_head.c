/* http_head.c - a strict reader of HTTP/1.x request heads. It keeps nothing, allocates nothing and
 * understands no body. */
#include "net/http_head.h"

#include "net/http_url.h"

#define METHOD_MAX 20u
#define LENGTH_DIGITS 15u

static int refuse(struct http_head *h, int status, struct err *err, const char *why) {
    h->status = status;
    return err_set(err, status == 413 || status == 431 ? ERR_TOO_LARGE : ERR_INVALID, "%s", why);
}

/* --- characters ------------------------------------------------------------------------------ */

static bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct span s) {
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char(s.p[i]))
            return false;
    return s.n > 0;
}

static bool is_field_text(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_target_text(struct span s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    return s.n > 0;
}

static struct span trim(struct span s) {
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.n - 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* --- lines ----------------------------------------------------------------------------------- */

/* The line at p, without its CRLF. 0, 1 when its end is not there yet, -1 when a CR or an LF
 * stands alone or a control byte is in it. */
static int next_line(struct span rest, struct span *line_out) {
    for (size_t i = 0; i < rest.n; i++) {
        unsigned char c = (unsigned char)rest.p[i];
        if (c == '\r') {
            if (i + 1 == rest.n)
                return 1;
            if (rest.p[i + 1] != '\n')
                return -1;
            *line_out = span_of(rest.p, i);
            return 0;
        }
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return -1;
    }
    return 1;
}

static int parse_version(struct span v, struct http_head *h, struct err *err) {
    if (span_eq(v, "HTTP/1.1") || span_eq(v, "HTTP/1.0")) {
        h->minor = v.p[7] - '0';
        return 0;
    }
    if (v.n == 8 && span_starts(v, "HTTP/"))
        return refuse(h, 505, err, "only HTTP/1.0 and HTTP/1.1 are spoken here");
    return refuse(h, 400, err, "the request line has no HTTP version");
}

static int parse_request_line(struct span line, struct http_head *h, struct err *err) {
    const char *first = memchr(line.p, ' ', line.n);
    const char *last = memrchr(line.p, ' ', line.n);
    if (!first || first == last)
        return refuse(h, 400, err, "the request line is not: method, target, version");
    h->method = span_of(line.p, (size_t)(first - line.p));
    h->target = span_of(first + 1, (size_t)(last - first - 1));
    struct span version = span_of(last + 1, line.n - (size_t)(last + 1 - line.p));
    return parse_version(version, h, err);
}

static int parse_field(struct span line, struct http_head *h, struct err *err) {
    const char *colon = memchr(line.p, ':', line.n);
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return refuse(h, 400, err, "a header is continued on a second line");
    if (!colon)
        return refuse(h, 400, err, "a header has no colon");
    if (h->n_fields == HTTP_HEAD_FIELDS)
        return refuse(h, 431, err, "too many headers");
    size_t n = (size_t)(colon - line.p);
    h->fields[h->n_fields++] =
        (struct http_field){span_of(line.p, n), trim(span_of(colon + 1, line.n - n - 1))};
    return 0;
}

int http_head_parse(struct span bytes, struct http_head *out, struct err *err) {
    struct span line = {0};
    struct span rest = span_of(bytes.p, bytes.n > HTTP_HEAD_MAX ? HTTP_HEAD_MAX : bytes.n);
    out->n_fields = 0;
    out->size = 0;
    out->status = 0;
    for (bool first = true;; first = false) {
        int rc = next_line(rest, &line);
        if (rc < 0)
            return refuse(out, 400, err, "a control byte or a lone CR or LF in the head");
        if (rc > 0 && bytes.n >= HTTP_HEAD_MAX)
            return refuse(out, 431, err, "the request's head is too large");
        if (rc > 0)
            return 1;
        rest = span_of(line.p + line.n + 2, rest.n - line.n - 2);
        if (first && parse_request_line(line, out, err) < 0)
            return -1;
        if (!first && line.n == 0)
            break;
        if (!first && parse_field(line, out, err) < 0)
            return -1;
    }
    out->size = (size_t)(rest.p - bytes.p);
    return http_head_judge(out, err);
}

/* --- what the fields mean -------------------------------------------------------------------- */

struct span http_head_field(const struct http_head *head, const char *name) {
    for (size_t i = 0; i < head->n_fields; i++)
        if (span_ieq(head->fields[i].name, name))
            return head->fields[i].value;
    return span_of(NULL, 0);
}

bool http_list_has(struct span list, const char *token) {
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (span_ieq(trim(span_of(list.p, n)), token))
            return true;
        n += comma ? 1 : 0;
        list = span_of(list.p + n, list.n - n);
    }
    return false;
}

/* Fields that we act upon: a second one would leave it to each reader which of them counts. */
static const char *const single[] = {"Host", "Content-Length", "Transfer-Encoding", "Upgrade",
    "Expect", "Content-Type", "Authorization", "Cookie", "Origin", "Range", "If-None-Match",
    "X-Forwarded-Proto", "Sec-Fetch-Site", "Sec-WebSocket-Key", "Sec-WebSocket-Version"};

static int check_single(struct http_head *h, struct err *err) {
    unsigned seen = 0;
    for (size_t i = 0; i < h->n_fields; i++)
        for (size_t k = 0; k < sizeof single / sizeof single[0]; k++) {
            if (!span_ieq(h->fields[i].name, single[k]))
                continue;
            if (seen & 1u << k) {
                h->status = 400;
                return err_set(err, ERR_INVALID, "two %s headers", single[k]);
            }
            seen |= 1u << k;
        }
    return 0;
}

static int check_fields(struct http_head *h, struct err *err) {
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!is_token(h->fields[i].name))
            return refuse(h, 400, err, "a header's name is not a token");
        if (!is_field_text(h->fields[i].value))
            return refuse(h, 400, err, "a control byte in a header");
    }
    return check_single(h, err);
}

static bool is_host(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                (c && strchr(".-_:[]", c))))
            return false;
    }
    return s.n > 0 && s.n <= 255;
}

static int check_host(struct http_head *h, struct err *err) {
    h->host = http_head_field(h, "Host");
    if (!h->host.p && h->minor == 0)
        return 0;
    if (!h->host.p)
        return refuse(h, 400, err, "no Host header");
    return is_host(h->host) ? 0 : refuse(h, 400, err, "the Host header is not a host");
}

static int check_body(struct http_head *h, struct err *err) {
    struct span coding = http_head_field(h, "Transfer-Encoding");
    struct span length = http_head_field(h, "Content-Length");
    h->chunked = coding.p != NULL;
    h->content_length = -1;
    if (coding.p && length.p)
        return refuse(h, 400, err, "both Content-Length and Transfer-Encoding");
    if (coding.p && !span_ieq(coding, "chunked"))
        return refuse(h, 501, err, "a Transfer-Encoding other than chunked");
    if (coding.p && h->minor == 0)
        return refuse(h, 400, err, "Transfer-Encoding in HTTP/1.0");
    if (!length.p)
        return 0;
    if (length.n == 0 || length.n > LENGTH_DIGITS)
        return refuse(h, 400, err, "Content-Length is not a number");
    h->content_length = 0;
    for (size_t i = 0; i < length.n; i++) {
        if (length.p[i] < '0' || length.p[i] > '9')
            return refuse(h, 400, err, "Content-Length is not a number");
        h->content_length = h->content_length * 10 + (length.p[i] - '0');
    }
    return 0;
}

/* 16 bytes in base64: 22 characters, of which the last holds 2 bits, and "==". */
static bool is_websocket_key(struct span key) {
    if (key.n != 24 || key.p[22] != '=' || key.p[23] != '=' || !key.p[21] ||
        !strchr("AQgw", key.p[21]))
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '+' || c == '/'))
            return false;
    }
    return true;
}

static int check_upgrade(struct http_head *h, struct err *err) {
    struct span upgrade = http_head_field(h, "Upgrade");
    h->websocket = false;
    if (!upgrade.p)
        return 0;
    if (!span_ieq(upgrade, "websocket"))
        return refuse(h, 400, err, "an Upgrade to something else than websocket");
    bool asked = false;
    for (size_t i = 0; i < h->n_fields; i++)
        if (span_ieq(h->fields[i].name, "Connection"))
            asked = asked || http_list_has(h->fields[i].value, "upgrade");
    if (!asked || !span_eq(h->method, "GET") || h->minor == 0 || h->chunked ||
        h->content_length > 0)
        return refuse(h, 400, err, "not a websocket handshake");
    if (!span_eq(http_head_field(h, "Sec-WebSocket-Version"), "13"))
        return refuse(h, 426, err, "only websocket version 13 is spoken here");
    if (!is_websocket_key(http_head_field(h, "Sec-WebSocket-Key")))
        return refuse(h, 400, err, "Sec-WebSocket-Key is not 16 bytes in base64");
    if (http_head_field(h, "Sec-WebSocket-Protocol").p)
        return refuse(h, 400, err, "no websocket subprotocol is spoken here");
    h->websocket = true;
    return 0;
}

static int check_request_line(struct http_head *h, struct err *err) {
    if (!is_token(h->method) || h->method.n > METHOD_MAX)
        return refuse(h, 400, err, "the method is not a token");
    if (!is_target_text(h->target) || h->target.p[0] != '/')
        return refuse(h, 400, err, "the request target is not a path");
    const char *mark = memchr(h->target.p, '?', h->target.n);
    size_t n = mark ? (size_t)(mark - h->target.p) : h->target.n;
    h->path = span_of(h->target.p, n);
    h->query = mark ? span_of(mark + 1, h->target.n - n - 1) : span_of(h->target.p + n, 0);
    if (!http_url_path_is_clean(h->path))
        return refuse(h, 400, err, "the path is malformed, or has empty or dot segments");
    return 0;
}

int http_head_judge(struct http_head *h, struct err *err) {
    if (check_request_line(h, err) < 0 || check_fields(h, err) < 0 || check_host(h, err) < 0 ||
        check_body(h, err) < 0 || check_upgrade(h, err) < 0)
        return -1;
    struct span expect = http_head_field(h, "Expect");
    if (expect.p && !span_ieq(expect, "100-continue"))
        return refuse(h, 417, err, "Expect is not 100-continue");
    return 0;
}
