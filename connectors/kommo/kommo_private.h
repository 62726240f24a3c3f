/* kommo_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_KOMMO_KOMMO_PRIVATE_H
#define SB_CONNECTORS_KOMMO_KOMMO_PRIVATE_H

#include "connectors/kommo/kommo_answer.h"
#include "core/crm_call.h"
#include "core/crm_flow.h"

struct kommo_chat;

struct kommo {
    struct crm base; /* first: the core gives us a pointer to it */
    struct crm_flow flow;
    char *url;         /* "https://shop.kommo.com" */
    const char *token; /* the settings' */
    struct kommo_contact_options contacts;
    bool leads;
    long long pipeline;
    struct crm_calls_options options;
    struct crm_calls *calls;
    uint64_t blocked_until; /* clock_mono_ms; the address is blocked: nothing is asked */
    unsigned excess;        /* answers 429 in a row */
    bool ended;
};

static inline struct kommo *kommo_of(struct crm *c) {
    return (struct kommo *)c;
}

/* --- kommo_api.c ----------------------------------------------------------------------------- */

/* One request of API v4; path: "/contacts?query=..". Takes body (NULL none). result: JSON null when
 * the answer has no body. Completes exactly once, later. ERR_AUTH also when our address is blocked.
 */
void kommo_call(
    struct kommo *k, const char *method, const char *path, json_t *body, crm_step_fn fn, void *arg);
void kommo_api_stop(struct kommo *k);

/* --- kommo_card.c, kommo_note.c -------------------------------------------------------------- */

extern const struct crm_flow_ops kommo_flow_ops;

void kommo_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void kommo_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void kommo_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void kommo_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void kommo_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
/* After a refusal: ends with ERR_NOT_FOUND when what is at path is gone, else with the refusal. */
void kommo_is_it_gone(
    struct kommo *k, const char *path, const struct err *refusal, crm_step_fn fn, void *arg);

#endif
