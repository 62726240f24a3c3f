/* smtp_client.c - who sends what over which connection: calls wait for one of the few that an
 * account may have. The conversation itself is smtp_session.c. */
#include "net/smtp_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop_curl_stream.h"
#include "net/smtp_reply.h"
#include "net/smtp_session.h"

#define CONNECTIONS_MAX 3u /* of one user at one server */
#define CEILING_MS 300000u /* so long fewer are opened where a server wanted no more */
#define TIMEOUT_MS 600000u
#define RECIPIENTS_MAX 1000u
#define HUNG_UP_MAX 10u /* connections of one call that end with a 421 to one recipient */

struct member {
    struct member *next;
    struct smtp_client *client;
    struct smtp_session *session;
    struct smtp_account account;
    struct smtp_call *call; /* NULL: none now */
};

struct smtp_call {
    struct smtp_call *next, **self; /* in the order of their starting */
    struct smtp_client *client;
    struct member *member; /* NULL: waits */
    struct smtp_account account;
    struct smtp_letter letter;
    struct loop_timer *timer;
    smtp_fn fn;
    void *arg;
    struct err bad; /* code ERR_NONE: it may be sent */
    enum smtp_outcome outcome_if_bad;
    struct smtp_refusal *refused; /* over connections that the server closed for one recipient */
    size_t nrefused;
    unsigned hung_up; /* so many */
};

/* A server said that an account has connections enough. */
struct ceiling {
    struct ceiling *next;
    struct smtp_account account;
    unsigned max;
    uint64_t until_ms;
};

struct smtp_client {
    const struct env *env;
    struct loop_curl_streams *streams;
    struct smtp_call *calls, **calls_end;
    struct member *members;
    struct ceiling *ceilings;
    bool pumping; /* soon */
    bool destroyed;
};

/* --- accounts and letters -------------------------------------------------------------------- */

static const char *copy(const char *s) {
    return mem_strdup(s ? s : "");
}

static void drop(const char *s) {
    free((char *)(uintptr_t)s);
}

static void drop_secret(const char *s) {
    if (s)
        explicit_bzero((char *)(uintptr_t)s, strlen(s));
    drop(s);
}

static void copy_account(
    struct smtp_account *out, const struct mail_server *server, const char *helo) {
    out->server = (struct mail_server){.url = copy(server->url),
        .user = copy(server->user),
        .password = mem_strdup(server->password),
        .bearer = mem_strdup(server->bearer),
        .ca_file = mem_strdup(server->ca_file),
        .allow_private = server->allow_private};
    out->helo = copy(helo);
}

static void free_account(struct smtp_account *a) {
    drop(a->server.url);
    drop(a->server.user);
    drop_secret(a->server.password);
    drop_secret(a->server.bearer);
    drop(a->server.ca_file);
    drop(a->helo);
}

static bool same(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* These share their server's ceiling of connections. */
static bool same_user(const struct smtp_account *a, const struct smtp_account *b) {
    return same(a->server.url, b->server.url) && same(a->server.user, b->server.user);
}

/* And these a connection. */
static bool same_account(const struct smtp_account *a, const struct smtp_account *b) {
    const struct mail_server *s = &a->server, *t = &b->server;
    return same_user(a, b) && same(s->password, t->password) && same(s->bearer, t->bearer) &&
           same(s->ca_file, t->ca_file) && same(a->helo, b->helo) &&
           s->allow_private == t->allow_private;
}

static bool is_wide(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] & 0x80)
            return true;
    return false;
}

static int make_letter(struct smtp_letter *l, const struct smtp_message *m, struct err *err) {
    size_t n = 0;
    while (m->to && m->to[n])
        n++;
    if (n == 0 || n > RECIPIENTS_MAX)
        return err_set(err, ERR_INVALID, "a mail goes to 1 to %u addresses", RECIPIENTS_MAX);
    if (m->from[0] && !smtp_address_is_safe(m->from))
        return err_set(err, ERR_INVALID, "the sender's address is malformed");
    for (size_t i = 0; i < n; i++)
        if (!smtp_address_is_safe(m->to[i]))
            return err_set(err, ERR_INVALID, "a recipient's address is malformed");
    if (!smtp_message_is_safe(m->bytes))
        return err_set(err, ERR_INVALID, "the mail's lines are not as SMTP wants them");
    l->from = mem_strdup(m->from);
    l->to = mem_zalloc(n * sizeof *l->to);
    l->told = mem_zalloc(n * sizeof *l->told);
    l->nto = n;
    l->wide = is_wide(m->from, strlen(m->from)) || is_wide(m->bytes.p, m->bytes.n);
    for (size_t i = 0; i < n; i++) {
        l->to[i] = mem_strdup(m->to[i]);
        l->wide = l->wide || is_wide(m->to[i], strlen(m->to[i]));
    }
    l->size = m->bytes.n;
    l->data = smtp_message_stuffed(m->bytes, &l->n);
    return 0;
}

static void free_letter(struct smtp_letter *l) {
    for (size_t i = 0; i < l->nto; i++)
        free(l->to[i]);
    free(l->to);
    free(l->told);
    free(l->from);
    free(l->data);
}

