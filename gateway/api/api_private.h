/* api_private.h - what the files of this folder share: one call from its check to its answer. */
#ifndef SB_API_API_PRIVATE_H
#define SB_API_API_PRIVATE_H

#include "api/api.h"
#include "base/log.h"
#include "store/store_desk.h"

#define API_BODY_MAX (256u << 10)
#define PAGE_DEFAULT 50
#define PAGE_MAX 200

struct api {
    struct env env;
    struct core *core;
    struct store *store;
    struct users *users;
    struct media *media;
    struct api_options options; /* what is borrowed in it outlives us */
    char *own_origin;           /* of public_url, or NULL */
    bool draining;
    struct log_quota failed; /* sign-ins by a provider */
};

/* A request whose sender is known. Freed by the answering functions. */
struct call {
    struct api *api;
    struct http_exchange *x;
    struct actor actor;
    char *session; /* the cookie, when it was one */
    void (*handler)(struct call *c);
    json_t *keep;    /* the handler's own, released with the call */
    json_t *subject; /* likewise: what it is about, while its thread is being checked */
    json_t *asked;   /* likewise: the request's body */
    char *text;      /* likewise */
    int64_t number;
    const struct shelf_kind *shelf; /* api_shelf.c */
    struct {                        /* call_note() */
        char *what, *subject;
        json_t *detail;
    } note;
    struct { /* while the note is being written */
        int status;
        json_t *body;
        const char *type;
        char *bytes;
        size_t size;
        int fd; /* is_stored */
        bool is_stored;
    } answer;
};

/* What admins keep on a shelf (store_desk.h), two of whom may change it at once. */
struct shelf_kind {
    const char *name; /* of the shelf, of the list of its things, and in what pages are told */
    const char *one;  /* of one of them */
    const char *const *keys; /* that a thing has; NULL-ended */
    unsigned max;            /* so many */
    enum role reader;        /* who may read them; admins change them */
    /* Is it a good one? 0, or -1 with err. It may put in what was left out. */
    int (*check)(json_t *thing, struct err *err);
    /* Does it go together with the others on the shelf ({id: thing})? May be NULL. */
    int (*agrees)(const json_t *thing, const char *id, const json_t *others, struct err *err);
};

/* Who is it, and may he? Then handler(call); otherwise a problem document. */
void api_begin(struct api *api, struct http_exchange *x, unsigned scope, enum role least,
    void (*handler)(struct call *c));

/* For what has answered in another way, or must not answer. */
void call_free(struct call *c);

/* What the audit log shall say (core/audit.h) when this call succeeds: its answer goes out when
 * that is written. Takes detail (an object; NULL nothing more). The last note counts. */
void call_note(struct call *c, const char *what, const char *subject, json_t *detail);
/* One entry of it now, of a call that does several things. */
void call_audit(struct call *c, const char *what, const char *subject, const json_t *detail,
    store_done_fn fn, void *arg);

