/* log.c - one line an event, logfmt or JSON. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_init(struct log *log) {
    *log = (struct log){.level = LOG_LEVEL_INFO, .fd = 2, .index = -1};
}

/* Quoted with JSON's escapes: valid in both formats, and no control byte reaches a terminal. */
static void add_quoted(struct buf *b, const char *s) {
    buf_adds(b, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            buf_addf(b, "\\%c", c);
        else if (c == '\n')
            buf_adds(b, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_addf(b, "\\u%04x", c);
        else
            buf_add(b, s, 1);
    }
    buf_adds(b, "\"");
}

static bool is_plain(const char *s) {
    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return false;
    }
    return true;
}

static void add_text(struct buf *b, enum log_format format, const char *key, const char *value) {
    if (format == LOG_FORMAT_JSON) {
        buf_addf(b, ",\"%s\":", key);
        add_quoted(b, value);
        return;
    }
    buf_addf(b, " %s=", key);
    if (is_plain(value))
        buf_adds(b, value);
    else
        add_quoted(b, value);
}

static void add_number(struct buf *b, enum log_format format, const char *key, int64_t value) {
    buf_addf(b, format == LOG_FORMAT_JSON ? ",\"%s\":%lld" : " %s=%lld", key, (long long)value);
}

void log_write(const struct log *log, enum log_level level, const char *event,
    const struct log_field *fields) {
    struct buf b;
    char when[CLOCK_TEXT_SIZE];
    buf_init(&b, 16384);
    clock_format(clock_ms(), when);
    buf_addf(&b, log->format == LOG_FORMAT_JSON ? "{\"ts\":\"%s\"" : "ts=%s", when);
    add_text(&b, log->format, "level", level_names[level]);
    if (log->who)
        add_text(&b, log->format, "who", log->who);
    if (log->index >= 0)
        add_number(&b, log->format, "worker", log->index);
    add_text(&b, log->format, "event", event);
    for (; fields->key; fields++) {
        if (fields->s)
            add_text(&b, log->format, fields->key, fields->s);
        else
            add_number(&b, log->format, fields->key, fields->i);
    }
    buf_adds(&b, log->format == LOG_FORMAT_JSON ? "}\n" : "\n");
    if (write(log->fd, b.p, b.n) < 0) {
        /* nowhere left to complain */
    }
    buf_free(&b);
}

bool log_quota_take(struct log_quota *q, const struct log *log, const char *more) {
    uint64_t now = clock_mono_ms();
    if (now - q->since_ms >= 60000) {
        if (q->n > LOG_A_MINUTE)
            LOG_WARN(log, more, LOG_I("n", q->n - LOG_A_MINUTE));
        *q = (struct log_quota){.since_ms = now};
    }
    return ++q->n <= LOG_A_MINUTE;
}
