/* cli_crm_verify.c - "crm verify": does the CRM have what our ledger says that it has? One request
 * at a time; a thread at a time in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "cli_crm.h"
#include "core/crm/crm_compare.h"

#define EQUAL 0
#define DIFFERS 1
#define UNCHECKED 2
#define TRIES 4         /* of a request */
#define UNCHECKED_MAX 3 /* threads in a row; then the CRM is away */
#define HOPS_MAX 8      /* clients merged into one another */
#define SKEW_MS 1000    /* of the gateway's clock and this one */
#define SHOWN_MAX 20    /* messages of a kind */

struct verify {
    struct cli_session *s;
    struct cli_crm adapter;
    const char *target;
    bool repair, json;
    size_t threads, equal, differ, unchecked, in_a_row;
    int64_t before, waiting, given_up;
    size_t queued;
    bool over; /* there is no sense in going on */
};

/* A thread as it was read. */
struct looked {
    struct store_ledger_row *rows;
    size_t n;
    int64_t waits_from_ms;
    json_t *entries;
    char card[256];
    bool card_gone;
};

static void looked_free(struct looked *l) {
    free(l->rows);
    json_decref(l->entries);
    *l = (struct looked){0};
}

static int64_t number(const json_t *o, const char *key) {
    return json_integer_value(json_object_get(o, key));
}

/* --- our side -------------------------------------------------------------------------------- */

static void on_oldest(void *arg, int64_t ms, const struct err *err) {
    json_t *result = json_integer(ms);
    cli_on_json(arg, result, err);
    json_decref(result);
}

/* Anything that was queued since then may wait, or be under way. */
static int read_queue(struct verify *v, const char *thread, struct looked *l) {
    char *queue = mem_printf("crm:%s", v->target);
    int64_t now = clock_ms() - SKEW_MS;
    store_queue_oldest(v->s->store, id_shard(thread), queue, on_oldest, v->s);
    free(queue);
    if (cli_wait(v->s) < 0)
        return -1;
    l->waits_from_ms = json_integer_value(v->s->result);
    l->waits_from_ms = l->waits_from_ms < now ? l->waits_from_ms : now;
    return 0;
}

/* All rows of it, up to what is there when the reading comes to the end. */
static int read_ledger(struct verify *v, const char *thread, int64_t from, struct looked *l) {
    size_t n = 0, room = 0, page;
    do {
        if (n + STORE_LEDGER_PAGE > room) {
            room = room * 2 + STORE_LEDGER_PAGE;
            l->rows = mem_realloc(l->rows, room * sizeof *l->rows);
        }
        if (cli_ledger(v->s, thread, v->target, from, l->rows + n, &page) < 0)
            return -1;
        n += page;
        from += STORE_LEDGER_PAGE;
    } while (page);
    l->n = n;
    return 0;
}

/* --- their side ------------------------------------------------------------------------------ */

/* Adds what is on this card. -1 with v->s->err. */
static int read_card(struct verify *v, const char *card, struct looked *l) {
    struct crm *crm = v->adapter.crm;
    for (unsigned i = 1;; i++) {
        crm->ops->entries(crm, card, cli_on_result, v->s);
        if (cli_wait_quiet(v->s) == 0)
            break;
        if (!err_passes(&v->s->err) || i == TRIES)
            return -1;
        struct err err = v->s->err;
        cli_sleep(v->s, 500U << i);
        v->s->err = err;
    }
    json_array_extend(l->entries, json_object_get(v->s->result, "entries"));
    return 0;
}

/* The client's card, and that of the client of whom he is a part now. */
static int read_cards(struct verify *v, const char *client, struct looked *l) {
    char id[ID_SIZE], last[sizeof l->card] = "";
    bool found = false;
    snprintf(id, sizeof id, "%s", client);
    l->entries = json_array();
    for (unsigned hop = 0; hop < HOPS_MAX && *id; hop++) {
        store_client(v->s->store, id, cli_on_json, v->s);
        if (cli_wait(v->s) < 0)
            return -1;
        const json_t *c = json_object_get(v->s->result, "client");
        snprintf(id, sizeof id, "%s", json_text(c, "merged_into"));
        snprintf(l->card, sizeof l->card, "%s",
            json_text(json_object_get(json_object_get(c, "cards"), v->target), "id"));
        if (!*l->card || strcmp(l->card, last) == 0)
            continue;
        memcpy(last, l->card, sizeof last);
        if (read_card(v, l->card, l) == 0)
            found = true;
        else if (v->s->err.code != ERR_NOT_FOUND)
            return -1;
    }
    memcpy(l->card, last, sizeof last);
    l->card_gone = *last && !found;
    return 0;
}

