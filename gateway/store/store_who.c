/* store_who.c - who is who: finding an identity, a card's or a thread's client, and linking two
 * identities. Two clients that become one: store_merge.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_back.h"
#include "store/store_private.h"

#define HOPS_MAX 8

/* --- find ------------------------------------------------------------------------------------ */

struct find {
    struct store *store;
    store_lookup_fn fn;
    void *arg;
    struct store_lookup out;
    unsigned hops;
};

static void find_done(struct find *f, const struct err *err) {
    f->fn(f->arg, err ? NULL : &f->out, err);
    free(f);
}

static void on_find_thread(void *arg, const struct redis_reply *r, const struct err *err) {
    struct find *f = arg;
    if (!err) {
        f->out.last_seq = redis_reply_int(redis_reply_at(r, 0));
        f->out.agent_read_seq = redis_reply_int(redis_reply_at(r, 1));
        f->out.client_read_seq = redis_reply_int(redis_reply_at(r, 2));
        f->out.closed = strcmp(redis_reply_str(redis_reply_at(r, 3)), "closed") == 0;
    }
    find_done(f, err);
}

static void find_client(struct find *f, const char *client);

static void on_find_client(void *arg, const struct redis_reply *r, const struct err *err) {
    struct find *f = arg;
    if (err) {
        find_done(f, err);
        return;
    }
    const char *thread = redis_reply_str(redis_reply_at(r, 0));
    const char *merged = redis_reply_str(redis_reply_at(r, 1));
    f->out.proven = f->out.proven || *redis_reply_str(redis_reply_at(r, 2));
    if (id_is_valid(merged) && ++f->hops < HOPS_MAX) {
        find_client(f, merged);
        return;
    }
    if (!id_is_valid(thread)) {
        f->out.client[0] = '\0';
        find_done(f, NULL);
        return;
    }
    struct args a;
    char key[STORE_KEY_SIZE];
    memcpy(f->out.thread, thread, ID_SIZE);
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(f->out.thread), "thread", f->out.thread));
    args_add(&a, "seq");
    args_add(&a, "ar");
    args_add(&a, "cr");
    args_add(&a, "state");
    store_command(f->store, &a, on_find_thread, f);
}

static void find_client(struct find *f, const char *client) {
    struct args a;
    char key[STORE_KEY_SIZE], id[ID_SIZE];
    memcpy(id, client, ID_SIZE);
    memcpy(f->out.client, id, ID_SIZE);
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(id), "client", id));
    args_add(&a, "thread");
    args_add(&a, "merged");
    args_add(&a, "proven");
    store_command(f->store, &a, on_find_client, f);
}

static void on_find_identity(void *arg, const struct redis_reply *r, const struct err *err) {
    struct find *f = arg;
    const char *client = r ? redis_reply_str(r) : "";
    if (err || !store_check_id(f->store, client, "client", NULL))
        find_done(f, err);
    else
        find_client(f, client);
}

/* The key of an identity, in its own shard. */
struct span store_identity_key(
    const struct store *s, const struct identity *who, char *out, unsigned *shard_out) {
    char *name = mem_printf("%s:%s", who->kind, who->address);
    *shard_out = id_hash_shard(name, strlen(name), s->shards);
    struct span key = store_key(out, *shard_out, "identity", name);
    free(name);
    return key;
}

void store_find(struct store *s, const struct identity *who, store_lookup_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    struct find *f = mem_zalloc(sizeof *f);
    *f = (struct find){.store = s, .fn = fn, .arg = arg};
    args_init(&a);
    args_add(&a, "GET");
    args_span(&a, store_identity_key(s, who, key, &shard));
    store_command(s, &a, on_find_identity, f);
}

void store_find_card(
    struct store *s, const char *target, const char *card, store_lookup_fn fn, void *arg) {
    struct args a;
    char key[STORE_KEY_SIZE];
    struct find *f = mem_zalloc(sizeof *f);
    *f = (struct find){.store = s, .fn = fn, .arg = arg};
    args_init(&a);
    args_add(&a, "GET");
    args_span(&a, store_card_key(s, target, card, key));
    store_command(s, &a, on_find_identity, f);
}

static void on_find_nobody(void *arg, json_t *result, const struct err *err) {
    (void)result;
    find_done(arg, err->code == ERR_NOT_FOUND ? NULL : err);
}

void store_find_client(struct store *s, const char *client, store_lookup_fn fn, void *arg) {
    struct err err;
    struct find *f = mem_zalloc(sizeof *f);
    *f = (struct find){.store = s, .fn = fn, .arg = arg};
    if (store_check_id(s, client, "client", &err))
        find_client(f, client);
    else
        store_fail_json(s, &err, on_find_nobody, f);
}

void store_find_thread(struct store *s, const char *thread, store_lookup_fn fn, void *arg) {
    struct err err;
    struct args a;
    char key[STORE_KEY_SIZE];
    struct find *f = mem_zalloc(sizeof *f);
    *f = (struct find){.store = s, .fn = fn, .arg = arg};
    if (!store_check_id(s, thread, "thread", &err)) {
        store_fail_json(s, &err, on_find_nobody, f);
        return;
    }
    args_init(&a);
    args_add(&a, "HGET");
    args_span(&a, store_key(key, id_shard(thread), "thread", thread));
    args_add(&a, "client");
    store_command(s, &a, on_find_identity, f);
}

