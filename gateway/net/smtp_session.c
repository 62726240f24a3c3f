/* smtp_session.c - the conversation with an SMTP server after the login: one command, one reply
 * (RFC 5321 4.1). */
#include "net/smtp_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop_curl_stream.h"
#include "net/smtp_reply.h"

#define CONNECT_MS 30000u
#define IDLE_MS 30000u
#define QUIT_MS 2000u
#define LETTERS_MAX 50u /* over one connection */
#define INPUT_MAX 65536u

enum state { OPENING, IDLE, AT_MAIL, AT_RCPT, AT_DATA, AT_END, AT_RSET, AT_QUIT };

struct smtp_session {
    const struct env *env;
    const struct smtp_account *account;
    struct loop_curl_stream *stream;
    struct loop_timer *timer; /* idle, or waiting for the end */
    const struct smtp_letter *letter;
    struct smtp_session_fns fns;
    void *arg;
    enum state state;
    unsigned letters; /* before this one */
    size_t rcpt;      /* of the letter's, asked for now */
    size_t taken;
    struct smtp_refusal *refused; /* of this letter */
    size_t nrefused;
    struct smtp_reply decided; /* of refused recipients: what counts when none is taken */
    struct smtp_extensions extensions;
    struct buf in;
    bool dirty; /* the last letter was given up in its middle: RSET goes before the next */
    bool gone;
};

/* --- the end of letters and of sessions ------------------------------------------------------ */

static void forget_refusals(struct smtp_session *s) {
    for (size_t i = 0; i < s->nrefused; i++)
        free((char *)s->refused[i].text);
    free(s->refused);
    s->refused = NULL;
    s->nrefused = 0;
}

static void free_session(void *arg) {
    struct smtp_session *s = arg;
    buf_free(&s->in);
    free(s);
}

static void go(struct smtp_session *s) {
    if (s->gone)
        return;
    s->gone = true;
    loop_timer_stop(&s->timer);
    loop_curl_stream_abort(&s->stream); /* nothing that was not said is said any more */
    forget_refusals(s);
    loop_defer(s->env->loop, free_session, s); /* its callbacks may be on the stack */
    s->fns.on_gone(s->arg, s);
}

/* Tells the letter's result. What becomes of the session was arranged before. */
static void tell(struct smtp_session *s, struct smtp_result *r) {
    s->letter = NULL;
    if (r) {
        r->text = r->text ? r->text : "";
        r->refused = s->refused;
        r->nrefused = s->nrefused;
    }
    s->fns.on_result(s->arg, s, r);
}

static void say(struct smtp_session *s, const char *command) {
    loop_curl_stream_send(s->stream, span_str(command), SIZE_MAX);
}

static void on_timer(void *arg) {
    struct smtp_session *s = arg;
    if (s->state == IDLE) {
        s->state = AT_QUIT;
        say(s, "QUIT\r\n");
        loop_timer_again(s->timer, QUIT_MS, 0);
    } else {
        go(s);
    }
}

static void wait(struct smtp_session *s, unsigned ms) {
    if (s->timer)
        loop_timer_again(s->timer, ms, 0);
    else
        s->timer = loop_timer_start(s->env->loop, ms, 0, on_timer, s);
}

static void quit(struct smtp_session *s) {
    s->state = AT_QUIT;
    say(s, "QUIT\r\n");
    wait(s, QUIT_MS);
}

/* The result of a reply. The session lives on: in the next state, or by QUIT. */
static void end_letter(struct smtp_session *s, enum smtp_outcome outcome,
    const struct smtp_reply *reply, enum state next) {
    struct smtp_reply said = *reply; /* it may be one of s */
    struct smtp_result r = {.outcome = outcome, .code = said.code, .text = said.text};
    static const struct {
        enum err_code code;
        const char *words;
    } sentences[] = {[SMTP_ACCEPTED] = {ERR_NONE, ""},
        [SMTP_RETRY] = {ERR_UNAVAILABLE, "the mail server does not take it now"},
        [SMTP_REFUSED] = {ERR_INVALID, "the mail server refused it"},
        [SMTP_DENIED] = {ERR_DENIED, "the mail server refuses this account"},
        [SMTP_AMBIGUOUS] = {ERR_TIMEOUT, "the mail server's last answer was lost"}};
    if (outcome != SMTP_ACCEPTED && said.code)
        err_set(&r.err, sentences[outcome].code, "%s: %d %s", sentences[outcome].words, said.code,
            said.text);
    else if (outcome != SMTP_ACCEPTED)
        err_set(&r.err, sentences[outcome].code, "%s: %s", sentences[outcome].words, said.text);
    s->letters++;
    s->dirty = next == AT_RSET;
    if (next != AT_QUIT && said.code != 421 && s->letters < LETTERS_MAX) {
        s->state = IDLE;
        wait(s, IDLE_MS);
    } else {
        quit(s);
    }
    tell(s, &r);
}

