/* crm_queue.c - a delivery to a CRM: the client's card first, then the message on it. A CRM that
 * fails is left alone for a while (breaker.h), and so is one that does not know us any more. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/queue.h"
#include "store/store_back.h"
#include "store/store_erase.h"
#include "store/store_record.h"

/* A CRM that does not know us is asked again after so long, then twice as long, ... */
#define REFUSED_MIN_MS 2000u
#define REFUSED_MAX_MS 60000u
/* When it may be asked again, a delivery that has not failed yet is looked for, for so long. */
#define LOOK_FOR_NEW_MS 300
/* One that answered somebody so lately may refuse some cards only: it is asked again this soon, so
 * that others need not wait until all of these have been tried. */
#define LATELY_MS 60000
#define SOON_MS 1000
/* A page instead of an answer, where a CRM is being looked after, is no word on the message; after
 * so many it is. */
#define NONSENSE_MAX 8

/* --- is the CRM there? ----------------------------------------------------------------------- */

static struct crm *crm_of(const struct item *it) {
    return it->queue->target->crm;
}

static bool may_start(struct queue *q) {
    if (!q->core->crm_known || q->target->off || !owner_crm_allowed(q->core) ||
        !breaker_begin(&q->target->breaker, clock_mono_ms()))
        return false;
    owner_crm_began(q->core);
    return true;
}

/* What failed before may do so for a reason of its own, and tells less of the CRM: all our shards
 * look for something else first. */
static enum queue_health health(const struct queue *q) {
    const struct breaker *b = &q->target->breaker;
    uint64_t now = clock_mono_ms();
    enum breaker_state state = breaker_state(b, now);
    if (q->target->off || !q->core->crm_known || state == BREAKER_OPEN)
        return QUEUE_DOWN;
    if (state == BREAKER_CLOSED)
        return QUEUE_WELL;
    return now - b->open_until_ms < LOOK_FOR_NEW_MS ? QUEUE_ASKS_NEW : QUEUE_ASKS_ANY;
}

static unsigned held(const struct queue *q) {
    return owner_held(q->core);
}

static unsigned in_flight(const struct queue *q) {
    return pace_each(&q->target->pace, held(q));
}

/* May no more be begun, of what failed before at least? queue_run() leaves half for what did not.
 */
static bool is_full(const struct queue *q) {
    return q->busy >= in_flight(q) || q->busy_again >= in_flight(q) / 2;
}

/* What answers late must not keep others waiting while it could do more. */
static void tick(struct queue *q) {
    if (health(q) == QUEUE_WELL && is_full(q))
        pace_stuck(&q->target->pace, held(q), q->target->crm->waiting);
}

/* It answered, whatever it said. */
static void is_well(const struct item *it) {
    struct queue *q = it->queue;
    struct target *t = q->target;
    t->wells++;
    pace_answered(&t->pace, held(q), is_full(q), t->crm->waiting);
    t->answered_ms = clock_mono_ms();
    if (breaker_ended(&t->breaker, true, clock_mono_ms(), 0))
        crm_news_well(t);
    if (t->why.code && !t->off && breaker_state(&t->breaker, clock_mono_ms()) == BREAKER_CLOSED) {
        LOG_INFO(it->queue->core->env->log, "crm.back", LOG_S("target", t->crm->target));
        t->why.code = ERR_NONE;
        t->refusals = 0;
    }
}

/* Since it failed last the CRM has answered others: the trouble may be the card's own. Of that the
 * breaker hears once, or a thousand such dialogues would stop all others. */
static bool is_own_trouble(const struct item *it) {
    const struct target *t = it->queue->target;
    return it->entry.attempts > 1 && t->wells != it->wells &&
           breaker_state(&t->breaker, clock_mono_ms()) == BREAKER_CLOSED;
}

static void is_ill(struct item *it, const struct err *err) {
    struct target *t = it->queue->target;
    bool is_own = is_own_trouble(it);
    it->wells = t->wells;
    it->ill = true;
    if (is_own)
        return;
    uint64_t now = clock_mono_ms();
    bool opened = breaker_ended(&t->breaker, false, now, randombytes_random());
    if (breaker_wait(&t->breaker, now) > SOON_MS && t->wells && now - t->answered_ms < LATELY_MS)
        breaker_trip(&t->breaker, now, SOON_MS / 2 + randombytes_uniform(SOON_MS / 2));
    if (opened)
        LOG_WARN(
            it->queue->core->env->log, "crm.down", LOG_S("target", t->crm->target), LOG_E(err));
    if (breaker_state(&t->breaker, now) != BREAKER_CLOSED) {
        pace_restart(&t->pace);
        t->why = *err;
    }
}

