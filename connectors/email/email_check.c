/* email_check.c - examines a mailbox for the admin: login and folder by IMAP, IDLE, login by SMTP,
 * and what is to be done about each. Uses nothing of the running gateway, so that `doctor` can ask
 * too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_private.h"

struct check {
    struct email *e;
    connector_check_fn fn;
    void *arg;
    json_t *report;
    struct email_imap *imap;
    struct loop_timer *ending; /* a session is not closed inside its own call */
};

/* Takes text. */
static void say(struct check *k, const char *level, char *text, const char *todo) {
    json_t *line = json_pack("{s:s,s:s}", "level", level, "text", text);
    if (line && todo)
        json_object_set_new(line, "todo", json_string(todo));
    json_array_append_new(k->report, line);
    free(text);
}

static void end(struct check *k) {
    json_t *out = json_pack("{s:O}", "report", k->report);
    k->fn(k->arg, out, NULL);
    json_decref(out);
    json_decref(k->report);
    free(k);
}

/* What a server's or our own words mean, and what helps. */
static const char *advice(const struct err *err) {
    static const struct {
        const char *part, *todo;
        bool of_login;
    } known[] = {
        {"basic auth",
            "Microsoft takes no passwords any more: use OAuth2 (token_url, client_id, "
            "refresh_token)",
            true},
        {"5.7.139",
            "SMTP AUTH is switched off for this mailbox: allow it in the admin centre, or use "
            "OAuth2",
            true},
        {"5.7.57",
            "SMTP AUTH is switched off for this tenant or mailbox: allow it in the admin centre",
            true},
        {"application-specific",
            "the provider wants an application password: make one in the account's security "
            "settings",
            true},
        {"authenticated but not connected",
            "too many sessions, a wrong user for a shared mailbox, or no permission: wait some "
            "minutes; user must be the mailbox's address",
            true},
        {"invalid_grant",
            "the refresh token is not valid any more: connect the mailbox anew and put the new "
            "refresh_token here",
            true},
        {"certificate",
            "the certificate must be valid for the host of the URL; for a server of your own name "
            "its CA in ca_file",
            false},
        {"private", "the server is in a private network: allow_private = yes lets us go there",
            false},
        {"STARTTLS",
            "the server offers no STARTTLS on this port: use imaps:// or smtps:// and its port",
            false},
        {"resolve", "check the name of the host", false},
        {"refused", "nothing listens there: check host and port", false},
        {"timed out", "a firewall is in the way, or host and port are wrong", false},
    };
    bool denied = err->code == ERR_DENIED || err->code == ERR_AUTH;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if ((known[i].of_login || !denied || strcmp(known[i].part, "private") == 0) &&
            strcasestr(err->text, known[i].part))
            return known[i].todo;
    if (denied)
        return "check user and password; many providers want an application password, and IMAP "
               "switched on in the mailbox's settings";
    if (err->code == ERR_NOT_FOUND)
        return "check folder: its name as the server has it";
    return "check host, port and firewall";
}

/* --- SMTP ------------------------------------------------------------------------------------ */

static void on_smtp(void *arg, const struct smtp_result *r) {
    struct check *k = arg;
    if (r->outcome == SMTP_ACCEPTED)
        say(k, "ok", mem_printf("mail goes out through %s", k->e->smtp_url), NULL);
    else
        say(k, "fail", mem_printf("%s: %s", k->e->smtp_url, r->err.text), advice(&r->err));
    end(k);
}

static void on_smtp_login(void *arg, const struct mail_server *server, const struct err *err) {
    struct check *k = arg;
    if (err) {
        say(k, "fail", mem_printf("OAuth2: %s", err->text), advice(err));
        end(k);
        return;
    }
    smtp_check_start(email_shared_get(k->e)->smtp, server, k->e->domain, on_smtp, k);
}

static void check_smtp(struct check *k) {
    email_login(k->e, true, on_smtp_login, k);
}

/* --- IMAP ------------------------------------------------------------------------------------ */

static void imap_over(void *arg) {
    struct check *k = arg;
    loop_timer_stop(&k->ending);
    if (k->imap)
        email_imap_close(&k->imap);
    check_smtp(k);
}

static void on_ready(void *arg, const struct email_imap_box *box) {
    struct check *k = arg;
    const struct email *e = k->e;
    say(k, "ok",
        mem_printf(
            "mail comes in from %s, folder %s (%u mails)", e->imap_url, e->folder, box->exists),
        NULL);
    if (!box->has_idle)
        say(k, "warn", mem_strdup("the server has no IDLE"),
            "new mail is looked for every `poll`: make it shorter for quicker answers");
    if (box->read_only && e->processed != EMAIL_LEAVE)
        say(k, "warn", mem_strdup("the folder may be read only"),
            "mails are not marked or moved: give the user the right to, or set processed = leave");
    if (e->processed == EMAIL_KEYWORD && !box->takes_keywords)
        say(k, "warn", mem_strdup("the server keeps no keywords"), "use processed = seen or move");
    if (!*e->authserv)
        say(k, "ok", mem_strdup("verdicts on SPF and DMARC are not shown"),
            "name your provider's authserv_id to see them");
    k->ending = loop_timer_start(e->base.env->loop, 0, 0, imap_over, k);
}

static void on_new(void *arg) {
    (void)arg;
}

static void on_closed(void *arg, const struct err *err) {
    struct check *k = arg;
    bool was_good = k->ending != NULL;
    k->imap = NULL;
    if (was_good)
        return; /* imap_over comes */
    say(k, "fail", mem_printf("%s: %s", k->e->imap_url, err->text), advice(err));
    check_smtp(k);
}

static void on_imap_login(void *arg, const struct mail_server *server, const struct err *err) {
    static const struct email_imap_fns fns = {on_ready, on_new, on_closed};
    struct check *k = arg;
    if (err) {
        say(k, "fail", mem_printf("OAuth2: %s", err->text), advice(err));
        end(k);
        return;
    }
    const struct email_imap_options options = {.folder = k->e->folder};
    k->imap =
        email_imap_open(k->e->base.env, email_shared_get(k->e)->streams, server, &options, &fns, k);
}

void email_check(struct connector *c, connector_check_fn fn, void *arg) {
    struct email *e = container_of(c, struct email, base);
    struct check *k = mem_zalloc(sizeof *k);
    *k = (struct check){.e = e, .fn = fn, .arg = arg, .report = json_array()};
    email_login(e, false, on_imap_login, k);
}