/* --- calls ----------------------------------------------------------------------------------- */

static void pump_soon(struct smtp_client *c);

static void unlink_call(struct smtp_call *call) {
    *call->self = call->next;
    if (call->next)
        call->next->self = call->self;
    else
        call->client->calls_end = call->self;
}

/* They are not asked for any more by this call. */
static void note_refusals(struct smtp_call *call, const struct smtp_result *r) {
    size_t n = call->nrefused + r->nrefused;
    call->refused =
        r->nrefused ? mem_realloc(call->refused, n * sizeof *call->refused) : call->refused;
    for (size_t i = 0; i < r->nrefused; i++) {
        struct smtp_refusal *one = &call->refused[call->nrefused++];
        *one = r->refused[i];
        one->text = mem_strdup(one->text);
        for (size_t k = 0; k < call->letter.nto; k++)
            call->letter.told[k] = call->letter.told[k] || call->letter.to[k] == one->address;
    }
}

/* What all connections together said. One who may be tried again decides for all. */
static struct smtp_result summed_up(struct smtp_call *call, const struct smtp_result *r) {
    struct smtp_result sum = *r;
    if (!call->nrefused)
        return sum;
    note_refusals(call, r);
    sum.refused = call->refused;
    sum.nrefused = call->nrefused;
    for (size_t i = 0; i < sum.nrefused; i++)
        if (r->outcome == SMTP_REFUSED && sum.nrefused == call->letter.nto &&
            sum.refused[i].again) {
            sum.outcome = SMTP_RETRY;
            sum.code = sum.refused[i].code;
            sum.text = sum.refused[i].text;
            err_set(&sum.err, ERR_UNAVAILABLE, "the mail server does not take it now: %d %s",
                sum.code, sum.text);
            break;
        }
    return sum;
}

static void free_refusals(struct smtp_call *call) {
    for (size_t i = 0; i < call->nrefused; i++)
        drop(call->refused[i].text);
    free(call->refused);
}

/* Calls fn, for the one time. The session is done with the letter. */
static void complete(struct smtp_call *call, const struct smtp_result *r) {
    struct smtp_result sum = summed_up(call, r);
    unlink_call(call);
    pump_soon(call->client); /* and a pump on the stack ends: fn may cancel what it holds */
    loop_timer_stop(&call->timer);
    if (call->member)
        call->member->call = NULL;
    call->fn(call->arg, &sum);
    free_refusals(call);
    free_account(&call->account);
    free_letter(&call->letter);
    free(call);
}

static void fail(struct smtp_call *call, enum smtp_outcome outcome, const struct err *err) {
    struct smtp_result r = {.outcome = outcome, .text = "", .err = *err};
    complete(call, &r);
}

static void abort_call(struct smtp_call *call, enum err_code code, const char *text) {
    struct err err;
    err_set(&err, code, "%s", text);
    if (call->member)
        smtp_session_abort(call->member->session, code, text);
    else
        fail(call, SMTP_RETRY, &err);
}

static void on_overdue(void *arg) {
    abort_call(arg, ERR_TIMEOUT, "the mail server did not answer in time");
}

/* --- sessions -------------------------------------------------------------------------------- */

static unsigned count(const struct smtp_client *c, const struct smtp_account *a) {
    unsigned n = 0;
    for (const struct member *m = c->members; m; m = m->next)
        n += same_user(&m->account, a);
    return n;
}

static unsigned connections_max(struct smtp_client *c, const struct smtp_account *a) {
    unsigned max = CONNECTIONS_MAX;
    for (struct ceiling **at = &c->ceilings; *at;) {
        struct ceiling *one = *at;
        if (clock_mono_ms() < one->until_ms) {
            if (same_user(&one->account, a) && one->max < max)
                max = one->max;
            at = &one->next;
            continue;
        }
        *at = one->next;
        free_account(&one->account);
        free(one);
    }
    return max;
}

static void set_ceiling(struct smtp_client *c, const struct smtp_account *a, unsigned max) {
    struct ceiling *one = mem_zalloc(sizeof *one);
    *one =
        (struct ceiling){.next = c->ceilings, .max = max, .until_ms = clock_mono_ms() + CEILING_MS};
    copy_account(&one->account, &a->server, a->helo);
    c->ceilings = one;
}

/* 4xx before it would do anything, while it serves us over other connections: there are enough. */
static bool is_one_too_many(const struct member *m, const struct smtp_result *r) {
    return r->outcome == SMTP_RETRY && r->code / 100 == 4 && smtp_session_is_opening(m->session) &&
           m->call->letter.data && count(m->client, &m->account) > 1;
}

/* A 421 to one recipient of several: the others' mail goes over another connection, without him. */
static bool is_hung_up(struct smtp_call *call, const struct smtp_result *r) {
    return r->outcome == SMTP_RETRY && r->code == 421 && r->nrefused &&
           r->refused[r->nrefused - 1].code == 421 &&
           call->nrefused + r->nrefused < call->letter.nto && call->hung_up < HUNG_UP_MAX;
}

