/* oidc_settings.c - settings of oidc "name" { }: one row a key. What they must be together is said
 * by core/oidc/oidc.c. */
#include <string.h>

#include "config/gateway_settings.h"

static int check_claim(const char *value, struct err *err) {
    size_t n = strlen(value);
    if (!n || n > 128 || strpbrk(value, " \t\r\n\""))
        return err_set(err, ERR_INVALID, "expected the name of a claim, like preferred_username");
    return 0;
}

static int check_role_claim(const char *value, struct err *err) {
    return *value ? check_claim(value, err) : 0;
}

static int check_name(const char *value, struct err *err) {
    return strlen(value) <= 80 ? 0 : err_set(err, ERR_INVALID, "must be 80 bytes at most");
}

const struct setting oidc_settings[] = {
    {.key = "issuer",
        .type = SETTING_STRING,
        .help = "The provider's address, to the last slash as it names itself: "
                "https://login.example.com/realms/corp. The rest is found by discovery."},
    {.key = "client_id",
        .type = SETTING_STRING,
        .help = "As what the gateway is registered there, with the redirect URI "
                "PUBLIC_URL/sign-in/NAME/callback (NAME: of this section)."},
    {.key = "client_secret",
        .type = SETTING_STRING,
        .preset = "",
        .secret = true,
        .help = "Its secret there; empty for a public client."},
    {.key = "name",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_name,
        .help = "How people call it: the button says \"Sign in with ...\". Empty: this section's "
                "name."},
    {.key = "scopes",
        .type = SETTING_LIST,
        .preset = "openid,profile,email",
        .help = "What is asked for. Some providers want one more for groups."},
    {.key = "claim",
        .type = SETTING_STRING,
        .preset = "preferred_username",
        .check = check_claim,
        .help = "The claim that has the agent's name, in any case of letters; take one that people "
                "cannot change themselves. A mail address counts by what stands before its @, and "
                "only if it is of one of domains; \"email\" only if the provider has verified it. "
                "Once somebody has signed in, he is known by the provider's own id of him."},
    {.key = "domains",
        .type = SETTING_LIST,
        .preset = "",
        .help = "Only people with a mail address of these domains: {\"example.com\"}. Empty: all "
                "whom the provider knows; then the claim must not be a mail address."},
    {.key = "create",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "People who are no agents yet become agents when they sign in, without a password. "
                "Otherwise an admin adds them first."},
    {.key = "session",
        .type = SETTING_DURATION,
        .preset = "7d",
        .min = 1000,
        .max = 400LL * 24 * 3600 * 1000,
        .help = "A sign-in ends after so long, used or not: then the provider is asked again, who "
                "knows whether he is still there."},
    {.key = "timeout",
        .type = SETTING_DURATION,
        .preset = "10s",
        .min = 1000,
        .max = 60000,
        .help = "How long the provider may take for one answer. There are four at most in a "
                "sign-in."},
    {.key = "sign_out",
        .type = SETTING_BOOL,
        .preset = "false",
        .help = "Who signs out here is sent there to sign out, too, where the provider has a page "
                "for it (end_session_endpoint). PUBLIC_URL/ is to be registered there as where it "
                "leads back."},
    {.key = "role_claim",
        .type = SETTING_STRING,
        .preset = "",
        .check = check_role_claim,
        .help = "The claim, a word or a list of them, that gives the role at each sign-in: groups. "
                "One inside others by the way to it, with dots: realm_access.roles (Keycloak), "
                "resource_access.switchboard.roles. Who has none of the words below does not come "
                "in. Empty: roles are given here."},
    {.key = "admins",
        .type = SETTING_LIST,
        .preset = "",
        .help = "Words of role_claim that make an admin."},
    {.key = "supervisors",
        .type = SETTING_LIST,
        .preset = "",
        .help = "Words that make a supervisor."},
    {.key = "agents", .type = SETTING_LIST, .preset = "", .help = "Words that make an agent."},
    {.key = "allow_private",
        .type = SETTING_BOOL,
        .preset = "false",
        .file_only = true,
        .help = "The provider may be in a private network or on this machine, without TLS."},
    {0},
};
