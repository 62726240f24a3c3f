/* cli_message.c - questions about messages: where one is and why, what was given up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "cli_session.h"
#include "store/store_queue.h"

#define PAGE 200

static int usage(const struct cli *cli, const char *what) {
    fprintf(stderr, "switchboard %s: %s (see --help)\n", cli->command, what);
    return CLI_USAGE;
}

static int64_t number(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static void print_line(const json_t *object) {
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    puts("");
}

/* --- trace ----------------------------------------------------------------------------------- */

static void print_step(const json_t *step, int64_t first_ms) {
    int64_t at = first_ms;
    clock_parse(json_text(step, "at"), &at);
    printf("  %s  %+9lld ms  %-12s %s\n", json_text(step, "at"), (long long)(at - first_ms),
        json_text(step, "what"), json_text(step, "detail"));
}

/* The last step with this word whose detail begins with `begin`; NULL none. */
static const json_t *last_step(const json_t *trail, const char *what, const char *begin) {
    const json_t *found = NULL;
    size_t i, n = strlen(begin);
    json_t *step;
    json_array_foreach(trail, i, step) {
        const char *detail = json_text(step, "detail");
        if (strcmp(json_text(step, "what"), what) == 0 && strncmp(detail, begin, n) == 0 &&
            (!n || !detail[n] || detail[n] == ' '))
            found = step;
    }
    return found;
}

static void on_depth(void *arg, int64_t n, int64_t oldest_ms, const struct err *err) {
    json_t *result = json_pack("{s:I,s:I}", "n", (json_int_t)n, "oldest_ms", (json_int_t)oldest_ms);
    cli_on_json(arg, result, err);
    json_decref(result);
}

static void print_queue(struct cli_session *s, const char *queue) {
    store_queue_depth(s->store, queue, on_depth, s);
    if (cli_wait(s) == 0)
        printf("       %lld wait in the queue %s\n", (long long)number(s->result, "n"), queue);
}

static void explain_channel(struct cli_session *s, const json_t *m, const json_t *trail) {
    static const struct {
        const char *status, *means;
    } known[] = {{"queued", "is waiting for its turn on the channel"},
        {"sending", "is being sent; the channel has not answered yet"},
        {"sent", "was taken by the channel"}, {"delivered", "has reached the client's device"},
        {"read", "was read by the client"},
        {"unknown", "was sent, but the channel's answer was lost: it is not sent again by itself"},
        {"failed", "was given up by the channel: see `switchboard dead list`"}};
    const char *status = json_text(m, "status"), *channel = json_text(m, "channel");
    const json_t *retry = last_step(trail, "retry", "");
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].status, status) == 0)
            printf("now    %s: it %s (%s)\n", status, known[i].means, channel);
    if (strcmp(status, "queued") == 0 || strcmp(status, "sending") == 0) {
        char *queue = mem_printf("out:%s", channel);
        print_queue(s, queue);
        free(queue);
        if (retry)
            printf("       last attempt: %s\n", json_text(retry, "detail"));
    }
    const json_t *error = json_object_get(m, "error");
    if (error)
        printf("       why: %s: %s\n", json_text(error, "code"), json_text(error, "text"));
}

static void explain_card(
    struct cli_session *s, const char *target, const json_t *m, const json_t *trail) {
    const json_t *done = last_step(trail, "attached", target);
    const json_t *failed = last_step(trail, "card_failed", target);
    const json_t *retry = last_step(trail, "card_retry", target);
    const json_t *missed = last_step(trail, "missing", target);
    if (done && (!missed || strcmp(json_text(missed, "at"), json_text(done, "at")) <= 0)) {
        printf("card   %s: has it since %s\n", target, json_text(done, "at"));
        return;
    }
    if (failed && (!retry || strcmp(json_text(retry, "at"), json_text(failed, "at")) < 0)) {
        printf("card   %s: given up: %s\n", target, json_text(failed, "detail"));
        puts("       `switchboard dead list` has it, `switchboard dead retry ID` tries again");
        return;
    }
    if (strcmp(json_text(json_object_get(m, "origin"), "target"), target) == 0 &&
        last_step(trail, "left_out", target)) {
        printf("card   %s: comes from there\n", target);
        return;
    }
    if (last_step(trail, "left_out", target)) {
        printf("card   %s: does not take such messages, by its settings\n", target);
        return;
    }
    printf("card   %s: waiting%s%s\n", target, retry ? "; last attempt: " : "",
        retry ? json_text(retry, "detail") : "");
    char *queue = mem_printf("crm:%s", target);
    print_queue(s, queue);
    free(queue);
}

