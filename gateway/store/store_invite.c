/* store_invite.c - invitations of one use by which a client comes in through another channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "store/store_private.h"

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