/* The server can have the message only when the last byte of the end of data has left us. */
static bool may_be_taken(const struct smtp_session *s) {
    return s->state == AT_END && s->stream && loop_curl_stream_unsent(s->stream) == 0;
}

static void lose(struct smtp_session *s, bool taken, const struct err *err) {
    struct smtp_result r = {.outcome = taken ? SMTP_AMBIGUOUS : SMTP_RETRY, .err = *err};
    if (taken)
        err_set(&r.err, ERR_TIMEOUT, "it may have been sent or not: %s", err->text);
    if (s->letter)
        tell(s, &r);
    go(s);
}

void smtp_session_abort(struct smtp_session *s, enum err_code code, const char *text) {
    struct err err;
    bool taken = may_be_taken(s);
    loop_curl_stream_abort(&s->stream);
    err_set(&err, code, "%s", text);
    lose(s, taken, &err);
}

/* --- a letter -------------------------------------------------------------------------------- */

static void say_mail(struct smtp_session *s) {
    const struct smtp_extensions *x = &s->extensions;
    struct buf command;
    buf_init(&command, 1024);
    buf_addf(&command, "MAIL FROM:<%s>", s->letter->from);
    if (x->has_size)
        buf_addf(&command, " SIZE=%zu", s->letter->size);
    if (s->letter->wide && x->has_8bit)
        buf_adds(&command, " BODY=8BITMIME");
    if (s->letter->wide)
        buf_adds(&command, " SMTPUTF8");
    buf_adds(&command, "\r\n");
    s->state = AT_MAIL;
    say(s, buf_str(&command));
    buf_free(&command);
}

static void begin(struct smtp_session *s) {
    const struct smtp_extensions *x = &s->extensions;
    struct smtp_reply own = {0};
    if (s->letter->wide && !x->has_utf8) {
        own.code = 553;
        snprintf(own.text, sizeof own.text, "5.6.7 the server knows no SMTPUTF8");
    } else if (x->size && s->letter->size > x->size) {
        own.code = 552;
        snprintf(own.text, sizeof own.text, "5.3.4 the server takes messages of %llu bytes",
            (unsigned long long)x->size);
    }
    if (own.code) {
        end_letter(s, SMTP_REFUSED, &own, s->dirty ? AT_RSET : IDLE);
    } else if (s->dirty) {
        s->state = AT_RSET;
        say(s, "RSET\r\n");
    } else {
        say_mail(s);
    }
}

/* Of the next that is to be asked for; false: there is none. */
static bool say_rcpt(struct smtp_session *s) {
    while (s->rcpt < s->letter->nto && s->letter->told[s->rcpt])
        s->rcpt++;
    if (s->rcpt == s->letter->nto)
        return false;
    char *command = mem_printf("RCPT TO:<%s>\r\n", s->letter->to[s->rcpt]);
    s->state = AT_RCPT;
    say(s, command);
    free(command);
    return true;
}

static void refuse_rcpt(struct smtp_session *s, const struct smtp_reply *r) {
    bool again = smtp_reply_outcome(r, SMTP_AT_RCPT) == SMTP_RETRY;
    s->refused = mem_realloc(s->refused, (s->nrefused + 1) * sizeof *s->refused);
    s->refused[s->nrefused++] = (struct smtp_refusal){.address = s->letter->to[s->rcpt],
        .code = r->code,
        .text = mem_strdup(r->text),
        .again = again,
        .at_once = again && s->taken > 0 && strncmp(r->text, "4.5.3", 5) == 0};
    if (!s->decided.code || again) /* one that may be tried again decides for all */
        s->decided = *r;
}

