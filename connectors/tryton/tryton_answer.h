/* tryton_answer.h - what Tryton's JSON-RPC answered, and a client in its words. Pure. Tried with
 * Tryton 6.0 of Debian 12. */
#ifndef SB_CONNECTORS_TRYTON_TRYTON_ANSWER_H
#define SB_CONNECTORS_TRYTON_TRYTON_ANSWER_H

#include <jansson.h>

#include "core/crm/crm_flow.h"
#include "net/http_client.h"

/* The "result" (a new reference), or NULL with err. Errors come with status 200, as {"error":[name,
 * ...]}: ERR_INVALID what a rule of the server forbids (in its words), ERR_UNAVAILABLE where the
 * database could not just now, ERR_NOT_FOUND a record that is gone, ERR_AUTH a session that is
 * over, ERR_PROTOCOL others. */
json_t *tryton_result(const struct http_answer *a, struct err *err);

/* How the search for a client is written: the domain of party.contact_mechanism. A new reference.
 */
json_t *tryton_search_domain(const struct crm_flow_who *who);

/* Mechanisms [{"party","type","value"}] as crm_flow_ops.find and .ways want them:
 * [{"card","kind","value"}]. A new reference. */
json_t *tryton_ways_of(const json_t *mechanisms);

/* Ways [{"kind","value"}] as mechanisms [{"type","value"}]. plain: all of the type "other", for a
 * server that refuses a number or an address as such. A new reference. */
json_t *tryton_mechanisms(const json_t *ways, bool plain);

#endif
