/* oidc_round.c - makes a sign-in's secrets, seals them, opens them again. */
#include "core/oidc/oidc_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

#define SECRET (CRYPTO_TOKEN_SIZE - 1)
#define ABOUT "sign-in by %s"

bool oidc_next_is_ours(const char *next) {
    if (strlen(next) >= OIDC_NEXT_SIZE || *next != '/')
        return false;
    next += strncmp(next, "/admin", 6) == 0 ? 6 : 1;
    if (*next && *next != '#')
        return false;
    for (; *next; next++)
        if (*next <= ' ' || *next >= 0x7f || strchr("\"<>\\^`{|}", *next))
            return false;
    return true;
}

void oidc_round_make(struct oidc_round *r, const char *next) {
    *r = (struct oidc_round){.until_ms = clock_ms() + OIDC_ROUND_MS};
    crypto_token(r->state);
    crypto_token(r->nonce);
    crypto_token(r->verifier);
    snprintf(r->next, sizeof r->next, "%s", next && oidc_next_is_ours(next) ? next : "/");
}

char *oidc_round_seal(const struct vault *v, const char *provider, const struct oidc_round *r) {
    char *about = mem_printf(ABOUT, provider);
    char *text = mem_printf(
        "%s%s%s%lld %s", r->state, r->nonce, r->verifier, (long long)r->until_ms, r->next);
    char *sealed = vault_seal(v, about, text);
    explicit_bzero(text, strlen(text));
    free(text);
    free(about);
    return sealed;
}

static int take(const char *text, struct oidc_round *out) {
    char *end;
    if (strlen(text) < 3 * SECRET)
        return -1;
    memcpy(out->state, text, SECRET);
    memcpy(out->nonce, text + SECRET, SECRET);
    memcpy(out->verifier, text + 2 * (size_t)SECRET, SECRET);
    out->until_ms = strtoll(text + 3 * (size_t)SECRET, &end, 10);
    if (*end != ' ' || !oidc_next_is_ours(end + 1) || clock_ms() > out->until_ms)
        return -1;
    snprintf(out->next, sizeof out->next, "%s", end + 1);
    return 0;
}

int oidc_round_open(
    const struct vault *v, const char *provider, const char *sealed, struct oidc_round *out) {
    char *about = mem_printf(ABOUT, provider);
    char *text = vault_unseal(v, about, sealed);
    *out = (struct oidc_round){0};
    int rc = text ? take(text, out) : -1;
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    free(about);
    return rc;
}

void oidc_round_challenge(const struct oidc_round *r, char out[CRYPTO_TOKEN_SIZE]) {
    unsigned char sha[32];
    crypto_sha256(span_str(r->verifier), sha);
    char *text = crypto_base64url(sha, sizeof sha);
    snprintf(out, CRYPTO_TOKEN_SIZE, "%s", text);
    free(text);
}