/* --- link ------------------------------------------------------------------------------------ */

struct link {
    struct store *store;
    store_lookup_fn fn;
    void *arg;
    char *from_kind, *from_address;
    char *into_kind, *into_address, *into_name;
    bool moved; /* the same under another address: nothing keeps them apart */
    struct store_lookup from;
};

static void link_done(struct link *l, const struct store_lookup *r, const struct err *err) {
    l->fn(l->arg, r, err);
    free(l->from_kind);
    free(l->from_address);
    free(l->into_kind);
    free(l->into_address);
    free(l->into_name);
    free(l);
}

static void on_link_answer(void *arg, const struct store_lookup *r, const struct err *err) {
    link_done(arg, r, err);
}

static void link_find_again(struct link *l) {
    struct identity into = {l->into_kind, l->into_address, NULL, true};
    store_find(l->store, &into, on_link_answer, l);
}

static void on_link_merged(void *arg, json_t *result, const struct err *err) {
    struct link *l = arg;
    (void)result;
    if (err)
        link_done(l, NULL, err);
    else
        link_find_again(l);
}

static void on_link_noted(void *arg, const struct redis_reply *r, const struct err *err) {
    struct link *l = arg;
    (void)r;
    if (err)
        link_done(l, NULL, err);
    else
        link_find_again(l);
}

/* The proven identity is new: it becomes one of the client who was here without it. */
static void on_link_set(void *arg, const struct redis_reply *r, const struct err *err) {
    struct link *l = arg;
    struct args a;
    (void)r;
    if (err) {
        link_done(l, NULL, err);
        return;
    }
    char *field = mem_printf("i:%s:%s", l->into_kind, l->into_address);
    char *value = mem_printf("1%s", l->into_name);
    client_change_begin(l->store, &a, l->from.client);
    args_add(&a, field);
    args_add(&a, value);
    if (strcmp(l->into_kind, "user") == 0) {
        args_add(&a, "proven");
        args_add(&a, "1");
    }
    if (*l->into_name) {
        args_add(&a, "name");
        args_add(&a, l->into_name);
    }
    store_eval(l->store, SCRIPT_CLIENT, id_shard(l->from.client), &a, on_link_noted, l);
    free(field);
    free(value);
}

/* The one who goes is no proven person: his client becomes part of, or becomes, the proven one's.
 */
static void on_link_into(void *arg, const struct store_lookup *r, const struct err *err) {
    struct link *l = arg;
    if (err || strcmp(l->from.client, r->client) == 0) {
        link_done(l, err ? NULL : r, err);
        return;
    }
    if (r->client[0]) {
        store_merge(l->store, l->from.client, r->client, "identity", on_link_merged, l);
        return;
    }
    struct args a;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    struct identity into = {l->into_kind, l->into_address, NULL, true};
    args_init(&a);
    args_add(&a, "SETNX");
    args_span(&a, store_identity_key(l->store, &into, key, &shard));
    args_add(&a, l->from.client);
    store_command(l->store, &a, on_link_set, l);
}

/* A client who is a proven person of this kind already stays apart: two people, one computer. So
 * does he who had the address before it was given to somebody else. */
static void on_link_client(void *arg, json_t *result, const struct err *err) {
    struct link *l = arg;
    size_t i;
    json_t *id;
    if (err) {
        link_done(l, NULL, err);
        return;
    }
    const json_t *client = json_object_get(result, "client");
    bool apart = store_identity_is_former(client, l->from_kind, l->from_address);
    json_array_foreach(json_object_get(client, "identities"), i, id) {
        const char *kind = json_string_value(json_object_get(id, "kind"));
        if (kind && strcmp(kind, l->into_kind) == 0)
            apart = apart || (!l->moved && json_is_true(json_object_get(id, "verified")));
    }
    struct identity into = {l->into_kind, l->into_address, NULL, true};
    store_find(l->store, &into, apart ? on_link_answer : on_link_into, l);
}

static void on_link_from(void *arg, const struct store_lookup *r, const struct err *err) {
    struct link *l = arg;
    if (err) {
        link_done(l, NULL, err);
        return;
    }
    l->from = *r;
    if (l->from.client[0])
        store_client(l->store, l->from.client, on_link_client, l);
    else
        link_find_again(l);
}

void store_link(struct store *s, const struct identity *from, const struct identity *into,
    bool moved, store_lookup_fn fn, void *arg) {
    struct link *l = mem_zalloc(sizeof *l);
    *l = (struct link){.store = s,
        .fn = fn,
        .arg = arg,
        .moved = moved,
        .from_kind = mem_strdup(from->kind),
        .from_address = mem_strdup(from->address),
        .into_kind = mem_strdup(into->kind),
        .into_address = mem_strdup(into->address),
        .into_name = mem_strdup(into->name ? into->name : "")};
    store_find(s, from, on_link_from, l);
}
