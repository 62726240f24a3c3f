/* email_check.c - examines a mailbox for the admin: login and folder by IMAP, IDLE, login by SMTP,
 * a mail to itself, and what is to be done about each. Uses nothing of the running gateway, so that
 * `doctor` can ask too. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "connectors/email/email_check_private.h"

#define CONNECT_MS 20000
#define ANSWER_MS 20000
#define DONE_MS 10000
#define WAIT_MS 30000  /* for a mail to itself */
#define LIMIT_MS 60000 /* for all the rest */

void email_check_say(struct email_check *k, const char *level, char *text, const char *todo) {
    json_t *line = json_pack("{s:s,s:s}", "level", level, "text", text);
    if (line && todo)
        json_object_set_new(line, "todo", json_string(todo));
    json_array_append_new(k->report, line);
    free(text);
}

static void free_if_done(struct email_check *k) {
    if (!k->over || k->logins)
        return;
    free(k->mark);
    free(k->bytes);
    buf_free(&k->mail);
    json_decref(k->report);
    free(k);
}

/* No callback but that of a login touches it any more. */
static void close_all(struct email_check *k) {
    struct smtp_call *call = k->call;
    k->over = true;
    k->call = NULL;
    for (struct email_check **at = &k->e->checks; *at; at = &(*at)->next)
        if (*at == k) {
            *at = k->next;
            break;
        }
    loop_timer_stop(&k->limit);
    loop_timer_stop(&k->timer);
    loop_timer_stop(&k->wait);
    email_imap_close(&k->imap);
    if (call)
        smtp_call_cancel(call);
}

void email_check_end(struct email_check *k) {
    close_all(k);
    json_t *out = json_pack("{s:O}", "report", k->report);
    k->fn(k->arg, out, NULL);
    json_decref(out);
    free_if_done(k);
}

void email_checks_stop(struct email *e) {
    struct err err;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping: try again");
    while (e->checks) {
        struct email_check *k = e->checks;
        close_all(k);
        k->fn(k->arg, NULL, &err);
        free_if_done(k);
    }
}

static void on_limit(void *arg) {
    struct email_check *k = arg;
    email_check_say(k, "fail",
        mem_printf(
            "%s did not come to an end within %u s", k->doing, (k->o.wait_ms + LIMIT_MS) / 1000),
        "the server is too slow or silent, or a firewall swallows what it says: try again");
    email_check_end(k);
}

/* What a server's or our own words mean, and what helps. */
const char *email_check_advice(const struct err *err) {
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
        {"couldn't connect", "nothing listens there: check host and port", false},
        {"timed out", "a firewall is in the way, or host and port are wrong", false},
    };
    bool denied = err->code == ERR_DENIED || err->code == ERR_AUTH;
    if (err->code == ERR_NOT_FOUND)
        return "check folder: its name as the server has it";
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if ((known[i].of_login || !denied || strcmp(known[i].part, "private") == 0) &&
            strcasestr(err->text, known[i].part))
            return known[i].todo;
    if (denied)
        return "check user and password; many providers want an application password, and IMAP "
               "switched on in the mailbox's settings";
    return "check host, port and firewall";
}

static void denied(struct email_check *k, const struct err *err) {
    email_check_say(k, "fail", mem_printf("OAuth2: %s", err->text), email_check_advice(err));
    email_check_end(k);
}

/* The end of a login. False: the check is over. */
static bool goes_on(struct email_check *k) {
    k->logins--;
    if (!k->over)
        return true;
    free_if_done(k);
    return false;
}

/* --- SMTP ------------------------------------------------------------------------------------ */

static void on_smtp(void *arg, const struct smtp_result *r) {
    struct email_check *k = arg;
    if (k->over)
        return;
    k->call = NULL;
    if (r->outcome == SMTP_ACCEPTED)
        email_check_say(
            k, "ok", mem_printf("the login at %s is good", k->e->smtp_url), "no mail was sent");
    else
        email_check_say(k, "fail", mem_printf("%s: %s", k->e->smtp_url, r->err.text),
            email_check_advice(&r->err));
    email_check_end(k);
}

static void on_smtp_login(void *arg, const struct mail_server *server, const struct err *err) {
    struct email_check *k = arg;
    if (!goes_on(k))
        return;
    if (err)
        denied(k, err);
    else if (k->bytes)
        email_check_send(k, server);
    else
        k->call = smtp_check_start(email_shared_get(k->e)->smtp, server, k->e->domain, on_smtp, k);
}

