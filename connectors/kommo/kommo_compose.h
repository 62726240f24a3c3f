/* kommo_compose.h - what is said to Kommo's service of chats (amojo): signatures, messages,
 * statuses. Pure. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_COMPOSE_H
#define SB_CONNECTORS_KOMMO_KOMMO_COMPOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/span.h"
#include "core/crm/crm_text.h"

#define KOMMO_DATE_SIZE 40

/* The headers of a request. */
struct kommo_signature {
    char date[KOMMO_DATE_SIZE]; /* RFC 2822 */
    char md5[CRYPTO_MD5_SIZE];
    char signature[CRYPTO_SHA1_SIZE];
};
/* The content type is application/json. path: without host and query. */
void kommo_sign(const char *secret, const char *method, const char *path, struct span body,
    int64_t now_ms, struct kommo_signature *out);
/* Is it a hook's body with their signature? In constant time. signature: NULL none. Line feeds at
 * the body's end may be left out of it, as one of their clients does. */
bool kommo_is_signed(const char *secret, struct span body, const char *signature);

struct kommo_compose_options {
    struct crm_text_options text;
    const char *country;
    const char *bot;          /* who wrote what nobody of theirs wrote: an id of the chats' */
    const char *const *users; /* "anna=76fc2bea-...": an agent of ours, and his id there */
    bool late;
    bool had_text; /* there is a piece with words already, though it has nothing but files */
    int64_t now_ms;
};

/* Whom the dialogue is with, as a chat wants him. A new reference. */
json_t *kommo_person(const json_t *client, const char *country);
/* The bodies of the requests that put a message's words into the chat (or that change them): one
 * for each piece of a long one, none when it has nothing but files. A new reference. */
json_t *kommo_messages(const json_t *message, const json_t *client, bool is_edit,
    const struct kommo_compose_options *o);
/* The same of its files, which the service fetches: a message each. None without links. */
json_t *kommo_files(
    const json_t *message, const json_t *client, const struct kommo_compose_options *o);
/* What is left of a message that has become shorter: the change of its piece i (from 0). */
json_t *kommo_emptied(const json_t *message, size_t i, const struct kommo_compose_options *o);
/* The same piece as one that was not there yet, or is. */
void kommo_set_event(json_t *body, bool is_edit);

/* The body that tells the status of one that their service calls id; NULL: that status has no word
 * there. */
json_t *kommo_status(const json_t *message, const char *id);
/* The same for what cannot be delivered at all. code: 901..905 */
json_t *kommo_failure(const char *id, int code, const char *why);

/* "anna" -> "76fc2bea-..."; NULL none. */
const char *kommo_user_of(const char *const *users, const char *agent);
/* The other way: a string, a new reference; NULL none. */
json_t *kommo_agent_of(const char *const *users, const char *user);

#endif
