/* core_oidc_test.c - what a provider says, piece by piece: its metadata, its keys, its tokens, whom
 * it names; and the round that a browser keeps. What a whole sign-in refuses is in
 * tests/scenario/test_oidc.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "core/oidc/oidc_keys.h"
#include "core/oidc/oidc_metadata.h"
#include "core/oidc/oidc_person.h"
#include "core/oidc/oidc_round.h"
#include "core/oidc/oidc_token.h"

#define ISSUER "https://login.example/realm"
#define ENDPOINTS                                                                                  \
    "\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"https://login.example/a\","            \
    "\"token_endpoint\":\"https://login.example/t\""
#define KEYS_URL ",\"jwks_uri\":\"https://login.example/k\""

static int metadata(const char *inside, struct oidc_metadata *m, struct err *err) {
    char *text = mem_printf("{" ENDPOINTS "%s}", inside);
    int rc = oidc_metadata_read(span_str(text), ISSUER, false, m, err);
    free(text);
    return rc;
}

static void metadata_has_what_is_needed(void **state) {
    struct oidc_metadata m;
    struct err err;
    (void)state;
    assert_int_equal(metadata(KEYS_URL, &m, &err), 0);
    assert_string_equal(m.token_url, "https://login.example/t");
    assert_null(m.userinfo_url);
    assert_false(m.secret_in_body || m.tells_issuer);
    oidc_metadata_free(&m);
    assert_int_equal(
        metadata(KEYS_URL ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
                          "\"authorization_response_iss_parameter_supported\":true,"
                          "\"userinfo_endpoint\":\"https://login.example/u\"",
            &m, &err),
        0);
    assert_true(m.secret_in_body && m.tells_issuer && m.userinfo_url);
    oidc_metadata_free(&m);
}

static void metadata_without_it_is_refused(void **state) {
    static const char *const wrong[] = {"", ",\"jwks_uri\":\"http://login.example/k\"",
        ",\"jwks_uri\":\"https://\"", ",\"jwks_uri\":\"https://a@b/\"",
        ",\"jwks_uri\":\"https://a/#b\"", ",\"jwks_uri\":\"https://a/ b\"",
        ",\"jwks_uri\":\"file:///etc/passwd\"", ",\"jwks_uri\":5",
        KEYS_URL ",\"userinfo_endpoint\":\"gopher://x\"",
        KEYS_URL ",\"response_types_supported\":[\"token\"]",
        KEYS_URL ",\"id_token_signing_alg_values_supported\":[\"HS256\",\"none\"]",
        KEYS_URL ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]",
        KEYS_URL ",\"issuer\":\"https://login.example/realm/\""};
    struct oidc_metadata m;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(metadata(wrong[i], &m, &err), -1);
        assert_int_equal(err.code, ERR_PROTOCOL);
        assert_null(m.token_url);
    }
    assert_int_equal(
        oidc_metadata_read(span_str("{" ENDPOINTS KEYS_URL "}"), ISSUER "/", false, &m, &err), -1);
    assert_non_null(strstr(err.text, ISSUER));
}

/* --- keys and tokens ------------------------------------------------------------------------- */

/* Made by the fake provider (tests/fakes/oidc): keys "rs" and "es", and the same claims signed by
 * each. */
