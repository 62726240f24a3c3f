/* email_scan.c - one pass over the lines; of a long line only the beginning is looked at. */
#include "connectors/email/email_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/span.h"
#include "connectors/email/email_read.h"

#define CHUNK (128u << 10)
#define HEAD_MAX 4096 /* of a line */
#define BOUNDARIES_MAX 200
#define BOUNDARY_LINES_MAX 1500
#define MORE_HEADERS_MAX (64u << 10) /* of the important ones, beyond the limit */

/* --- lines ----------------------------------------------------------------------------------- */

struct reader {
    int fd;
    char *chunk; /* CHUNK bytes, then HEAD_MAX for the beginning of a long line */
    size_t at, n;
    uint64_t offset; /* of chunk[at] in the file */
    bool is_eof, failed, has_nul;
};

struct line {
    struct span s; /* its beginning, perhaps with its line feed */
    uint64_t from, to;
};

static void fill(struct reader *r) {
    memmove(r->chunk, r->chunk + r->at, r->n - r->at);
    r->n -= r->at;
    r->at = 0;
    while (r->n < CHUNK && !r->is_eof) {
        ssize_t got =
            pread(r->fd, r->chunk + r->n, CHUNK - r->n, (off_t)(r->offset + (uint64_t)r->n));
        if (got < 0 && errno == EINTR)
            continue;
        r->failed = got < 0;
        r->is_eof = got <= 0;
        if (got > 0) {
            r->has_nul = r->has_nul || memchr(r->chunk + r->n, '\0', (size_t)got);
            r->n += (size_t)got;
        }
    }
}

static bool next_line(struct reader *r, struct line *line) {
    if (r->n - r->at < HEAD_MAX && !r->is_eof)
        fill(r);
    if (r->at == r->n)
        return false;
    const char *p = r->chunk + r->at, *end = memchr(p, '\n', r->n - r->at);
    line->from = r->offset;
    if (end) {
        size_t n = (size_t)(end - p) + 1;
        line->s = span_of(p, n < HEAD_MAX ? n : HEAD_MAX);
        r->at += n;
        r->offset += n;
        line->to = r->offset;
        return true;
    }
    size_t head = r->n - r->at < HEAD_MAX ? r->n - r->at : HEAD_MAX;
    memcpy(r->chunk + CHUNK, p, head);
    line->s = span_of(r->chunk + CHUNK, head);
    while (!end && r->at < r->n) {
        end = memchr(r->chunk + r->at, '\n', r->n - r->at);
        size_t n = end ? (size_t)(end - r->chunk) - r->at + 1 : r->n - r->at;
        r->at += n;
        r->offset += n;
        if (!end && !r->is_eof)
            fill(r);
    }
    line->to = r->offset;
    return true;
}

static struct span without_end(struct span s) {
    while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

/* --- headers --------------------------------------------------------------------------------- */

static void keep(struct email_scan *s, uint64_t from, uint64_t to) {
    if (s->n && s->ranges[s->n - 1].to == from)
        s->ranges[s->n - 1].to = to;
    else if (s->n < EMAIL_RANGES_MAX - 1 && to > from) /* one is for the body */
        s->ranges[s->n++] = (struct email_range){from, to};
}

/* The name before the colon, n 0 when this is no header line. */
static struct span name_of(struct span s) {
    size_t n = 0;
    while (n < s.n && s.p[n] > 0x20 && s.p[n] < 0x7f && s.p[n] != ':')
        n++;
    size_t colon = n;
    while (colon < s.n && (s.p[colon] == ' ' || s.p[colon] == '\t'))
        colon++;
    return span_of(s.p, colon < s.n && s.p[colon] == ':' ? n : 0);
}

static bool is_one_of(struct span name, const char *const *list) {
    for (; *list; list++)
        if (span_ieq(name, *list))
            return true;
    return false;
}

static bool is_important(struct span name) {
    static const char *const list[] = {"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date",
        "Message-ID", "In-Reply-To", "References", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "Content-Disposition", "Return-Path", "Auto-Submitted", NULL};
    return is_one_of(name, list);
}

/* Could it stand in the middle of headers, rather than in a text ("note: ...")? */
static bool is_known(struct span name) {
    static const char *const list[] = {"Received", "Delivered-To", "DKIM-Signature",
        "Authentication-Results", "List-Id", "List-Unsubscribe", "Thread-Topic", "Thread-Index",
        "Organization", "User-Agent", "Importance", "Priority", "Precedence", "Content-Language",
        "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results", "Received-SPF", NULL};
    return is_important(name) || is_one_of(name, list) ||
           (name.n > 2 && strncasecmp(name.p, "X-", 2) == 0);
}

struct headers {
    struct email_scan *out;
    struct line odd; /* a line that is no header; from == to: none waits */
    uint64_t kept, more;
    bool keeping, is_first;
};

static void take_line(struct headers *h, const struct line *line, bool important) {
    uint64_t n = line->to - line->from;
    bool fits = h->kept + n <= EMAIL_HEADERS_MAX;
    if (fits) {
        h->kept += n;
    } else if (important && h->more + n <= MORE_HEADERS_MAX) {
        h->more += n;
        fits = true;
    }
    if (fits) {
        keep(h->out, line->from, line->to);
    } else {
        /* What there is room for: a very long line is still a header. */
        uint64_t part = h->kept < EMAIL_HEADERS_MAX ? EMAIL_HEADERS_MAX - h->kept : 0;
        if (part && line->s.n && n > part + 1) {
            keep(h->out, line->from, line->from + part);
            keep(h->out, line->to - 1, line->to);
        }
        h->kept += part;
        h->out->headers_cut = true;
    }
    h->keeping = fits;
}

/* False: the headers end before this line, or before the odd one. */
static bool on_header_line(struct headers *h, const struct line *line) {
    struct span s = line->s, name = name_of(s);
    bool is_more = !h->is_first && s.n && (s.p[0] == ' ' || s.p[0] == '\t');
    bool was_odd = h->odd.to > h->odd.from;
    if (h->is_first && span_starts(s, "From ")) /* of an mbox file */
        return true;
    if (was_odd) {
        if (name.n == 0 || !is_known(name))
            return false;
        h->out->headers_broken = true;
        h->odd.to = h->odd.from;
    } else if (is_more) {
        if (h->keeping)
            take_line(h, line, h->more > 0);
        else
            h->out->headers_cut = true;
        return true;
    }
    h->is_first = false;
    if (name.n == 0) {
        h->odd = *line;
        h->odd.s = span_of(NULL, 0);
        return true;
    }
    take_line(h, line, is_important(name));
    return true;
}

/* Returns where the body begins; the lines before it are kept or not. */
static void scan_headers(struct reader *r, struct email_scan *out) {
    struct headers h = {.out = out, .is_first = true};
    struct line line;
    out->body_at = 0;
    while (next_line(r, &line)) {
        bool is_empty = without_end(line.s).n == 0 && line.to - line.from <= 2;
        if (is_empty && h.odd.to == h.odd.from) {
            keep(out, line.from, line.to);
            out->body_at = line.to;
            return;
        }
        if (is_empty || !on_header_line(&h, &line))
            break;
        out->body_at = line.to;
    }
    if (h.odd.to > h.odd.from) { /* this was no header: the text begins here */
        out->headers_broken = true;
        out->no_gap = true;
        out->body_at = h.odd.from;
    }
}

/* --- boundaries ------------------------------------------------------------------------------ */

struct boundaries {
    uint64_t hashes[BOUNDARIES_MAX];
    size_t n, lines;
};

static uint64_t hash_of(struct span s) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211u;
    return h;
}