static void on_result(void *arg, struct smtp_session *s, const struct smtp_result *r) {
    struct member *m = arg;
    struct smtp_call *call = m->call;
    bool waits = r && is_one_too_many(m, r), hung_up = r && is_hung_up(call, r);
    (void)s;
    if (r && !waits && !hung_up) {
        complete(call, r);
        return;
    }
    if (hung_up) {
        call->hung_up++;
        note_refusals(call, r);
    }
    if (waits)
        set_ceiling(m->client, &m->account, count(m->client, &m->account) - 1);
    call->member = NULL; /* over another connection */
    m->call = NULL;
    pump_soon(m->client);
}

static void on_gone(void *arg, struct smtp_session *s) {
    struct member *m = arg;
    struct smtp_client *c = m->client;
    (void)s;
    for (struct member **at = &c->members; *at; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            break;
        }
    pump_soon(c);
    free_account(&m->account);
    free(m);
}

static void open_session(struct smtp_call *call) {
    static const struct smtp_session_fns fns = {.on_result = on_result, .on_gone = on_gone};
    struct member *m = mem_zalloc(sizeof *m);
    m->client = call->client;
    m->call = call;
    call->member = m;
    copy_account(&m->account, &call->account.server, call->account.helo);
    m->next = m->client->members;
    m->client->members = m;
    m->session =
        smtp_session_open(m->client->env, m->client->streams, &m->account, &call->letter, &fns, m);
}

/* Over an idle connection, or a new one if there may be one more; else it goes on waiting. */
static void try_to_send(struct smtp_call *call) {
    for (struct member *m = call->client->members; m; m = m->next)
        if (!m->call && call->letter.data && smtp_session_is_idle(m->session) &&
            same_account(&m->account, &call->account)) {
            m->call = call;
            call->member = m;
            smtp_session_send(m->session, &call->letter);
            return;
        }
    if (count(call->client, &call->account) < connections_max(call->client, &call->account))
        open_session(call);
}

static void pump(void *arg) {
    struct smtp_client *c = arg;
    struct smtp_call *next;
    c->pumping = false;
    for (struct smtp_call *call = c->calls; call && !c->pumping; call = next) {
        next = call->next;
        if (call->bad.code)
            fail(call, call->outcome_if_bad, &call->bad);
        else if (!call->member)
            try_to_send(call);
    }
}

static void pump_soon(struct smtp_client *c) {
    if (!c->pumping && !c->destroyed)
        loop_defer(c->env->loop, pump, c);
    c->pumping = true;
}

/* --- the client ------------------------------------------------------------------------------ */

struct smtp_client *smtp_client_create(const struct env *env) {
    struct smtp_client *c = mem_zalloc(sizeof *c);
    c->env = env;
    c->streams = loop_curl_streams_create(env);
    c->calls_end = &c->calls;
    return c;
}

static void free_client(void *arg) {
    struct smtp_client *c = arg;
    while (c->ceilings) {
        struct ceiling *one = c->ceilings;
        c->ceilings = one->next;
        free_account(&one->account);
        free(one);
    }
    free(c);
}

void smtp_client_destroy(struct smtp_client **c_) {
    struct smtp_client *c = *c_;
    if (!c)
        return;
    *c_ = NULL;
    c->destroyed = true;
    while (c->calls)
        smtp_call_cancel(c->calls);
    while (c->members)
        smtp_session_abort(c->members->session, ERR_UNAVAILABLE, "shutting down");
    loop_curl_streams_destroy(&c->streams);
    loop_defer(c->env->loop, free_client, c); /* after a pump that is due */
}

static struct smtp_call *start(struct smtp_client *c, const struct mail_server *server,
    const char *helo, const struct smtp_message *m, smtp_fn fn, void *arg) {
    struct smtp_call *call = mem_zalloc(sizeof *call);
    call->client = c;
    call->fn = fn;
    call->arg = arg;
    copy_account(&call->account, server, helo);
    if (mail_server_url_check(call->account.server.url, "smtp", &call->bad) < 0)
        call->outcome_if_bad = SMTP_DENIED;
    else if (m && make_letter(&call->letter, m, &call->bad) < 0)
        call->outcome_if_bad = SMTP_REFUSED;
    call->self = c->calls_end;
    *c->calls_end = call;
    c->calls_end = &call->next;
    call->timer = loop_timer_start(
        c->env->loop, m && m->timeout_ms ? m->timeout_ms : TIMEOUT_MS, 0, on_overdue, call);
    pump_soon(c);
    return call;
}

struct smtp_call *smtp_call_start(struct smtp_client *c, const struct mail_server *server,
    const struct smtp_message *m, smtp_fn fn, void *arg) {
    return start(c, server, m->helo, m, fn, arg);
}

struct smtp_call *smtp_check_start(struct smtp_client *c, const struct mail_server *server,
    const char *helo, smtp_fn fn, void *arg) {
    return start(c, server, helo, NULL, fn, arg);
}

void smtp_call_cancel(struct smtp_call *call) {
    abort_call(call, ERR_UNAVAILABLE, "the sending was cancelled");
}