static const char keys_text[] =
    "{\"keys\": [{\"kty\": \"oct\", \"k\": \"AAAA\", \"kid\": \"rs\"}, {\"kty\": \"RSA\", "
    "\"kid\": \"rs\", \"use\": \"sig\", \"alg\": \"RS256\", \"n\": \"30IHh5ZsoOU1bzs-Rb5OPD"
    "jRFVdKX8MqKjB9oN16UVHqGXgy8VwCr1sNNN4P1ylyCaTaJFuefHHhy3lh1nw-FLjLZtNUXFDAcv3irTThojos"
    "YrnYKGM311M3khtjEhPiRtXeR3h779QIYrhE5pBxn8XfrvQgcKhM9Dxwx_p4eRCDCUwoPB6hSB0ig-p3OkgtvJ"
    "nNZ_XDU-PXs4WKBCIoAgvyR_WyAmMeo-2UFH-OgouKdlaLYa6sgIbDLiS-o84WJwKky1Pw-ay3T5EyXS-lPzHR"
    "_5Vau0eQYzHZrOOLJl-aMZr38c-iGbnPJGWQsyjWssIdnTEXvSyosHRSXQ4SGQ\", \"e\": \"AQAB\"}, {"
    "\"kty\": \"EC\", \"crv\": \"P-256\", \"kid\": \"es\", \"use\": \"sig\", \"x\": \"EcgTd"
    "BMKn8hXZP9XtIMksHamgE6ZYKBOBbK1kL_Qeqs\", \"y\": \"g7yUKg_iWK_YaonPH-FQgagsCc1mtiDoyHY"
    "tobZ1oBY\"}]}";
static const char rs_token[] =
    "eyJ0eXAiOiAiSldUIiwgImFsZyI6ICJSUzI1NiIsICJraWQiOiAicnMifQ.eyJpc3MiOiAiaHR0cHM6Ly9sb2d"
    "pbi5leGFtcGxlL3JlYWxtIiwgImF1ZCI6ICJ1cyIsICJzdWIiOiAiMSIsICJpYXQiOiAxODAwMDAwMDAwLCAiZ"
    "XhwIjogMTgwMDAwMDMwMCwgIm5vbmNlIjogIm5vbmNlLW9mLXRoaXMtc2lnbi1pbiJ9.ovrrb9lqBjsoj3KUcx"
    "0MpGNaRvNhVeQlGuJ_a70Q3YFnFE6rahjf199z35Mpx0LSudjGJMsP0zDvEy3M5As0U9EuaNPXV9k1lXojLwpL"
    "kxmUqzRZaz2hS1tMsbWUtpObDf0RnHCVCU8wQM6rriSlfiBtpS6X-e11sbJvpzxs6rc_EDp-a3GwDhwlkno-lI"
    "dAuz6zV9iL7zI5RyJbcTGBfJ5L5aKLKxxX4FqwzSy2Du3dRNGvVqmCgmbhJmDOA3d6r_HH-rNWHZkJjU-f6pZd"
    "9K4jY9AuFTy6Co5hhX-2Ln9lfyj_E7v0cI7AsYnTXROABwA2uXraC7r5eoASZMhIqg";
static const char es_token[] =
    "eyJ0eXAiOiAiSldUIiwgImFsZyI6ICJFUzI1NiIsICJraWQiOiAiZXMifQ.eyJpc3MiOiAiaHR0cHM6Ly9sb2d"
    "pbi5leGFtcGxlL3JlYWxtIiwgImF1ZCI6ICJ1cyIsICJzdWIiOiAiMSIsICJpYXQiOiAxODAwMDAwMDAwLCAiZ"
    "XhwIjogMTgwMDAwMDMwMCwgIm5vbmNlIjogIm5vbmNlLW9mLXRoaXMtc2lnbi1pbiJ9.YeC-RZS89tgSMmFduS"
    "2Prn9qHXc3lmoiyXZIgev9X3iZE40HBppLw0K6tEPy5ll-2cpc8euQT9A34bmJl50HYQ";

#define NOW 1800000010

static const struct oidc_expected expected = {.issuer = ISSUER,
    .client_id = "us",
    .nonce = "nonce-of-this-sign-in",
    .access_token = "access",
    .now_s = NOW};

/* Believed, as of these keys? */
static bool believed(
    const struct oidc_keys *keys, const char *text, const struct oidc_expected *e) {
    struct oidc_token token;
    struct err err;
    if (oidc_token_read(text, &token, &err) < 0)
        return false;
    const struct pubkey *key = oidc_keys_find(keys, token.kind, token.kid);
    json_t *claims = key ? oidc_token_claims(&token, key, e, &err) : NULL;
    bool good = claims != NULL;
    json_decref(claims);
    return good;
}

