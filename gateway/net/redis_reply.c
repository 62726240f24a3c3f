/* redis_reply.c - looking into a reply without knowing hiredis. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/loop_redis.h"
#include "net/redis.h"

enum redis_type redis_reply_type(const struct redis_reply *r) {
    switch (loop_reply_type(r)) {
    case LOOP_REPLY_STRING:
        return REDIS_STRING;
    case LOOP_REPLY_STATUS:
        return REDIS_STATUS;
    case LOOP_REPLY_INTEGER:
        return REDIS_INTEGER;
    case LOOP_REPLY_ARRAY:
        return REDIS_ARRAY;
    default:
        return REDIS_NIL; /* also an error inside an array */
    }
}

struct span redis_reply_span(const struct redis_reply *r) {
    if (loop_reply_type(r) == LOOP_REPLY_ERROR)
        return span_of("", 0);
    return loop_reply_span(r);
}

const char *redis_reply_str(const struct redis_reply *r) {
    return redis_reply_span(r).p;
}

int64_t redis_reply_int(const struct redis_reply *r) {
    char *end;
    struct span text = redis_reply_span(r);
    if (redis_reply_type(r) == REDIS_INTEGER)
        return loop_reply_int(r);
    long long n = strtoll(text.p, &end, 10);
    return text.n && end == text.p + text.n ? n : 0;
}

char *redis_info(const char *info, const char *name) {
    size_t n = strlen(name);
    for (const char *line = info; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            return mem_strndup(line + n + 1, strcspn(line + n + 1, "\r\n"));
    return mem_strdup("");
}

size_t redis_reply_count(const struct redis_reply *r) {
    return loop_reply_count(r);
}

const struct redis_reply *redis_reply_at(const struct redis_reply *r, size_t i) {
    return loop_reply_at(r, i);
}
