/* whatsapp_take.c - one event into the gateway: a few steps, each safe to repeat, for the webhook
 * comes again when one of them fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define RAW_MAX (256u << 10)          /* bytes of what came that are kept */
#define SKEW_MS (5LL * 60 * 1000)     /* clocks differ; what is later still came now */
#define EARLY_MS (60 * 1000)          /* how much a change may come before what it changes */
#define FREE_MS (3 * WHATSAPP_DAY_MS) /* after an answer to somebody who came by an ad */

struct taking {
    struct whatsapp *w;
    const struct whatsapp_event *e;
    char address[WHATSAPP_ADDRESS_SIZE];
    bool known; /* all identities lead to the client */
    char *text; /* instead of the event's own, whose invitation is used up; NULL as it is */
    core_done_fn fn;
    void *arg;
};

static void store_message(struct taking *k);

/* What would be wrong with it the next time too. */
static bool is_final(const struct err *err) {
    return err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT && err->code != ERR_IO &&
           err->code != ERR_TOO_MANY;
}

static void end(struct taking *k, const struct err *err) {
    bool later = err && !is_final(err);
    if (err && !later)
        LOG_WARN(k->w->base.env->log, "whatsapp.not_taken", LOG_S("channel", k->w->base.channel),
            LOG_S("external", k->e->external_id ? k->e->external_id : ""), LOG_E(err));
    k->fn(k->arg, later ? err : NULL);
    free(k->text);
    free(k);
}

static void end_now(void *arg) {
    end(arg, NULL);
}

static struct identity who(const struct taking *k) {
    return (struct identity){WHATSAPP_KIND, k->address, k->e->name, true};
}

/* When it happened, never in the future; now where nobody says. */
static int64_t time_of(const struct whatsapp_event *e) {
    int64_t now = clock_ms();
    return e->at_ms > 0 && e->at_ms < now + SKEW_MS ? e->at_ms : now;
}

/* --- after it is stored ---------------------------------------------------------------------- */

static void on_noted(void *arg, const struct err *err) {
    end(arg, err);
}

static void on_filled(void *arg, const struct inbound_result *r, const struct err *err) {
    (void)r;
    end(arg, err && err->code == ERR_NOT_FOUND ? NULL : err);
}

static bool has_file(const json_t *body) {
    size_t i;
    json_t *a;
    json_array_foreach(json_object_get(body, "attachments"), i, a) {
        if (json_object_get(a, "remote"))
            return true;
    }
    return false;
}

static void on_stored(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    const struct whatsapp_event *e = k->e;
    if (err) {
        end(k, err);
    } else if (r->duplicate && e->past && has_file(e->body)) {
        /* The history named the message before; its file follows. */
        struct change ch = {
            .kind = CHANGE_FILL, .from = who(k), .external_id = e->external_id, .body = e->body};
        connector_change(&k->w->base, &ch, on_filled, k);
    } else if (e->what == WHATSAPP_MOVED) {
        whatsapp_who_stored(k->w, &e->was, &e->who, e->name, on_noted, k);
    } else if (k->known) {
        end(k, NULL);
    } else {
        whatsapp_who_stored(k->w, NULL, &e->who, e->name, on_noted, k);
    }
}

/* --- storing it ------------------------------------------------------------------------------ */

static void keep_raw(const struct taking *k, json_t *body) {
    enum whatsapp_keep keep = k->w->keep_raw;
    if (keep == WHATSAPP_KEEP_NONE || (keep == WHATSAPP_KEEP_UNKNOWN && k->e->understood) ||
        !k->e->raw)
        return;
    char *text = json_dumps(k->e->raw, JSON_COMPACT);
    if (text && strlen(text) <= RAW_MAX)
        json_object_set(body, "raw", k->e->raw);
    free(text);
}

