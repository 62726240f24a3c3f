/* jwt_fuzz.c - any text as a JWT, a visitor's token and a file's ticket: nothing that was not
 * signed passes. The first byte may ask for a good signature, so that the claims are reached too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "connectors/sitechat/sitechat_identity.h"
#include "media/media_link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "secret"
#define NOW 1800000000

static const char *const secrets[] = {SECRET, "", NULL};

static void signed_claims(const char *claims) {
    static const char header[] = "{\"alg\":\"HS256\"}";
    struct proven_user u;
    struct err err;
    unsigned char mac[32];
    char *h = crypto_base64url(header, sizeof header - 1);
    char *c = crypto_base64url(claims, strlen(claims));
    char *head = mem_printf("%s.%s", h, c);
    crypto_hmac_sha256(span_str(SECRET), span_str(head), mac);
    char *m = crypto_base64url(mac, sizeof mac);
    char *jwt = mem_printf("%s.%s", head, m);
    if (identity_jwt_check(secrets, jwt, NOW, &u, &err) == 0 && !u.id[0])
        abort();
    free(h);
    free(c);
    free(head);
    free(m);
    free(jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct proven_user u;
    struct visitor_token t;
    struct err err;
    if (size == 0)
        return 0;
    char *text = mem_strndup((const char *)data + 1, size - 1);
    if (data[0] & 1) {
        signed_claims(text);
    } else {
        if (identity_jwt_check(secrets, text, NOW, &u, &err) == 0 ||
            visitor_token_read(SECRET, text, "site", NOW, &t, &err) == 0 ||
            identity_hash_check(secrets, "ann", text, &err) == 0 ||
            media_ticket_ok(SECRET, MEDIA_LINK, "01JDFX3T5KABCDEFGHJKMNPQRS", text, NOW, 1 << 30))
            abort();
    }
    free(text);
    return 0;
}
