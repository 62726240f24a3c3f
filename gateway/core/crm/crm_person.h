/* crm_person.h - where a client can be reached, as a CRM needs it to find him; and what of it is
 * proven, so that a card may be taken for his. Pure. */
#ifndef SB_CORE_CRM_PERSON_H
#define SB_CORE_CRM_PERSON_H

#include <jansson.h>
#include <stdbool.h>

enum crm_way_kind {
    CRM_MESSENGER, /* "telegram:4242", "visitor:01J...": it is he who writes from there */
    CRM_PHONE,     /* E.164 */
    CRM_MAIL
};

struct crm_way {
    enum crm_way_kind kind;
    const char *value; /* valid during the call */
    bool proven; /* by the channel, a signature, or an agent who wrote it on the client's panel: a
                    card that has it is his */
};

/* Calls each for all ways of a client (openapi "Client"), but those that he gave up: messengers
 * first, each value once. country: of numbers without one, "RU" or "". */
void crm_ways(const json_t *client, const char *country,
    void (*each)(void *arg, const struct crm_way *way), void *arg);

/* Does what a CRM holds (a number in any writing, an address in any case) name the same? */
bool crm_way_is(const struct crm_way *way, const char *held, const char *country);

#endif
