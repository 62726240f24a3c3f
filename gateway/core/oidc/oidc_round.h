/* oidc_round.h - one sign-in by a provider, from the browser's leaving to its coming back: what
 * must be the same then. It is sealed and kept by the browser alone, in a cookie of ten minutes:
 * begun by strangers, it costs us no memory; another browser cannot end it. */
#ifndef SB_CORE_OIDC_ROUND_H
#define SB_CORE_OIDC_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/vault.h"

#define OIDC_ROUND_MS (10 * 60 * 1000)
#define OIDC_NEXT_SIZE 300

struct oidc_round {
    char state[CRYPTO_TOKEN_SIZE], nonce[CRYPTO_TOKEN_SIZE];
    char verifier[CRYPTO_TOKEN_SIZE]; /* RFC 7636 4.1 */
    char next[OIDC_NEXT_SIZE];        /* where he wants to go then; of ours */
    int64_t until_ms;
};

/* next: what the browser says; where it leads elsewhere, the inbox is taken instead. */
void oidc_round_make(struct oidc_round *r, const char *next);
/* The caller frees. provider: its name; only what was sealed for the same one opens. */
char *oidc_round_seal(const struct vault *v, const char *provider, const struct oidc_round *r);
/* 0, or -1: none of ours, or over. */
int oidc_round_open(
    const struct vault *v, const char *provider, const char *sealed, struct oidc_round *out);

/* code_challenge by S256 (RFC 7636 4.2). */
void oidc_round_challenge(const struct oidc_round *r, char out[CRYPTO_TOKEN_SIZE]);

/* "/" or "/admin", and perhaps what the page reads after #: nothing that leads elsewhere. */
bool oidc_next_is_ours(const char *next);

#endif
