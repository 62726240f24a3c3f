/* oidc_person.c - claims to an agent. A name is [a-z0-9._-]{1,64}; of a mail address it is what
 * stands before the @, and only where its domain is one of ours: so nobody else's "ann" is our ann.
 */
#include "base/json_text.h"
#include "core/oidc/oidc_person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789._-"
#define NAME_MAX_ 64u

static bool is_domain_of(const char *const *list, const char *domain) {
    for (; *list; list++)
        if (strcasecmp(*list, domain) == 0)
            return true;
    return false;
}

static bool is_word_of(const char *const *list, const char *word) {
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static bool is_verified(const json_t *claims) {
    return json_is_true(json_object_get(claims, "email_verified"));
}

static int denied(struct err *err, const char *value, const char *why) {
    return err_set(err, ERR_DENIED, "\"%.80s\" may not come in: %s", value, why);
}

/* Is he of one of the domains, where some are named? value: of the claim that names him. */
static int check_domain(
    const struct oidc_rules *rules, const json_t *claims, const char *value, struct err *err) {
    const char *at = strrchr(value, '@');
    if (strcmp(rules->claim, "email") == 0 && !at)
        return denied(err, value, "it is no mail address");
    if (strcmp(rules->claim, "email") == 0 && !is_verified(claims))
        return denied(err, value, "the provider does not say that it is verified (email_verified)");
    if (at)
        return is_domain_of(rules->domains, at + 1)
                   ? 0
                   : denied(err, value,
                         rules->domains[0]
                             ? "its domain is none of domains"
                             : "a mail address, and domains does not say which are ours");
    if (!rules->domains[0])
        return 0;
    at = strrchr(json_text(claims, "email"), '@');
    if (!at || !is_verified(claims) || !is_domain_of(rules->domains, at + 1))
        return denied(err, value, "no verified mail address of one of domains");
    return 0;
}

static int take_name(const char *value, struct oidc_person *out, struct err *err) {
    const char *at = strrchr(value, '@');
    size_t n = at ? (size_t)(at - value) : strlen(value);
    if (!n || n > NAME_MAX_)
        return denied(err, value, "a name is 1 to 64 characters");
    for (size_t i = 0; i < n; i++) {
        char c = value[i];
        out->name[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    out->name[n] = '\0';
    if (strspn(out->name, NAME_CHARS) != n)
        return denied(err, value, "a name is of a-z, 0-9, dot, _ and -");
    return 0;
}

/* The claim of this very name, or that to which the name leads, through objects in objects:
 * "realm_access.roles". What stands between two dots may have dots itself. */
static const json_t *claim_at(const json_t *o, const char *path) {
    const json_t *found = json_object_get(o, path);
    char key[OIDC_CLAIM_MAX + 1];
    for (const char *dot = strchr(path, '.'); !found && dot; dot = strchr(dot + 1, '.')) {
        snprintf(key, sizeof key, "%.*s", (int)(dot - path), path);
        found = claim_at(json_object_get(o, key), dot + 1);
    }
    return found;
}

/* The highest of the roles that his words give. */
static int take_role(const struct oidc_rules *rules, const json_t *claims, struct oidc_person *out,
    struct err *err) {
    const json_t *words = claim_at(claims, rules->role_claim), *one;
    size_t i;
    if (!*rules->role_claim)
        return 0;
    for (int role = ROLE_ADMIN; role >= ROLE_AGENT && !out->has_role; role--) {
        bool has =
            json_is_string(words) && is_word_of(rules->roles[role], json_string_value(words));
        json_array_foreach((json_t *)words, i, one) {
            has = has ||
                  (json_is_string(one) && is_word_of(rules->roles[role], json_string_value(one)));
        }
        out->has_role = has;
        out->role = (enum role)role;
    }
    return out->has_role
               ? 0
               : denied(err, json_text(claims, rules->claim), "nothing in role_claim gives a role");
}

int oidc_person_read(const struct oidc_rules *rules, const char *issuer, const json_t *claims,
    struct oidc_person *out, struct err *err) {
    const char *value = json_text(claims, rules->claim);
    *out = (struct oidc_person){0};
    if (!*value)
        return denied(err, json_text(claims, "sub"), "the claim for the name is not there");
    if (check_domain(rules, claims, value, err) < 0 || take_name(value, out, err) < 0 ||
        take_role(rules, claims, out, err) < 0)
        return -1;
    char *shown = utf8_clean_name(json_text(claims, "name"), 30);
    snprintf(out->display_name, sizeof out->display_name, "%s", shown);
    free(shown);
    char *who = mem_printf("%s\n%s", issuer, json_text(claims, "sub"));
    crypto_sha256_hex(span_str(who), out->mark);
    free(who);
    return 0;
}

bool oidc_person_lacks(const struct oidc_rules *rules, const json_t *claims) {
    bool by_mail = strcmp(rules->claim, "email") == 0 || rules->domains[0];
    return !*json_text(claims, rules->claim) ||
           (by_mail && !strchr(json_text(claims, rules->claim), '@') && !is_verified(claims)) ||
           (strcmp(rules->claim, "email") == 0 && !is_verified(claims)) ||
           (*rules->role_claim && !claim_at(claims, rules->role_claim));
}
