/* store_identity.c - the identities of a client: one more, one that is not his any more. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/store_private.h"

/* What stands with an identity in a client's hash: how it is known, then the name. */
char store_identity_mark(const json_t *identity) {
    if (json_is_true(json_object_get(identity, "former")))
        return '2';
    return json_is_true(json_object_get(identity, "verified")) ? '1' : '0';
}

/* A client's identity of this kind and address, or NULL. */
const json_t *store_identity_of(const json_t *client, const char *kind, const char *address) {
    size_t i;
    json_t *id;
    json_array_foreach(json_object_get(client, "identities"), i, id) {
        if (strcmp(json_string_value(json_object_get(id, "kind")), kind) == 0 &&
            strcmp(json_string_value(json_object_get(id, "address")), address) == 0)
            return id;
    }
    return NULL;
}

bool store_identity_is_former(const json_t *client, const char *kind, const char *address) {
    return store_identity_mark(store_identity_of(client, kind, address)) == '2';
}

struct identify {
    struct store *store;
    store_done_fn fn;
    void *arg;
    char *by_kind, *by_address; /* who is known by now */
    char *kind, *address, *name;
    char client[ID_SIZE];
    bool retire;
    bool proven;      /* else by his word only */
    bool takes_phone; /* what is known as his number is none, or not his any more */
};

static void identify_end(struct identify *op, const struct err *err) {
    op->fn(op->arg, err);
    free(op->by_kind);
    free(op->by_address);
    free(op->kind);
    free(op->address);
    free(op->name);
    free(op);
}

static void on_identity_noted(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)r;
    identify_end(arg, err);
}

static void note_identity(struct identify *op, char mark) {
    struct args a;
    char *field = mem_printf("i:%s:%s", op->kind, op->address);
    char *value = mem_printf("%c%s", mark, op->name);
    client_change_begin(op->store, &a, op->client);
    args_add(&a, field);
    args_add(&a, value);
    if (mark == '1' && strcmp(op->kind, "phone") == 0 && op->takes_phone) {
        args_add(&a, "phone");
        args_add(&a, op->address);
    }
    store_eval(op->store, SCRIPT_CLIENT, id_shard(op->client), &a, on_identity_noted, op);
    free(field);
    free(value);
}

static void on_taken_over(void *arg, const struct redis_reply *r, const struct err *err) {
    struct identify *op = arg;
    (void)r;
    if (err)
        identify_end(op, err);
    else
        note_identity(op, '1');
}

static void on_suggested(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it is noted when it is proven the next time */
}

static void suggest(struct identify *op, const char *client, const char *other) {
    struct args a;
    char *proof = mem_printf("%s:%s", op->kind, op->address);
    args_init(&a);
    args_add(&a, client);
    args_add(&a, other);
    args_add(&a, proof);
    store_eval(op->store, SCRIPT_SUGGEST, id_shard(client), &a, on_suggested, NULL);
    free(proof);
}

/* Both have proven the same number or address: a person may say that they are one
 * (store_suggestions()). */
static void note_same(struct identify *op, const json_t *holder) {
    const char *other = json_string_value(json_object_get(holder, "id"));
    bool is_way = strcmp(op->kind, "phone") == 0 || strcmp(op->kind, "email") == 0;
    const json_t *his = store_identity_of(holder, op->kind, op->address);
    if (!op->proven || !is_way || !his || store_identity_mark(his) != '1')
        return;
    suggest(op, op->client, other);
    suggest(op, other, op->client);
}

/* Somebody else had it: he who has given it up (a number that the network gave out anew) keeps it
 * as a former one only. */
static void on_holder_client(void *arg, json_t *result, const struct err *err) {
    struct identify *op = arg;
    const json_t *holder = json_object_get(result, "client");
    struct identity also = {op->kind, op->address, NULL, true};
    struct args a;
    struct err taken;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    if (!err && (!op->proven || !store_identity_is_former(holder, op->kind, op->address))) {
        note_same(op, holder);
        err_set(&taken, ERR_CONFLICT, "client %s has this %s already",
            json_string_value(json_object_get(holder, "id")), op->kind);
        err = &taken;
    }
    if (err) {
        identify_end(op, err);
        return;
    }
    args_init(&a);
    args_add(&a, "SET");
    args_span(&a, store_identity_key(op->store, &also, key, &shard));
    args_add(&a, op->client);
    store_command(op->store, &a, on_taken_over, op);
}

