/* cards.c - the cards of one client in all CRMs, for people to look at. A CRM that does not answer
 * in time leaves its card out. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/core_private.h"

#define WAIT_MS 4000 /* somebody looks at the page meanwhile */
#define URL_MAX 2000

struct cards {
    crm_result_fn fn; /* NULL: answered */
    void *arg;
    json_t *out;
    struct loop_timer *timer;
    unsigned waiting;
};

struct card {
    struct cards *cards;
    const char *target;
    char *url; /* as we know it; NULL */
};

bool crm_is_web_address(const char *url) {
    if (!url || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
        return false;
    size_t n = 0;
    while (url[n] && n <= URL_MAX && (unsigned char)url[n] > ' ' && url[n] != 0x7f)
        n++;
    return !url[n] && n <= URL_MAX;
}

static void answer(struct cards *c) {
    crm_result_fn fn = c->fn;
    json_t *out = json_pack("{s:O}", "cards", c->out);
    c->fn = NULL;
    fn(c->arg, out, NULL);
    json_decref(out);
}

static void on_late(void *arg) {
    struct cards *c = arg;
    if (c->fn)
        answer(c);
}

static void cards_less(void *arg) {
    struct cards *c = arg;
    if (--c->waiting)
        return;
    loop_timer_stop(&c->timer);
    if (c->fn)
        answer(c);
    json_decref(c->out);
    free(c);
}

static void on_card(void *arg, const json_t *result, const struct err *err) {
    struct card *one = arg;
    json_t *card = err ? NULL : json_deep_copy(json_object_get(result, "card"));
    if (json_is_object(card)) {
        if (!crm_is_web_address(json_string_value(json_object_get(card, "url"))))
            json_object_del(card, "url");
        if (one->url && !json_object_get(card, "url"))
            json_object_set_new(card, "url", json_string(one->url));
        json_object_set(one->cards->out, one->target, card);
    }
    json_decref(card);
    cards_less(one->cards);
    free(one->url);
    free(one);
}

void core_cards(struct core *core, const json_t *client, crm_result_fn fn, void *arg) {
    struct cards *c = mem_alloc(sizeof *c);
    const char *client_id = json_string_value(json_object_get(client, "id"));
    *c = (struct cards){.fn = fn, .arg = arg, .out = json_object(), .waiting = 1};
    c->timer = loop_timer_start(core->env->loop, WAIT_MS, 0, on_late, c);
    for (size_t i = 0; i < core->ntargets; i++) {
        const struct target *t = &core->targets[i];
        if (!t->crm->ops->card || breaker_state(&t->breaker, clock_mono_ms()) != BREAKER_CLOSED)
            continue;
        const json_t *known = json_object_get(json_object_get(client, "cards"), t->crm->target);
        const char *id = json_string_value(json_object_get(known, "id"));
        struct card *one = mem_alloc(sizeof *one);
        *one = (struct card){
            c, t->crm->target, mem_strdup(json_string_value(json_object_get(known, "url")))};
        c->waiting++;
        t->crm->ops->card(t->crm, client_id ? client_id : "", id ? id : "", on_card, one);
    }
    loop_defer(core->env->loop, cards_less, c);
}
