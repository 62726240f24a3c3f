/* cli_user.c - people who sign in and tokens for programs, on the command line. A running gateway
 * hears of a change at once: sessions and tokens that ended stop working. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <termios.h>
#include <unistd.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "cli_session.h"
#include "store/store_users.h"

#define PASSWORD_SIZE 512

struct verb {
    const char *name;
    bool needs_name;
    int (*run)(struct cli *cli, struct cli_session *s);
};

static int usage(const struct cli *cli, const char *what) {
    fprintf(stderr, "switchboard %s: %s (see --help)\n", cli->command, what);
    return CLI_USAGE;
}

/* --- passwords ------------------------------------------------------------------------------- */

/* The first line of stdin; at a terminal it is asked for and not shown. 0, or -1 when there is
 * none or it is too long. */
static int read_password(char out[PASSWORD_SIZE]) {
    struct termios old, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    if (terminal) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("Password: ", stderr);
    }
    char *got = fgets(out, PASSWORD_SIZE, stdin);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
        fputs("\n", stderr);
    }
    if (!got)
        return -1;
    size_t n = strlen(out);
    if (n + 1 == PASSWORD_SIZE && out[n - 1] != '\n')
        return -1;
    out[strcspn(out, "\r\n")] = '\0';
    return *out ? 0 : -1;
}

/* --- user ------------------------------------------------------------------------------------ */

static int take_role(struct cli *cli, enum role *out) {
    const char *role = cli_option(cli, "--role");
    if (!role || role_parse(role, out) < 0)
        return usage(cli, "expected --role admin, --role supervisor or --role agent");
    return CLI_OK;
}

static int noted(struct cli_session *s, const char *what, const char *name, json_t *detail) {
    return cli_note(s, what, name, detail) < 0 ? CLI_FAILED : CLI_OK;
}

static int with_password(struct cli *cli, struct cli_session *s, bool add) {
    char password[PASSWORD_SIZE];
    const char *name = cli->args[1], *shown = cli_option(cli, "--display-name");
    enum role role = ROLE_AGENT;
    if (add && take_role(cli, &role) != CLI_OK)
        return CLI_USAGE;
    if (!cli_option(cli, "--password-stdin"))
        return usage(cli, "give the password on stdin and say --password-stdin");
    if (read_password(password) < 0)
        return usage(cli, "expected a password in the first line of stdin");
    if (add)
        users_add(
            s->users, name, shown ? shown : name, role, password, false, false, cli_on_done, s);
    else
        users_set_password(s->users, name, password, false, cli_on_done, s);
    sodium_memzero(password, sizeof password);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    if (add)
        printf("%s is added as %s\n", name, role_name(role));
    else
        printf("%s has a new password; his sessions are ended\n", name);
    return noted(s, add ? "agent.added" : "agent.password_reset", name,
        add ? json_pack("{s:s}", "role", role_name(role)) : NULL);
}

static int user_add(struct cli *cli, struct cli_session *s) {
    return with_password(cli, s, true);
}

static int user_passwd(struct cli *cli, struct cli_session *s) {
    return with_password(cli, s, false);
}

static int set_disabled(struct cli *cli, struct cli_session *s, bool disabled) {
    json_t *change = json_pack("{s:b}", "disabled", (int)disabled);
    store_user_change(s->store, cli->args[1], change, NULL, -1, cli_on_done, s);
    json_decref(change);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("%s %s\n", cli->args[1],
        disabled ? "is disabled; his sessions are ended" : "may sign in again");
    return noted(s, "agent.changed", cli->args[1], json_pack("{s:b}", "disabled", (int)disabled));
}

static int user_disable(struct cli *cli, struct cli_session *s) {
    return set_disabled(cli, s, true);
}

static int user_enable(struct cli *cli, struct cli_session *s) {
    return set_disabled(cli, s, false);
}

