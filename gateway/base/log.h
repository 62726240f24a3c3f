/* log.h - one line an event, logfmt or JSON, with fields. Values are escaped; secrets and message
 * bodies never go in (log ids instead).
 *
 *   LOG_INFO(log, "message.stored", LOG_S("thread", id), LOG_I("seq", 4));
 *   ts=2026-11-23T12:00:00.000Z level=info worker=1 event=message.stored thread=01J.. seq=4
 *
 * An event's name is "noun.verb"; an error carries LOG_E(err). */
#ifndef SB_BASE_LOG_H
#define SB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log {
    enum log_level level;
    enum log_format format;
    int fd;          /* where the lines go; 2 by default */
    const char *who; /* "master", "worker"; may be NULL */
    int index;       /* the worker's number, -1 for none */
};

struct log_field {
    const char *key; /* NULL ends the list */
    const char *s;   /* text, or NULL: then i counts */
    int64_t i;
};

#define LOG_S(k, v)                                                                                \
    { (k), (v) ? (v) : "", 0 }
#define LOG_I(k, v)                                                                                \
    { (k), 0, (int64_t)(v) }
#define LOG_E(e)                                                                                   \
    {"code", err_name((e)->code), 0}, {                                                            \
        "error", (e)->text, 0                                                                      \
    }

/* Of events that anybody can cause as often as he likes. */
#define LOG_A_MINUTE 100
struct log_quota {
    uint64_t since_ms, n;
};

void log_init(struct log *log); /* info, logfmt, stderr */

/* Writes one line in one write(2). */
void log_write(
    const struct log *log, enum log_level level, const char *event, const struct log_field *fields);

/* Has this one a line, too? LOG_A_MINUTE have; how many more there were is said by an event `more`,
 * when another minute has begun with the next one. */
bool log_quota_take(struct log_quota *q, const struct log *log, const char *more);

#define LOG_AT(log, level_, event, ...)                                                            \
    do {                                                                                           \
        if ((log)->level >= (level_))                                                              \
            log_write((log), (level_), (event), (const struct log_field[]){__VA_ARGS__{0, 0, 0}}); \
    } while (0)
#define LOG_PICK_(...) __VA_OPT__(__VA_ARGS__, )
#define LOG_ERROR(log, event, ...) LOG_AT(log, LOG_LEVEL_ERROR, event, LOG_PICK_(__VA_ARGS__))
#define LOG_WARN(log, event, ...) LOG_AT(log, LOG_LEVEL_WARN, event, LOG_PICK_(__VA_ARGS__))
#define LOG_INFO(log, event, ...) LOG_AT(log, LOG_LEVEL_INFO, event, LOG_PICK_(__VA_ARGS__))
#define LOG_DEBUG(log, event, ...) LOG_AT(log, LOG_LEVEL_DEBUG, event, LOG_PICK_(__VA_ARGS__))

#endif