/* --- comparing ------------------------------------------------------------------------------- */

static json_t *compare(const json_t *t, const struct looked *l) {
    struct crm_compared c = {.rows = l->rows,
        .n = l->n,
        .thread = json_text(t, "id"),
        .from_start = number(t, "first") == 1,
        .waits_from_ms = l->waits_from_ms};
    return crm_compare(&c, l->entries);
}

/* What we do not know may have been stored since we looked: only what we do not know now, either,
 * is unknown. */
static int confirm_unknown(struct verify *v, const json_t *t, struct looked *l, json_t *result) {
    if (!json_array_size(json_object_get(result, "unknown")))
        return 0;
    if (read_ledger(v, json_text(t, "id"), number(t, "first"), l) < 0)
        return -1;
    json_t *again = compare(t, l);
    json_object_set(result, "unknown", json_object_get(again, "unknown"));
    json_decref(again);
    return 0;
}

/* The ledger first, so that what it says is there was there when the CRM is asked. */
static json_t *look(struct verify *v, const json_t *t, struct looked *l) {
    const char *thread = json_text(t, "id");
    if (read_queue(v, thread, l) < 0 || read_ledger(v, thread, number(t, "first"), l) < 0 ||
        read_cards(v, json_text(t, "client"), l) < 0)
        return NULL;
    json_t *result = compare(t, l);
    if (confirm_unknown(v, t, l, result) == 0)
        return result;
    json_decref(result);
    return NULL;
}

/* --- telling --------------------------------------------------------------------------------- */

static const struct {
    const char *key, *words;
} kinds[] = {{"missing", "not there"}, {"lost", "not there any more"}, {"double", "there twice"},
    {"misplaced", "out of order"}, {"given_up", "given up"}, {"unknown", "there, but not known"}};

static void print_text(const json_t *r) {
    const json_t *ours = json_object_get(r, "ledger"), *theirs = json_object_get(r, "target");
    bool first = true;
    printf("thread %s, card %s: %lld messages (%s) in the ledger, %lld (%s) there:",
        json_text(r, "thread"), *json_text(r, "card") ? json_text(r, "card") : "none",
        (long long)number(ours, "messages"), json_text(ours, "hash"),
        (long long)number(theirs, "messages"), json_text(theirs, "hash"));
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        size_t n = json_array_size(json_object_get(r, kinds[k].key));
        if (n)
            printf("%s %zu %s", first ? "" : ",", n, kinds[k].words);
        first = first && !n;
    }
    puts(json_is_true(json_object_get(r, "card_gone")) ? " (the card is gone)" : "");
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        const json_t *list = json_object_get(r, kinds[k].key);
        for (size_t i = 0; i < json_array_size(list) && i < SHOWN_MAX; i++) {
            const json_t *m = json_array_get(list, i);
            if (json_is_string(m))
                printf("  %s  %s\n", json_string_value(m), kinds[k].words);
            else
                printf("  %s  #%lld %s\n", json_text(m, "message"), (long long)number(m, "seq"),
                    kinds[k].words);
        }
        if (json_array_size(list) > SHOWN_MAX)
            printf("  ... and %zu more\n", json_array_size(list) - SHOWN_MAX);
    }
}