static void store_message(struct taking *k) {
    const struct whatsapp_event *e = k->e;
    bool is_event = e->what == WHATSAPP_EVENT || e->what == WHATSAPP_MOVED;
    bool is_news = !e->past && (e->what == WHATSAPP_MESSAGE || e->what == WHATSAPP_EVENT);
    int64_t at = time_of(e);
    json_t *body = e->body ? json_copy(e->body) : json_object();
    char same[WHATSAPP_BSUID_SIZE + 8] = "";
    if (e->what == WHATSAPP_MOVED && e->was.bsuid[0]) /* told as a message and as a field */
        snprintf(same, sizeof same, "moved:%s", e->was.bsuid);
    keep_raw(k, body);
    if (k->text) {
        json_object_set_new(body, "text", json_string(k->text));
        json_object_del(body, "raw");
    }
    struct inbound in = {.kind = is_event                  ? INBOUND_EVENT
                                 : e->what == WHATSAPP_OWN ? INBOUND_OWN
                                                           : INBOUND_MESSAGE,
        .from = who(k),
        .external_id = e->external_id,
        .reply_to = e->reply_to,
        .route = e->what == WHATSAPP_MESSAGE ? e->external_id : NULL,
        .take_address = e->what == WHATSAPP_MOVED,
        .same = same,
        .window_until_ms = is_news && e->opens_window ? at + WHATSAPP_DAY_MS : 0,
        .past_ms = e->past ? at : 0,
        .body = body,
        .profile = e->profile};
    if (is_news && json_object_get(body, "referral")) {
        in.free_by_ms = at + WHATSAPP_DAY_MS;
        in.free_for_ms = FREE_MS;
    }
    connector_inbound(&k->w->base, &in, on_stored, k);
    json_decref(body);
}

/* --- from another channel -------------------------------------------------------------------- */