static unsigned refuses_us(struct item *it, const struct err *err) {
    struct target *t = it->queue->target;
    uint64_t now = clock_mono_ms();
    it->ill = true;
    if (t->off)
        return REFUSED_MIN_MS;
    if (t->why.code == ERR_AUTH && !t->breaker.probing && breaker_wait(&t->breaker, now) > 0)
        return breaker_wait(&t->breaker, now); /* one of those that had begun before */
    unsigned wait = REFUSED_MIN_MS << (t->refusals < 6 ? t->refusals : 6);
    wait = wait < REFUSED_MAX_MS ? wait : REFUSED_MAX_MS;
    t->refusals++;
    if (t->why.code != ERR_AUTH)
        LOG_ERROR(
            it->queue->core->env->log, "crm.refused", LOG_S("target", t->crm->target), LOG_E(err));
    t->why = *err;
    breaker_trip(&t->breaker, now, wait);
    pace_restart(&t->pace);
    return wait;
}

/* --- how an attempt ends --------------------------------------------------------------------- */

/* Nothing was asked of the CRM. */
static void not_asked(const struct item *it) {
    breaker_cancelled(&it->queue->target->breaker);
}

static void store_failed(struct item *it, const struct err *err) {
    not_asked(it);
    if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)
        queue_retry(it, 0, err);
    else
        queue_reject(it, err);
}

static void failed(struct item *it, const struct crm_outcome *o) {
    struct err err = *o->err; /* it may repeat the link to a file */
    media_links_hide(err.text);
    if (err.code != ERR_TOO_MANY)
        target_failed(it->queue->target, &err);
    switch (err.code) {
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_IO:
        is_ill(it, &err);
        queue_retry(it, o->retry_ms, &err);
        return;
    case ERR_TOO_MANY:
        is_well(it);
        queue_retry(it, o->retry_ms, &err);
        return;
    case ERR_AUTH:
        it->unsure = true; /* a step of it may have been done before */
        queue_put_off(it, refuses_us(it, &err));
        return;
    case ERR_PROTOCOL:
        is_ill(it, &err);
        if (it->entry.attempts < NONSENSE_MAX)
            queue_retry(it, o->retry_ms, &err);
        else
            queue_reject(it, &err);
        return;
    default:
        is_well(it);
        queue_reject(it, &err);
    }
}

/* --- the steps ------------------------------------------------------------------------------- */

static void ensure(struct item *it, const char *known);

static const json_t *client_of(const struct item *it) {
    return json_object_get(it->loaded, "client");
}

/* What the CRM calls a message that was written in it; NULL: it was not. */
static const char *own_id(const struct item *it) {
    const json_t *origin = json_object_get(json_object_get(it->loaded, "message"), "origin");
    const char *target = json_string_value(json_object_get(origin, "target"));
    const char *id = json_string_value(json_object_get(origin, "id"));
    if (!target || strcmp(target, crm_of(it)->target) != 0)
        return NULL;
    return id ? id : "";
}

/* Done; there is no message to note it at. */
static void end_unnoted(struct item *it) {
    is_well(it);
    queue_end(it, "dropped", "");
}

static void end_attached(struct item *it, const char *external_id) {
    char detail[300];
    snprintf(detail, sizeof detail, "%s%s%s", crm_of(it)->target,
        external_id && *external_id ? " " : "", external_id ? external_id : "");
    queue_end(it, "attached", detail);
}

static void on_status_told(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (o->err && o->err->code == ERR_NOT_FOUND) {
        end_unnoted(it); /* gone with its card; the message itself is ensured elsewhere */
    } else if (o->err) {
        failed(it, o);
    } else {
        is_well(it);
        queue_end(it, "done", "");
    }
}

