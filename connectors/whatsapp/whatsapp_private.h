/* whatsapp_private.h - what the files of this folder share: the number, calls of the Graph API, and
 * who does what. */
#ifndef SB_CONNECTORS_WHATSAPP_WHATSAPP_PRIVATE_H
#define SB_CONNECTORS_WHATSAPP_WHATSAPP_PRIVATE_H

#include "connectors/whatsapp/whatsapp_answer.h"
#include "connectors/whatsapp/whatsapp_event.h"
#include "core/connector.h"
#include "core/limiter.h"
#include "net/http_client.h"

#define WHATSAPP_INVITE_MARK '#' /* before an invitation's token in a client's first message */
#define WHATSAPP_INVITE_LEN 32
#define WHATSAPP_CLOUD "https://graph.facebook.com"
#define WHATSAPP_KIND "whatsapp" /* of identities */
#define WHATSAPP_GROUP "group/"  /* begins the address of a group */
#define WHATSAPP_ADDRESS_SIZE 200
#define WHATSAPP_SECRETS_MAX 4
#define WHATSAPP_KNOWN 16384
#define WHATSAPP_MEDIA_MAX (100LL << 20) /* what the platform carries, either way */
#define WHATSAPP_DAY_MS (24LL * 3600 * 1000)
#define WHATSAPP_WINDOW_OVER 131047 /* the code of it */

enum whatsapp_keep { WHATSAPP_KEEP_UNKNOWN, WHATSAPP_KEEP_ALL, WHATSAPP_KEEP_NONE };

struct whatsapp_sending;

struct whatsapp {
    struct connector base; /* first: the core gives us a pointer to it */
    char *token, *number_id, *waba_id, *verify_token, *api_url, *version;
    char *secrets[WHATSAPP_SECRETS_MAX]; /* of the app: the one in use, and old ones */
    size_t nsecrets;
    char *list_button, *contact_text;
    enum whatsapp_keep keep_raw;
    bool is_cloud, read_receipts;

    /* While this worker looks after the number. */
    bool mine, stopping;
    struct loop_timer *timer;
    struct loop_timer *rate_timer; /* of every worker */
    unsigned failures;
    unsigned generation; /* answers to calls of an earlier tending are of no interest */
    json_t *about;       /* what the API says of the number; NULL not known */
    char *trouble, *warning;
    bool is_refusing;   /* webhooks with a wrong signature came lately, to any worker */
    bool is_token_good; /* the API has just answered to it */
    int64_t expires_ms; /* the token; 0 never, or not known */
    uint64_t again_ms;  /* when all is asked again */
    uint64_t set_up_ms; /* when it was asked last */

    struct limiter *limiter;
    double per_second;             /* the number's throughput */
    uint64_t blocked_until_ms;     /* token, payment, ...: nothing is sent before */
    bool is_refused;               /* and nothing was taken since */
    bool is_listing, list_again;   /* templates are being read; they changed meanwhile */
    struct loop_timer *list_timer; /* until they may be read again */
    uint64_t listed_ms;
    uint64_t refused_ms; /* when this worker told of a wrong signature; 0 never */
    bool is_heard;       /* a webhook of this number came, and that is kept */
    struct whatsapp_sending *sendings;
    struct whatsapp_shown { /* read marks and typing that were told lately */
        char wamid[200];
        uint64_t until_ms;
        bool typing;
    } shown[16];
    unsigned shown_next;

    /* People whose identities are known to be one client's (hash of all of them; 0 none). */
    uint64_t *known;
    unsigned char hash_key[16];
};

/* whatsapp_api.c */

/* a is NULL exactly when err is not; sent: the request may have reached the platform. */
typedef void (*whatsapp_fn)(
    void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent);
struct whatsapp_request {
    const char *method;            /* "GET", "POST", "DELETE" */
    const char *path;              /* after the version: "<PHONE_ID>/messages", with its query */
    const json_t *body;            /* object, borrowed; NULL none */
    const struct http_part *parts; /* multipart instead of body */
    size_t nparts;
    unsigned timeout_ms; /* 0: 30 s */
};
struct http_call *whatsapp_request(
    struct whatsapp *w, const struct whatsapp_request *rq, whatsapp_fn fn, void *arg);
/* Where webhooks shall come; NULL without an https public_url. The caller frees. */
char *whatsapp_webhook_url(const struct whatsapp *w);

