/* bitrix24_event.h - what the portal posts to us, and texts of open lines, both ways. Pure. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_EVENT_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

/* An application/x-www-form-urlencoded body as PHP reads it: "data[LINE]=1" is {"data":{"LINE":
 * "1"}}; lists are objects with the keys "0", "1". Bounded in depth and number. A new reference;
 * NULL with err (ERR_INVALID): it is no form, or too much of one. */
json_t *bitrix24_form(struct span body, struct err *err);

/* One operator's message of a form: of "ONIMCONNECTORMESSAGEADD", "...UPDATE" or "...DELETE" for
 * our connector's messages. i: 0, 1, ... {"what":"add"|"update"|"delete","chat","im":"1807:86497",
 * "user","author","text"}: text is plain. A new reference; NULL: there is no such. */
json_t *bitrix24_event(const json_t *form, const char *connector, size_t i);

/* BB-code as plain text. "[b]Anna:[/b] [br]text", as open lines write, is text, and *author_out
 * (NULL not wanted) "Anna" or "". The caller frees both. */
char *bitrix24_plain(const char *bb, char **author_out);

/* A client's name as open lines take it: letters, spaces, hyphens and apostrophes, 25 at most. ""
 * when nothing is left. The caller frees. */
char *bitrix24_person(const char *name);

/* A message as one of an open line, in BB-code, in pieces of at most max bytes: an array of
 * strings, at least one. What is ours or not the client's says so in its first line. A new
 * reference. */
struct bitrix24_saying {
    bool russian;
    const char *public_url;
    size_t max;
};
json_t *bitrix24_say(const json_t *message, const struct bitrix24_saying *s);

#endif
