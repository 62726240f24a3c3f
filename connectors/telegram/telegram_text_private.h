/* telegram_text_private.h - what the files about text share: entities with their place in bytes. */
#ifndef SB_CONNECTORS_TELEGRAM_TELEGRAM_TEXT_PRIVATE_H
#define SB_CONNECTORS_TELEGRAM_TELEGRAM_TEXT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connectors/telegram/telegram_text.h"

/* One entity that lies on whole characters of its text. */
struct telegram_mark {
    size_t from, to;           /* UTF-16 units */
    size_t from_byte, to_byte; /* the same places in the text */
    size_t order;              /* in the list: the outer one comes first */
    const json_t *entity;      /* borrowed */
};

/* Those of the first TELEGRAM_ENTITIES_MAX entities that lie within the text, not sorted. One walk
 * over the text for all of them. */
size_t telegram_marks_read(
    const char *text, const json_t *entities, struct telegram_mark marks[TELEGRAM_ENTITIES_MAX]);

/* Bytes and UTF-16 units of the character at p (valid UTF-8). */
static inline size_t telegram_char_bytes(const char *p) {
    unsigned char c = (unsigned char)*p;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static inline size_t telegram_char_units(const char *p) {
    return (unsigned char)*p >= 0xf0 ? 2 : 1;
}

/* The code point of the character at p. */
static inline uint32_t telegram_char_point(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    switch (telegram_char_bytes(p)) {
    case 1:
        return u[0];
    case 2:
        return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    case 3:
        return (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    default:
        return (u[0] & 0x07u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
    }
}

/* http, https, mailto, tel, tg. */
bool telegram_is_safe_link(const char *url);
/* A combining mark, a joiner, ...: it belongs to the character before it. */
bool telegram_is_extender(uint32_t point);

#endif
