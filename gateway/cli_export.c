/* cli_export.c - threads as JSON Lines, for whoever moves them elsewhere: a line with the thread
 * and its client, then one for each of its messages, in order. Nothing grows with their number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "cli_crm.h"

#define PAGE 200

struct export {
    struct cli_session *s;
    struct cli_crm archive; /* opened when a thread has messages that only it has */
    bool has_archive, asked_archive;
    const char *channel; /* NULL any */
    int64_t since_ms, until_ms;
    bool is_filtered;
    const char *thread; /* at hand */
    bool told;          /* its line was printed */
};

static int64_t number(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static int print_line(json_t *object) {
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts("");
    json_decref(object);
    return ferror(stdout) ? -1 : 0;
}

/* --- lines ----------------------------------------------------------------------------------- */

static int tell_thread(struct export *x) {
    if (x->told)
        return 0;
    x->told = true;
    store_thread(x->s->store, x->thread, cli_on_json, x->s);
    if (cli_wait(x->s) < 0)
        return -1;
    return print_line(json_pack("{s:O,s:O}", "thread", json_object_get(x->s->result, "thread"),
        "client", json_object_get(x->s->result, "client")));
}

static bool is_meant(const struct export *x, const json_t *m) {
    int64_t at = 0;
    clock_parse(json_text(m, "received_at"), &at);
    return at >= x->since_ms && at < x->until_ms &&
           (!x->channel || strcmp(json_text(m, "channel"), x->channel) == 0);
}

/* after: moved on to the last of them. */
static int tell_messages(struct export *x, const json_t *list, int64_t *after) {
    json_t *page = json_incref((json_t *)list), *m;
    size_t i;
    int rc = 0;
    json_array_foreach(page, i, m) {
        if (rc < 0 || number(m, "seq") <= *after)
            continue;
        *after = number(m, "seq");
        if (!is_meant(x, m))
            continue;
        if ((rc = tell_thread(x)) == 0)
            rc = print_line(json_pack("{s:O}", "message", m));
    }
    json_decref(page);
    return rc;
}

/* --- what the log has no more ---------------------------------------------------------------- */

static bool open_archive(struct export *x) {
    struct err err;
    if (!x->asked_archive) {
        x->asked_archive = true;
        x->has_archive = cli_crm_open(&x->archive, x->s, NULL, NULL, CRM_HISTORY, &err) == 0;
        if (!x->has_archive)
            fputs("switchboard export: older messages than history { keep_messages } are left out: "
                  "no CRM target gives them back\n",
                stderr);
    }
    return x->has_archive;
}

/* The archive is asked backwards: "at most so many before". Those of seq < first. */
static int tell_archived(struct export *x, int64_t first, int64_t *after) {
    struct crm *crm = x->archive.crm;
    while (*after + 1 < first) {
        int64_t before = *after + 1 + PAGE < first ? *after + 1 + PAGE : first;
        crm->ops->history(crm, x->thread, before, PAGE, cli_on_result, x->s);
        if (cli_wait_quiet(x->s) < 0) {
            fprintf(stderr, "switchboard export: %s\n", x->s->err.text);
            return -1;
        }
        if (tell_messages(x, json_object_get(x->s->result, "messages"), after) < 0)
            return -1;
        *after = before - 1;
    }
    return 0;
}

/* --- threads --------------------------------------------------------------------------------- */

static int export_thread(struct export *x, const json_t *t) {
    int64_t after = 0, first = number(t, "first");
    size_t n;
    if (number(t, "active_ms") < x->since_ms || number(t, "created_ms") >= x->until_ms)
        return 0;
    x->thread = json_text(t, "id");
    x->told = false;
    if (!x->is_filtered && tell_thread(x) < 0)
        return -1;
    if (first > 1 && open_archive(x) && tell_archived(x, first, &after) < 0)
        return -1;
    do {
        store_messages(x->s->store, x->thread, -1, after, PAGE, false, cli_on_json, x->s);
        if (cli_wait(x->s) < 0)
            return -1;
        n = json_array_size(x->s->result);
        if (tell_messages(x, x->s->result, &after) < 0)
            return -1;
    } while (n);
    return 0;
}

int cli_export(struct cli *cli) {
    struct export x = {.channel = cli_option(cli, "--channel"), .until_ms = INT64_MAX};
    const char *thread;
    struct cli_walk w;
    const json_t *t;
    int code, rc;
    if (cli->nargs) {
        fputs("switchboard export: expected nothing but options (see --help)\n", stderr);
        return CLI_USAGE;
    }
    if (cli_thread(cli, &thread) < 0 || cli_time(cli, "--since", &x.since_ms) < 0 ||
        cli_time(cli, "--until", &x.until_ms) < 0)
        return CLI_USAGE;
    x.is_filtered = x.channel || x.since_ms || x.until_ms != INT64_MAX;
    if (!(x.s = cli_session_open(cli, &code)))
        return code;
    cli_walk_begin(&w, x.s, thread, NULL);
    while ((t = cli_walk_next(&w, &rc)))
        if ((rc = export_thread(&x, t)) < 0)
            break;
    cli_walk_end(&w);
    if (x.has_archive)
        cli_crm_close(&x.archive);
    (void)cli_note(
        x.s, "data.exported", thread ? thread : x.channel, NULL); /* it has said why not */
    cli_session_close(&x.s);
    return fflush(stdout) != 0 || rc < 0 ? CLI_FAILED : CLI_OK;
}
