/* elma365_compose.h - the bodies of requests about items. Pure. Each returns a new reference. */
#ifndef SB_CONNECTORS_ELMA365_ELMA365_COMPOSE_H
#define SB_CONNECTORS_ELMA365_ELMA365_COMPOSE_H

#include "connectors/elma365/elma365_answer.h"
#include "core/crm/crm_flow.h"

/* {"active":true,"filter":{"tf":{field:value}},...}: 100 items at most. */
json_t *elma365_search(const char *field, const char *value);

/* The name, in the field that it has. */
void elma365_set_name(json_t *context, const struct elma365_fields *f, const char *name);
/* A new contact's context. extra: rows "code=value", NULL-ended. */
json_t *elma365_contact(
    const struct crm_flow_who *who, const struct elma365_fields *f, const char *const *extra);

/* Contact and deal (or lead) in one transaction. app of the contact, code of the deal's. */
struct elma365_deal {
    const char *section, *app, *deal_app, *name_field, *contact_field;
    const char *const *extra;
};
json_t *elma365_batch(
    json_t *contact, const struct crm_flow_who *who, const struct elma365_deal *d);
/* The contact's id in the answer to that; "" not told. Borrowed. */
const char *elma365_batch_contact(const json_t *answer);

/* What is to be set on an item so that it has these ways, too: a context, {} nothing. Nothing that
 * is there is taken away. */
json_t *elma365_additions(
    const json_t *item, const json_t *missing, const struct elma365_fields *f);

#endif
