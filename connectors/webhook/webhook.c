/* webhook.c - a message, an edit, a client as a signed POST to one address. */
#include "connectors/webhook/webhook.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/webhook/webhook_private.h"
#include "net/std_webhook.h"

#define SECRETS_MAX 3
#define ANSWER_MAX (256 * 1024)
#define ANSWER_SHOWN 1000 /* of a trial's answer */

/* One call of the core's. */
struct job {
    struct webhook *hook;
    crm_done_fn fn;
    void *arg;
    char *card; /* ensure_card: the card's id if the receiver names none */
    bool left_out;
};

static const struct setting settings[] = {
    {.key = "url",
        .type = SETTING_STRING,
        .secret = true,
        .sends_secrets = true,
        .check = crm_check_url,
        .help = "Where the events go: https://..."},
    {.key = "secret",
        .type = SETTING_LIST,
        .secret = true,
        .help = "The key that signs them: whsec_ and the base64 of 24 to 64 bytes. Two while you "
                "change "
                "it: each event is then signed with both."},
    {.key = "notes",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "Agents' notes are sent, too."},
    {.key = "body_max",
        .type = SETTING_SIZE,
        .preset = "256K",
        .min = 4096,
        .max = 16 << 20,
        .help = "A larger event comes without its texts; the receiver asks for them over the API."},
    {.key = "statuses",
        .type = SETTING_ENUM,
        .preset = "none",
        .choices = "none|failed|all",
        .help =
            "Which changes of a message's status are events: none, failures, or all. Of what the "
            "receiver wrote itself all are."},
    CRM_CALL_SETTINGS("20s", "8", "0"),
    {0},
};

static struct webhook *hook_of(struct crm *c) {
    return container_of(c, struct webhook, base);
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    struct webhook *h = hook_of(c);
    unsigned char key[STD_WEBHOOK_KEY_MAX];
    (void)data_dir;
    h->url = c->address = settings_str(s, "url");
    h->secrets = settings_list(s, "secret");
    h->notes = settings_bool(s, "notes");
    const char *statuses = settings_str(s, "statuses");
    c->statuses = statuses[0] == 'a'   ? CRM_STATUSES_ALL
                  : statuses[0] == 'f' ? CRM_STATUSES_FAILED
                                       : CRM_STATUSES_NONE;
    h->body_max = (size_t)settings_int(s, "body_max");
    h->options.answer_max = ANSWER_MAX;
    crm_calls_options_read(&h->options, s);
    h->options.fixed_secret = true;
    if (!h->secrets[0] || (h->secrets[0] && h->secrets[1] && h->secrets[2]))
        return err_set(err, ERR_INVALID,
            "webhook \"%s\": secret is one key, or two while you change it", c->target);
    for (size_t i = 0; h->secrets[i]; i++)
        if (std_webhook_key(span_str(h->secrets[i]), key, err) < 0)
            return -1;
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct webhook *h = hook_of(c);
    (void)err;
    h->calls = crm_calls_create(c, &h->options);
    return 0;
}

/* --- answers --------------------------------------------------------------------------------- */

static void job_end(struct job *j, const struct crm_outcome *o) {
    j->fn(j->arg, o);
    free(j->card);
    free(j);
}

static void is_gone(struct webhook *h) {
    struct err err;
    crm_off(&h->base, "the receiver has answered 410: it wants no more events");
    err_set(&err, ERR_AUTH, "the receiver has answered 410");
    crm_calls_forget(h->calls, &err);
}

/* What an answer other than 2xx means for the event: that there is nothing to be had at this
 * address is no fault of one message. */
static void judge(
    struct job *j, const struct http_answer *a, struct crm_outcome *o, struct err *err) {
    crm_answer_check(a, err);
    o->err = err;
    if (a->retry_after_s > 0)
        o->retry_ms = (unsigned)(a->retry_after_s < 86400 ? a->retry_after_s : 86400) * 1000;
    if (a->status == 410)
        is_gone(j->hook);
    if (a->status == 409)
        err->code = ERR_UNAVAILABLE;
    else if (err->code == ERR_AUTH || err->code == ERR_DENIED || err->code == ERR_NOT_FOUND ||
             err->code == ERR_PROTOCOL || a->status == 405)
        err->code = ERR_AUTH;
}

