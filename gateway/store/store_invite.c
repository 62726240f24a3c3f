/* store_invite.c - proven identities: one more for a client, and invitations of one use by which a
 * client comes in through another channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "store/store_private.h"

/* --- one more identity ----------------------------------------------------------------------- */

struct identify {
    struct store *store;
    store_done_fn fn;
    void *arg;
    char *kind, *address, *name;
    char client[ID_SIZE];
    bool has_phone;
};

static void identify_end(struct identify *op, const struct err *err) {
    op->fn(op->arg, err);
    free(op->kind);
    free(op->address);
    free(op->name);
    free(op);
}

static void on_identity_noted(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)r;
    identify_end(arg, err);
}

static void note_identity(struct identify *op) {
    struct args a;
    char *field = mem_printf("i:%s:%s", op->kind, op->address);
    char *value = mem_printf("1%s", op->name);
    client_change_begin(op->store, &a, op->client);
    args_add(&a, field);
    args_add(&a, value);
    if (strcmp(op->kind, "phone") == 0 && !op->has_phone) {
        args_add(&a, "phone");
        args_add(&a, op->address);
    }
    store_eval(op->store, SCRIPT_CLIENT, id_shard(op->client), &a, on_identity_noted, op);
    free(field);
    free(value);
}

static void on_holder(void *arg, const struct store_lookup *r, const struct err *err) {
    struct identify *op = arg;
    struct err taken;
    if (err) {
        identify_end(op, err);
    } else if (strcmp(r->client, op->client) != 0) {
        err_set(&taken, ERR_CONFLICT, "client %s has this %s already", r->client, op->kind);
        identify_end(op, &taken);
    } else {
        note_identity(op);
    }
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

static void on_identify_client(void *arg, json_t *result, const struct err *err) {
    struct identify *op = arg;
    struct args a;
    char key[STORE_KEY_SIZE];
    unsigned shard;
    struct identity also = {op->kind, op->address, NULL, true};
    if (err) {
        identify_end(op, err);
        return;
    }
    const json_t *client = json_object_get(result, "client");
    op->has_phone = json_string_length(json_object_get(client, "phone")) > 0;
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

void store_identify(struct store *s, const struct identity *who, const struct identity *also,
    store_done_fn fn, void *arg) {
    struct identify *op = mem_zalloc(sizeof *op);
    *op = (struct identify){.store = s,
        .fn = fn,
        .arg = arg,
        .kind = mem_strdup(also->kind),
        .address = mem_strdup(also->address),
        .name = mem_strdup(also->name ? also->name : "")};
    store_find(s, who, on_identify_who, op);
}

/* --- invitations ----------------------------------------------------------------------------- */

/* Kept by the token's hash: who reads Redis cannot use what is there. */
static struct span invite_key(const char *token, char *out) {
    char hex[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(token), hex);
    int n = snprintf(out, STORE_KEY_SIZE, "sb:invite:%s", hex);
    return span_of(out, (size_t)n);
}

struct invite {
    struct store *store;
    store_lookup_fn looked;
    store_done_fn done;
    void *arg;
    char *token, *by_kind, *by_address, *by_name;
};

static void invite_free(struct invite *op) {
    free(op->token);
    free(op->by_kind);
    free(op->by_address);
    free(op->by_name);
    free(op);
}

static void on_invited(void *arg, const struct redis_reply *r, const struct err *err) {
    struct invite *op = arg;
    (void)r;
    op->done(op->arg, err);
    invite_free(op);
}

void store_invite(struct store *s, const char *token, const struct identity *who, unsigned ttl_s,
    store_done_fn fn, void *arg) {
    struct invite *op = mem_zalloc(sizeof *op);
    struct args a;
    char key[STORE_KEY_SIZE];
    char *value = mem_printf("%s\n%s", who->kind, who->address);
    *op = (struct invite){.store = s, .done = fn, .arg = arg};
    args_init(&a);
    args_add(&a, "SET");
    args_span(&a, invite_key(token, key));
    args_add(&a, value);
    args_add(&a, "EX");
    args_int(&a, ttl_s);
    store_command(s, &a, on_invited, op);
    free(value);
}

static void on_ignored(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)arg;
    (void)r;
    (void)err; /* it ends by itself */
}

/* Only when the two are one is the token used up: a crash in between costs nothing. */
static void on_redeemed(void *arg, const struct store_lookup *r, const struct err *err) {
    struct invite *op = arg;
    if (!err) {
        struct args a;
        char key[STORE_KEY_SIZE];
        args_init(&a);
        args_add(&a, "DEL");
        args_span(&a, invite_key(op->token, key));
        store_command(op->store, &a, on_ignored, NULL);
    }
    op->looked(op->arg, r, err);
    invite_free(op);
}

static void on_invitation(void *arg, const struct redis_reply *r, const struct err *err) {
    struct invite *op = arg;
    struct err missing;
    const char *value = r ? redis_reply_str(r) : "";
    const char *nl = strchr(value, '\n');
    if (!err && !nl) {
        err_set(&missing, ERR_NOT_FOUND, "there is no such invitation (any more)");
        err = &missing;
    }
    if (err) {
        op->looked(op->arg, NULL, err);
        invite_free(op);
        return;
    }
    char *kind = mem_strndup(value, (size_t)(nl - value));
    struct identity from = {kind, nl + 1, NULL, false};
    struct identity by = {op->by_kind, op->by_address, op->by_name, true};
    store_link(op->store, &from, &by, false, on_redeemed, op);
    free(kind);
}

void store_redeem(
    struct store *s, const char *token, const struct identity *by, store_lookup_fn fn, void *arg) {
    struct invite *op = mem_zalloc(sizeof *op);
    struct args a;
    char key[STORE_KEY_SIZE];
    *op = (struct invite){.store = s,
        .looked = fn,
        .arg = arg,
        .token = mem_strdup(token),
        .by_kind = mem_strdup(by->kind),
        .by_address = mem_strdup(by->address),
        .by_name = mem_strdup(by->name ? by->name : "")};
    args_init(&a);
    args_add(&a, "GET");
    args_span(&a, invite_key(token, key));
    store_command(s, &a, on_invitation, op);
}
