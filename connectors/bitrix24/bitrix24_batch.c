/* bitrix24_batch.c - small requests that come while one of them is under way go together as one
 * batch, which counts as one: at two a second that is what a backlog needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

#define COMMANDS_MAX 50
#define BYTES_MAX ((size_t)256 * 1024)

struct command {
    struct command *next;
    struct bitrix24 *b;
    const char *method;
    json_t *params;
    json_t *text; /* of the command */
    crm_step_fn fn;
    void *arg;
    struct crm_about about;
};

/* Those that went together. */
struct sending {
    struct bitrix24 *b;
    struct command *first;
};

static void flush(struct bitrix24 *b);

static void command_end(
    struct command *c, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct crm *crm = &c->b->flow.base;
    struct crm_about was = crm_about_swap(crm, c->about);
    c->fn(c->arg, result, err, retry_ms);
    crm_about_swap(crm, was);
    json_decref(c->params);
    json_decref(c->text);
    free(c);
}

/* --- alone ----------------------------------------------------------------------------------- */

static void on_single(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct command *c = arg;
    struct bitrix24 *b = c->b;
    command_end(c, result, err, retry_ms);
    b->together.busy = false;
    flush(b);
}

static void on_alone(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    command_end(arg, result, err, retry_ms);
}

static void send_alone(struct command *c, crm_step_fn fn) {
    struct crm *crm = &c->b->flow.base;
    struct crm_about was = crm_about_swap(crm, c->about);
    bitrix24_call(c->b, c->method, json_incref(c->params), fn, c);
    crm_about_swap(crm, was);
}

/* --- together -------------------------------------------------------------------------------- */

/* A batch that is refused as such: each of its commands may be good. */
static bool was_refused(const struct err *err) {
    return err &&
           (err->code == ERR_INVALID || err->code == ERR_DENIED || err->code == ERR_NOT_FOUND);
}

static void one_of(struct command *c, size_t i, const json_t *result) {
    struct bitrix24_answer said = {0};
    char name[24];
    snprintf(name, sizeof name, "c%zu", i);
    const json_t *its = bitrix24_command_result(result, name, &said);
    if (!its && said.err.code == ERR_PROTOCOL)
        said.err.code = ERR_UNAVAILABLE; /* it may have been done: it is looked for */
    if (!its)
        crm_calls_refused(c->b->calls, &said.err);
    command_end(c, its, its ? NULL : &said.err, said.retry_ms);
}

static void on_batch(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct sending *s = arg;
    struct bitrix24 *b = s->b;
    struct err unclear;
    size_t i = 0;
    if (err && (err->code == ERR_PROTOCOL || err->code == ERR_TOO_LARGE))
        err = (err_set(&unclear, ERR_UNAVAILABLE, "%s", err->text), &unclear);
    for (struct command *c = s->first, *next; c; c = next) {
        next = c->next;
        if (was_refused(err) && !b->ended)
            send_alone(c, on_alone);
        else if (err)
            command_end(c, NULL, err, retry_ms);
        else
            one_of(c, i++, result);
    }
    free(s);
    b->together.busy = false;
    flush(b);
}

static void send_together(struct bitrix24 *b, struct command *first) {
    struct sending *s = mem_alloc(sizeof *s);
    json_t *cmd = json_object();
    size_t i = 0;
    struct crm_about about = first->about;
    *s = (struct sending){b, first};
    for (struct command *c = first; c; c = c->next) {
        if (strcmp(c->about.message, about.message) != 0)
            about = (struct crm_about){.seq = 0}; /* of several messages */
        char name[24];
        snprintf(name, sizeof name, "c%zu", i++);
        json_object_set(cmd, name, c->text);
    }
    struct crm_about was = crm_about_swap(&b->flow.base, about);
    bitrix24_call(b, "batch", json_pack("{s:i,s:o}", "halt", 0, "cmd", cmd), on_batch, s);
    crm_about_swap(&b->flow.base, was);
}

/* Takes from the front as many as one request may have. */
static struct command *take(struct bitrix24 *b) {
    struct command *first = b->together.first, **at = &b->together.first;
    size_t n = 0, bytes = 0;
    while (*at && n < COMMANDS_MAX && (!n || bytes + json_string_length((*at)->text) < BYTES_MAX)) {
        n++;
        bytes += json_string_length((*at)->text);
        at = &(*at)->next;
    }
    b->together.first = *at;
    *at = NULL;
    if (!b->together.first)
        b->together.last = &b->together.first;
    return first;
}

static void flush(struct bitrix24 *b) {
    if (b->together.busy || !b->together.first)
        return;
    b->together.busy = true;
    struct command *first = take(b);
    if (first->next)
        send_together(b, first);
    else
        send_alone(first, on_single);
}

void bitrix24_call_small(
    struct bitrix24 *b, const char *method, json_t *params, crm_step_fn fn, void *arg) {
    struct command *c = mem_zalloc(sizeof *c);
    c->b = b;
    c->method = method;
    c->params = params;
    c->text = bitrix24_command(method, params, "");
    c->fn = fn;
    c->arg = arg;
    c->about = b->flow.base.about;
    *b->together.last = c;
    b->together.last = &c->next;
    flush(b);
}

void bitrix24_batch_stop(struct bitrix24 *b) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    struct command *all = b->together.first, *next;
    b->together.first = NULL;
    b->together.last = &b->together.first;
    for (struct command *c = all; c; c = next) {
        next = c->next;
        command_end(c, NULL, &err, 0);
    }
}