static void both_kinds_of_signature_are_checked(void **state) {
    struct oidc_keys keys;
    struct err err;
    (void)state;
    assert_int_equal(oidc_keys_read(span_str(keys_text), &keys, &err), 0);
    assert_int_equal(keys.n, 2);
    assert_true(believed(&keys, rs_token, &expected));
    assert_true(believed(&keys, es_token, &expected));
    assert_null(oidc_keys_find(&keys, PUBKEY_RSA, "es"));
    assert_non_null(oidc_keys_find(&keys, PUBKEY_RSA, ""));
    for (size_t i = 0; i < strlen(es_token); i++) { /* each other bit of it is another token */
        char *text = mem_strdup(es_token);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_false(believed(&keys, text, &expected));
        free(text);
    }
    oidc_keys_free(&keys);
}

static void what_is_expected_must_be(void **state) {
    struct oidc_expected others[] = {expected, expected, expected, expected, expected, expected};
    struct oidc_keys keys;
    struct err err;
    (void)state;
    assert_int_equal(oidc_keys_read(span_str(keys_text), &keys, &err), 0);
    others[0].issuer = ISSUER "/";
    others[1].client_id = "they";
    others[2].nonce = "another";
    others[3].nonce = "";
    others[4].now_s = NOW + 400;
    others[5].now_s = NOW - 100;
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(believed(&keys, rs_token, &others[i]));
    oidc_keys_free(&keys);
}

static void keys_that_are_none_are_passed_over(void **state) {
    static const char *const none[] = {"{}", "{\"keys\":5}", "{\"keys\":[]}", "[]",
        "{\"keys\":[5]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
        /* 32 bytes each, but not on the curve */
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\","
        "\"y\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\"}]}"};
    struct oidc_keys keys;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_int_equal(oidc_keys_read(span_str(none[i]), &keys, &err), -1);
        assert_int_equal(keys.n, 0);
    }
}

static void answers_of_the_token_endpoint(void **state) {
    static const struct {
        int status;
        const char *body;
        enum err_code code;
    } rows[] = {
        {200, "{\"access_token\":\"a\",\"id_token\":\"b\",\"token_type\":\"BEARER\"}", ERR_NONE},
        {200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\"}", ERR_PROTOCOL},
        {200, "{\"access_token\":\"a\\nb\",\"id_token\":\"b\",\"token_type\":\"Bearer\"}",
            ERR_PROTOCOL},
        {200, "{\"access_token\":\"a\",\"id_token\":\"b\",\"token_type\":\"mac\"}", ERR_PROTOCOL},
        {200, "<html>", ERR_PROTOCOL}, {400, "{\"error\":\"invalid_grant\"}", ERR_PROTOCOL},
        {400, "", ERR_PROTOCOL}, {302, "", ERR_PROTOCOL}, {503, "{}", ERR_UNAVAILABLE},
        {429, "{}", ERR_UNAVAILABLE}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct oidc_answer a;
        struct err err = {0};
        int rc = oidc_answer_read(rows[i].status, span_str(rows[i].body), &a, &err);
        assert_int_equal(rc, rows[i].code ? -1 : 0);
        assert_int_equal(err.code, rows[i].code);
        oidc_answer_free(&a);
    }
}

static void userinfo_adds_what_is_not_said(void **state) {
    struct err err;
    json_t *claims =
        json_pack("{s:s,s:s,s:s}", "sub", "1", "name", "Ann", "email", "a@old.example");
    (void)state;
    assert_int_equal(oidc_userinfo_add(span_str("{\"sub\":\"2\"}"), claims, &err), -1);
    assert_int_equal(oidc_userinfo_add(span_str("{}"), claims, &err), -1);
    assert_int_equal(
        oidc_userinfo_add(span_str("{\"sub\":\"1\",\"name\":\"Eve\",\"email\":\"b@new.example\","
                                   "\"email_verified\":true}"),
            claims, &err),
        0);
    assert_string_equal(json_string_value(json_object_get(claims, "name")), "Ann");
    /* What is verified is the address that is said to be. */
    assert_string_equal(json_string_value(json_object_get(claims, "email")), "b@new.example");
    json_decref(claims);
}