static void on_rcpt(struct smtp_session *s, const struct smtp_reply *r) {
    if (r->code / 100 == 2)
        s->taken++;
    else if (smtp_reply_outcome(r, SMTP_AT_RCPT) == SMTP_DENIED)
        return end_letter(s, SMTP_DENIED, r, AT_RSET);
    else
        refuse_rcpt(s, r);
    if (r->code == 421) /* others may be taken over another connection */
        return end_letter(s, SMTP_RETRY, r, AT_QUIT);
    s->rcpt++;
    if (say_rcpt(s))
        return;
    if (s->taken == 0)
        return end_letter(s, smtp_reply_outcome(&s->decided, SMTP_AT_RCPT), &s->decided, AT_RSET);
    s->state = AT_DATA;
    say(s, "DATA\r\n");
}

static void on_data(struct smtp_session *s, const struct smtp_reply *r) {
    if (r->code == 354) {
        s->state = AT_END;
        loop_curl_stream_send(s->stream, span_of(s->letter->data, s->letter->n), SIZE_MAX);
    } else {
        end_letter(s, smtp_reply_outcome(r, SMTP_AT_DATA), r, r->code < 400 ? AT_QUIT : AT_RSET);
    }
}

static void on_end(struct smtp_session *s, const struct smtp_reply *r) {
    bool early =
        loop_curl_stream_unsent(s->stream) > 0; /* it has not heard all: no command follows */
    if (r->code / 100 == 2 && !early)
        return end_letter(s, SMTP_ACCEPTED, r, IDLE);
    if (r->code < 400)
        return end_letter(s, early ? SMTP_RETRY : SMTP_AMBIGUOUS, r, AT_QUIT);
    enum smtp_outcome outcome = smtp_reply_outcome(r, SMTP_AT_END);
    end_letter(s, outcome, r, early || r->code == 421 ? AT_QUIT : IDLE);
    if (early)
        go(s);
}

/* The server has had enough of this connection, which carried others before: so many letters, such
 * a time. What a new one hears is about the letter. */
static bool is_worn(const struct smtp_session *s, const struct smtp_reply *r) {
    return s->letters > 0 && (r->code == 421 || (s->state == AT_MAIL && r->code / 100 == 4));
}

/* Nothing of the letter was taken here: another connection carries it. */
static void give_back(struct smtp_session *s) {
    quit(s);
    tell(s, NULL);
}

static void on_reply(struct smtp_session *s, const struct smtp_reply *r) {
    bool before_end = s->state == AT_MAIL || s->state == AT_RCPT || s->state == AT_DATA;
    if (before_end && is_worn(s, r)) {
        give_back(s);
        return;
    }
    switch (s->state) {
    case AT_MAIL:
        if (r->code / 100 == 2) {
            say_rcpt(s);
        } else {
            end_letter(s, smtp_reply_outcome(r, SMTP_AT_MAIL), r, AT_RSET);
        }
        break;
    case AT_RCPT:
        on_rcpt(s, r);
        break;
    case AT_DATA:
        on_data(s, r);
        break;
    case AT_END:
        on_end(s, r);
        break;
    case AT_RSET:
        s->dirty = r->code / 100 != 2;
        if (!s->dirty)
            say_mail(s);
        else
            give_back(s);
        break;
    default: /* said unasked, or goodbye */
        go(s);
    }
}

/* --- the connection -------------------------------------------------------------------------- */

static void on_line(void *arg, struct span line) {
    struct smtp_session *s = arg;
    smtp_extensions_line(&s->extensions, line);
}

static void on_open(void *arg) {
    struct smtp_session *s = arg;
    struct smtp_reply reply = {.code = s->extensions.code};
    memcpy(reply.text, s->extensions.last, sizeof reply.text);
    if (s->account->server.user[0] && reply.code != 235) {
        reply = (struct smtp_reply){0, "the server offers no login"};
        end_letter(s, SMTP_DENIED, &reply, AT_QUIT);
    } else if (!s->letter->data) {
        end_letter(s, SMTP_ACCEPTED, &reply, AT_QUIT);
    } else {
        begin(s);
    }
}

static void on_bytes(void *arg, struct span bytes) {
    struct smtp_session *s = arg;
    struct smtp_reply reply;
    struct err err = {.code = ERR_PROTOCOL, .text = "the mail server says too much"};
    int got = buf_add(&s->in, bytes.p, bytes.n) < 0 ? -1 : 1;
    while (got > 0 && !s->gone && (got = smtp_reply_take(&s->in, &reply, &err)) > 0)
        on_reply(s, &reply);
    if (got < 0 && !s->gone)
        lose(s, may_be_taken(s), &err);
}

