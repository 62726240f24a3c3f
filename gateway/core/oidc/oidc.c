/* oidc.c - a provider: its settings, its documents, and where a browser is sent. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/crm/crm_call.h"
#include "core/oidc/oidc_private.h"

#define GOOD_MS (3600 * 1000)
#define AGAIN_MS 2000       /* after a failure */
#define KEYS_AGAIN_MS 30000 /* at most so often for keys that nobody knows */
#define URL_MAX 8192u

/* --- documents ------------------------------------------------------------------------------- */

static int take_metadata(struct oidc *o, struct span body, struct err *err) {
    struct oidc_metadata m;
    if (oidc_metadata_read(body, o->issuer, o->allow_private, &m, err) < 0)
        return -1;
    oidc_metadata_free(&o->metadata);
    o->metadata = m;
    return 0;
}

static int take_keys(struct oidc *o, struct span body, struct err *err) {
    struct oidc_keys keys;
    if (oidc_keys_read(body, &keys, err) < 0)
        return -1;
    oidc_keys_free(&o->keys);
    o->keys = keys;
    return 0;
}

static void paper_init(struct oidc_paper *p, struct oidc *o, const char *what,
    int (*take)(struct oidc *o, struct span body, struct err *err)) {
    *p = (struct oidc_paper){.o = o, .what = what, .take = take, .waits_end = &p->waits};
}

/* Those who come meanwhile wait for the next time. */
static void answer_all(struct oidc_paper *p, const struct err *err) {
    struct oidc_wait *w = p->waits;
    p->waits = NULL;
    p->waits_end = &p->waits;
    while (w) {
        struct oidc_wait *next = w->next;
        w->fn(w->arg, err);
        free(w);
        w = next;
    }
}

static void on_paper(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct oidc_paper *p = arg;
    struct err why = {0};
    (void)sent;
    p->call = NULL;
    if (err)
        err_set(&why, err->code == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s: %s", p->what,
            err->text);
    else if (answer->status != 200)
        err_set(&why, ERR_UNAVAILABLE, "%s: the provider answers %d", p->what, answer->status);
    else
        p->take(p->o, answer->body, &why);
    p->failed = why;
    p->good_until_ms = why.code ? 0 : clock_mono_ms() + GOOD_MS;
    answer_all(p, why.code ? &why : NULL);
}

static void ask(struct oidc_paper *p) {
    static const char *const headers[] = {"Accept: application/json", NULL};
    struct oidc *o = p->o;
    p->asked_ms = clock_mono_ms();
    p->call = http_call_start(o->http,
        &(struct http_request){.method = "GET",
            .url = p == &o->keys_paper ? o->metadata.keys_url : o->discovery_url,
            .headers = headers,
            .timeout_ms = o->timeout_ms,
            .answer_max = OIDC_ANSWER_MAX,
            .allow_private = o->allow_private,
            .allow_plain = o->allow_private},
        on_paper, p);
}

static void serve(void *arg) {
    struct oidc_paper *p = arg;
    struct err err = p->failed;
    uint64_t now = clock_mono_ms();
    p->serving = false;
    if (!p->waits || p->call)
        return;
    if (p->o->stopped)
        err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    else if (now >= p->good_until_ms && (!err.code || now - p->asked_ms >= AGAIN_MS)) {
        ask(p);
        return;
    }
    answer_all(p, err.code ? &err : NULL);
}

void oidc_need(struct oidc_paper *p, oidc_ready_fn fn, void *arg) {
    struct oidc_wait *w = mem_alloc(sizeof *w);
    *w = (struct oidc_wait){NULL, fn, arg};
    *p->waits_end = w;
    p->waits_end = &w->next;
    if (!p->serving && !p->call) {
        p->serving = true;
        loop_defer(p->o->env.loop, serve, p);
    }
}

bool oidc_keys_are_old(struct oidc *o) {
    uint64_t now = clock_mono_ms();
    if (o->keys_renewed_ms && now - o->keys_renewed_ms < KEYS_AGAIN_MS)
        return !o->keys_paper.good_until_ms; /* another has asked for them: they are on their way */
    o->keys_renewed_ms = now;
    o->keys_paper.good_until_ms = 0;
    return true;
}

/* --- where to send a browser ----------------------------------------------------------------- */

struct beginning {
    struct oidc *o;
    oidc_url_fn fn;
    void *arg;
    struct oidc_round round;
};

