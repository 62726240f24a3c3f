/* sitechat_private.h - what the files of this folder share: a site (one channel) and the desk,
 * which exists once a worker: the websocket endpoint, its sessions, and who of them follows which
 * thread. */
#ifndef SB_SITECHAT_PRIVATE_H
#define SB_SITECHAT_PRIVATE_H

#include "connectors/sitechat/sitechat_frame.h"
#include "connectors/sitechat/sitechat_identity.h"
#include "connectors/sitechat/sitechat_limit.h"
#include "core/connector.h"
#include "core/sink.h"

#define SESSION_BUCKETS 1024 /* of each index; a power of two */
#define TICKET_S 3600        /* a file's address works for so long */

struct desk;

/* One channel: sitechat "site" { }. */
struct sitechat {
    struct connector base;
    struct desk *desk; /* shared; made by the first channel */
    bool owns_desk;
    struct sitechat *next_site; /* of the desk */
    char **origins;
    char *secret, *old_secret;
    const char *secrets[3]; /* the two above, NULL-ended */
    bool identity_required;
    unsigned text_max, sockets_max, sockets_per_address;
    int64_t file_max, files_a_day;
    bool may_continue;  /* in a messenger */
    json_t *looks;      /* for its pages: looks, texts, what is asked (looks_read()) */
    unsigned form_must; /* enum form_field: nobody writes without them */
    bool consent_required, asks_rating;
    char *consent_version;
    struct limit *newcomers;    /* new visitors, by address */
    struct limit *messages;     /* by visitor */
    struct limit *messages_day; /* by visitor */
    struct limit *bytes;        /* uploaded in a day, by visitor and by address */
    struct limit *events;       /* ratings, what the page tells: by visitor */
};

enum session_state { SESSION_NEW, SESSION_GREETING, SESSION_LIVE, SESSION_CLOSED };

struct sending; /* sitechat_message.c */

/* One open chat. Whoever waits for something on its behalf holds a reference. */
struct session {
    struct session *next, *prev;                /* all of the desk */
    struct session *thread_next, *visitor_next; /* in the indexes */
    struct desk *desk;
    struct ws_session *ws; /* NULL once closed */
    struct sitechat *site; /* from the hello on */
    enum session_state state;
    unsigned refs;
    uint64_t opened_ms, looked_ms;
    double frames_left; /* how many more it may send now */
    uint64_t frames_ms;

    char visitor[VISITOR_ID_SIZE];
    struct identity who;          /* kind is a constant; address and name are owned */
    char *profile;                /* JSON: smaller than an object, and there are many sessions */
    char *email;                  /* where he wants answers to, by his word; NULL he said none */
    bool email_kept;              /* ... and it is one of the client's addresses */
    const char *lacks;            /* must be said before the first word; a constant, NULL nothing */
    bool closed;                  /* its thread is, as it was told */
    char thread[ID_SIZE];         /* "" nothing was written yet */
    int64_t cursor;               /* highest seq that was given to it */
    int64_t agents_read;          /* told to it */
    int64_t delivered, read;      /* told by it */
    bool catching, again, asking; /* history is being read; once more after; whose thread? */
    bool wants_reset;             /* its cursor was not of use: the next ready says so */
    struct sending *sending, **sending_tail; /* one after another */
    unsigned nsending;
};

struct desk {
    struct sitechat *first;
    const struct env *env;
    struct sink sink;
    struct sitechat *sites;
    struct session *sessions;
    struct session *by_thread[SESSION_BUCKETS], *by_visitor[SESSION_BUCKETS];
    struct loop_timer *timer;
    bool online; /* agents are there */
};

/* sitechat_desk.c: the indexes and what the core tells */
struct desk *desk_create(struct sitechat *first);
void desk_destroy(struct desk **d);
void desk_follow_thread(struct session *s, const char *thread); /* instead of what it follows */
void desk_add_visitor(struct session *s);
void desk_forget(struct session *s);
unsigned desk_sessions_of(const struct desk *d, const char *visitor);
/* The browser's other tabs have the same thread now. */
void desk_share_thread(struct session *s);

/* sitechat_session.c: one session's life */
void session_open(struct ws_session *ws, void *desk);
void session_message(struct ws_session *ws, void *desk, struct span text);
void session_close(struct ws_session *ws, void *desk);
void session_ref(struct session *s);
void session_unref(struct session *s);
void session_send(struct session *s, json_t *frame); /* takes the reference */
void session_error(struct session *s, const char *code, const char *detail);
void session_end(struct session *s, int code, const char *error, const char *detail);
void session_push(struct session *s, const json_t *message); /* when it is new to it */
void session_state(struct session *s, bool closed);          /* of its thread */
void session_catch_up(struct session *s);
void session_refresh(struct session *s); /* whose thread is it now; then catch up */

/* sitechat_hello.c: who it is, what it missed */
void session_hello(struct session *s, const struct visitor_frame *f);
void session_load(struct session *s, int64_t cursor, int64_t last_seq);

/* sitechat_message.c: what visitors write; what they are shown */
void session_msg(struct session *s, const struct visitor_frame *f);
void session_drop_sending(struct session *s); /* closed: what waits for its turn is forgotten */
/* The message as this visitor may see it, or NULL when he may not. */
json_t *visitor_message(const struct session *s, const json_t *message);

/* sitechat_about.c: the form, the rating, what the page tells */
void session_form(struct session *s, const struct visitor_frame *f);
/* The profile that is kept from now on, with the form's fields among its claims. Takes both; form
 * may be NULL. */
void session_take_form(struct session *s, json_t *profile, json_t *form);
/* His message seq is in the thread: where he wants answers to is told, too. */
void session_tell_email(struct session *s, int64_t seq);
bool session_can_mail(const struct session *s); /* an e-mail channel stands */
void session_rate(struct session *s, const struct visitor_frame *f);
void session_event(struct session *s, const struct visitor_frame *f);

/* sitechat_looks.c: what the admin sets for the pages */
int looks_color_check(const char *text, struct err *err);
int looks_line_check(const char *text, struct err *err);
int looks_text_check(const char *text, struct err *err);
int looks_url_check(const char *text, struct err *err);
int looks_version_check(const char *text, struct err *err);
int looks_read(struct sitechat *site, const struct settings *s, struct err *err);
void looks_free(struct sitechat *site);

/* sitechat_media.c, sitechat_pages.c: routes; arg is the desk */
extern const struct http_route sitechat_media_routes[];
extern const struct http_route sitechat_page_routes[];
char *media_url(const struct sitechat *site, const char *id);       /* the caller frees */
struct sitechat *desk_site(const struct desk *d, const char *name); /* NULL: no such site */
/* May this Origin (NULL: none sent) talk to the site? The gateway's own pages always may. */
bool site_origin_ok(const struct sitechat *site, const char *origin, const char *host);

#endif
