/* crm_log.c - a ring of this worker's calls, and the list in Redis that it is brought to. */
#include "core/crm/crm_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/core_private.h"

#define BRING_MS 1000
#define AT_ONCE 100 /* of a second's calls the newest are kept */
#define KEY_SIZE 128

struct entry {
    int64_t at_ms;
    unsigned ms;
    int status;
    char asked[CRM_LOG_ASKED];
    struct crm_about about;
    struct err error;
};

struct crm_log {
    struct crm *crm;
    struct entry ring[AT_ONCE];
    size_t n, next; /* new ones, and where the next one goes */
    struct loop_timer *timer;
};

static struct span key_of(char out[KEY_SIZE], const char *target) {
    snprintf(out, KEY_SIZE, "sb:crm:log:%.100s", target);
    return span_str(out);
}

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err;
}

static char *entry_text(const struct entry *e) {
    char at[CLOCK_TEXT_SIZE];
    json_t *j = json_pack("{s:s,s:s,s:i,s:I}", "at", clock_format(e->at_ms, at), "about", e->asked,
        "status", e->status, "ms", (json_int_t)e->ms);
    if (*e->about.message)
        json_object_set_new(j, "message",
            json_pack("{s:s,s:s,s:I}", "id", e->about.message, "thread", e->about.thread, "seq",
                (json_int_t)e->about.seq));
    if (e->error.code)
        json_object_set_new(j, "error",
            json_pack("{s:s,s:s}", "code", err_name(e->error.code), "text", e->error.text));
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text ? text : mem_strdup("{}");
}

static void bring(void *arg) {
    struct crm_log *l = arg;
    char key[KEY_SIZE], last[24], *texts[AT_ONCE];
    struct store *store = l->crm->core->store;
    struct span push[2 + AT_ONCE] = {span_str("LPUSH"), key_of(key, l->crm->target)};
    size_t n = l->n, first = (l->next + AT_ONCE - n) % AT_ONCE;
    if (!n || !store_is_up(store))
        return;
    for (size_t i = 0; i < n; i++) {
        texts[i] = entry_text(&l->ring[(first + i) % AT_ONCE]);
        push[2 + i] = span_str(texts[i]);
    }
    snprintf(last, sizeof last, "%d", CRM_LOG_KEPT - 1);
    struct span trim[] = {span_str("LTRIM"), push[1], span_str("0"), span_str(last)};
    redis_command(store_redis(store), push, 2 + n, on_ignored, NULL);
    redis_command(store_redis(store), trim, ARRAY_LEN(trim), on_ignored, NULL);
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    l->n = 0;
}

struct crm_log *crm_log_create(struct crm *c) {
    struct crm_log *l = mem_zalloc(sizeof *l);
    l->crm = c;
    if (c->core)
        l->timer = loop_timer_start(c->env->loop, BRING_MS, BRING_MS, bring, l);
    return l;
}

void crm_log_destroy(struct crm_log **l) {
    if (!*l)
        return;
    if ((*l)->timer) {
        bring(*l);
        loop_timer_stop(&(*l)->timer);
    }
    free(*l);
    *l = NULL;
}

void crm_log_add(struct crm_log *l, const struct crm_log_call *call) {
    struct entry *e = &l->ring[l->next];
    if (!l->timer)
        return;
    *e = (struct entry){
        .at_ms = clock_ms(), .ms = call->ms, .status = call->status, .about = call->about};
    snprintf(e->asked, sizeof e->asked, "%s", call->asked);
    utf8_repair(e->asked);
    if (call->error) {
        e->error = *call->error;
        media_links_hide(e->error.text); /* what it was told in the request */
        utf8_repair(e->error.text);
    }
    l->next = (l->next + 1) % AT_ONCE;
    l->n += l->n < AT_ONCE;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
    store_json_fn fn;
    void *arg;
};

static int newest_first(const void *a, const void *b) {
    const char *x = json_string_value(json_object_get(*(json_t *const *)a, "at"));
    const char *y = json_string_value(json_object_get(*(json_t *const *)b, "at"));
    return strcmp(y ? y : "", x ? x : "");
}

static void on_list(void *arg, const struct redis_reply *r, const struct err *err) {
    struct reading *rd = arg;
    size_t n = err ? 0 : redis_reply_count(r), got = 0;
    json_t **all = mem_zalloc((n + 1) * sizeof(json_t *)), *list = json_array();
    for (size_t i = 0; i < n; i++) {
        all[got] = json_loads(redis_reply_str(redis_reply_at(r, i)), 0, NULL);
        got += all[got] != NULL;
    }
    qsort(all, got, sizeof(json_t *), newest_first);
    for (size_t i = 0; i < got; i++)
        json_array_append_new(list, all[i]);
    json_t *out = json_pack("{s:o}", "log", list);
    rd->fn(rd->arg, err ? NULL : out, err);
    json_decref(out);
    free(all);
    free(rd);
}

void core_target_log(struct core *core, const char *target, store_json_fn fn, void *arg) {
    char key[KEY_SIZE], last[24];
    struct reading *rd = mem_alloc(sizeof *rd);
    *rd = (struct reading){fn, arg};
    snprintf(last, sizeof last, "%d", CRM_LOG_KEPT - 1);
    struct span range[] = {span_str("LRANGE"), key_of(key, target), span_str("0"), span_str(last)};
    redis_command(store_redis(core->store), range, ARRAY_LEN(range), on_list, rd);
}
