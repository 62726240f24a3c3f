/* oidc_metadata.h - what a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414). Pure.
 */
#ifndef SB_CORE_OIDC_METADATA_H
#define SB_CORE_OIDC_METADATA_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

#define OIDC_URL_MAX 2000u

struct oidc_metadata {
    char *authorization_url, *token_url, *keys_url;
    char *userinfo_url;  /* NULL: it has none */
    char *end_url;       /* where people sign out; NULL: it names no good address */
    bool secret_in_body; /* client_secret_post, where it does not take client_secret_basic */
    bool tells_issuer;   /* its answers say who it is (RFC 9207) */
};

/* issuer: as it is configured; the document must name the very same. plain: http:// is taken, too.
 * 0, or -1 with err (ERR_PROTOCOL) and nothing to free. */
int oidc_metadata_read(
    struct span body, const char *issuer, bool plain, struct oidc_metadata *out, struct err *err);
void oidc_metadata_free(struct oidc_metadata *m);

/* Is it an address that we may ask: https:// (plain: or http://), a host, no fragment, nothing but
 * visible ASCII? */
bool oidc_url_is_good(const char *url, bool plain);

#endif