static void on_holder(void *arg, const struct store_lookup *r, const struct err *err) {
    struct identify *op = arg;
    if (err)
        identify_end(op, err);
    else if (strcmp(r->client, op->client) != 0)
        store_client(op->store, r->client, on_holder_client, op);
    else
        note_identity(op, op->proven ? '1' : '0');
}

/* Whoever has the identity now: is it he? */
static void on_identity_set(void *arg, const struct redis_reply *r, const struct err *err) {
    struct identify *op = arg;
    struct identity also = {op->kind, op->address, NULL, true};
    (void)r;
    if (err)
        identify_end(op, err);
    else
        store_find(op->store, &also, on_holder, op);
}

/* By what he gave up nothing is proven; but that very identity may be his again. */
static bool is_late(const struct identify *op, const json_t *client) {
    bool same = strcmp(op->kind, op->by_kind) == 0 && strcmp(op->address, op->by_address) == 0;
    return !same && store_identity_is_former(client, op->by_kind, op->by_address);
}

static void on_identify_client(void *arg, json_t *result, const struct err *err) {
    struct identify *op = arg;
    struct args a;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    struct identity also = {op->kind, op->address, NULL, true};
    const json_t *client = json_object_get(result, "client");
    if (err) {
        identify_end(op, err);
        return;
    }
    if (op->retire) {
        const json_t *id = store_identity_of(client, op->kind, op->address);
        const char *name = json_string_value(json_object_get(id, "name"));
        free(op->name);
        op->name = mem_strdup(name ? name : "");
        if (id && store_identity_mark(id) != '2')
            note_identity(op, '2');
        else
            identify_end(op, NULL);
        return;
    }
    if (is_late(op, client) || (!op->proven && store_identity_of(client, op->kind, op->address))) {
        identify_end(op, NULL);
        return;
    }
    const char *phone = json_string_value(json_object_get(client, "phone"));
    op->takes_phone = !phone || !*phone || store_identity_is_former(client, "phone", phone);
    args_init(&a);
    args_add(&a, "SETNX");
    args_span(&a, store_identity_key(op->store, &also, key, &shard));
    args_add(&a, op->client);
    store_command(op->store, &a, on_identity_set, op);
}

static void on_identify_who(void *arg, const struct store_lookup *r, const struct err *err) {
    struct identify *op = arg;
    struct err missing;
    if (!err && !r->client[0]) {
        err_set(&missing, ERR_NOT_FOUND, "nobody has this identity");
        err = &missing;
    }
    if (err) {
        identify_end(op, err);
        return;
    }
    memcpy(op->client, r->client, ID_SIZE);
    store_client(op->store, op->client, on_identify_client, op);
}

static void begin(struct store *s, const struct identity *who, const struct identity *other,
    bool retire, store_done_fn fn, void *arg) {
    struct identify *op = mem_zalloc(sizeof *op);
    *op = (struct identify){.store = s,
        .fn = fn,
        .arg = arg,
        .by_kind = mem_strdup(who->kind),
        .by_address = mem_strdup(who->address),
        .kind = mem_strdup(other->kind),
        .address = mem_strdup(other->address),
        .name = mem_strdup(other->name ? other->name : ""),
        .retire = retire,
        .proven = other->verified};
    store_find(s, who, on_identify_who, op);
}

void store_identify(struct store *s, const struct identity *who, const struct identity *also,
    store_done_fn fn, void *arg) {
    begin(s, who, also, false, fn, arg);
}

void store_retire(struct store *s, const struct identity *who, const struct identity *was,
    store_done_fn fn, void *arg) {
    begin(s, who, was, true, fn, arg);
}