/* whatsapp_setup.c: the number, its subscription, its templates, and whether all is still well */
void whatsapp_tend(struct connector *c, bool mine);
void whatsapp_setup_stop(struct whatsapp *w);
/* The whole channel must wait for its admin (token, payment, lock): nothing is sent for a while. */
void whatsapp_refused(struct whatsapp *w, const struct err *err);
/* A message was taken: what was wrong is over. */
void whatsapp_accepted(struct whatsapp *w);
/* What the platform tells of number or account. */
void whatsapp_account(struct whatsapp *w, const struct whatsapp_event *e);
/* The fields of the number that are asked for. */
#define WHATSAPP_NUMBER_FIELDS                                                                     \
    "display_phone_number,verified_name,quality_rating,code_verification_status,platform_type,"    \
    "throughput,status,webhook_configuration,is_on_biz_app,whatsapp_business_manager_messaging_"   \
    "limit"
/* How many messages a second the number may send, by what the API says of it. */
double whatsapp_throughput(const json_t *number);
/* Said of webhooks that are refused (kept as "refused" for a while). */
#define WHATSAPP_WRONG_SIGNATURE                                                                   \
    "Webhooks come whose signature is not made with app_secret: they are refused."

/* Those who do not look after the number learn its rate, and its trouble, now and then. */
void whatsapp_learn(struct whatsapp *w);

/* whatsapp_templates.c: reads the list anew, and keeps it for all workers */
void whatsapp_templates(struct whatsapp *w);

/* whatsapp_who.c: whose dialogue. All identities of one person lead to one client: those known from
 * before are joined, then fn (later, once) with the address to use; after the first message
 * whatsapp_who_stored() adds the rest. fn gets NULL with what is wrong now. */
typedef void (*whatsapp_who_fn)(void *arg, const char *address, const struct err *err);
void whatsapp_who(
    struct whatsapp *w, const struct whatsapp_person *p, whatsapp_who_fn fn, void *arg);
/* The same when he has other identities now: what was his before is joined, too. */
void whatsapp_who_moved(struct whatsapp *w, const struct whatsapp_person *was,
    const struct whatsapp_person *p, whatsapp_who_fn fn, void *arg);
/* Is there nothing to be done for this person any more? */
bool whatsapp_who_known(const struct whatsapp *w, const struct whatsapp_person *p);
/* was: what he had before and has no more, which becomes a former identity; NULL nothing. */
void whatsapp_who_stored(struct whatsapp *w, const struct whatsapp_person *was,
    const struct whatsapp_person *p, const char *name, core_done_fn fn, void *arg);
/* The address of a person, in out: group, BSUID, phone. "" nobody. */
const char *whatsapp_address(const struct whatsapp_person *p, char out[WHATSAPP_ADDRESS_SIZE]);

/* whatsapp_take.c: one event into the gateway. e stays the caller's until fn, once: NULL when it is
 * stored (or can never be), else what is wrong now: the webhook shall come again. */
void whatsapp_take(struct whatsapp *w, const struct whatsapp_event *e, core_done_fn fn, void *arg);

/* whatsapp_webhook.c */
void whatsapp_webhook(struct connector *c, struct http_exchange *x);

/* whatsapp_status.c: a status of a message, or of a reaction, of ours. false: there is nothing to
 * do, and fn is not called. */
bool whatsapp_status(
    struct whatsapp *w, const struct whatsapp_event *e, core_done_fn fn, void *arg);

/* whatsapp_send.c */
int whatsapp_send(struct connector *c, struct delivery *d, struct err *err);
void whatsapp_cancel(struct connector *c, struct delivery *d);
unsigned whatsapp_pace(struct connector *c, const struct delivery *d);
/* The platform said at at_ms that the window of this thread is over: templates only from now on. */
void whatsapp_window_over(struct whatsapp *w, const char *thread, int64_t at_ms);
/* 131056: nothing to this client for a while; the longer the more often. Its ms. */
unsigned whatsapp_pair_wait(struct whatsapp *w, const char *address, unsigned attempt);
void whatsapp_number_wait(struct whatsapp *w, unsigned retry_s);

/* whatsapp_upload.c: our file as a media id of the platform; fn once, with the id or err (always
 * safe to try again). */
typedef void (*whatsapp_upload_fn)(
    void *arg, const char *media_id, const struct whatsapp_answer *a, const struct err *err);
void whatsapp_upload(struct whatsapp *w, const char *media, const char *name, const char *mime,
    whatsapp_upload_fn fn, void *arg);
/* The platform does not take the id any more. */
void whatsapp_upload_forget(struct whatsapp *w, const char *media, const char *mime);

/* whatsapp_shown.c: read marks and typing */
void whatsapp_typing(struct connector *c, const struct identity *to, const char *route, bool on);
void whatsapp_read(struct connector *c, const struct identity *to, const char *route);

/* whatsapp_fetch.c */
void whatsapp_fetch(struct connector *c, struct fetch *f);

/* whatsapp_check.c */
void whatsapp_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg);

#endif