/* Before the login was done: the account's fault, or the server's state; never the message's. */
static void on_login_failed(struct smtp_session *s, const struct err *err) {
    const struct smtp_extensions *x = &s->extensions;
    struct smtp_reply reply = {.code = x->code};
    struct smtp_result r = {.outcome = SMTP_RETRY, .err = *err};
    memcpy(reply.text, x->last, sizeof reply.text);
    if (err->code == ERR_INVALID || err->code == ERR_DENIED)
        r.outcome = x->code / 100 == 4 ? SMTP_RETRY : SMTP_DENIED;
    if (x->code >= 400) {
        r.code = reply.code;
        r.text = reply.text;
        err_set(&r.err, r.outcome == SMTP_DENIED ? ERR_DENIED : ERR_UNAVAILABLE,
            r.outcome == SMTP_DENIED ? "the mail server refused the login: %d %s"
                                     : "the mail server does not serve us now: %d %s",
            reply.code, reply.text);
    }
    tell(s, &r);
    go(s);
}

static void on_closed(void *arg, const struct err *err) {
    struct smtp_session *s = arg;
    bool taken = may_be_taken(s);
    if (s->state == OPENING && s->letter) {
        on_login_failed(s, err);
    } else if ((s->state == AT_MAIL && s->letters > 0) || s->state == AT_RSET) {
        /* it had died while it was idle */
        tell(s, NULL);
        go(s);
    } else {
        lose(s, taken, err);
    }
}

static bool address_ok(void *arg, const struct sockaddr *address) {
    const struct smtp_session *s = arg;
    return mail_server_address_ok(&s->account->server, address);
}

/* A name that is none is not said. */
static const char *ehlo_name(const char *helo) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    size_t n = strlen(helo);
    return n && n <= 253 && strspn(helo, letters) == n ? helo : "localhost";
}

/* For curl: with the port for submission (RFC 6409) where STARTTLS has none given, and what is said
 * in EHLO. The caller frees. */
static char *curl_url(const struct smtp_account *account) {
    char *url = mail_server_curl_url(account->server.url);
    const char *host = strstr(url, "://") + 3;
    size_t n = strcspn(host, "/");
    const char *after = *host == '[' ? strchr(host, ']') : host;
    bool port = memchr(after, ':', n - (size_t)(after - host)) != NULL;
    bool submission = !port && strncmp(account->server.url, "smtp://", 7) == 0;
    char *out = mem_printf("%.*s%s/%s", (int)((size_t)(host - url) + n), url,
        submission ? ":587" : "", ehlo_name(account->helo));
    free(url);
    return out;
}

struct smtp_session *smtp_session_open(const struct env *env, struct loop_curl_streams *streams,
    const struct smtp_account *account, const struct smtp_letter *letter,
    const struct smtp_session_fns *fns, void *arg) {
    static const struct loop_curl_stream_fns stream_fns = {.address_ok = address_ok,
        .on_line = on_line,
        .on_open = on_open,
        .on_bytes = on_bytes,
        .on_closed = on_closed};
    const struct mail_server *server = &account->server;
    struct smtp_session *s = mem_zalloc(sizeof *s);
    char *url = curl_url(account);
    struct loop_curl_stream_request rq = {.url = url,
        .user = server->user[0] ? server->user : NULL,
        .secret = server->bearer ? server->bearer : server->password,
        /* Only these, so that no server has curl look for Kerberos, or speak NTLM. */
        .login = server->bearer ? "AUTH=XOAUTH2;AUTH=OAUTHBEARER" : "AUTH=PLAIN;AUTH=LOGIN",
        .ca_file = server->ca_file,
        .bearer = server->bearer != NULL,
        .plain = mail_server_is_plain(server->url),
        .connect_ms = CONNECT_MS};
    s->env = env;
    s->account = account;
    s->letter = letter;
    s->fns = *fns;
    s->arg = arg;
    buf_init(&s->in, INPUT_MAX);
    s->stream = loop_curl_stream_open(streams, &rq, &stream_fns, s);
    free(url);
    return s;
}

bool smtp_session_is_idle(const struct smtp_session *s) {
    return s->state == IDLE && !s->letter;
}

bool smtp_session_is_opening(const struct smtp_session *s) {
    return s->state == OPENING;
}

void smtp_session_send(struct smtp_session *s, const struct smtp_letter *letter) {
    loop_timer_stop(&s->timer);
    forget_refusals(s);
    s->letter = letter;
    s->rcpt = s->taken = 0;
    s->decided = (struct smtp_reply){0};
    begin(s);
}