/* Answers; each frees the call. */
void call_ok(struct call *c, int status, json_t *body); /* takes body */
void call_empty(struct call *c);                        /* 204 */
/* A file to be saved under this name, from its descriptor, which is taken. */
void call_stored_file(struct call *c, const char *name, const char *type, int fd, uint64_t size);
/* A file to be saved under this name; takes the bytes. */
void call_file(struct call *c, const char *name, const char *type, char *bytes, size_t n);
void call_err(struct call *c, const struct err *err);
void call_fail(struct call *c, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Store functions' callbacks with the call as arg: the result as it is (200), or 204. */
void call_on_json(void *call, json_t *result, const struct err *err);
void call_on_done(void *call, const struct err *err);

/* The request's JSON body with only these keys; NULL after answering. Names end with NULL. */
json_t *call_body(struct call *c, const char *const *known);
/* A path argument that must be a stored thing's id; NULL after answering 404. */
const char *call_id(struct call *c, const char *name);
/* {id} of a thing on a shelf, into c->text; false after answering 404. */
bool call_take_id(struct call *c);
/* ?limit=, 1..200; -1 after answering. ?name=number, preset when absent; -2 after answering. */
int call_limit(struct call *c);
int64_t call_number(struct call *c, const char *name, int64_t preset);

/* Is body's key text of at most max characters (needed: not empty)? 0, or -1 with err. */
int api_check_text(const json_t *body, const char *key, size_t max, bool needed, struct err *err);
/* The members of the team that "team:ID" names, with a space between; NULL: there is none, err says
 * so. things: of the shelf "teams". The caller frees. */
char *api_team_members(const json_t *things, const char *team, struct err *err);
bool api_is_team(const char *assignee);
/* A shelf's things as a list, each with its id under key. */
json_t *api_things(const json_t *things, const char *key);

/* The things of the agent's own shelf of a kind ("drafts"); and one put there, or taken away:
 * what's shelf and told are filled in. tab: the page that has done it, or NULL. */
void api_own_shelf(struct call *c, const char *kind, store_json_fn fn);
void api_own_shelf_put(struct call *c, const char *kind, const struct store_shelf_put *what,
    const json_t *tab, store_json_fn fn);

/* What is kept of a rule (taken) that this call's sender has changed; and it, put on the shelf by
 * who has seen the revision `expected` (NULL: it is taken away, whatever it is): all workers are
 * told, but see store_rules_touch. */
json_t *api_rules_thing(const struct call *c, json_t *rule, int64_t live_ms);
void api_rules_put(struct api *api, const char *id, const json_t *thing, int64_t expected,
    store_json_fn fn, void *arg);
/* All rules with the label `to` in the place of `from`, each as if the call's sender had changed
 * it; one that somebody else changes meanwhile is taken as he leaves it. fn: {"rules": how many,
 * "unchanged": [{"id","name","why"}..] that contradict themselves otherwise}. The labels are kept
 * by the caller. */
void api_rules_relabel(
    struct call *c, const char *from, const char *to, store_json_fn fn, void *arg);

/* Calls then(c) with {"client":Client} in c->subject when the actor may see this client, which is
 * as much as his thread; answers 404 otherwise. */
void call_with_client(struct call *c, const char *id, void (*then)(struct call *c));
/* Calls then(c) when the actor may see this thread; answers 404 otherwise. */
void call_with_thread(struct call *c, const char *thread, void (*then)(struct call *c));

/* Where a browser says that a request comes from. UNKNOWN: it does not say (no browser does so with
 * an unsafe method); then a cookie is not believed. */
enum api_origin { API_ORIGIN_OWN, API_ORIGIN_FOREIGN, API_ORIGIN_UNKNOWN };
enum api_origin api_origin(const struct api *api, struct http_exchange *x);
void api_set_cookie(struct http_exchange *x, const char *session); /* NULL clears it */
/* A sign-in, or a proof of one's password, from this request; and what its outcome sets: cookies,
 * Retry-After. */
struct sign_in api_sign_in(struct http_exchange *x, enum sign_in_what what, const char *name,
    const char *password, const char *code);
void api_signed_in(struct http_exchange *x, const struct signed_in *in);
/* The browser keeps by which provider it has signed in, for signing out there; NULL: by none. */
void api_set_provider(struct http_exchange *x, const char *id);
struct oidc *api_provider(const struct api *api, const char *id); /* or NULL */
json_t *api_agent_json(const struct api *api, const struct actor *a);

/* Handlers, by file. */
#define HANDLER(name) void name(struct http_exchange *x, void *api)
/* api_session.c */
HANDLER(api_session_create);
HANDLER(api_session_get);
HANDLER(api_session_delete);
HANDLER(api_session_password);
/* api_sign_in.c */
HANDLER(api_sign_in_ways);
HANDLER(api_sign_in_begin);
HANDLER(api_sign_in_callback);
/* api_account.c */
HANDLER(api_sessions_list);
HANDLER(api_sessions_end);
HANDLER(api_sessions_end_others);
HANDLER(api_factor_get);
HANDLER(api_factor_begin);
HANDLER(api_factor_confirm);
HANDLER(api_factor_codes);
HANDLER(api_factor_off);
HANDLER(api_agents_factor_reset);
HANDLER(api_agents_sign_out);
HANDLER(api_agents_sessions);
HANDLER(api_agents_session_end);
/* api_teams.c */
HANDLER(api_teams_list);
HANDLER(api_teams_post);
HANDLER(api_teams_patch);
HANDLER(api_teams_delete);
/* api_tokens.c */
HANDLER(api_tokens_list);
HANDLER(api_tokens_post);
HANDLER(api_tokens_delete);
/* api_system.c */
HANDLER(api_system);
/* api_audit.c */
HANDLER(api_audit_list);
HANDLER(api_audit_table);
/* api_threads.c */
HANDLER(api_threads_list);
HANDLER(api_threads_get);
HANDLER(api_threads_deliveries);
HANDLER(api_threads_patch);
HANDLER(api_threads_read);
HANDLER(api_messages_list);
HANDLER(api_messages_post);
/* api_desk.c */
HANDLER(api_counts);
HANDLER(api_views_list);
HANDLER(api_views_post);
HANDLER(api_views_put);
HANDLER(api_views_delete);
HANDLER(api_drafts_list);
HANDLER(api_drafts_put);
/* api_preferences.c */
HANDLER(api_preferences_get);
HANDLER(api_preferences_put);
/* api_shelf.c: for /api/v1/<a kind's name>; and the kinds, each in a file of its own */
HANDLER(api_shelf_list);
HANDLER(api_shelf_post);
HANDLER(api_shelf_put);
HANDLER(api_shelf_delete);
extern const struct shelf_kind shelf_canned, shelf_hours, shelf_sla;
/* api_rules.c */
HANDLER(api_rules_list);
HANDLER(api_rules_post);
HANDLER(api_rules_patch);
HANDLER(api_rules_delete);
/* api_rules_try.c */
HANDLER(api_rules_try);
/* api_labels.c */
HANDLER(api_labels);
HANDLER(api_labels_all);
HANDLER(api_labels_rename);
HANDLER(api_labels_remove);
/* api_messages.c */
HANDLER(api_messages_patch);
HANDLER(api_messages_delete);
HANDLER(api_messages_react);
HANDLER(api_trace);
/* api_clients.c */
HANDLER(api_card_owner);
HANDLER(api_clients_get);
HANDLER(api_clients_patch);
HANDLER(api_clients_merge);
HANDLER(api_clients_unmerge);
HANDLER(api_clients_suggestions);
HANDLER(api_clients_dismiss);
/* api_client_data.c */
HANDLER(api_clients_files);
HANDLER(api_clients_export);
HANDLER(api_clients_erase);
/* api_media.c */
HANDLER(api_media_post);
HANDLER(api_media_get);
/* api_admin.c */
HANDLER(api_agents_list);
HANDLER(api_agents_post);
HANDLER(api_agents_patch);
HANDLER(api_dead_list);
HANDLER(api_dead_retry);
HANDLER(api_dead_retry_all);
HANDLER(api_targets_list);
/* api_channels.c */
HANDLER(api_channels_list);
HANDLER(api_channels_check);
HANDLER(api_channels_pause);
HANDLER(api_channels_resume);
HANDLER(api_channels_events);
HANDLER(api_channels_picture);
HANDLER(api_channels_templates);
/* api_channel_change.c */
HANDLER(api_channels_post);
HANDLER(api_channels_patch);
HANDLER(api_channels_delete);
HANDLER(api_channels_settings);
HANDLER(api_connectors_list);
/* api_targets.c */
HANDLER(api_targets_log);
HANDLER(api_targets_test);
HANDLER(api_targets_enable);
/* api_reports.c */
HANDLER(api_reports_get);
HANDLER(api_reports_table);
/* api_health.c */
HANDLER(api_healthz);
HANDLER(api_readyz);
HANDLER(api_metrics);
/* api_pages.c */
HANDLER(api_page);
HANDLER(api_service_worker);
HANDLER(api_mail_page);
HANDLER(api_mail_pictures);
HANDLER(api_asset);
HANDLER(api_document);

#endif