static void add(struct buf *url, const char *name, const char *value) {
    char *coded = crm_escape(value);
    buf_addf(url, "%c%s=%s", strchr(buf_str(url), '?') ? '&' : '?', name, coded);
    free(coded);
}

static void add_scopes(struct buf *url, const struct oidc *o) {
    const char *const *scopes = settings_list(o->settings, "scopes");
    struct buf text;
    buf_init(&text, URL_MAX);
    for (size_t i = 0; scopes[i]; i++)
        buf_addf(&text, "%s%s", i ? " " : "", scopes[i]);
    add(url, "scope", buf_str(&text));
    buf_free(&text);
}

static void on_metadata(void *arg, const struct err *err) {
    struct beginning *b = arg;
    struct oidc *o = b->o;
    char challenge[CRYPTO_TOKEN_SIZE];
    struct buf url;
    struct err long_;
    buf_init(&url, URL_MAX);
    if (!err) {
        oidc_round_challenge(&b->round, challenge);
        buf_adds(&url, o->metadata.authorization_url);
        add(&url, "response_type", "code");
        add(&url, "client_id", o->client_id);
        add(&url, "redirect_uri", o->redirect_url);
        add_scopes(&url, o);
        add(&url, "state", b->round.state);
        add(&url, "nonce", b->round.nonce);
        add(&url, "code_challenge", challenge);
        add(&url, "code_challenge_method", "S256");
    }
    if (url.failed) {
        err_set(&long_, ERR_PROTOCOL, "the address to send the browser to is too long");
        err = &long_;
    }
    b->fn(b->arg, err ? NULL : buf_str(&url), err);
    buf_free(&url);
    explicit_bzero(b, sizeof *b);
    free(b);
}

void oidc_begin(struct oidc *o, const struct oidc_round *round, oidc_url_fn fn, void *arg) {
    struct beginning *b = mem_alloc(sizeof *b);
    *b = (struct beginning){o, fn, arg, *round};
    oidc_need(&o->metadata_paper, on_metadata, b);
}

/* --- and to sign out there ------------------------------------------------------------------- */

static void on_leaving(void *arg, const struct err *err) {
    struct beginning *b = arg;
    const struct oidc *o = b->o;
    struct buf url;
    buf_init(&url, URL_MAX);
    if (!err && o->metadata.end_url) {
        buf_adds(&url, o->metadata.end_url);
        add(&url, "client_id", o->client_id); /* no id_token_hint: addresses end up in logs */
        add(&url, "post_logout_redirect_uri", o->home_url);
    }
    b->fn(b->arg, url.n && !url.failed ? buf_str(&url) : NULL, err);
    buf_free(&url);
    free(b);
}

/* Where it is does not change, as a rule: nobody waits for a document that is an hour old. */
static void leave_now(void *arg) {
    on_leaving(arg, NULL);
}

void oidc_leave(struct oidc *o, oidc_url_fn fn, void *arg) {
    struct beginning *b = mem_zalloc(sizeof *b);
    b->o = o;
    b->fn = fn;
    b->arg = arg;
    if (o->metadata.end_url)
        loop_defer(o->env.loop, leave_now, b);
    else
        oidc_need(&o->metadata_paper, on_leaving, b);
}

bool oidc_leaves_there(const struct oidc *o) {
    return o->leaves_there;
}

bool oidc_can_leave(const struct oidc *o) {
    return o->metadata.end_url != NULL;
}

/* --- is all well? ---------------------------------------------------------------------------- */

struct checking {
    struct oidc *o;
    oidc_check_fn fn;
    void *arg;
};

static void on_checked(void *arg, const struct err *err) {
    struct checking *k = arg;
    k->fn(k->arg, k->o->keys.n, err);
    free(k);
}

static void on_first_checked(void *arg, const struct err *err) {
    struct checking *k = arg;
    if (err)
        on_checked(k, err);
    else
        oidc_need(&k->o->keys_paper, on_checked, k);
}

void oidc_check(struct oidc *o, oidc_check_fn fn, void *arg) {
    struct checking *k = mem_alloc(sizeof *k);
    *k = (struct checking){o, fn, arg};
    oidc_need(&o->metadata_paper, on_first_checked, k);
}

/* --- settings and life ----------------------------------------------------------------------- */