/* The invitation at the end of what a visitor of the site sends (info()'s "invite"): NULL none. */
static const char *invitation(const struct whatsapp_event *e) {
    const char *text = json_string_value(json_object_get(e->body, "text"));
    const char *mark = text ? strrchr(text, WHATSAPP_INVITE_MARK) : NULL;
    if (!mark || e->what != WHATSAPP_MESSAGE || e->past || e->who.group[0])
        return NULL;
    size_t n = strspn(mark + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return n == WHATSAPP_INVITE_LEN && mark[1 + n + strspn(mark + 1 + n, " \r\n")] == '\0'
               ? mark + 1
               : NULL;
}

/* Used up, of somebody else, or ended: the message is stored in any case. */
static void on_redeemed(void *arg, const struct lookup_result *r, const struct err *err) {
    struct taking *k = arg;
    (void)r;
    if (err && !is_final(err)) {
        end(k, err);
        return;
    }
    if (!err) { /* the token was ours to read, nobody else's */
        const char *text = json_string_value(json_object_get(k->e->body, "text"));
        size_t n = (size_t)(invitation(k->e) - 1 - text);
        while (n && text[n - 1] == ' ')
            n--;
        k->text = n ? mem_strndup(text, n) : mem_strdup("WhatsApp");
    }
    store_message(k);
}

static void store_new(struct taking *k) {
    const char *found = invitation(k->e);
    if (!found) {
        store_message(k);
        return;
    }
    struct identity self = who(k);
    char *token = mem_strndup(found, WHATSAPP_INVITE_LEN);
    connector_redeem(&k->w->base, token, &self, on_redeemed, k);
    free(token);
}

static void on_who(void *arg, const char *address, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    snprintf(k->address, sizeof k->address, "%s", address);
    store_new(k);
}

static void take_new(struct taking *k) {
    const struct whatsapp_event *e = k->e;
    const char *marketing = json_string_value(json_object_get(e->profile, "marketing"));
    whatsapp_address(&e->who, k->address);
    if (!*k->address) /* nobody can be answered, but nothing is lost */
        snprintf(k->address, sizeof k->address, "unknown/%.150s", e->external_id);
    if (marketing) {
        char *name = mem_printf("marketing:%s", k->address);
        bool stop = strcmp(marketing, "stop") == 0;
        connector_keep(&k->w->base, name, span_str(stop ? "stop" : ""), stop ? 0 : 1);
        free(name);
    }
    k->known = whatsapp_who_known(k->w, &e->who);
    if (e->what == WHATSAPP_MOVED)
        whatsapp_who_moved(k->w, &e->was, &e->who, on_who, k);
    else if (k->known || strncmp(k->address, "unknown/", 8) == 0)
        store_new(k);
    else
        whatsapp_who(k->w, &e->who, on_who, k);
}

/* --- changes --------------------------------------------------------------------------------- */

/* Webhooks come in no order: what this is about may still be on its way, and it comes again then.
 */
static bool is_early(const struct taking *k) {
    return k->e->at_ms > 0 && clock_ms() - k->e->at_ms < EARLY_MS;
}

static void on_changed(void *arg, const struct inbound_result *r, const struct err *err) {
    struct taking *k = arg;
    struct err later;
    (void)r;
    if (!err || err->code != ERR_NOT_FOUND) {
        end(k, err);
    } else if (is_early(k)) {
        err_set(&later, ERR_UNAVAILABLE, "the message that this changes is not here yet");
        end(k, &later);
    } else if (k->e->what == WHATSAPP_EDIT) {
        store_message(k); /* older than what is remembered: what it says now is kept */
    } else {
        end(k, NULL);
    }
}

static void change(struct taking *k) {
    char once[64];
    snprintf(once, sizeof once, "edit:%lld", (long long)k->e->at_ms);
    struct change ch = {.kind = k->e->what == WHATSAPP_EDIT     ? CHANGE_EDIT
                                : k->e->what == WHATSAPP_DELETE ? CHANGE_DELETE
                                                                : CHANGE_REACT,
        .from = who(k),
        .external_id = k->e->external_id,
        .once = k->e->what == WHATSAPP_EDIT ? once : NULL,
        .body = k->e->body};
    connector_change(&k->w->base, &ch, on_changed, k);
}

static void on_change_who(void *arg, const char *address, const struct err *err) {
    struct taking *k = arg;
    if (err) {
        end(k, err);
        return;
    }
    snprintf(k->address, sizeof k->address, "%s", address);
    change(k);
}

static void take_change(struct taking *k) {
    whatsapp_address(&k->e->who, k->address);
    k->known = whatsapp_who_known(k->w, &k->e->who);
    if (k->known)
        change(k);
    else
        whatsapp_who(k->w, &k->e->who, on_change_who, k);
}

/* --- one event ------------------------------------------------------------------------------- */

static void on_status(void *arg, const struct err *err) {
    end(arg, err && err->code == ERR_NOT_FOUND ? NULL : err);
}

void whatsapp_take(struct whatsapp *w, const struct whatsapp_event *e, core_done_fn fn, void *arg) {
    struct taking *k = mem_zalloc(sizeof *k);
    k->w = w;
    k->e = e;
    k->fn = fn;
    k->arg = arg;
    switch (e->what) {
    case WHATSAPP_MESSAGE:
    case WHATSAPP_OWN:
    case WHATSAPP_EVENT:
    case WHATSAPP_MOVED:
        take_new(k);
        return;
    case WHATSAPP_EDIT:
    case WHATSAPP_DELETE:
    case WHATSAPP_REACTION:
        take_change(k);
        return;
    case WHATSAPP_STATUS:
        if (whatsapp_status(w, e, on_status, k))
            return;
        break;
    case WHATSAPP_TEMPLATES:
        whatsapp_templates(w);
        break;
    case WHATSAPP_ACCOUNT:
        whatsapp_account(w, e);
        break;
    case WHATSAPP_CONTACT: /* the phone's address book: our own names stay */
        break;
    }
    loop_defer(w->base.env->loop, end_now, k);
}