static void on_attached(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (o->err && o->err->code == ERR_NOT_FOUND && !it->card_lost) {
        LOG_WARN(it->queue->core->env->log, "crm.card_lost", LOG_S("target", crm_of(it)->target),
            LOG_S("card", it->card));
        it->card_lost = true;
        ensure(it, it->card);
        return;
    }
    if (o->err) {
        failed(it, o);
        return;
    }
    is_well(it);
    if (o->left_out) {
        queue_end(it, "left_out", crm_of(it)->target);
        return;
    }
    target_attached(it->queue->target);
    end_attached(it, o->external_id ? o->external_id : own_id(it));
}

/* That a message was written in another CRM may be told; what that one calls it is its own. */
static void hide_origin(json_t *message) {
    json_object_del(json_object_get(message, "origin"), "id");
}

/* An event that comes from the CRM itself is not written back to it. */
static bool is_own_event(const struct item *it) {
    const json_t *m = json_object_get(it->loaded, "message");
    return json_object_get(m, "event") && own_id(it);
}

/* The agent who became responsible by this answer; NULL: nobody did. */
static const char *taken_by_of(const struct item *it) {
    const json_t *m = json_object_get(it->loaded, "message");
    const json_t *agent = json_object_get(json_object_get(m, "from"), "agent");
    return json_is_true(json_object_get(m, "took")) ? json_string_value(agent) : NULL;
}

/* What is asked of the CRM from now on is about this message, or about this change of it or of the
 * client; what it was about before. */
static struct crm_about about_it(const struct item *it, bool is_change) {
    const json_t *m = json_object_get(it->loaded, "message");
    const char *id = json_string_value(json_object_get(m, "id"));
    struct crm_about about = {.seq = id ? it->entry.seq : 0};
    snprintf(about.message, sizeof about.message, "%s", id ? id : "");
    snprintf(about.thread, sizeof about.thread, "%s", id ? it->entry.subject : "");
    snprintf(about.change, sizeof about.change, "%s", is_change ? it->entry.id : "");
    return crm_about_swap(crm_of(it), about);
}

static void attach_now(struct item *it) {
    struct crm *crm = crm_of(it);
    json_t *message = json_object_get(it->loaded, "message");
    json_t *attached = json_incref(json_object_get(message, "attached"));
    int64_t upto = json_integer_value(json_object_get(it->loaded, "attached_seq"));
    bool only_status = strcmp(it->entry.op, QUEUE_STATUS) == 0;
    bool is_own = own_id(it) != NULL;
    const char *known = is_own          ? own_id(it)
                        : it->card_lost ? NULL
                                        : json_string_value(json_object_get(attached, crm->target));
    if ((only_status && !known) || is_own_event(it)) {
        not_asked(it);
        if (only_status)
            queue_end(it, "dropped", "");
        else
            queue_end(it, "left_out", crm->target);
        json_decref(attached);
        return;
    }
    const char *taken_by = taken_by_of(it);
    bool asked = json_is_true(json_object_get(json_object_get(message, "again"), crm->target));
    record_hide_private(message);
    if (!is_own)
        hide_origin(message);
    struct crm_attach a = {.card_id = it->card,
        .client = json_object_get(it->loaded, "client"),
        .message = message,
        .known = known,
        .again = it->queue->core->options.look_before_write &&
                 (asked || it->unsure || it->card_lost || it->entry.attempts > 1),
        .late = !known && it->entry.seq < upto,
        .own = is_own,
        .taken_by = known ? NULL : taken_by,
        .only_status = only_status};
    struct crm_about was = about_it(it, known != NULL);
    crm->ops->attach(crm, &a, only_status ? on_status_told : on_attached, it);
    crm_about_swap(crm, was);
    json_decref(attached);
}

/* What we write there it may tell us of as its people's doing: that is known before it is written.
 */
static void note_echo(struct item *it, const char *what, const char *value, store_done_fn fn) {
    if (it->echo_noted || it->entry.attempts > 1) {
        fn(it, NULL);
        return;
    }
    it->echo_noted = true;
    char *text = mem_printf("%s:%s", what, value ? value : "");
    store_echo_note(it->queue->core->store, json_string_value(json_object_get(client_of(it), "id")),
        crm_of(it)->target, text, fn, it);
    free(text);
}

static void on_echo_noted(void *arg, const struct err *err) {
    struct item *it = arg;
    if (err)
        store_failed(it, err);
    else
        attach_now(it);
}

