/* cli_crm_queue.c - "crm replay": messages go to a target once more; "crm backfill": a target that
 * was added later gets what is stored. Both through the target's queue, as any message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli_crm.h"

struct selection {
    struct cli_session *s;
    const char *target, *channel; /* channel NULL: any */
    int64_t from_ms, to_ms;       /* when they were received: from <= t < to */
    bool only_new, archived;      /* archived: what the log has no more, too */
    size_t queued, threads;
};

static int64_t number(const json_t *o, const char *key) {
    return json_integer_value(json_object_get(o, key));
}

/* --- one thread ------------------------------------------------------------------------------ */

static bool is_meant(const struct selection *sel, const struct store_ledger_row *row) {
    if (row->is.received_ms < sel->from_ms || row->is.received_ms >= sel->to_ms ||
        (sel->channel && strcmp(row->channel, sel->channel) != 0))
        return false;
    return !sel->only_new || (row->is.state == RECORD_UNTOLD && !row->is.failed);
}

static int requeue(
    struct selection *sel, const char *thread, const int64_t *seqs, size_t n, size_t *queued) {
    struct cli_requeue q = {.thread = thread, .target = sel->target, .only_new = sel->only_new};
    return n ? cli_requeue(sel->s, &q, seqs, n, queued) : 0;
}

/* The archive has what the log does not: all of it, for nobody knows more than its numbers. */
static int queue_archived(
    struct selection *sel, const char *thread, int64_t first, size_t *queued) {
    int64_t seqs[STORE_REQUEUE_MAX];
    for (int64_t seq = 1; seq < first;) {
        size_t n = 0;
        while (seq < first && n < STORE_REQUEUE_MAX)
            seqs[n++] = seq++;
        if (requeue(sel, thread, seqs, n, queued) < 0)
            return -1;
    }
    return 0;
}

/* Where to begin: pages back from the newest, until one is older than what is meant. */
static int find_start(struct selection *sel, const json_t *t, int64_t *from_out) {
    struct store_ledger_row rows[STORE_LEDGER_PAGE];
    const char *thread = json_string_value(json_object_get(t, "id"));
    int64_t first = number(t, "first"), from = number(t, "last_seq") + 1;
    while (sel->from_ms && from > first) {
        size_t n;
        from = from - STORE_LEDGER_PAGE > first ? from - STORE_LEDGER_PAGE : first;
        if (cli_ledger(sel->s, thread, sel->target, from, rows, &n) < 0)
            return -1;
        if (n && rows[0].is.received_ms < sel->from_ms)
            break;
    }
    *from_out = sel->from_ms ? from : first;
    return 0;
}

static int queue_thread(struct selection *sel, const json_t *t) {
    struct store_ledger_row rows[STORE_LEDGER_PAGE];
    int64_t seqs[STORE_LEDGER_PAGE], from, last = number(t, "last_seq");
    const char *thread = json_string_value(json_object_get(t, "id"));
    size_t queued = 0;
    if (number(t, "active_ms") < sel->from_ms || number(t, "created_ms") >= sel->to_ms)
        return 0;
    if (sel->archived && queue_archived(sel, thread, number(t, "first"), &queued) < 0)
        return -1;
    if (find_start(sel, t, &from) < 0)
        return -1;
    for (; from <= last; from += STORE_LEDGER_PAGE) {
        size_t n, meant = 0;
        if (cli_ledger(sel->s, thread, sel->target, from, rows, &n) < 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (is_meant(sel, &rows[i]))
                seqs[meant++] = rows[i].seq;
        if (requeue(sel, thread, seqs, meant, &queued) < 0)
            return -1;
        if (n && rows[n - 1].is.received_ms >= sel->to_ms)
            break;
    }
    sel->queued += queued;
    sel->threads += queued > 0;
    return 0;
}

static bool has_archive(const struct selection *sel) {
    return cli_crm_exists(sel->s->config, CRM_HISTORY, sel->target);
}

static void say(const struct selection *sel) {
    printf(
        "%zu messages of %zu threads are queued for %s\n", sel->queued, sel->threads, sel->target);
}

/* --- the commands ---------------------------------------------------------------------------- */

int cli_crm_replay(struct cli *cli, struct cli_session *s, const char *target) {
    struct selection sel = {.s = s, .target = target, .to_ms = INT64_MAX};
    const char *thread;
    struct cli_walk w;
    const json_t *t;
    int rc;
    sel.channel = cli_option(cli, "--channel");
    if (cli_thread(cli, &thread) < 0 || cli_time(cli, "--from", &sel.from_ms) < 0 ||
        cli_time(cli, "--to", &sel.to_ms) < 0)
        return CLI_USAGE;
    if (!cli->noptions) {
        fputs(
            "switchboard crm: say which: --thread, --channel, --from, --to (see --help)\n", stderr);
        return CLI_USAGE;
    }
    sel.archived = cli->noptions == 2 && thread && has_archive(&sel);
    cli_walk_begin(&w, s, thread, NULL);
    while ((t = cli_walk_next(&w, &rc)))
        if ((rc = queue_thread(&sel, t)) < 0)
            break;
    cli_walk_end(&w);
    say(&sel);
    return rc < 0 ? CLI_FAILED : CLI_OK;
}

static void on_place(void *arg, const char *place, const struct err *err) {
    json_t *result = json_string(place);
    cli_on_json(arg, result, err);
    json_decref(result);
}

static int keep_place(struct cli_session *s, const char *name, const char *place) {
    store_place_set(s->store, name, place, cli_on_done, s);
    return cli_wait(s);
}

static int fill(struct selection *sel, const char *name, char *place) {
    struct cli_walk w;
    const json_t *t;
    int rc;
    cli_walk_begin(&w, sel->s, NULL, place);
    while ((t = cli_walk_next(&w, &rc))) {
        if (w.new_page && *w.place && (rc = keep_place(sel->s, name, w.place)) < 0)
            break;
        if ((rc = queue_thread(sel, t)) < 0)
            break;
    }
    cli_walk_end(&w);
    return rc < 0 ? -1 : keep_place(sel->s, name, NULL);
}

int cli_crm_backfill(struct cli *cli, struct cli_session *s, const char *target) {
    struct selection sel = {.s = s, .target = target, .to_ms = INT64_MAX, .only_new = true};
    char *name = mem_printf("backfill:%s", target), *place = NULL;
    int code = CLI_FAILED;
    sel.archived = has_archive(&sel);
    store_place_get(s->store, name, on_place, s);
    if (cli_wait(s) == 0) {
        place = mem_strdup(cli_option(cli, "--restart") ? "" : json_string_value(s->result));
        if (*place)
            puts("going on where the last backfill stopped (--restart begins anew)");
        code = fill(&sel, name, place) < 0 ? CLI_FAILED : CLI_OK;
        say(&sel);
    }
    free(place);
    free(name);
    return code;
}