static void print_trace(struct cli_session *s, const json_t *r) {
    const json_t *m = json_object_get(r, "message"), *trail = json_object_get(r, "trail");
    const json_t *thread = json_object_get(r, "thread");
    int64_t first_ms = 0;
    size_t i;
    json_t *step;
    printf("message %s, %s, number %lld of thread %s (%s)\n", json_text(m, "id"),
        json_text(m, "direction"), (long long)number(m, "seq"), json_text(m, "thread"),
        json_text(thread, "state"));
    printf("client  %s\n", json_text(m, "client"));
    if (*json_text(m, "channel"))
        printf("channel %s (%s)\n", json_text(m, "channel"), json_text(m, "connector"));
    puts("");
    clock_parse(json_text(json_array_get(trail, 0), "at"), &first_ms);
    json_array_foreach(trail, i, step) print_step(step, first_ms);
    puts("");
    if (strcmp(json_text(m, "direction"), "out") == 0)
        explain_channel(s, m, trail);
    else
        puts("now    stored in its thread");
    for (i = 0; i < config_count(s->config, SECTION_CRM); i++)
        explain_card(s, settings_title(config_at(s->config, SECTION_CRM, i, NULL)), m, trail);
}

int cli_trace(struct cli *cli) {
    int code;
    if (cli->nargs != 1)
        return usage(cli, "expected one message id");
    if (!id_is_valid(cli->args[0]))
        return usage(cli, "a message id has 26 characters, like 01JDFX3T5KABCDEFGHJKMNPQRS");
    struct cli_session *s = cli_session_open(cli, &code);
    if (!s)
        return code;
    store_message(s->store, cli->args[0], cli_on_json, s);
    code = cli_wait(s) < 0 ? CLI_FAILED : CLI_OK;
    json_t *r = code == CLI_OK ? json_incref(s->result) : NULL;
    if (r && cli_option(cli, "--json"))
        print_line(r);
    else if (r)
        print_trace(s, r);
    json_decref(r);
    cli_session_close(&s);
    return code;
}

/* --- dead letters ---------------------------------------------------------------------------- */

static void print_dead(const json_t *d) {
    const json_t *e = json_object_get(d, "error");
    printf("%-22s %s  %-14s %s #%lld\n%-22s %lld attempts; %s: %s\n", json_text(d, "id"),
        json_text(d, "at"), json_text(d, "queue"), json_text(d, "thread"),
        (long long)number(d, "seq"), "", (long long)number(d, "attempts"), json_text(e, "code"),
        json_text(e, "text"));
}

static int dead_list(struct cli *cli, struct cli_session *s, const char *queue) {
    char *cursor = NULL;
    size_t n = 0, i;
    json_t *d;
    do {
        store_dead(s->store, queue, cursor, PAGE, cli_on_json, s);
        if (cli_wait(s) < 0) {
            free(cursor);
            return CLI_FAILED;
        }
        json_array_foreach(json_object_get(s->result, "dead"), i, d) {
            n++;
            if (cli_option(cli, "--json"))
                print_line(d);
            else
                print_dead(d);
        }
        free(cursor);
        cursor = mem_strdup(json_string_value(json_object_get(s->result, "next")));
    } while (cursor);
    if (!cli_option(cli, "--json") && n == 0)
        puts("no dead letters");
    return CLI_OK;
}

static int dead_retry_all(struct cli_session *s, const char *queue) {
    store_dead_retry_all(s->store, queue, cli_on_json, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    json_t *detail = json_incref(s->result);
    printf("%lld put back in their queues\n", (long long)number(detail, "retried"));
    return cli_note(s, "dead.retried", queue, detail) < 0 ? CLI_FAILED : CLI_OK;
}

static int dead_retry_one(struct cli *cli, struct cli_session *s) {
    store_dead_retry(s->store, cli->args[1], cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("%s is put back in its queue\n", cli->args[1]);
    return cli_note(s, "dead.retried", cli->args[1], NULL) < 0 ? CLI_FAILED : CLI_OK;
}

int cli_dead(struct cli *cli) {
    const char *verb = cli->nargs ? cli->args[0] : "list", *target = cli_option(cli, "--target");
    bool list = strcmp(verb, "list") == 0, all = cli_option(cli, "--all") != NULL;
    int code;
    if (!list && strcmp(verb, "retry") != 0)
        return usage(cli, "expected list or retry");
    if (list && (cli->nargs > 1 || all))
        return usage(cli, "expected nothing but --target after list");
    if (!list && (cli->nargs != (all || target ? 1 : 2) || (all && target)))
        return usage(cli, "expected one id of `dead list`, --target or --all");
    struct cli_session *s = cli_session_open(cli, &code);
    if (!s)
        return code;
    char *queue = target ? mem_printf("crm:%s", target) : NULL;
    code = list            ? dead_list(cli, s, queue)
           : all || target ? dead_retry_all(s, queue)
                           : dead_retry_one(cli, s);
    free(queue);
    cli_session_close(&s);
    return code;
}