static bool has(const char *const *list, const char *word) {
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

static int check(const struct oidc *o, const char *public_url, struct err *err) {
    bool any = o->rules.roles[ROLE_AGENT][0] || o->rules.roles[ROLE_SUPERVISOR][0] ||
               o->rules.roles[ROLE_ADMIN][0];
    if (!oidc_url_is_good(o->issuer, o->allow_private) || strchr(o->issuer, '?'))
        return err_set(err, ERR_INVALID,
            "issuer must be an address like https://login.example.com/realm, without ? and #%s",
            o->allow_private ? "" : " (http:// only with allow_private)");
    if (!*o->client_id)
        return err_set(err, ERR_INVALID, "client_id is empty");
    if (!*public_url)
        return err_set(err, ERR_INVALID,
            "public_url must be set: the provider sends browsers back to "
            "PUBLIC_URL/sign-in/%s/callback",
            oidc_id(o));
    if (!has(settings_list(o->settings, "scopes"), "openid"))
        return err_set(err, ERR_INVALID, "scopes must have openid");
    if (any != (*o->rules.role_claim != '\0'))
        return err_set(err, ERR_INVALID,
            "role_claim goes with at least one of admins, supervisors and agents, and they with "
            "it");
    return 0;
}

static void read_settings(struct oidc *o, const char *public_url) {
    const struct settings *s = o->settings;
    size_t n = strlen(public_url);
    o->issuer = settings_str(s, "issuer");
    o->client_id = settings_str(s, "client_id");
    o->client_secret = settings_str(s, "client_secret");
    o->allow_private = settings_bool(s, "allow_private");
    o->leaves_there = settings_bool(s, "sign_out");
    o->timeout_ms = (unsigned)settings_int(s, "timeout");
    o->rules = (struct oidc_rules){.claim = settings_str(s, "claim"),
        .domains = settings_list(s, "domains"),
        .role_claim = settings_str(s, "role_claim"),
        .roles = {settings_list(s, "agents"), settings_list(s, "supervisors"),
            settings_list(s, "admins")}};
    while (n && public_url[n - 1] == '/')
        n--;
    o->home_url = mem_printf("%.*s/", (int)n, public_url);
    o->redirect_url = mem_printf("%.*s/sign-in/%s/callback", (int)n, public_url, oidc_id(o));
    n = strlen(o->issuer);
    if (n && o->issuer[n - 1] == '/')
        n--;
    o->discovery_url = mem_printf("%.*s/.well-known/openid-configuration", (int)n, o->issuer);
}

struct oidc *oidc_create(const struct env *env, struct http_client *http, const struct settings *s,
    const char *public_url, struct err *err) {
    struct oidc *o = mem_zalloc(sizeof *o);
    o->env = *env;
    o->http = http;
    o->settings = s;
    read_settings(o, public_url);
    paper_init(&o->metadata_paper, o, "discovery", take_metadata);
    paper_init(&o->keys_paper, o, "jwks_uri", take_keys);
    if (check(o, public_url, err) < 0)
        oidc_destroy(&o);
    return o;
}

static void stop_paper(struct oidc_paper *p) {
    struct err err;
    if (p->call)
        http_call_cancel(p->call);
    err_set(&err, ERR_UNAVAILABLE, "the gateway is stopping");
    answer_all(p, &err);
}

void oidc_stop(struct oidc *o) {
    o->stopped = true;
    stop_paper(&o->metadata_paper);
    stop_paper(&o->keys_paper);
    oidc_finishing_cancel(o);
}

static void free_oidc(void *arg) {
    struct oidc *o = arg;
    oidc_metadata_free(&o->metadata);
    oidc_keys_free(&o->keys);
    free(o->redirect_url);
    free(o->home_url);
    free(o->discovery_url);
    free(o);
}

void oidc_destroy(struct oidc **op) {
    struct oidc *o = *op;
    if (!o)
        return;
    *op = NULL;
    oidc_stop(o);
    loop_defer(o->env.loop, free_oidc, o); /* after a serve that is due */
}

const char *oidc_id(const struct oidc *o) {
    return settings_title(o->settings);
}

const char *oidc_name(const struct oidc *o) {
    const char *name = settings_str(o->settings, "name");
    return *name ? name : oidc_id(o);
}

const char *oidc_redirect_url(const struct oidc *o) {
    return o->redirect_url;
}

int64_t oidc_session_ms(const struct oidc *o) {
    return settings_int(o->settings, "session");
}

bool oidc_makes_agents(const struct oidc *o) {
    return settings_bool(o->settings, "create");
}
