/* crm_call.c - requests wait in a list; a timer starts them when the rate allows. */
#include "core/crm/crm_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/crm/crm_log.h"
#include "core/limiter.h"

#define SAID_MAX 160 /* of what a server says, in an error */
/* After a pause so small a part of a second's requests goes at once: the server's own count of a
 * second shall not see more than it allows, and after an outage all workers come back together. */
#define BURST_PART 10u

struct waiting {
    struct waiting *next;
    struct crm_calls *owner;
    struct http_call *call; /* while it runs */
    char *method, *url, *body;
    size_t body_n;
    char **headers; /* NULL-ended */
    struct http_part *parts;
    size_t nparts;
    char asked[CRM_LOG_ASKED];
    struct crm_about about;
    uint64_t began_ms;
    http_answer_fn fn;
    void *arg;
};

struct crm_calls {
    struct crm *crm;
    struct crm_calls_options options;
    struct limiter *limiter;
    struct crm_log *log;
    struct loop_timer *timer;
    struct waiting *first, **tail; /* not begun */
    struct waiting *running;
    struct err refused; /* by the answer that is being read */
    unsigned nrunning;
    bool ended;
};

void crm_calls_options_read(struct crm_calls_options *o, const struct settings *s) {
    o->parallel = (unsigned)settings_int(s, "parallel");
    o->per_second = (double)settings_int(s, "per_second");
    o->burst = (unsigned)settings_int(s, "per_second") / BURST_PART;
    o->timeout_ms = (unsigned)settings_int(s, "timeout");
    o->allow_private = settings_bool(s, "allow_private");
}

int crm_check_url(const char *value, struct err *err) {
    if (strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0)
        return 0;
    return err_set(
        err, ERR_INVALID, "the address begins with https:// (or http:// in your own net)");
}

int crm_check_secret(const char *value, struct err *err) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t n = strlen(value);
    return n && (n < 24 || strspn(value, plain) != n)
               ? err_set(
                     err, ERR_INVALID, "a secret in an address has 24 letters and digits at least")
               : 0;
}

char *crm_escape(const char *s) {
    static const char hex[] = "0123456789ABCDEF";
    char *out = mem_alloc(strlen(s) * 3 + 1), *at = out;
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '~';
        if (plain) {
            *at++ = *s;
            continue;
        }
        *at++ = '%';
        *at++ = hex[c >> 4];
        *at++ = hex[c & 15];
    }
    *at = '\0';
    return out;
}

static void start_some(struct crm_calls *cs);

static void on_timer(void *arg) {
    start_some(arg);
}

struct crm_calls *crm_calls_create(struct crm *c, const struct crm_calls_options *o) {
    struct crm_calls *cs = mem_zalloc(sizeof *cs);
    cs->crm = c;
    cs->options = *o;
    c->allow_private = o->allow_private;
    cs->limiter = limiter_create(1);
    cs->log = crm_log_create(c);
    cs->tail = &cs->first;
    cs->timer = loop_timer_start(c->env->loop, UINT32_MAX, 0, on_timer, cs);
    return cs;
}

static struct http_part *parts_copy(const struct http_part *parts, size_t n) {
    struct http_part *out = n ? mem_zalloc(n * sizeof *out) : NULL;
    for (size_t i = 0; i < n; i++) {
        out[i] = parts[i];
        out[i].name = mem_strdup(parts[i].name);
        out[i].file_name = mem_strdup(parts[i].file_name);
        out[i].type = mem_strdup(parts[i].type);
        out[i].data.p = mem_strndup(parts[i].data.n ? parts[i].data.p : "", parts[i].data.n);
    }
    return out;
}

static void parts_free(struct http_part *parts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free((char *)parts[i].name);
        free((char *)parts[i].file_name);
        free((char *)parts[i].type);
        free((char *)parts[i].data.p);
        if (parts[i].fd >= 0)
            close(parts[i].fd);
    }
    free(parts);
}

static void waiting_free(struct waiting *w) {
    for (char **h = w->headers; h && *h; h++)
        free(*h);
    free(w->headers);
    parts_free(w->parts, w->nparts);
    free(w->method);
    free(w->url);
    free(w->body);
    free(w);
}

static void note(const struct waiting *w, const struct http_answer *answer, unsigned ms,
    const struct err *failure) {
    struct err err = {0};
    if (failure)
        err = *failure;
    else if (w->owner->refused.code)
        err = w->owner->refused;
    else
        crm_answer_check(answer, &err);
    crm_log_add(w->owner->log, &(struct crm_log_call){.asked = w->asked,
                                   .about = w->about,
                                   .status = answer ? answer->status : 0,
                                   .ms = ms,
                                   .error = err.code ? &err : NULL});
}

