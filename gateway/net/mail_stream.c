/* mail_stream.c - which servers may be reached, how to log in, and what a server's words at the
 * login mean. How it is done is loop_curl_stream.c. */
#include "net/mail_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "loop/loop_curl_stream.h"

#define WORDS_SIZE 256u

enum answer { ANSWER_NONE, ANSWER_OK, ANSWER_NO, ANSWER_BYE, ANSWER_CHALLENGE };

struct mail_streams {
    const struct env *env;
    struct loop_curl_streams *curl;
};

struct mail_stream {
    struct mail_streams *m;
    struct mail_server server; /* its strings are ours */
    unsigned connect_ms;
    struct mail_stream_fns fns;
    void *arg;
    struct loop_curl_stream *curl;
    enum answer answer;     /* the last that meant something */
    char words[WORDS_SIZE]; /* said with it */
    bool any_login;         /* with whatever the server has, at the second try */
    bool refused;           /* the URL, or what was to be sent: report() comes */
    bool open;
    bool ended;
    bool closed;
    struct err err;
};

static void wipe(const char *secret) {
    if (secret)
        explicit_bzero((char *)(uintptr_t)secret, strlen(secret));
    free((char *)(uintptr_t)secret);
}

static void free_stream(struct mail_stream *s) {
    free((char *)(uintptr_t)s->server.url);
    free((char *)(uintptr_t)s->server.user);
    free((char *)(uintptr_t)s->server.ca_file);
    wipe(s->server.password);
    wipe(s->server.bearer);
    free(s);
}

static void end(struct mail_stream *s, const struct err *err) {
    if (s->ended)
        return;
    s->ended = true;
    s->open = false;
    s->fns.on_closed(s->arg, err);
}

/* --- what the server says before we are in --------------------------------------------------- */

static bool starts(const char *text, const char *word) {
    return strncasecmp(text, word, strlen(word)) == 0;
}

static void note(struct mail_stream *s, enum answer answer, const char *words) {
    char *clean = utf8_clean_name(words, 200);
    s->answer = answer;
    snprintf(s->words, sizeof s->words, "%s", clean);
    utf8_repair(s->words);
    free(clean);
}

/* "* BYE ..", "+ ..", "A002 NO ..": curl tells of these no more than that it did not work. */
static void on_line(void *arg, struct span line) {
    struct mail_stream *s = arg;
    char *text = mem_strndup(line.p ? line.p : "", line.n);
    const char *rest = strchr(text, ' ');
    rest = rest ? rest + 1 : "";
    if (text[0] == '*' && starts(rest, "BYE "))
        note(s, ANSWER_BYE, rest + 4);
    else if (text[0] == '+' && strlen(rest) > 1)
        note(s, ANSWER_CHALLENGE, "");
    else if (text[0] != '*' && (starts(rest, "NO ") || starts(rest, "BAD ")))
        note(s, ANSWER_NO, strchr(rest, ' ') + 1);
    else if (text[0] != '*' && starts(rest, "OK"))
        note(s, ANSWER_OK, "");
    free(text);
}