/* --- whom it names --------------------------------------------------------------------------- */

static const char *const nothing[] = {NULL};
static const char *const ours[] = {"corp.example", NULL};

/* "name", or "" when he may not come in. */
static const char *named(const struct oidc_rules *rules, json_t *claims, struct oidc_person *who) {
    struct err err;
    int rc = oidc_person_read(rules, ISSUER, claims, who, &err);
    json_decref(claims);
    return rc == 0 ? who->name : "";
}

static void a_name_is_taken_from_a_claim(void **state) {
    struct oidc_rules plain = {"login", nothing, "", {nothing, nothing, nothing}};
    struct oidc_rules mail = {"email", ours, "", {nothing, nothing, nothing}};
    struct oidc_person who;
    (void)state;
    assert_string_equal(named(&plain, json_pack("{s:s}", "login", "Ann.Lee"), &who), "ann.lee");
    assert_string_equal(named(&plain, json_pack("{s:s}", "login", "ann@corp.example"), &who), "");
    assert_string_equal(named(&plain, json_pack("{s:s}", "login", "ann lee"), &who), "");
    assert_string_equal(named(&plain, json_pack("{s:s}", "login", "Анна"), &who), "");
    assert_string_equal(named(&plain, json_pack("{s:i}", "login", 5), &who), "");
    assert_string_equal(named(&plain, json_object(), &who), "");
    plain.domains = ours; /* then who he is there must be told and verified, too */
    assert_string_equal(named(&plain, json_pack("{s:s}", "login", "ann"), &who), "");
    assert_string_equal(named(&plain,
                            json_pack("{s:s,s:s,s:b}", "login", "ann", "email", "x@corp.example",
                                "email_verified", 1),
                            &who),
        "ann");
    assert_string_equal(
        named(
            &mail, json_pack("{s:s,s:b}", "email", "Ann@CORP.example", "email_verified", 1), &who),
        "ann");
    assert_string_equal(named(&mail, json_pack("{s:s}", "email", "ann@corp.example"), &who), "");
    assert_string_equal(
        named(&mail, json_pack("{s:s,s:b}", "email", "ann@corp.example.evil", "email_verified", 1),
            &who),
        "");
    assert_string_equal(
        named(&mail, json_pack("{s:s,s:b}", "email", "@corp.example", "email_verified", 1), &who),
        "");
}

/* Keycloak's realm_access.roles; a claim of the very name goes first. */
static void a_role_may_lie_in_objects(void **state) {
    static const char *const a[] = {"staff", NULL}, *const s[] = {"leads", NULL};
    struct oidc_rules rules = {"login", nothing, "realm_access.roles", {a, s, nothing}};
    struct oidc_person who;
    (void)state;
    assert_string_equal(
        named(&rules,
            json_pack("{s:s,s:{s:[s]}}", "login", "ann", "realm_access", "roles", "leads"), &who),
        "ann");
    assert_true(who.has_role && who.role == ROLE_SUPERVISOR);
    assert_string_equal(named(&rules,
                            json_pack("{s:s,s:{s:s},s:s}", "login", "ann", "realm_access", "roles",
                                "leads", "realm_access.roles", "staff"),
                            &who),
        "ann");
    assert_true(who.has_role && who.role == ROLE_AGENT);
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:s}", "login", "ann", "realm_access", "leads"), &who), "");
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:s}", "login", "ann", "roles", "leads"), &who), "");
    rules.role_claim = "resource_access.desk.v2.roles"; /* the client is "desk.v2" */
    assert_string_equal(
        named(&rules,
            json_pack("{s:s,s:{s:{s:s},s:{s:s}}}", "login", "ann", "resource_access", "desk", "v2",
                "no object", "desk.v2", "roles", "leads"),
            &who),
        "ann");
    rules.role_claim = "https://example.com/roles";
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:s}", "login", "ann", "https://example.com/roles", "staff"),
            &who),
        "ann");
    rules.role_claim = "..";
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:{s:{}}}", "login", "ann", "", ""), &who), "");
}

