/* bitrix24_event.h - what the portal posts to us, and texts of open lines, both ways. Pure. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_EVENT_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "media/media_link.h"

#define BITRIX24_CONTACT_CHANGED "ONCRMCONTACTUPDATE"

/* One operator's message of a form (net/http_form.h): of "ONIMCONNECTORMESSAGEADD", "...UPDATE" or
 * "...DELETE" for our connector's messages. i: 0, 1, ...
 * {"what":"add"|"update"|"delete","chat","im":"1807:86497", "user","author","text"}: text is plain.
 * "files":true besides: it came with some. A new reference; NULL: there is no such. */
json_t *bitrix24_event(const json_t *form, const char *connector, size_t i);

/* The contact that has changed, by an "ONCRMCONTACTUPDATE": its number, borrowed; NULL: it is
 * something else. */
const char *bitrix24_changed(const json_t *form);

/* BB-code as plain text. "[b]Anna:[/b] [br]text", as open lines write, is text, and *author_out
 * (NULL not wanted) "Anna" or "". The caller frees both. */
char *bitrix24_plain(const char *bb, char **author_out);

/* A client's name as open lines take it: letters, spaces, hyphens and apostrophes, 25 at most. ""
 * when nothing is left. The caller frees. */
char *bitrix24_person(const char *name);

/* A message as one of an open line, in BB-code, in pieces of at most max bytes: an array of
 * strings, none when it has nothing but files. What is ours or not the client's says so in its
 * first line. Files that are not at hand are named. A new reference. */
struct bitrix24_saying {
    bool russian;
    size_t max;
};
json_t *bitrix24_say(const json_t *message, const struct bitrix24_saying *s);
/* The files that are: [{"url","name"}], which the portal fetches. A new reference. */
json_t *bitrix24_files(const json_t *message, const struct media_links *links);

/* What is in the line of a message: "01J..:2+1+3", two pieces, with the last of which came one
 * file, and two files by themselves. */
struct bitrix24_held {
    size_t pieces, with, files;
};
void bitrix24_held_read(const char *known, struct bitrix24_held *out);
char *bitrix24_held_write(const char *id, const struct bitrix24_held *held);

#endif