/* A refusal that says nothing about the account: it may pass at another time. */
static bool is_passing(const char *words) {
    static const char *const codes[] = {"[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (starts(words, codes[i]))
            return true;
    return strcasestr(words, "too many") || strcasestr(words, "not connected");
}

static void explain(const struct mail_stream *s, const struct err *in, struct err *out) {
    bool denied = in->code == ERR_DENIED && s->answer != ANSWER_NONE;
    *out = *in;
    if (s->answer == ANSWER_BYE)
        err_set(out, ERR_UNAVAILABLE, "the server said: %s", s->words);
    else if (denied && s->answer == ANSWER_NO)
        err_set(out, is_passing(s->words) ? ERR_UNAVAILABLE : ERR_DENIED,
            "the server refused the login: %s", s->words);
    else if (denied && s->answer == ANSWER_CHALLENGE)
        err_set(out, ERR_DENIED, "the server refused the %s",
            s->server.bearer ? "access token" : "login");
    else if (denied)
        err_set(out, ERR_DENIED, "the server offers no way to log in with %s",
            s->server.bearer ? "an access token" : "a password");
}

/* --- the connection -------------------------------------------------------------------------- */

static bool address_ok(void *arg, const struct sockaddr *address) {
    struct mail_stream *s = arg;
    return mail_server_address_ok(&s->server, address);
}

static void on_open(void *arg) {
    struct mail_stream *s = arg;
    s->open = true;
    s->fns.on_open(s->arg);
}

static void on_bytes(void *arg, struct span bytes) {
    struct mail_stream *s = arg;
    if (!s->ended)
        s->fns.on_bytes(s->arg, bytes);
}

static void connect_it(struct mail_stream *s);

static void on_closed(void *arg, const struct err *in) {
    struct mail_stream *s = arg;
    struct err err = *in;
    if (!s->open && in->code == ERR_DENIED && s->answer == ANSWER_OK && !s->server.bearer &&
        !s->any_login) {
        /* Neither AUTH=PLAIN nor AUTH=LOGIN: the LOGIN command, or a challenge with a hash. */
        loop_curl_stream_close(&s->curl);
        s->any_login = true;
        s->answer = ANSWER_NONE;
        connect_it(s);
        return;
    }
    if (!s->open)
        explain(s, in, &err);
    end(s, &err);
}

static const char *login_options(const struct mail_stream *s) {
    if (s->server.bearer) /* curl would try the password's ways first */
        return "AUTH=OAUTHBEARER;AUTH=XOAUTH2";
    return s->any_login ? "AUTH=*" : "AUTH=PLAIN;AUTH=LOGIN";
}

static void connect_it(struct mail_stream *s) {
    static const struct loop_curl_stream_fns fns = {.address_ok = address_ok,
        .on_line = on_line,
        .on_open = on_open,
        .on_bytes = on_bytes,
        .on_closed = on_closed};
    char *url = mail_server_curl_url(s->server.url);
    struct loop_curl_stream_request rq = {.url = url,
        .user = s->server.user,
        .secret = s->server.bearer ? s->server.bearer : s->server.password,
        .login = login_options(s),
        .ca_file = s->server.ca_file,
        .bearer = s->server.bearer != NULL,
        .plain = mail_server_is_plain(s->server.url),
        .connect_ms = s->connect_ms};
    s->curl = loop_curl_stream_open(s->m->curl, &rq, &fns, s);
    free(url);
}

static void report(void *arg) {
    struct mail_stream *s = arg;
    if (!s->closed) {
        loop_curl_stream_close(&s->curl);
        end(s, &s->err);
    }
    s->refused = false;
    if (s->closed)
        free_stream(s);
}

static void refuse(struct mail_stream *s) {
    if (!s->refused)
        loop_defer(s->m->env->loop, report, s);
    s->refused = true;
}

struct mail_stream *mail_stream_open(struct mail_streams *m, const struct mail_server *server,
    unsigned connect_ms, const struct mail_stream_fns *fns, void *arg) {
    struct mail_stream *s = mem_zalloc(sizeof *s);
    s->m = m;
    s->server = (struct mail_server){.url = mem_strdup(server->url ? server->url : ""),
        .user = mem_strdup(server->user),
        .password = mem_strdup(server->password),
        .bearer = mem_strdup(server->bearer),
        .ca_file = mem_strdup(server->ca_file),
        .allow_private = server->allow_private};
    s->connect_ms = connect_ms;
    s->fns = *fns;
    s->arg = arg;
    if (mail_server_url_check(s->server.url, "imap", &s->err) < 0)
        refuse(s);
    else
        connect_it(s);
    return s;
}

void mail_stream_send(struct mail_stream *s, struct span bytes) {
    if (!s->open || s->refused || loop_curl_stream_send(s->curl, bytes, MAIL_STREAM_UNSENT_MAX))
        return;
    err_set(&s->err, ERR_TOO_LARGE, "the server does not take what is sent to it");
    refuse(s);
}

size_t mail_stream_unsent(const struct mail_stream *s) {
    return s->curl ? loop_curl_stream_unsent(s->curl) : 0;
}

void mail_stream_pause(struct mail_stream *s, bool paused) {
    if (s->curl)
        loop_curl_stream_pause(s->curl, paused);
}

void mail_stream_close(struct mail_stream **s_) {
    struct mail_stream *s = *s_;
    if (!s)
        return;
    *s_ = NULL;
    s->closed = s->ended = true;
    s->open = false;
    loop_curl_stream_close(&s->curl);
    if (!s->refused)
        free_stream(s);
}

struct mail_streams *mail_streams_create(const struct env *env) {
    struct mail_streams *m = mem_zalloc(sizeof *m);
    m->env = env;
    m->curl = loop_curl_streams_create(env);
    return m;
}

void mail_streams_destroy(struct mail_streams **m) {
    if (!*m)
        return;
    loop_curl_streams_destroy(&(*m)->curl);
    free(*m);
    *m = NULL;
}