static void the_highest_role_counts(void **state) {
    static const char *const a[] = {"staff", NULL}, *const s[] = {"leads", NULL},
                             *const b[] = {"bosses", NULL};
    struct oidc_rules rules = {"login", nothing, "groups", {a, s, b}};
    struct oidc_person who;
    (void)state;
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:[sss]}", "login", "ann", "groups", "staff", "leads", "x"),
            &who),
        "ann");
    assert_true(who.has_role && who.role == ROLE_SUPERVISOR);
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:s}", "login", "ann", "groups", "bosses"), &who), "ann");
    assert_true(who.has_role && who.role == ROLE_ADMIN);
    assert_string_equal(
        named(&rules, json_pack("{s:s,s:[si]}", "login", "ann", "groups", "x", 5), &who), "");
    assert_string_equal(named(&rules, json_pack("{s:s}", "login", "ann"), &who), "");
}

/* --- the browser's round --------------------------------------------------------------------- */

static void a_round_comes_back_as_it_left(void **state) {
    char dir[] = "/tmp/sb-oidc-XXXXXX", challenge[CRYPTO_TOKEN_SIZE];
    struct oidc_round made, got;
    struct err err;
    (void)state;
    assert_non_null(mkdtemp(dir));
    struct vault *v = vault_open(dir, &err);
    assert_non_null(v);
    oidc_round_make(&made, "/admin#/t/1");
    char *sealed = oidc_round_seal(v, "corp", &made);
    assert_int_equal(oidc_round_open(v, "corp", sealed, &got), 0);
    assert_memory_equal(&made, &got, sizeof got);
    assert_int_equal(oidc_round_open(v, "other", sealed, &got), -1);
    free(sealed);
    made.until_ms = clock_ms() - 1;
    sealed = oidc_round_seal(v, "corp", &made);
    assert_int_equal(oidc_round_open(v, "corp", sealed, &got), -1);
    free(sealed);
    /* RFC 7636, appendix B */
    memcpy(made.verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", CRYPTO_TOKEN_SIZE);
    oidc_round_challenge(&made, challenge);
    assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    vault_close(&v);
    char *path = mem_printf("%s/secret.key", dir);
    remove(path);
    remove(dir);
    free(path);
}

static void only_our_own_pages_are_next(void **state) {
    static const char *const good[] = {"/", "/#", "/#/t/01J?x=%d0", "/admin", "/admin#/agents"};
    static const char *const bad[] = {"", "#", "//a", "/\\a", "/a", "/admin/", "/adminx", "/?a",
        "/# a", "/#\n", "/#\"", "https://a", "/#\xd0\xb0"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(oidc_next_is_ours(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(oidc_next_is_ours(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_has_what_is_needed),
        cmocka_unit_test(metadata_without_it_is_refused),
        cmocka_unit_test(both_kinds_of_signature_are_checked),
        cmocka_unit_test(what_is_expected_must_be),
        cmocka_unit_test(keys_that_are_none_are_passed_over),
        cmocka_unit_test(answers_of_the_token_endpoint),
        cmocka_unit_test(userinfo_adds_what_is_not_said),
        cmocka_unit_test(a_name_is_taken_from_a_claim),
        cmocka_unit_test(a_role_may_lie_in_objects),
        cmocka_unit_test(the_highest_role_counts),
        cmocka_unit_test(a_round_comes_back_as_it_left),
        cmocka_unit_test(only_our_own_pages_are_next),
    };
    return crypto_start() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
