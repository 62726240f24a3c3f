/* sitechat_identity.h - who a visitor is: the token that his browser keeps, and the site's own
 * proof of a signed-in user (HMAC hex or JWT HS256). Pure, but for the clock that is given. */
#ifndef SB_SITECHAT_IDENTITY_H
#define SB_SITECHAT_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

#define VISITOR_ID_SIZE 23 /* 22 characters of base64url (132 random bits) and the NUL */
#define USER_ID_MAX 128    /* bytes of a site's own user id */
#define TOKEN_TEXT_MAX 1024
#define TOKEN_KEY_VERSION 1

/* What the token of a browser says. It is signed by us; the site never sees what is inside. */
struct visitor_token {
    char site[65];
    char visitor[VISITOR_ID_SIZE];
    char user[USER_ID_MAX + 1]; /* whose proof was given when it was issued; "" an anonymous one */
    int64_t issued_s;
};

/* A new visitor's id. out holds VISITOR_ID_SIZE bytes. */
void visitor_id_make(char *out);

/* The token as text, which the caller frees. */
char *visitor_token_make(const char *secret, const struct visitor_token *t);

/* Checks signature, key version, site and age (a year from the last issue). 0, or -1 with
 * ERR_AUTH. */
int visitor_token_read(const char *secret, const char *text, const char *site, int64_t now_s,
    struct visitor_token *out, struct err *err);

/* What a site's proof says of its user; "" unknown. */
struct proven_user {
    char id[USER_ID_MAX + 1];
    char name[257], email[255], phone[33];
};

/* hash must be hex(HMAC-SHA256(secret, user_id)) of one of the secrets (NULL-ended; empty ones are
 * skipped). 0, or -1 with ERR_AUTH. */
int identity_hash_check(
    const char *const *secrets, const char *user_id, const char *hash, struct err *err);

/* A JWT: HS256 only, signed by one of the secrets, not over (exp is required; 5 minutes of skew),
 * with user_id, id or sub; name, email, phone are taken over. 0, or -1 with ERR_AUTH. */
int identity_jwt_check(const char *const *secrets, const char *jwt, int64_t now_s,
    struct proven_user *out, struct err *err);

#endif
