/* cli_walk.c - all threads in turn, times on the command line, queueing once more without haste. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli_crm.h"
#include "config/value.h"
#include "store/store_queue.h"

#define WAITING_MAX 2000 /* in a target's queue; more are not added */
#define WAIT_MS 200
#define SAY_MS 10000 /* so long without room: it is said why */

/* --- threads --------------------------------------------------------------------------------- */

void cli_walk_begin(struct cli_walk *w, struct cli_session *s, const char *one, const char *place) {
    *w = (struct cli_walk){.s = s, .one = one};
    snprintf(w->place, sizeof w->place, "%s", place ? place : "");
}

static int next_page(struct cli_walk *w) {
    if (w->one)
        store_walk_one(w->s->store, w->one, cli_on_json, w->s);
    else
        store_walk(w->s->store, w->place, cli_on_json, w->s);
    if (cli_wait(w->s) < 0)
        return -1;
    json_decref(w->page);
    w->page = json_incref(w->s->result);
    w->next = 0;
    w->began = true;
    return 0;
}

const json_t *cli_walk_next(struct cli_walk *w, int *rc_out) {
    *rc_out = 0;
    if (!w->began && next_page(w) < 0) {
        *rc_out = -1;
        return NULL;
    }
    for (;;) {
        const json_t *t = json_array_get(json_object_get(w->page, "threads"), w->next);
        w->new_page = w->next++ == 0;
        if (t)
            return t;
        const char *place = json_string_value(json_object_get(w->page, "next"));
        if (!place)
            return NULL;
        snprintf(w->place, sizeof w->place, "%s", place);
        if (next_page(w) < 0) {
            *rc_out = -1;
            return NULL;
        }
    }
}

void cli_walk_end(struct cli_walk *w) {
    json_decref(w->page);
    w->page = NULL;
}

/* --- the command line ------------------------------------------------------------------------ */

int cli_time(const struct cli *cli, const char *option, int64_t *ms) {
    const char *text = cli_option(cli, option);
    int64_t ago;
    if (!text)
        return 0;
    char *day = mem_printf("%sT00:00:00Z", text);
    int rc = clock_parse(text, ms) == 0 || clock_parse(day, ms) == 0 ? 0 : -1;
    free(day);
    if (rc < 0 && value_duration(text, &ago) == 0) {
        *ms = clock_ms() - ago;
        rc = 0;
    }
    if (rc < 0)
        fprintf(stderr,
            "switchboard %s: %s is a time (2026-11-29T12:00:00Z), a day (2026-11-29) or how long "
            "ago (24h); found \"%.60s\"\n",
            cli->command, option, text);
    return rc;
}

int cli_thread(const struct cli *cli, const char **thread_out) {
    *thread_out = cli_option(cli, "--thread");
    if (!*thread_out || id_is_valid(*thread_out))
        return 0;
    fprintf(stderr,
        "switchboard %s: a thread id has 26 characters, like 01JDFX3T5KABCDEFGHJKMNPQRS (see "
        "--help)\n",
        cli->command);
    return -1;
}

/* --- the ledger ------------------------------------------------------------------------------ */

struct page {
    struct cli_session *s;
    struct store_ledger_row rows[STORE_LEDGER_PAGE];
    size_t n;
    bool is_done, is_left; /* left: nobody waits for it any more */
};

static void on_rows(
    void *arg, const struct store_ledger_row *rows, size_t n, const struct err *err) {
    struct page *p = arg;
    if (p->is_left) {
        free(p);
        return;
    }
    p->n = n < STORE_LEDGER_PAGE ? n : STORE_LEDGER_PAGE;
    memcpy(p->rows, rows, p->n * sizeof *rows);
    p->is_done = true;
    cli_on_done(p->s, err);
}

int cli_ledger(struct cli_session *s, const char *thread, const char *target, int64_t from,
    struct store_ledger_row *rows, size_t *n_out) {
    struct page *p = mem_zalloc(sizeof *p);
    p->s = s;
    store_ledger(s->store, thread, target, from, STORE_LEDGER_PAGE, on_rows, p);
    int rc = cli_wait(s);
    *n_out = p->n;
    memcpy(rows, p->rows, p->n * sizeof *rows);
    if (p->is_done)
        free(p);
    else
        p->is_left = true;
    return rc;
}

/* --- once more ------------------------------------------------------------------------------- */

static void on_slept(void *arg) {
    loop_stop(arg);
}

void cli_sleep(struct cli_session *s, unsigned ms) {
    struct loop_timer *t = loop_timer_start(s->env.loop, ms, 0, on_slept, s->env.loop);
    loop_run(s->env.loop);
    loop_timer_stop(&t);
}

static void on_number(void *arg, int64_t n, const struct err *err) {
    json_t *result = json_integer(n);
    cli_on_json(arg, result, err);
    json_decref(result);
}

static void on_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    (void)oldest_ms;
    on_number(arg, n, err);
}

static int wait_for_room(struct cli_session *s, const char *target) {
    char *queue = mem_printf("crm:%s", target);
    unsigned waited = 0;
    int rc;
    for (;;) {
        store_queue_depth(s->store, queue, on_depth, s);
        if ((rc = cli_wait(s)) < 0 || json_integer_value(s->result) < WAITING_MAX)
            break;
        if (waited == SAY_MS)
            fprintf(stderr,
                "waiting: %lld messages are in the queue %s (does the gateway run, with this "
                "target, and does the CRM answer?)\n",
                (long long)json_integer_value(s->result), queue);
        waited = waited < SAY_MS ? waited + WAIT_MS : WAIT_MS;
        cli_sleep(s, WAIT_MS);
    }
    free(queue);
    return rc;
}

int cli_requeue(struct cli_session *s, const struct cli_requeue *q, const int64_t *seqs, size_t n,
    size_t *queued) {
    for (size_t i = 0; i < n; i += STORE_REQUEUE_MAX) {
        struct store_requeue r = {.thread = q->thread,
            .target = q->target,
            .missing = q->missing,
            .only_new = q->only_new,
            .seqs = seqs + i,
            .n = n - i < STORE_REQUEUE_MAX ? n - i : STORE_REQUEUE_MAX};
        if (wait_for_room(s, q->target) < 0)
            return -1;
        store_requeue(s->store, &r, on_number, s);
        if (cli_wait(s) < 0)
            return -1;
        *queued += (size_t)json_integer_value(s->result);
    }
    return 0;
}
