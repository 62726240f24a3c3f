/* oidc_finish.c - from a code to a person: the token endpoint, the ID token, and where that does
 * not say all, the userinfo endpoint. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"
#include "core/oidc/oidc_private.h"
#include "core/oidc/oidc_token.h"

#define FORM_MAX (32u << 10)

struct oidc_finishing {
    struct oidc_finishing *next, **self;
    struct oidc *o;
    struct oidc_round round;
    char *code, *issuer;
    oidc_person_fn fn;
    void *arg;
    struct http_call *call;
    struct oidc_answer answer;
    json_t *claims;
    bool keys_renewed;
};

static void wipe(char *s) {
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

static void end(struct oidc_finishing *f, const struct oidc_person *who, const struct err *err) {
    *f->self = f->next;
    if (f->next)
        f->next->self = f->self;
    f->fn(f->arg, who, err);
    oidc_answer_free(&f->answer);
    json_decref(f->claims);
    wipe(f->code);
    free(f->issuer);
    explicit_bzero(f, sizeof *f);
    free(f);
}

static void fail(struct oidc_finishing *f, enum err_code code, const char *why) {
    struct err err;
    err_set(&err, code, "%s", why);
    end(f, NULL, &err);
}

/* No answer came. */
static void fail_to_ask(struct oidc_finishing *f, const char *whom, const struct err *err) {
    struct err why;
    err_set(
        &why, err->code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s: %s", whom, err->text);
    end(f, NULL, &why);
}

/* --- who it is ------------------------------------------------------------------------------- */

static void decide(struct oidc_finishing *f) {
    struct oidc_person who;
    struct err err;
    if (oidc_person_read(&f->o->rules, f->o->issuer, f->claims, &who, &err) < 0)
        end(f, NULL, &err);
    else
        end(f, &who, NULL);
}

static void on_userinfo(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct oidc_finishing *f = arg;
    struct err why;
    bool has_come = !err && answer->status == 200;
    (void)sent;
    f->call = NULL;
    if (!has_come && !oidc_person_lacks(&f->o->rules, f->claims)) {
        decide(f); /* only what he is called is not known */
    } else if (err) {
        fail_to_ask(f, "the userinfo endpoint", err);
    } else if (answer->status != 200) {
        err_set(&why, answer->status >= 500 ? ERR_UNAVAILABLE : ERR_PROTOCOL,
            "the userinfo endpoint answers %d", answer->status);
        end(f, NULL, &why);
    } else if (oidc_userinfo_add(answer->body, f->claims, &why) < 0) {
        end(f, NULL, &why);
    } else {
        decide(f);
    }
}

static void ask_userinfo(struct oidc_finishing *f) {
    struct oidc *o = f->o;
    char *bearer = mem_printf("Authorization: Bearer %s", f->answer.access_token);
    const char *const headers[] = {bearer, "Accept: application/json", NULL};
    f->call = http_call_start(o->http,
        &(struct http_request){.method = "GET",
            .url = o->metadata.userinfo_url,
            .headers = headers,
            .timeout_ms = o->timeout_ms,
            .answer_max = OIDC_ANSWER_MAX,
            .allow_private = o->allow_private,
            .allow_plain = o->allow_private},
        on_userinfo, f);
    wipe(bearer);
}

/* --- the ID token ---------------------------------------------------------------------------- */

static void on_keys(void *arg, const struct err *err) {
    struct oidc_finishing *f = arg;
    struct oidc *o = f->o;
    struct oidc_token token;
    struct err why;
    if (err) {
        end(f, NULL, err);
        return;
    }
    if (oidc_token_read(f->answer.id_token, &token, &why) < 0) {
        end(f, NULL, &why);
        return;
    }
    const struct pubkey *key = oidc_keys_find(&o->keys, token.kind, token.kid);
    struct oidc_expected e = {.issuer = o->issuer,
        .client_id = o->client_id,
        .nonce = f->round.nonce,
        .access_token = f->answer.access_token,
        .now_s = clock_ms() / 1000};
    err_set(&why, ERR_PROTOCOL, "the ID token is refused: the provider has no such key (kid)");
    f->claims = key ? oidc_token_claims(&token, key, &e, &why) : NULL;
    if (!f->claims && !f->keys_renewed && oidc_keys_are_old(o)) {
        f->keys_renewed = true; /* a new key may have an old one's name, or none has a name */
        oidc_need(&o->keys_paper, on_keys, f);
        return;
    }
    if (!f->claims)
        end(f, NULL, &why);
    else if (o->metadata.userinfo_url &&
             (oidc_person_lacks(&o->rules, f->claims) || !*json_text(f->claims, "name")))
        ask_userinfo(f);
    else
        decide(f);
}

/* --- the token endpoint ---------------------------------------------------------------------- */

static void on_token(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct oidc_finishing *f = arg;
    struct err why;
    (void)sent;
    f->call = NULL;
    if (err)
        fail_to_ask(f, "the token endpoint", err);
    else if (oidc_answer_read(answer->status, answer->body, &f->answer, &why) < 0)
        end(f, NULL, &why);
    else
        oidc_need(&f->o->keys_paper, on_keys, f);
}

static void add_field(struct buf *form, const char *name, const char *value) {
    char *coded = crm_escape(value);
    buf_addf(form, "%s%s=%s", form->n ? "&" : "", name, coded);
    wipe(coded);
}

/* "Authorization: Basic ...", both halves escaped as in a form (RFC 6749 2.3.1). */
static char *basic_header(const struct oidc *o) {
    char *id = crm_escape(o->client_id), *secret = crm_escape(o->client_secret);
    char *both = mem_printf("%s:%s", id, secret);
    size_t size = sodium_base64_encoded_len(strlen(both), sodium_base64_VARIANT_ORIGINAL);
    char *coded = mem_alloc(size);
    sodium_bin2base64(
        coded, size, (const unsigned char *)both, strlen(both), sodium_base64_VARIANT_ORIGINAL);
    char *header = mem_printf("Authorization: Basic %s", coded);
    free(id);
    wipe(secret);
    wipe(both);
    wipe(coded);
    return header;
}

static void ask_token(struct oidc_finishing *f) {
    struct oidc *o = f->o;
    bool by_header = *o->client_secret && !o->metadata.secret_in_body;
    char *basic = by_header ? basic_header(o) : NULL;
    const char *const headers[] = {
        "Content-Type: application/x-www-form-urlencoded", "Accept: application/json", basic, NULL};
    struct buf form;
    buf_init(&form, FORM_MAX);
    add_field(&form, "grant_type", "authorization_code");
    add_field(&form, "code", f->code);
    add_field(&form, "redirect_uri", o->redirect_url);
    add_field(&form, "code_verifier", f->round.verifier);
    if (!by_header)
        add_field(&form, "client_id", o->client_id);
    if (!by_header && *o->client_secret)
        add_field(&form, "client_secret", o->client_secret);
    f->call = http_call_start(o->http,
        &(struct http_request){.method = "POST",
            .url = o->metadata.token_url,
            .headers = headers,
            .body = buf_span(&form),
            .timeout_ms = o->timeout_ms,
            .answer_max = OIDC_ANSWER_MAX,
            .allow_private = o->allow_private,
            .allow_plain = o->allow_private},
        on_token, f);
    wipe(basic);
    if (form.p)
        explicit_bzero(form.p, form.n);
    buf_free(&form);
}

static void on_metadata(void *arg, const struct err *err) {
    struct oidc_finishing *f = arg;
    const struct oidc *o = f->o;
    if (err)
        end(f, NULL, err);
    else if (f->issuer ? strcmp(f->issuer, o->issuer) != 0 : o->metadata.tells_issuer)
        fail(f, ERR_PROTOCOL, "the answer is not of this provider (iss)");
    else
        ask_token(f);
}

void oidc_finish(struct oidc *o, const struct oidc_round *round, const char *code,
    const char *issuer, oidc_person_fn fn, void *arg) {
    struct oidc_finishing *f = mem_zalloc(sizeof *f);
    f->o = o;
    f->round = *round;
    f->code = mem_strdup(code);
    f->issuer = issuer ? mem_strdup(issuer) : NULL;
    f->fn = fn;
    f->arg = arg;
    f->self = &o->finishing;
    f->next = o->finishing;
    if (f->next)
        f->next->self = &f->next;
    o->finishing = f;
    oidc_need(&o->metadata_paper, on_metadata, f);
}

void oidc_finishing_cancel(struct oidc *o) {
    while (o->finishing)
        http_call_cancel(o->finishing->call);
}
