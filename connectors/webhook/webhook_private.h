/* webhook_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_WEBHOOK_WEBHOOK_PRIVATE_H
#define SB_CONNECTORS_WEBHOOK_WEBHOOK_PRIVATE_H

#include "connectors/webhook/webhook_event.h"
#include "core/crm.h"
#include "core/crm/crm_call.h"

struct webhook {
    struct crm base; /* first: the core gives us a pointer to it */
    const char *url; /* the settings' */
    const char *const *secrets;
    bool notes;
    size_t body_max;
    struct crm_calls_options options;
    struct crm_calls *calls;
};

/* webhook.c: sends an event whose answer names nothing. Takes e->body over. */
void webhook_tell(struct webhook *h, const struct webhook_event *e, crm_done_fn fn, void *arg);

/* webhook_take.c */
void webhook_on_hook(struct crm *c, struct http_exchange *x);
void webhook_take(struct crm *c, const json_t *event, crm_done_fn fn, void *arg);

#endif
