/* oidc_metadata_fuzz.c - any bytes as a provider's discovery document, or as its keys: addresses
 * that may be asked, or an error. The first byte chooses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/oidc/oidc_keys.h"
#include "core/oidc/oidc_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISSUER "https://i.example"

static void check(bool good) {
    if (!good)
        abort();
}

static void check_url(const char *url, bool plain) {
    check(strlen(url) <= OIDC_URL_MAX &&
          (strncmp(url, "https://", 8) == 0 || (plain && strncmp(url, "http://", 7) == 0)));
    for (; *url; url++)
        check(*url > ' ' && *url <= '~' && *url != '#');
}

static void read_metadata(struct span body, bool plain) {
    struct oidc_metadata m;
    struct err err = {0};
    int rc = oidc_metadata_read(body, ISSUER, plain, &m, &err);
    check((rc == 0) == (err.code == ERR_NONE) && (rc == 0) == (m.token_url != NULL));
    check(utf8_is_valid(err.text, strlen(err.text)));
    if (rc < 0)
        return;
    check_url(m.authorization_url, plain);
    check_url(m.token_url, plain);
    check_url(m.keys_url, plain);
    if (m.userinfo_url)
        check_url(m.userinfo_url, plain);
    if (m.end_url)
        check_url(m.end_url, plain);
    oidc_metadata_free(&m);
}

static void read_keys(struct span body) {
    struct oidc_keys keys;
    struct err err = {0};
    int rc = oidc_keys_read(body, &keys, &err);
    check((rc == 0) == (keys.n > 0) && keys.n <= OIDC_KEYS_MAX);
    for (size_t i = 0; i < keys.n; i++) {
        check(
            oidc_keys_find(&keys, pubkey_kind(keys.of[i].key), keys.of[i].kid) || !*keys.of[i].kid);
        check(!pubkey_verify(keys.of[i].key, body, body)); /* nobody has signed it */
    }
    oidc_keys_free(&keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size)
        return 0;
    struct span body = {(const char *)data + 1, size - 1};
    if (data[0] & 1)
        read_keys(body);
    else
        read_metadata(body, data[0] & 2);
    return 0;
}