/* What went wrong on the way is no fault of what was to be said. */
static struct err way_failed(const struct err *err, bool sent) {
    struct err out = *err;
    if (err->code == ERR_PROTOCOL && sent)
        out.code = ERR_UNAVAILABLE; /* half an answer */
    else if (err->code == ERR_PROTOCOL || err->code == ERR_DENIED || err->code == ERR_INVALID)
        out.code = ERR_AUTH; /* it is not whom we take it for, or not where we may call */
    return out;
}

static void refuse_waiting(struct crm_calls *cs) {
    struct err err;
    err_set(&err, ERR_AUTH, "the CRM has just answered 401 to another request");
    crm_calls_forget(cs, &err);
}

static void on_answer(
    void *arg, const struct http_answer *answer, const struct err *failure, bool sent) {
    struct waiting *w = arg;
    struct crm_calls *cs = w->owner;
    struct err failed, *err = NULL;
    if (failure) {
        failed = way_failed(failure, sent);
        err = &failed;
    }
    for (struct waiting **at = &cs->running; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    cs->nrunning--;
    if (answer && answer->retry_after_s > 0)
        crm_calls_pause(
            cs, (unsigned)(answer->retry_after_s < 3600 ? answer->retry_after_s : 3600) * 1000);
    unsigned ms = (unsigned)(clock_mono_ms() - w->began_ms);
    struct crm_about was = crm_about_swap(cs->crm, w->about);
    cs->refused.code = ERR_NONE;
    w->fn(w->arg, answer, err, sent);
    crm_about_swap(cs->crm, was);
    note(w, answer, ms, err);
    waiting_free(w);
    if (answer && answer->status == 401 && cs->options.fixed_secret && !cs->ended)
        refuse_waiting(cs);
    if (!cs->ended)
        start_some(cs);
}

static void start_one(struct crm_calls *cs) {
    struct waiting *w = cs->first;
    cs->first = w->next;
    if (!cs->first)
        cs->tail = &cs->first;
    cs->crm->waiting--;
    cs->nrunning++;
    w->began_ms = clock_mono_ms();
    w->next = cs->running;
    cs->running = w;
    struct http_request rq = {.method = w->method,
        .url = w->url,
        .headers = (const char *const *)w->headers,
        .body = span_of(w->body, w->body_n),
        .timeout_ms = cs->options.timeout_ms * (w->nparts ? 10 : 1),
        .answer_max = cs->options.answer_max,
        .allow_private = cs->options.allow_private,
        .allow_plain = cs->options.allow_private,
        .parts = w->parts,
        .nparts = w->nparts};
    w->call = http_call_start(cs->crm->client, &rq, on_answer, w);
    for (size_t i = 0; i < w->nparts; i++)
        w->parts[i].fd = -1; /* the call's */
}

static struct limiter_rate rate_of(const struct crm_calls *cs) {
    double share = crm_share(cs->crm);
    double per_second = cs->options.per_second * (share > 0 ? share : 1);
    unsigned ahead = (unsigned)(cs->options.burst * (share > 0 ? share : 1));
    return (struct limiter_rate){per_second > 0 ? 1e6 / per_second : 0, ahead ? ahead - 1 : 0};
}

static void start_some(struct crm_calls *cs) {
    static const struct limiter_rate any = {0, 0};
    while (cs->first && cs->nrunning < cs->options.parallel) {
        uint64_t now = clock_mono_ms();
        struct limiter_rate rate = rate_of(cs);
        unsigned wait = limiter_wait_all(cs->limiter, rate, now);
        if (wait) {
            loop_timer_again(cs->timer, wait, 0);
            return;
        }
        limiter_take(cs->limiter, rate, "", any, 1, now);
        start_one(cs);
    }
}

/* What stands after '?' may be somebody's number, or a secret. */
static void name_it(const struct crm_request *rq, char out[CRM_LOG_ASKED]) {
    const char *about = rq->about ? rq->about : "";
    bool is_path = *about == '/';
    int n = (int)(is_path ? strcspn(about, "?") : strlen(about));
    snprintf(out, CRM_LOG_ASKED, "%s%s%.*s", is_path || !n ? rq->method : "", is_path ? " " : "", n,
        about);
}

void crm_calls_start(
    struct crm_calls *cs, const struct crm_request *rq, http_answer_fn fn, void *arg) {
    struct waiting *w = mem_zalloc(sizeof *w);
    size_t n = 0;
    while (rq->headers && rq->headers[n])
        n++;
    w->owner = cs;
    w->method = mem_strdup(rq->method);
    name_it(rq, w->asked);
    w->about = cs->crm->about;
    w->url = mem_strdup(rq->url);
    w->body = mem_strndup(rq->body.n ? rq->body.p : "", rq->body.n);
    w->body_n = rq->body.n;
    w->headers = mem_zalloc((n + 1) * sizeof *w->headers);
    for (size_t i = 0; i < n; i++)
        w->headers[i] = mem_strdup(rq->headers[i]);
    w->parts = parts_copy(rq->parts, rq->nparts);
    w->nparts = rq->nparts;
    w->fn = fn;
    w->arg = arg;
    *cs->tail = w;
    cs->tail = &w->next;
    cs->crm->waiting++;
    loop_timer_again(cs->timer, 0, 0); /* never completes inside the call */
}

void crm_calls_refused(struct crm_calls *cs, const struct err *err) {
    if (cs) /* else the gateway is stopping */
        cs->refused = *err;
}

void crm_calls_pause(struct crm_calls *cs, unsigned ms) {
    limiter_block_all(cs->limiter, clock_mono_ms() + ms);
}

/* Those that are asked for meanwhile stay. */
void crm_calls_forget(struct crm_calls *cs, const struct err *err) {
    struct waiting *w = cs->first;
    cs->first = NULL;
    cs->tail = &cs->first;
    while (w) {
        struct waiting *next = w->next;
        cs->crm->waiting--;
        w->fn(w->arg, NULL, err, false);
        waiting_free(w);
        w = next;
    }
}

void crm_calls_destroy(struct crm_calls **csp) {
    struct crm_calls *cs = *csp;
    struct err err;
    if (!cs)
        return;
    *csp = NULL;
    cs->ended = true;
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    while (cs->running)
        http_call_cancel(cs->running->call);
    while (cs->first)
        crm_calls_forget(cs, &err);
    loop_timer_stop(&cs->timer);
    limiter_destroy(&cs->limiter);
    crm_log_destroy(&cs->log);
    free(cs);
}

/* --- answers --------------------------------------------------------------------------------- */

static enum err_code code_of(int status) {
    static const struct {
        int status;
        enum err_code code;
    } known[] = {{401, ERR_AUTH}, {403, ERR_DENIED}, {404, ERR_NOT_FOUND}, {410, ERR_NOT_FOUND},
        {408, ERR_UNAVAILABLE}, {409, ERR_CONFLICT}, {413, ERR_TOO_LARGE}, {425, ERR_UNAVAILABLE},
        {429, ERR_TOO_MANY}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].status == status)
            return known[i].code;
    return status >= 500 ? ERR_UNAVAILABLE : status >= 400 ? ERR_INVALID : ERR_PROTOCOL;
}

