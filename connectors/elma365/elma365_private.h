/* elma365_private.h - what the files of this folder share. */
#ifndef SB_CONNECTORS_ELMA365_ELMA365_PRIVATE_H
#define SB_CONNECTORS_ELMA365_ELMA365_PRIVATE_H

#include "connectors/elma365/elma365_compose.h"
#include "core/crm/crm_call.h"
#include "core/crm/crm_flow.h"

struct elma365 {
    struct crm_flow flow; /* first: the core gives us a pointer to its base */
    struct elma365_names names;
    struct elma365_fields fields;
    struct elma365_deal deal;  /* deal_app "": contacts alone */
    const char *section, *app; /* of the clients */
    char *section_text;
    const char *card_url;  /* "https://.../{id}"; "" none */
    const char *directory; /* where files are kept; "" temporary ones */
    uint64_t file_max;
    const char *const *extra; /* fields of new contacts */
    bool comments;            /* a dialogue is one message, its messages are comments on it */
    char *url;                /* "https://company.elma365.ru/pub/v1" */
    char *auth;               /* the header with the token */
    struct crm_calls_options options;
    struct crm_calls *calls;
    json_t *heads; /* "<card> <thread>" -> the message that is commented on */
    bool warned;   /* of a mark that was not kept */
};

static inline struct elma365 *elma365_of(struct crm *c) {
    return (struct elma365 *)c;
}

/* --- elma365_call.c -------------------------------------------------------------------------- */

/* One request; takes body (NULL: a GET). path may have {section}, {app}, {card}, {message}, which
 * are filled in. What is refused is looked into: the token, or this one thing. */
void elma365_call(struct elma365 *e, const char *path, const struct elma365_place *place,
    json_t *body, crm_step_fn fn, void *arg);
/* The same for one file; part's fd is taken. headers besides. */
void elma365_call_file(struct elma365 *e, const char *path, const char *header,
    const struct http_part *part, crm_step_fn fn, void *arg);
/* fn with this, later. Takes result. */
void elma365_later(
    struct elma365 *e, json_t *result, const struct err *err, crm_step_fn fn, void *arg);

/* --- elma365_card.c, _feed.c, _file.c, _status.c: the single requests ------
 * ---------------------- */

void elma365_look(struct crm *c, const char *card, crm_step_fn fn, void *arg);
void elma365_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void elma365_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg);
void elma365_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg);
void elma365_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg);
void elma365_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg);
void elma365_list_entries(
    struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg);
void elma365_write(struct crm *c, const struct crm_flow_entry *w, crm_step_fn fn, void *arg);
void elma365_upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg);

void elma365_status(struct crm *c, const struct crm_attach *a, crm_step_fn fn, void *arg);

#endif