static void attach(struct item *it) {
    const json_t *event = json_object_get(json_object_get(it->loaded, "message"), "event");
    const char *type = json_string_value(json_object_get(event, "type"));
    const char *taken_by = taken_by_of(it);
    if (crm_of(it)->ops->take && type && strcmp(type, "assigned") == 0 && !own_id(it))
        note_echo(it, "a", json_string_value(json_object_get(event, "to")), on_echo_noted);
    else if (crm_of(it)->ops->take && taken_by && !own_id(it))
        note_echo(it, "a", taken_by, on_echo_noted);
    else
        attach_now(it);
}

static void on_card_noted(void *arg, const struct err *err) {
    struct item *it = arg;
    if (err)
        store_failed(it, err);
    else if (it->entry.kind == 'm')
        attach(it);
    else
        end_unnoted(it);
}

/* What we know of the client's card: "id", "url"; NULL nothing. */
static const char *known_card(const struct item *it, const char *key) {
    const json_t *cards = json_object_get(client_of(it), "cards");
    return json_string_value(json_object_get(json_object_get(cards, crm_of(it)->target), key));
}

static void on_ensured(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    const char *known = known_card(it, "id"), *url = known_card(it, "url");
    if (o->err) {
        failed(it, o);
        return;
    }
    free(it->card);
    it->card = mem_strdup(o->card_id ? o->card_id : "");
    bool same = known && strcmp(known, it->card) == 0;
    const char *told = crm_is_web_address(o->card_url) ? o->card_url : same && url ? url : "";
    if (same && strcmp(told, url ? url : "") == 0)
        store_card_note(it->queue->core->store, crm_of(it)->target, it->card,
            json_string_value(json_object_get(client_of(it), "id")), on_card_noted, it);
    else
        store_client_card(it->queue->core->store,
            json_string_value(json_object_get(client_of(it), "id")), crm_of(it)->target, it->card,
            told, on_card_noted, it);
}

static void ensure(struct item *it, const char *known) {
    struct crm *crm = crm_of(it);
    struct crm_about was = about_it(it, *known != '\0');
    crm->ops->ensure_card(crm, client_of(it), known, on_ensured, it);
    crm_about_swap(crm, was);
}

static void on_name_noted(void *arg, const struct err *err) {
    struct item *it = arg;
    const char *card = known_card(it, "id");
    if (err)
        store_failed(it, err);
    else
        ensure(it, card ? card : "");
}

/* News of a status that is not worth a call: other news of the same message wait already. */
static bool is_dropped(const struct item *it) {
    if (strcmp(it->entry.op, QUEUE_STATUS) != 0)
        return false;
    for (const struct item *i = it->next; i; i = i->next)
        if (i->entry.kind == 'm' && i->entry.seq == it->entry.seq &&
            strcmp(i->entry.subject, it->entry.subject) == 0)
            return true;
    return false;
}

static void nothing_to_do(struct item *it) {
    not_asked(it);
    queue_end(it, "dropped", "");
}

static void deliver(struct item *it) {
    bool needs_message = it->entry.kind == 'm';
    const char *card = known_card(it, "id");
    if (!needs_message && crm_of(it)->ops->take) {
        note_echo(
            it, "n", json_string_value(json_object_get(client_of(it), "name")), on_name_noted);
        return;
    }
    if (needs_message && card) {
        it->card = mem_strdup(card);
        attach(it);
        return;
    }
    ensure(it, card ? card : "");
}

static void on_archived(void *arg, const json_t *result, const struct err *err) {
    struct item *it = arg;
    json_t *message = json_array_get(json_object_get(result, "messages"), 0);
    if (err && err->code != ERR_NOT_FOUND && err->code != ERR_UNSUPPORTED) {
        store_failed(it, err);
        return;
    }
    if (!message || json_integer_value(json_object_get(message, "seq")) != it->entry.seq) {
        nothing_to_do(it);
        return;
    }
    json_object_set_new(it->loaded, "message", json_deep_copy(message));
    it->unsure = true; /* its trail is gone */
    deliver(it);
}

/* The log has it no more, and another target may: it was queued once more for this one, which came
 * later. */
