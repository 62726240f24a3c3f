/* elma365_answer.h - what an answer of ELMA365's means, and what an item says of a person. Pure. */
#ifndef SB_CONNECTORS_ELMA365_ELMA365_ANSWER_H
#define SB_CONNECTORS_ELMA365_ELMA365_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "connectors/elma365/elma365_names.h"
#include "net/http_client.h"

/* The codes of a contact's fields; those that are not there are "". */
struct elma365_fields {
    const char *phone, *mail, *messenger, *name, *responsible;
};

/* The whole answer (a new reference), or NULL with err. The status alone says nothing: "success"
 * must be true. ERR_DENIED (403): the token, or what its user may. */
json_t *elma365_result(const struct http_answer *a, struct err *err);

/* {"id","ways","name"?,"responsible"?} of an item; null: it was deleted, or is none. */
json_t *elma365_card(const json_t *item, const struct elma365_fields *f);
/* The items of a list's answer, borrowed; NULL: it is none. */
const json_t *elma365_items(const json_t *answer);
/* Adds to out {"card","kind","value"} of each item that holds exactly this: a filter finds parts of
 * words, too. */
void elma365_hits(const json_t *answer, const struct elma365_fields *f, const char *kind,
    const char *value, const char *country, json_t *out);

/* What of ours is in a feed's list: [{"id","text","message","at"}], of one message (its id) or all
 * (NULL); appended to out. How many messages the list has; -1 with err: it is no list. */
long elma365_entries(const json_t *answer, const struct elma365_names *n, const char *message,
    json_t *out, struct err *err);
/* In the order of their making (a new reference), without "at". */
json_t *elma365_in_order(const json_t *entries);
/* The id of the message in a feed whose text has this word, "" none; borrowed. */
const char *elma365_message_with(
    const json_t *answer, const struct elma365_names *n, const char *word);

/* Does the application's scheme have a field of this code? */
bool elma365_has_field(const json_t *scheme, const char *code);

#endif
