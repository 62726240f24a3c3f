/* hubspot_deal.c - a deal for a client whose contact has none: looked for before it is made, since
 * the answer to an earlier try may have been lost. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/hubspot/hubspot_private.h"

struct opening {
    struct hubspot *h;
    json_t *client;
    char *card, *url;
    crm_done_fn fn;
    void *arg;
};

static void opening_end(struct opening *o, const struct err *err, unsigned retry_ms) {
    struct crm_outcome out = {.err = err, .retry_ms = retry_ms};
    if (!err) {
        out.card_id = o->card;
        out.card_url = o->url;
    }
    o->fn(o->arg, &out);
    json_decref(o->client);
    free(o->card);
    free(o->url);
    free(o);
}

/* Without a deal he is still a client, whose messages are to be delivered. */
static void on_made(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct opening *o = arg;
    const struct crm *c = &o->h->flow.base;
    (void)result;
    if (err && err->code == ERR_CONFLICT && *o->h->deals.mark) {
        err = NULL; /* it is there: an earlier try has made it */
    } else if (err && (err->code == ERR_INVALID || err->code == ERR_CONFLICT)) {
        LOG_WARN(c->env->log, "hubspot.no_deal", LOG_S("target", c->target), LOG_S("card", o->card),
            LOG_E(err));
        err = NULL;
    }
    opening_end(o, err, retry_ms);
}

static void on_deals(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct opening *o = arg;
    const json_t *deals = json_object_get(result, "results");
    struct err bad;
    if (!err && !json_is_array(deals))
        err = (err_set(&bad, ERR_PROTOCOL, "HubSpot's associations have no results"), &bad);
    if (err || json_array_size(deals))
        opening_end(o, err, retry_ms);
    else
        hubspot_call(
            o->h, "POST", "/deals", hubspot_deal(o->client, o->card, &o->h->deals), on_made, o);
}

static void on_ensured(void *arg, const struct crm_outcome *of) {
    struct opening *o = arg;
    if (of->err) {
        opening_end(o, of->err, of->retry_ms);
        return;
    }
    o->card = mem_strdup(of->card_id);
    o->url = of->card_url ? mem_strdup(of->card_url) : NULL;
    char *path = mem_printf("/contacts/%s/associations/deals?limit=1", o->card);
    hubspot_call(o->h, "GET", path, NULL, on_deals, o);
    free(path);
}

void hubspot_ensure(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    if (!hubspot_of(c)->deals.on) {
        crm_flow_ensure(c, client, known, fn, arg);
        return;
    }
    struct opening *o = mem_zalloc(sizeof *o);
    *o = (struct opening){
        .h = hubspot_of(c), .client = json_deep_copy(client), .fn = fn, .arg = arg};
    crm_flow_ensure(c, client, known, on_ensured, o);
}