static void tell(struct verify *v, const json_t *t, const struct looked *l, json_t *r) {
    json_object_set(r, "thread", json_object_get(t, "id"));
    json_object_set(r, "client", json_object_get(t, "client"));
    json_object_set_new(r, "card", *l->card ? json_string(l->card) : json_null());
    json_object_set_new(r, "card_gone", json_boolean(l->card_gone));
    if (v->json) {
        json_dumpf(r, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
        puts("");
    } else {
        print_text(r);
    }
    fflush(stdout);
}

/* --- mending --------------------------------------------------------------------------------- */

static int by_seq(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Queues those of these lists, in the thread's order. */
static int requeue(
    struct verify *v, const json_t *r, const char *one, const char *other, bool missing) {
    const json_t *lists[] = {json_object_get(r, one), json_object_get(r, other)};
    size_t n = 0, i;
    json_t *m;
    int64_t *seqs =
        mem_alloc((json_array_size(lists[0]) + json_array_size(lists[1]) + 1) * sizeof *seqs);
    for (size_t k = 0; k < ARRAY_LEN(lists); k++)
        json_array_foreach(lists[k], i, m) seqs[n++] = number(m, "seq");
    qsort(seqs, n, sizeof *seqs, by_seq);
    struct cli_requeue q = {
        .thread = json_text(r, "thread"), .target = v->target, .missing = missing};
    int rc = n ? cli_requeue(v->s, &q, seqs, n, &v->queued) : 0;
    free(seqs);
    return rc;
}

/* --- the command ----------------------------------------------------------------------------- */

static void not_checked(struct verify *v, const json_t *t) {
    v->unchecked++;
    fprintf(stderr, "thread %s: not checked: %s\n", json_text(t, "id"), v->s->err.text);
    v->over =
        ++v->in_a_row >= UNCHECKED_MAX || v->s->err.code == ERR_AUTH || !store_is_up(v->s->store);
}

static void check(struct verify *v, const json_t *t) {
    struct looked l = {0};
    v->threads++;
    json_t *r = look(v, t, &l);
    if (r && json_is_true(json_object_get(r, "differs"))) { /* it may be about to change */
        json_decref(r);
        looked_free(&l);
        r = look(v, t, &l);
    }
    if (!r) {
        not_checked(v, t);
        looked_free(&l);
        return;
    }
    v->in_a_row = 0;
    v->before += number(r, "before");
    v->waiting += number(r, "waiting");
    v->given_up += (int64_t)json_array_size(json_object_get(r, "given_up"));
    if (json_is_true(json_object_get(r, "differs"))) {
        v->differ++;
        tell(v, t, &l, r);
        if (v->repair && (requeue(v, r, "missing", "lost", true) < 0 ||
                             requeue(v, r, "double", "misplaced", false) < 0))
            v->over = true;
    } else {
        v->equal++;
    }
    json_decref(r);
    looked_free(&l);
}

static void sum_up(const struct verify *v) {
    FILE *out = v->json ? stderr : stdout;
    fprintf(out, "%s: %zu threads: %zu equal, %zu differ, %zu not checked%s\n", v->target,
        v->threads, v->equal, v->differ, v->unchecked, v->over ? "; stopped" : "");
    if (v->waiting)
        fprintf(out, "%lld messages wait in the queue\n", (long long)v->waiting);
    if (v->before)
        fprintf(out,
            "%lld messages were stored before the target was there: `switchboard crm backfill %s` "
            "brings them\n",
            (long long)v->before, v->target);
    if (v->given_up)
        fprintf(out, "%lld were given up: see `switchboard dead list`\n", (long long)v->given_up);
    if (v->repair)
        fprintf(out, "%zu messages are queued again\n", v->queued);
}

int cli_crm_verify(struct cli *cli, struct cli_session *s, const char *target) {
    struct verify v = {.s = s,
        .target = target,
        .repair = cli_option(cli, "--repair") != NULL,
        .json = cli_option(cli, "--json") != NULL};
    struct cli_walk w;
    struct err err;
    const json_t *t;
    int64_t since_ms = 0;
    int rc = 0;
    if (cli_time(cli, "--since", &since_ms) < 0)
        return CLI_USAGE;
    if (cli_crm_open(&v.adapter, s, target, NULL, CRM_ENTRIES, &err) < 0) {
        fprintf(stderr, "switchboard crm: %s: %s\n", target, err.text);
        return UNCHECKED;
    }
    cli_walk_begin(&w, s, NULL, NULL);
    while (!v.over && (t = cli_walk_next(&w, &rc)))
        if (number(t, "active_ms") >= since_ms)
            check(&v, t);
    cli_walk_end(&w);
    cli_crm_close(&v.adapter);
    sum_up(&v);
    return rc < 0 || v.over || v.unchecked ? UNCHECKED : v.differ ? DIFFERS : EQUAL;
}