static bool is_known_boundary(const struct boundaries *b, struct span s) {
    uint64_t h = hash_of(s);
    for (size_t i = 0; i < b->n; i++)
        if (b->hashes[i] == h)
            return true;
    return false;
}

/* False when there are too many. */
static bool learn_boundary(struct boundaries *b, struct span s) {
    size_t at = 0;
    const char *equals = s.n ? memchr(s.p, '=', s.n) : NULL;
    for (; equals; equals = memchr(s.p + at, '=', s.n - at)) {
        at = (size_t)(equals - s.p) + 1;
        size_t name = at - 1;
        while (name && (s.p[name - 1] == ' ' || s.p[name - 1] == '\t'))
            name--;
        if (name < 8 || strncasecmp(s.p + name - 8, "boundary", 8) != 0)
            continue;
        while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
            at++;
        bool quoted = at < s.n && s.p[at] == '"';
        at += quoted;
        size_t from = at;
        while (at < s.n &&
               (quoted ? s.p[at] != '"' : !isspace((unsigned char)s.p[at]) && s.p[at] != ';'))
            at++;
        struct span value = span_of(s.p + from, at - from);
        if (value.n == 0 || is_known_boundary(b, value))
            continue;
        if (b->n == BOUNDARIES_MAX)
            return false;
        b->hashes[b->n++] = hash_of(value);
    }
    return true;
}

static bool count_boundary(struct boundaries *b, struct span s) {
    s = span_of(s.p + 2, s.n - 2);
    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    if (s.n && is_known_boundary(b, s))
        b->lines++;
    return b->lines <= BOUNDARY_LINES_MAX;
}

/* Returns where parsing may end. */
static uint64_t scan_body(struct reader *r, struct boundaries *b, struct email_scan *out) {
    struct line line;
    while (next_line(r, &line)) {
        bool good = learn_boundary(b, line.s);
        if (good && line.s.n > 2 && line.s.p[0] == '-' && line.s.p[1] == '-')
            good = count_boundary(b, line.s);
        if (!good) {
            out->parts_cut = true;
            return line.from;
        }
    }
    return r->offset;
}

int email_scan(int fd, struct email_scan *s, struct err *err) {
    struct reader r = {.fd = fd, .chunk = mem_alloc(CHUNK + HEAD_MAX)};
    struct boundaries *b = mem_zalloc(sizeof *b);
    struct line line;
    *s = (struct email_scan){0};
    scan_headers(&r, s);
    s->headers = s->n;
    /* The headers may name a boundary; and the body may begin before what was read. */
    r.offset = r.at = r.n = 0;
    r.is_eof = false;
    while (r.offset < s->body_at && next_line(&r, &line))
        learn_boundary(b, line.s);
    uint64_t end = scan_body(&r, b, s);
    if (s->n == s->headers && end > s->body_at) {
        if (s->n && !s->no_gap && s->ranges[s->n - 1].to == s->body_at)
            s->ranges[s->n - 1].to = end;
        else
            s->ranges[s->n++] = (struct email_range){s->body_at, end};
    }
    off_t size = lseek(fd, 0, SEEK_END);
    s->size = size > 0 ? (uint64_t)size : r.offset;
    s->has_nul = r.has_nul;
    free(b);
    free(r.chunk);
    return r.failed ? err_set(err, ERR_IO, "the mail cannot be read: %s", strerror(errno)) : 0;
}
