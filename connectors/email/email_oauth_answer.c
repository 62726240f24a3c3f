/* email_oauth_answer.c - tokens, or why there are none. */
#include "base/json_text.h"
#include "connectors/email/email_oauth_answer.h"

#include <stdlib.h>

#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"

#define TOKEN_MAX 16384u
#define EXPIRES_MAX_S 86400
#define EXPIRES_DEFAULT_S 3600
#define WORDS_MAX 120u

/* What may stand in a login: visible ASCII (RFC 6749 A.12). */
static bool is_token(const char *s) {
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~')
            return false;
    return n > 0 && n <= TOKEN_MAX;
}

/* A number; some servers say it as text. */
static int64_t expires(const json_t *value) {
    double n =
        json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
    if (!(n >= 1))
        return EXPIRES_DEFAULT_S;
    return n < EXPIRES_MAX_S ? (int64_t)n : EXPIRES_MAX_S;
}

static int read_error(int status, const json_t *o, struct err *err) {
    const char *error = json_text(o, "error");
    char *words = utf8_clean_name(json_text(o, "error_description"), WORDS_MAX);
    char *name = utf8_clean_name(error, 40);
    if (strcmp(error, "invalid_grant") == 0)
        err_set(err, ERR_DENIED,
            "the mail account's permission has ended or was taken back; connect the account again "
            "and set the new refresh_token (%s)",
            words);
    else if (strcmp(error, "invalid_client") == 0 || strcmp(error, "unauthorized_client") == 0 ||
             strcmp(error, "invalid_scope") == 0 || strcmp(error, "access_denied") == 0 ||
             status == 401 || status == 403)
        err_set(err, ERR_DENIED,
            "the token server refuses client_id, client_secret or scope: %s (%s)", name, words);
    else if (status >= 500 || status == 429 || status == 408 ||
             strcmp(error, "temporarily_unavailable") == 0 || strcmp(error, "server_error") == 0)
        err_set(
            err, ERR_UNAVAILABLE, "the token server cannot serve now: HTTP %d %s", status, name);
    else
        err_set(err, ERR_PROTOCOL, "the token server's answer makes no sense: HTTP %d %s (%s)",
            status, name, words);
    free(words);
    free(name);
    return -1;
}

int email_oauth_answer_read(
    int status, struct span body, struct email_oauth_answer *out, struct err *err) {
    struct err ignored;
    json_t *o = json_strict_parse(body, 8, &ignored);
    const char *access = json_text(o, "access_token"), *refresh = json_text(o, "refresh_token");
    const char *type = json_text(o, "token_type");
    int rc = 0;
    *out = (struct email_oauth_answer){0};
    if (status != 200)
        rc = read_error(status, o, err);
    else if (!is_token(access) || (type[0] && strcasecmp(type, "bearer") != 0))
        rc = err_set(err, ERR_PROTOCOL, "the token server's answer has no access token");
    else
        *out = (struct email_oauth_answer){.access_token = mem_strdup(access),
            .refresh_token = is_token(refresh) ? mem_strdup(refresh) : NULL,
            .expires_s = expires(json_object_get(o, "expires_in"))};
    json_decref(o);
    return rc;
}