static void on_answer(
    void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct job *j = arg;
    struct err err;
    struct crm_outcome o = {0};
    char *card = NULL, *url = NULL;
    (void)sent;
    if (failure) {
        err = *failure;
        if (err.code != ERR_UNAVAILABLE && err.code != ERR_TIMEOUT && err.code != ERR_TOO_LARGE)
            err.code = ERR_AUTH; /* the address is not one that we may call */
        o.err = &err;
        if (err.code == ERR_TOO_LARGE)
            o.err = NULL; /* it was taken; nobody asked for so long an answer */
    } else if (a->status < 200 || a->status >= 300) {
        judge(j, a, &o, &err);
    } else if (j->card) {
        card = webhook_answer_card(a->body, &url);
    }
    o.card_id = card ? card : j->card;
    o.card_url = url;
    job_end(j, &o);
    free(card);
    free(url);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void on_nothing_to_do(void *arg) {
    struct job *j = arg;
    struct crm_outcome o = {.card_id = j->card, .left_out = j->left_out};
    job_end(j, &o);
}

/* Takes e->body over. */
static void post(struct webhook *h, const struct webhook_event *e, http_answer_fn fn, void *arg) {
    char about[sizeof e->id + 32];
    char id[WEBHOOK_ID_SIZE + 16], at[40], signature[32 + STD_WEBHOOK_SIGNATURE_SIZE * SECRETS_MAX];
    struct err err;
    int64_t now_s = clock_ms() / 1000;
    size_t n = (size_t)snprintf(signature, sizeof signature, "webhook-signature:");
    for (size_t i = 0; h->secrets[i] && i < SECRETS_MAX; i++) {
        char one[STD_WEBHOOK_SIGNATURE_SIZE];
        if (std_webhook_sign(span_str(h->secrets[i]), e->id, now_s, span_str(e->body), one, &err) ==
            0)
            n += (size_t)snprintf(signature + n, sizeof signature - n, " %s", one);
    }
    snprintf(id, sizeof id, "webhook-id: %s", e->id);
    snprintf(at, sizeof at, "webhook-timestamp: %" PRId64, now_s);
    const char *const headers[] = {
        "Content-Type: application/json", "User-Agent: Switchboard", id, at, signature, NULL};
    snprintf(about, sizeof about, "%s %s", e->type, e->id);
    struct crm_request rq = {.method = "POST",
        .url = h->url,
        .headers = headers,
        .body = span_str(e->body),
        .about = about};
    crm_calls_start(h->calls, &rq, fn, arg);
    free(e->body);
}

static void send(struct job *j, const struct webhook_event *e) {
    post(j->hook, e, on_answer, j);
}

static struct job *job_create(struct webhook *h, crm_done_fn fn, void *arg) {
    struct job *j = mem_zalloc(sizeof *j);
    j->hook = h;
    j->fn = fn;
    j->arg = arg;
    return j;
}

void webhook_tell(struct webhook *h, const struct webhook_event *e, crm_done_fn fn, void *arg) {
    send(job_create(h, fn, arg), e);
}

static void ensure_card(
    struct crm *c, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    struct job *j = job_create(hook_of(c), fn, arg);
    const char *id = json_string_value(json_object_get(client, "id"));
    struct webhook_event e;
    j->card = mem_strdup(*known ? known : id ? id : "");
    webhook_event_client(client, c->about.change, clock_ms(), &e);
    send(j, &e);
}

static void attach(struct crm *c, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    struct job *j = job_create(hook_of(c), fn, arg);
    const char *direction = json_string_value(json_object_get(a->message, "direction"));
    bool is_note = direction && strcmp(direction, "note") == 0;
    struct webhook_event e;
    j->left_out = is_note && !j->hook->notes;
    if (j->left_out) {
        loop_defer(c->env->loop, on_nothing_to_do, j);
        return;
    }
    webhook_event_message(a, c->about.change, j->hook->body_max, &e);
    send(j, &e);
}

static void merge(struct crm *c, const char *from_client, const char *into_client, int64_t number,
    crm_done_fn fn, void *arg) {
    struct job *j = job_create(hook_of(c), fn, arg);
    struct webhook_event e;
    webhook_event_merge(from_client, into_client, number, false, clock_ms(), &e);
    send(j, &e);
}

static void unmerge(struct crm *c, const json_t *from_client, const char *into_client,
    int64_t number, crm_done_fn fn, void *arg) {
    struct job *j = job_create(hook_of(c), fn, arg);
    const char *from = json_string_value(json_object_get(from_client, "id"));
    struct webhook_event e;
    webhook_event_merge(from ? from : "", into_client, number, true, clock_ms(), &e);
    send(j, &e);
}

/* --- a trial --------------------------------------------------------------------------------- */

struct trial {
    crm_result_fn fn;
    void *arg;
    uint64_t began_ms;
};

static void on_trial(void *arg, const struct http_answer *a, const struct err *failure, bool sent) {
    struct trial *t = arg;
    struct err err = {0};
    char said[ANSWER_SHOWN + 1] = "";
    (void)sent;
    if (failure)
        err = *failure;
    else
        crm_answer_check(a, &err);
    if (a && a->body.n) {
        snprintf(said, sizeof said, "%.*s",
            (int)(a->body.n < ANSWER_SHOWN ? a->body.n : ANSWER_SHOWN), a->body.p);
        utf8_repair(said);
    }
    json_t *out = json_pack("{s:b,s:i,s:I,s:s}", "ok", err.code == ERR_NONE, "status",
        a ? a->status : 0, "ms", (json_int_t)(clock_mono_ms() - t->began_ms), "answer", said);
    if (err.code)
        json_object_set_new(
            out, "error", json_pack("{s:s,s:s}", "code", err_name(err.code), "text", err.text));
    t->fn(t->arg, out, NULL);
    json_decref(out);
    free(t);
}

static void test(struct crm *c, crm_result_fn fn, void *arg) {
    struct webhook *h = hook_of(c);
    struct webhook_event e;
    struct trial *t = mem_alloc(sizeof *t);
    *t = (struct trial){fn, arg, clock_mono_ms()};
    webhook_event_test(clock_ms(), &e);
    post(h, &e, on_trial, t);
}

static void stop(struct crm *c) {
    crm_calls_destroy(&hook_of(c)->calls);
}

static void finish(struct crm *c) {
    (void)c;
}

const struct crm_ops webhook_crm = {
    .api = CRM_API,
    .name = "webhook",
    .caps = CRM_REPLIES,
    .size = sizeof(struct webhook),
    .settings = settings,
    .help = "Events to a system of yours: a signed POST for each message (Standard Webhooks).",
    .init = init,
    .start = start,
    .ensure_card = ensure_card,
    .attach = attach,
    .merge = merge,
    .unmerge = unmerge,
    .webhook = webhook_on_hook,
    .take = webhook_take,
    .test = test,
    .stop = stop,
    .finish = finish,
};
