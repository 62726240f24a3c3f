/* tryton_answer.h - what Tryton's JSON-RPC answered, and which of several parties is the client.
 * Pure. Tried with Tryton 6.0 of Debian 12. */
#ifndef SB_CONNECTORS_TRYTON_TRYTON_ANSWER_H
#define SB_CONNECTORS_TRYTON_TRYTON_ANSWER_H

#include <jansson.h>

#include "net/http_client.h"

/* The "result" (a new reference), or NULL with err. Errors come with status 200, as {"error":[name,
 * ...]}: ERR_INVALID what a rule of the server forbids (in its words), ERR_UNAVAILABLE where the
 * database could not just now, ERR_NOT_FOUND a record that is gone, ERR_AUTH a session that is
 * over, ERR_PROTOCOL others. */
json_t *tryton_result(const struct http_answer *a, struct err *err);

/* How the search for a client is written: the domain of party.contact_mechanism. mark:
 * "switchboard:<client id>". A new reference. */
json_t *tryton_search_domain(const json_t *client, const char *mark, const char *country);

/* Whose of the found mechanisms [{"party","type","value","value_compact"}] it is: by our own mark,
 * else by a messenger's identity, else by a telephone number, else by an e-mail address; only by
 * what is proven. The party's id; 0: nobody's; -1: several parties', so that a person must choose.
 */
long long tryton_choose(
    const json_t *found, const json_t *client, const char *mark, const char *country);

/* The mechanisms that a client's card should have: [{"type","value"}]. A new reference. plain: all
 * of the type "other", for a server that refuses a number or an address as such. */
json_t *tryton_mechanisms(const json_t *client, const char *mark, const char *country, bool plain);

#endif