void email_check_smtp(struct email_check *k) {
    k->doing = "the login at the SMTP server";
    k->logins++;
    email_login(k->e, true, on_smtp_login, k);
}

/* --- IMAP ------------------------------------------------------------------------------------ */

static void on_ready(void *arg, const struct email_imap_box *box) {
    struct email_check *k = arg;
    const struct email *e = k->e;
    if (k->place != CHECK_FOLDER) {
        email_check_look(k);
        return;
    }
    k->was_ready = true;
    email_check_say(k, "ok",
        mem_printf(
            "mail comes in from %s, folder %s (%u mails)", e->imap_url, e->folder, box->exists),
        NULL);
    if (!box->has_idle)
        email_check_say(k, "warn", mem_strdup("the server has no IDLE"),
            "new mail is looked for every `poll`: make it shorter for quicker answers");
    if (box->read_only && e->processed != EMAIL_LEAVE)
        email_check_say(k, "warn", mem_strdup("the folder may be read only"),
            "mails are not marked or moved: give the user the right to, or set processed = leave");
    if (e->processed == EMAIL_KEYWORD && !box->takes_keywords)
        email_check_say(
            k, "warn", mem_strdup("the server keeps no keywords"), "use processed = seen or move");
    if (!*e->authserv)
        email_check_say(k, "ok", mem_strdup("verdicts on SPF and DMARC are not shown"),
            "name your provider's authserv_id to see them");
    if (k->o.sends_nothing)
        email_check_idle_only(k);
    else
        email_check_mail(k);
}

static void on_new(void *arg) {
    email_check_on_new(arg);
}

static void on_closed(void *arg, const struct err *err) {
    struct email_check *k = arg;
    k->imap = NULL;
    if (k->was_ready) {
        email_check_lost(k, err);
        return;
    }
    email_check_say(
        k, "fail", mem_printf("%s: %s", k->e->imap_url, err->text), email_check_advice(err));
    email_check_smtp(k);
}

static void on_imap_login(void *arg, const struct mail_server *server, const struct err *err) {
    static const struct email_imap_fns fns = {on_ready, on_new, on_closed};
    struct email_check *k = arg;
    const struct email *e = k->e;
    if (!goes_on(k))
        return;
    if (err && !k->was_ready) {
        denied(k, err);
        return;
    }
    if (err) {
        email_check_lost(k, err);
        return;
    }
    const struct email_imap_options options = {
        .folder = k->place == CHECK_MOVED ? e->done_name : e->folder,
        .use = k->place == CHECK_JUNK ? "\\Junk" : NULL,
        .connect_ms = CONNECT_MS,
        .answer_ms = ANSWER_MS,
        .done_ms = DONE_MS};
    k->imap =
        email_imap_open(e->base.env, email_shared_get(k->e)->streams, server, &options, &fns, k);
}

void email_check_open(struct email_check *k) {
    k->doing = "the login at the IMAP server";
    k->is_busy = true; /* until the session is ready */
    k->logins++;
    email_login(k->e, false, on_imap_login, k);
}

static void on_no_tokens(void *arg) {
    struct email_check *k = arg;
    if (!goes_on(k))
        return;
    email_check_say(k, "warn",
        mem_strdup("OAuth2 cannot be tried: a refresh token may be changed by its use, and the new "
                   "one cannot be kept while the gateway does not run"),
        "start the gateway, then ask again, or press Check on the page Channels");
    email_check_end(k);
}

void email_check(
    struct connector *c, const struct check_options *o, connector_check_fn fn, void *arg) {
    struct email *e = container_of(c, struct email, base);
    struct email_check *k = mem_zalloc(sizeof *k);
    *k = (struct email_check){
        .next = e->checks, .e = e, .o = *o, .fn = fn, .arg = arg, .report = json_array()};
    if (!k->o.wait_ms)
        k->o.wait_ms = WAIT_MS;
    e->checks = k;
    k->limit = loop_timer_start(e->base.env->loop, k->o.wait_ms + LIMIT_MS, 0, on_limit, k);
    if (email_login_is_possible(e)) {
        email_check_open(k);
    } else {
        k->logins++;
        loop_defer(e->base.env->loop, on_no_tokens, k);
    }
}
