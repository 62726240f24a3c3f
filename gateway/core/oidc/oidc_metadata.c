/* oidc_metadata.c - reads a provider's discovery document. */
#include "core/oidc/oidc_metadata.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_strict.h"
#include "base/mem.h"

#define DEPTH_MAX 16

bool oidc_url_is_good(const char *url, bool plain) {
    size_t scheme = strncmp(url, "https://", 8) == 0           ? 8
                    : plain && strncmp(url, "http://", 7) == 0 ? 7
                                                               : 0;
    if (!scheme || strlen(url) > OIDC_URL_MAX || !url[scheme] || strchr("/?:@", url[scheme]))
        return false;
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '"' || *p == '\\')
            return false;
    return !memchr(url + scheme, '@', strcspn(url + scheme, "/?"));
}

/* Does the list say it? preset: what holds when there is no list. */
static bool lists(const json_t *o, const char *key, const char *word, bool preset) {
    const json_t *list = json_object_get(o, key), *one;
    size_t i;
    if (!json_is_array(list))
        return preset;
    json_array_foreach((json_t *)list, i, one) {
        const char *s = json_string_value(one);
        if (s && strcmp(s, word) == 0)
            return true;
    }
    return false;
}

static int take_url(const json_t *o, const char *key, bool plain, char **out, struct err *err) {
    const char *url = json_string_value(json_object_get(o, key));
    if (!url || !oidc_url_is_good(url, plain))
        return err_set(err, ERR_PROTOCOL, "the discovery document has no good %s%s", key,
            url && !plain ? " (only https:// is asked)" : "");
    *out = mem_strdup(url);
    return 0;
}

static int check_issuer(const json_t *o, const char *issuer, struct err *err) {
    const char *named = json_string_value(json_object_get(o, "issuer"));
    if (!named)
        return err_set(err, ERR_PROTOCOL, "the discovery document names no issuer");
    if (strcmp(named, issuer) != 0)
        return err_set(err, ERR_PROTOCOL,
            "the discovery document is of the issuer \"%.100s\"; issuer must be the very same, to "
            "the last slash",
            named);
    return 0;
}

static int check_ways(const json_t *o, struct oidc_metadata *m, struct err *err) {
    const char *algs = "id_token_signing_alg_values_supported";
    const char *auth = "token_endpoint_auth_methods_supported";
    if (!lists(o, "response_types_supported", "code", true))
        return err_set(err, ERR_PROTOCOL, "the provider does not give codes (response_type code)");
    if (!lists(o, algs, "RS256", true) && !lists(o, algs, "ES256", false))
        return err_set(err, ERR_PROTOCOL, "the provider signs neither by RS256 nor by ES256");
    m->secret_in_body = !lists(o, auth, "client_secret_basic", true);
    if (m->secret_in_body && !lists(o, auth, "client_secret_post", false) &&
        !lists(o, auth, "none", false))
        return err_set(err, ERR_PROTOCOL,
            "the provider takes a client_secret neither by client_secret_basic nor by "
            "client_secret_post");
    m->tells_issuer =
        json_is_true(json_object_get(o, "authorization_response_iss_parameter_supported"));
    return 0;
}

int oidc_metadata_read(
    struct span body, const char *issuer, bool plain, struct oidc_metadata *out, struct err *err) {
    struct err why;
    *out = (struct oidc_metadata){0};
    json_t *o = json_strict_parse(body, DEPTH_MAX, &why);
    if (!o)
        return err_set(err, ERR_PROTOCOL, "the discovery document: %s", why.text);
    int rc = check_issuer(o, issuer, err);
    if (rc == 0)
        rc = take_url(o, "authorization_endpoint", plain, &out->authorization_url, err);
    if (rc == 0)
        rc = take_url(o, "token_endpoint", plain, &out->token_url, err);
    if (rc == 0)
        rc = take_url(o, "jwks_uri", plain, &out->keys_url, err);
    if (rc == 0 && json_object_get(o, "userinfo_endpoint"))
        rc = take_url(o, "userinfo_endpoint", plain, &out->userinfo_url, err);
    if (rc == 0)
        rc = check_ways(o, out, err);
    if (rc == 0 && take_url(o, "end_session_endpoint", plain, &out->end_url, &why) < 0)
        out->end_url = NULL; /* nobody needs it to sign in */
    json_decref(o);
    if (rc < 0)
        oidc_metadata_free(out);
    return rc;
}

void oidc_metadata_free(struct oidc_metadata *m) {
    free(m->authorization_url);
    free(m->token_url);
    free(m->keys_url);
    free(m->userinfo_url);
    free(m->end_url);
    *m = (struct oidc_metadata){0};
}