static void ask_archive(struct item *it) {
    struct core *core = it->queue->core;
    for (size_t i = 0; i < core->ntargets && !it->entry.op[0]; i++) {
        struct crm *crm = core->targets[i].crm;
        if (!(crm->ops->caps & CRM_HISTORY) || crm == crm_of(it))
            continue;
        crm->ops->history(crm, it->entry.subject, it->entry.seq + 1, 1, on_archived, it);
        return;
    }
    nothing_to_do(it);
}

/* false: it is gone, or the store is; that is seen to. */
static bool keep_loaded(struct item *it, json_t *result, const struct err *err) {
    if (err && err->code == ERR_NOT_FOUND)
        nothing_to_do(it);
    else if (err)
        store_failed(it, err);
    else
        it->loaded = json_incref(result);
    return !err;
}

static void on_loaded(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    if (!keep_loaded(it, result, err))
        return;
    if (it->entry.kind == 'c' && it->entry.seq == 1)
        json_object_set_new(json_object_get(it->loaded, "client"), "renamed", json_true());
    if (is_dropped(it))
        nothing_to_do(it);
    else if (it->entry.kind == 'm' && !json_is_object(json_object_get(result, "message")))
        ask_archive(it);
    else
        deliver(it);
}

static void on_merged(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (o->err)
        failed(it, o);
    else
        end_unnoted(it);
}

static void on_erased_noted(void *arg, const struct err *err) {
    struct item *it = arg;
    if (err)
        store_failed(it, err);
    else
        end_unnoted(it);
}

static void on_unmerged(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (o->err)
        failed(it, o);
    else if (o->card_id)
        on_ensured(it, o);
    else
        on_merged(it, o);
}

/* What was to be told of him before is told: that comes first in this lane. */
static void on_heard(void *arg, const struct err *err) {
    struct item *it = arg;
    if (err)
        store_failed(it, err);
    else
        nothing_to_do(it);
}

static void on_erased(void *arg, const struct crm_outcome *o) {
    struct item *it = arg;
    if (o->err) {
        failed(it, o);
        return;
    }
    store_erase_heard(it->queue->core->store, it->entry.subject, crm_of(it)->target, "deleted",
        on_erased_noted, it);
}

static void on_parted(void *arg, json_t *result, const struct err *err) {
    struct item *it = arg;
    struct crm *crm = crm_of(it);
    if (!keep_loaded(it, result, err))
        return;
    struct crm_about was = crm_about_swap(crm, (struct crm_about){.seq = 0});
    crm->ops->unmerge(crm, client_of(it), it->entry.object, it->entry.seq, on_unmerged, it);
    crm_about_swap(crm, was);
}

static void start(struct item *it) {
    struct store *store = it->queue->core->store;
    struct crm *crm = crm_of(it);
    free(it->card);
    it->card = NULL;
    it->card_lost = it->ill = false;
    if (it->entry.kind == 'g' && crm->ops->merge) {
        struct crm_about was = crm_about_swap(crm, (struct crm_about){.seq = 0});
        crm->ops->merge(crm, it->entry.subject, it->entry.object, it->entry.seq, on_merged, it);
        crm_about_swap(crm, was);
    } else if (it->entry.kind == 'u' && crm->ops->unmerge) {
        store_client(store, it->entry.subject, on_parted, it);
    } else if (it->entry.kind == 'x' && crm->ops->erase) {
        struct crm_about was = crm_about_swap(crm, (struct crm_about){.seq = 0});
        crm->ops->erase(crm, it->entry.subject, on_erased, it);
        crm_about_swap(crm, was);
    } else if (it->entry.kind == 'x') {
        store_erase_heard(store, it->entry.subject, crm->target, "noted", on_heard, it);
    } else if (it->entry.kind == 'g' || it->entry.kind == 'u') {
        nothing_to_do(it);
    } else if (it->entry.kind == 'c') {
        store_client(store, it->entry.subject, on_loaded, it);
    } else {
        store_card_delivery(store, it->entry.subject, it->entry.seq, crm->target, on_loaded, it);
    }
}

const struct queue_kind crm_queue_kind = {.in_flight = in_flight,
    .flush_max = FLUSH_FEW,
    .company_ms = COMPANY_MS,
    .give_way_ms = GIVE_WAY_MS,
    .prefix = "card_",
    .may_start = may_start,
    .health = health,
    .start = start,
    .tick = tick};
