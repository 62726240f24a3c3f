/* store_suggest.c - who may be the same person as a client: those who have proven the same number
 * or address. Noted where that is noticed (store_identity.c): nothing is looked for. A person may
 * say that they are two. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_back.h"
#include "store/store_private.h"

#define SUGGESTED_MAX 10

struct suggesting {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char client[ID_SIZE];
    json_t *self, *out;
    size_t n, at;
    struct {
        char other[ID_SIZE];
        char *kind, *address;
    } all[SUGGESTED_MAX];
};

static void suggesting_end(struct suggesting *g, const struct err *err) {
    json_t *result = json_pack("{s:O}", "suggestions", g->out);
    g->fn(g->arg, err ? NULL : result, err);
    json_decref(result);
    for (size_t i = 0; i < g->n; i++) {
        free(g->all[i].kind);
        free(g->all[i].address);
    }
    json_decref(g->self);
    json_decref(g->out);
    free(g);
}

static void look_at_next(struct suggesting *g);

static bool has_proven(const json_t *client, const char *kind, const char *address) {
    const json_t *id = store_identity_of(client, kind, address);
    return id && store_identity_mark(id) == '1';
}

static bool is_told(const struct suggesting *g, const char *client) {
    size_t i;
    json_t *one;
    json_array_foreach(g->out, i, one) {
        const json_t *other = json_object_get(one, "client");
        if (strcmp(json_string_value(json_object_get(other, "id")), client) == 0)
            return true;
    }
    return strcmp(client, g->client) == 0;
}

/* One of the two has it still; the other could prove it. Of whom all was erased, nothing is told.
 */
static void on_other(void *arg, json_t *result, const struct err *err) {
    struct suggesting *g = arg;
    const json_t *client = json_object_get(result, "client");
    const char *kind = g->all[g->at].kind, *address = g->all[g->at].address;
    if (err && err->code != ERR_NOT_FOUND) {
        suggesting_end(g, err);
        return;
    }
    if (!err && !json_object_get(client, "erased") &&
        (has_proven(client, kind, address) || has_proven(g->self, kind, address)) &&
        !is_told(g, json_string_value(json_object_get(client, "id"))))
        json_array_append_new(g->out, json_pack("{s:O,s:O,s:s,s:s,s:s}", "client", client, "thread",
                                          json_object_get(result, "thread"), "kind", kind,
                                          "address", address, "noted", g->all[g->at].other));
    g->at++;
    look_at_next(g);
}

static void on_found(void *arg, const struct store_lookup *r, const struct err *err) {
    struct suggesting *g = arg;
    if (err) {
        suggesting_end(g, err);
    } else if (!r->thread[0]) {
        g->at++;
        look_at_next(g);
    } else {
        store_thread(g->store, r->thread, on_other, g);
    }
}

static void look_at_next(struct suggesting *g) {
    if (g->at == g->n)
        suggesting_end(g, NULL);
    else
        store_find_client(g->store, g->all[g->at].other, on_found, g);
}

static void on_self(void *arg, const struct redis_reply *r, const struct err *err) {
    struct suggesting *g = arg;
    struct err missing;
    g->self = err ? NULL : client_json(g->client, r);
    if (!err && !g->self) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such client");
        err = &missing;
    }
    if (err) {
        suggesting_end(g, err);
        return;
    }
    for (size_t i = 0; i + 1 < redis_reply_count(r) && g->n < SUGGESTED_MAX; i += 2) {
        const char *key = redis_reply_str(redis_reply_at(r, i));
        const char *value = redis_reply_str(redis_reply_at(r, i + 1));
        const char *colon = strchr(value, ':');
        if (strncmp(key, "s:", 2) != 0 || !id_is_valid(key + 2) || !colon)
            continue;
        memcpy(g->all[g->n].other, key + 2, ID_SIZE);
        g->all[g->n].kind = mem_strndup(value, (size_t)(colon - value));
        g->all[g->n++].address = mem_strdup(colon + 1);
    }
    if (json_is_string(json_object_get(g->self, "merged_into")))
        g->at = g->n; /* he goes on under another one */
    look_at_next(g);
}

void store_suggestions(struct store *s, const char *client, store_json_fn fn, void *arg) {
    struct args a;
    struct err err;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, client, "client", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct suggesting *g = mem_zalloc(sizeof *g);
    *g = (struct suggesting){.store = s, .fn = fn, .arg = arg, .out = json_array()};
    memcpy(g->client, client, ID_SIZE);
    args_init(&a);
    args_add(&a, "HGETALL");
    args_span(&a, store_key(key, id_shard(client), "client", client));
    store_command(s, &a, on_self, g);
}

/* --- they are two ---------------------------------------------------------------------------- */

struct dismissing {
    struct store *store;
    store_done_fn fn;
    void *arg;
    char client[ID_SIZE];
    char others[2][ID_SIZE]; /* as he is noted, and whose part that one may have become */
    unsigned step;
};

static void dismiss_next(struct dismissing *d);

static void on_dismissed(void *arg, const struct redis_reply *r, const struct err *err) {
    struct dismissing *d = arg;
    (void)r;
    d->step++;
    if (!err && d->step < 3) {
        dismiss_next(d);
        return;
    }
    d->fn(d->arg, err);
    free(d);
}

/* Of the others first: as long as this one has it noted, a person sees it and may say it again. */
static void dismiss_next(struct dismissing *d) {
    const char *of = d->step < 2 ? d->others[d->step] : d->client;
    struct args a;
    args_init(&a);
    args_add(&a, of);
    args_add(&a, d->step < 2 ? d->client : d->others[0]);
    args_add(&a, d->store->events_max);
    store_eval(d->store, SCRIPT_DISMISS, id_shard(of), &a, on_dismissed, d);
}

void store_dismiss(struct store *s, const char *client, const char *noted, const char *other,
    store_done_fn fn, void *arg) {
    struct err err;
    if (!store_check_id(s, client, "client", &err) || !store_check_id(s, noted, "client", &err) ||
        !store_check_id(s, other, "client", &err)) {
        store_fail_done(s, &err, fn, arg);
        return;
    }
    struct dismissing *d = mem_zalloc(sizeof *d);
    *d = (struct dismissing){.store = s, .fn = fn, .arg = arg};
    memcpy(d->client, client, ID_SIZE);
    memcpy(d->others[0], noted, ID_SIZE);
    memcpy(d->others[1], other, ID_SIZE);
    dismiss_next(d);
}