static int user_reset_factor(struct cli *cli, struct cli_session *s) {
    users_factor_off(s->users, cli->args[1], true, cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("%s signs in with the password alone; his sessions are ended\n", cli->args[1]);
    return noted(s, "account.second_factor_reset", cli->args[1], NULL);
}

static int user_forget_provider(struct cli *cli, struct cli_session *s) {
    store_vouched_forget(s->store, cli->args[1], cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    users_revoke(s->users, cli->args[1], NULL, NULL, cli_on_done, s); /* of who was he so far */
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("the next whom a provider calls %s is he; his sessions are ended\n", cli->args[1]);
    return noted(s, "account.provider_forgotten", cli->args[1], NULL);
}

/* A name that nobody has is a mistake at the keyboard. */
static int known_user(struct cli *cli, struct cli_session *s) {
    store_user_get(s->store, cli->args[1], cli_on_json, s);
    return cli_wait(s);
}

static int user_unlock(struct cli *cli, struct cli_session *s) {
    if (known_user(cli, s) < 0)
        return CLI_FAILED;
    users_unlock(s->users, cli->args[1], cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("%s need not wait any more\n", cli->args[1]);
    return noted(s, "account.unlocked", cli->args[1], NULL);
}

static int user_sign_out(struct cli *cli, struct cli_session *s) {
    if (known_user(cli, s) < 0)
        return CLI_FAILED;
    users_revoke(s->users, cli->args[1], NULL, NULL, cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("the sessions of %s are ended\n", cli->args[1]);
    return noted(s, "account.sessions_ended", cli->args[1], NULL);
}

static void print_json(const json_t *json) {
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    puts("");
}

static int user_sessions(struct cli *cli, struct cli_session *s) {
    size_t i;
    json_t *one;
    if (known_user(cli, s) < 0)
        return CLI_FAILED;
    users_sessions(s->users, cli->args[1], NULL, cli_on_json, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    if (cli_option(cli, "--json")) {
        print_json(s->result);
        return CLI_OK;
    }
    printf("%-25s %-25s %-24s %s\n", "SINCE", "LAST USED", "ADDRESS", "BROWSER");
    json_array_foreach(json_object_get(s->result, "sessions"), i, one)
        printf("%-25s %-25s %-24s %s\n", json_text(one, "created_at"),
            json_text(one, "last_used_at"), json_text(one, "address"), json_text(one, "browser"));
    return CLI_OK;
}

static int user_list(struct cli *cli, struct cli_session *s) {
    size_t i;
    json_t *u;
    store_user_list(s->store, cli_on_json, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    if (cli_option(cli, "--json")) {
        print_json(s->result);
        return CLI_OK;
    }
    printf("%-24s %-11s %-9s %-7s %s\n", "NAME", "ROLE", "STATE", "FACTOR", "DISPLAY NAME");
    json_array_foreach(json_object_get(s->result, "agents"), i, u)
        printf("%-24s %-11s %-9s %-7s %s\n", json_text(u, "name"), json_text(u, "role"),
            json_is_true(json_object_get(u, "disabled")) ? "disabled" : "active",
            json_is_true(json_object_get(u, "second_factor")) ? "second" : "-",
            json_text(u, "display_name"));
    return CLI_OK;
}

/* --- token ----------------------------------------------------------------------------------- */

static int take_scopes(struct cli *cli, unsigned *out) {
    const char *p = cli_option(cli, "--scopes");
    *out = 0;
    for (size_t n; p && *p; p += n + (p[n] == ',')) {
        n = strcspn(p, ",");
        unsigned found = scope_parse(span_of(p, n));
        if (!found)
            return usage(cli, "expected --scopes with some of read,write,admin");
        *out |= found;
    }
    return CLI_OK;
}

static void on_token(void *arg, const char *token, const struct err *err) {
    json_t *result = token ? json_string(token) : NULL;
    cli_on_json(arg, result, err);
    json_decref(result);
}

static int token_add(struct cli *cli, struct cli_session *s) {
    enum role role;
    unsigned scopes;
    if (take_role(cli, &role) != CLI_OK || take_scopes(cli, &scopes) != CLI_OK)
        return CLI_USAGE;
    if (!scopes)
        scopes = role == ROLE_ADMIN ? SCOPE_ALL : SCOPE_READ | SCOPE_WRITE;
    users_add_token(s->users, cli->args[1], role, scopes, "", on_token, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    puts(json_string_value(s->result));
    fputs("This is the only time that the token is shown.\n", stderr);
    return noted(s, "token.added", cli->args[1], json_pack("{s:s}", "role", role_name(role)));
}

static int token_revoke(struct cli *cli, struct cli_session *s) {
    store_token_end(s->store, cli->args[1], cli_on_done, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    printf("the token %s is revoked\n", cli->args[1]);
    return noted(s, "token.revoked", cli->args[1], NULL);
}

static int token_list(struct cli *cli, struct cli_session *s) {
    size_t i;
    json_t *t;
    store_token_list(s->store, cli_on_json, s);
    if (cli_wait(s) < 0)
        return CLI_FAILED;
    if (cli_option(cli, "--json")) {
        print_json(s->result);
        return CLI_OK;
    }
    printf("%-24s %-11s %-17s %-25s %s\n", "NAME", "ROLE", "SCOPES", "MADE AT", "LAST USED");
    json_array_foreach(json_object_get(s->result, "tokens"), i, t)
        printf("%-24s %-11s %-17s %-25s %s\n", json_text(t, "name"), json_text(t, "role"),
            json_text(t, "scopes"), json_text(t, "created_at"), json_text(t, "last_used_at"));
    return CLI_OK;
}

/* --- both ------------------------------------------------------------------------------------ */

static int run_verb(struct cli *cli, const struct verb *verbs, const char *expected) {
    const char *name = cli->nargs ? cli->args[0] : "";
    int code;
    for (; verbs->name; verbs++)
        if (strcmp(verbs->name, name) == 0)
            break;
    if (!verbs->name)
        return usage(cli, expected);
    if (cli->nargs != 1 + (int)verbs->needs_name)
        return usage(cli, verbs->needs_name ? "expected one name" : "expected nothing after list");
    struct cli_session *s = cli_session_open(cli, &code);
    if (!s)
        return code;
    code = verbs->run(cli, s);
    cli_session_close(&s);
    return code;
}

int cli_user(struct cli *cli) {
    static const struct verb verbs[] = {{"add", true, user_add}, {"passwd", true, user_passwd},
        {"disable", true, user_disable}, {"enable", true, user_enable},
        {"unlock", true, user_unlock}, {"sessions", true, user_sessions},
        {"sign-out", true, user_sign_out}, {"reset-second-factor", true, user_reset_factor},
        {"forget-provider", true, user_forget_provider}, {"list", false, user_list}, {0}};
    return run_verb(cli, verbs,
        "expected add, passwd, disable, enable, unlock, sessions, sign-out, reset-second-factor, "
        "forget-provider or list");
}

int cli_token(struct cli *cli) {
    static const struct verb verbs[] = {
        {"add", true, token_add}, {"list", false, token_list}, {"revoke", true, token_revoke}, {0}};
    return run_verb(cli, verbs, "expected add, list or revoke");
}