static size_t skip_blanks(struct span body) {
    size_t i = 0;
    while (i < body.n && strchr(" \t\r\n", body.p[i]) && body.p[i])
        i++;
    return i;
}

/* The words of a body, in one line; of a page with markup nothing. */
static void words_of(struct span body, char out[SAID_MAX]) {
    size_t n = 0, i = skip_blanks(body);
    if (i < body.n && body.p[i] != '<')
        for (; i < body.n && n < SAID_MAX - 1; i++)
            out[n++] = (unsigned char)body.p[i] < ' ' ? ' ' : body.p[i];
    out[n] = '\0';
}

int crm_answer_check(const struct http_answer *a, struct err *err) {
    char said[SAID_MAX];
    if (a->status >= 200 && a->status < 300)
        return 0;
    words_of(a->reason && *a->reason ? span_str(a->reason) : a->body, said);
    return err_set(
        err, code_of(a->status), "the CRM answered %d%s%s", a->status, *said ? ": " : "", said);
}

void crm_answer_by_proxy(struct err *err) {
    if (err->code == ERR_NOT_FOUND)
        err->code = ERR_UNAVAILABLE;
}

int crm_answer_check_json(const struct http_answer *a, struct err *err) {
    int rc = crm_answer_check(a, err);
    size_t i = skip_blanks(a->body);
    if (rc < 0 && i < a->body.n && a->body.p[i] != '{' && a->body.p[i] != '[')
        crm_answer_by_proxy(err);
    return rc;
}

json_t *crm_answer_json(const struct http_answer *a, struct err *err) {
    char said[SAID_MAX];
    if (crm_answer_check(a, err) < 0)
        return NULL;
    if (a->body.n == 0)
        return json_null();
    json_t *j = json_loadb(a->body.p, a->body.n, 0, NULL);
    if (j && !json_is_object(j) && !json_is_array(j)) {
        json_decref(j);
        j = NULL;
    }
    if (!j) {
        words_of(a->body, said);
        err_set(err, ERR_PROTOCOL, "the CRM answered %d with what is no JSON object%s%s", a->status,
            *said ? ": " : "", said);
    }
    return j;
}
