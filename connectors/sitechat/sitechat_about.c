/* sitechat_about.c - what a visitor tells beside his messages: the form (his name, how to reach
 * him, his consent), how he rates the talk, and what his page has to say of him. All of it is his
 * word: it proves nothing, opens no dialogue and finds no card. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "connectors/sitechat/sitechat_form.h"
#include "connectors/sitechat/sitechat_private.h"

#define EMAIL_COST 3 /* of an address, in events of the page */

/* --- the form -------------------------------------------------------------------------------- */

static bool is_consent_missing(const struct session *s, const json_t *profile) {
    const char *given =
        json_string_value(json_object_get(json_object_get(profile, "page"), "consent"));
    return s->site->consent_required && (!given || strcmp(given, s->site->consent_version) != 0);
}

void session_take_form(struct session *s, json_t *profile, json_t *form) {
    json_t *claims = json_object_get(profile, "claims"), *v;
    const char *key, *email;
    json_object_foreach(form, key, v) {
        if (json_object_get(profile, key)) /* the site has signed another */
            continue;
        if (!claims) {
            claims = json_object();
            json_object_set_new(profile, "claims", claims);
        }
        json_object_set(claims, key, v);
    }
    const char *name = json_string_value(json_object_get(form, "name"));
    if (name && !*s->who.name) {
        free((char *)(uintptr_t)s->who.name);
        s->who.name = mem_strdup(name);
    }
    email = json_string_value(json_object_get(form, "email"));
    if (email && (!s->email || strcmp(email, s->email) != 0)) {
        free(s->email);
        s->email = mem_strdup(email);
        s->email_kept = false;
    }
    s->lacks = NULL;
    if (!s->who.verified) {
        json_t *known = json_object(); /* his name may come from the page, or from a signature */
        json_object_update(known, claims);
        if (s->who.name && *s->who.name)
            json_object_set_new(known, "name", json_string(s->who.name));
        s->lacks = form_missing(s->site->form_must, known, profile);
        json_decref(known);
    }
    if (is_consent_missing(s, profile))
        s->lacks = "consent";
    free(s->profile);
    s->profile = json_dumps(profile, JSON_COMPACT);
    json_decref(profile);
    json_decref(form);
}

static bool may_tell(struct session *s) {
    if (limit_take(s->site->events, s->visitor, 1, clock_mono_ms()) == 0)
        return true;
    metrics_add(s->desk->env->metrics, M_REFUSED, "rate", 1);
    session_error(s, "too_many", "too much at once; wait a little");
    return false;
}

bool session_can_mail(const struct session *s) {
    return connector_find(s->site->base.core, "email", NULL) != NULL;
}

void session_form(struct session *s, const struct visitor_frame *f) {
    struct err err;
    if (!may_tell(s))
        return;
    json_t *form = form_clean(f->form, &err);
    if (!form) {
        session_error(s, err_name(err.code), err.text);
        return;
    }
    json_t *profile = json_loads(s->profile, 0, NULL);
    if (f->consent) {
        json_t *page = json_object_get(profile, "page");
        char *version = utf8_clean_name(f->consent, 64);
        if (!page) {
            page = json_object();
            json_object_set_new(profile, "page", page);
        }
        json_object_set_new(page, "consent", json_string(version));
        free(version);
    }
    session_take_form(s, profile, form);
    json_t *answer = json_pack("{s:s}", "type", "form");
    if (s->email && session_can_mail(s))
        json_object_set_new(answer, "by_email", json_true());
    if (s->lacks)
        json_object_set_new(answer, "lacks", json_string(s->lacks));
    session_send(s, answer);
    if (s->thread[0])
        session_tell_email(s, s->cursor);
}

/* --- answers by e-mail ------------------------------------------------------------------------ */

struct telling {
    struct session *session;
    char *email;
    int64_t seq;
    bool away; /* no agent was there */
};

static void telling_free(struct telling *t) {
    session_unref(t->session);
    free(t->email);
    free(t);
}

static void on_told(void *arg, const struct inbound_result *r, const struct err *err) {
    struct telling *t = arg;
    (void)r;
    if (err)
        LOG_WARN(t->session->desk->env->log, "sitechat.email_not_told",
            LOG_S("channel", t->session->site->base.channel), LOG_E(err));
    telling_free(t);
}

/* In the thread: by e-mail from now on, until the visitor writes in the chat again; said once, and
 * done again after each of his messages. */
static void go_by_email(struct telling *t, struct connector *mail) {
    const struct session *s = t->session;
    char *once = mem_printf("wants:%s:%s", s->visitor, t->email);
    char *id = mem_printf("wants:%s:%lld", s->visitor, (long long)t->seq);
    json_t *body = json_pack(
        "{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", "by_email", "text", t->email);
    struct inbound in = {.kind = INBOUND_EVENT,
        .from = {"email", t->email, "", false},
        .external_id = id,
        .same = once,
        .take_address = true,
        .body = body};
    connector_inbound(mail, &in, on_told, t);
    json_decref(body);
    free(once);
    free(id);
}

/* The address is somebody else's here: the agent is told, the visitor is not, for he would learn
 * who is known. */
static void tell_agent(struct telling *t) {
    const struct session *s = t->session;
    char *id = mem_printf("email:%s:%s", s->visitor, t->email);
    json_t *body = json_pack(
        "{s:{s:s,s:s,s:s}}", "event", "type", "channel", "what", "email_known", "text", t->email);
    struct inbound in = {.kind = INBOUND_EVENT, .from = s->who, .external_id = id, .body = body};
    connector_inbound(&s->site->base, &in, on_told, t);
    json_decref(body);
    free(id);
}

static void on_known(void *arg, const struct err *err) {
    struct telling *t = arg;
    struct session *s = t->session;
    struct connector *mail = connector_find(s->site->base.core, "email", NULL);
    if (!err && s->email && strcmp(s->email, t->email) == 0)
        s->email_kept = true;
    if (err && err->code == ERR_CONFLICT)
        tell_agent(t);
    else if (err)
        on_told(t, NULL, err);
    else if (mail && t->away)
        go_by_email(t, mail);
    else
        telling_free(t);
}

void session_tell_email(struct session *s, int64_t seq) {
    if (!s->email || !session_can_mail(s) || (s->email_kept && s->desk->online))
        return; /* while agents are there it is enough that they can choose it */
    if (!s->email_kept && limit_take(s->site->events, s->visitor, EMAIL_COST, clock_mono_ms())) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "rate", 1);
        return; /* nobody claims address after address */
    }
    struct telling *t = mem_alloc(sizeof *t);
    *t = (struct telling){s, mem_strdup(s->email), seq, !s->desk->online};
    struct identity also = {"email", t->email, "", false};
    session_ref(s);
    connector_identify(&s->site->base, &s->who, &also, on_known, t);
}

/* --- the rating, and what the page tells ------------------------------------------------------ */

struct saying {
    struct session *session;
    char *cid;
};

static void on_said(void *arg, const struct inbound_result *r, const struct err *err) {
    struct saying *y = arg;
    struct session *s = y->session;
    (void)r;
    if (err)
        session_error(s, err_name(err->code), err->text);
    else
        session_send(s, json_pack("{s:s,s:s}", "type", "noted", "cid", y->cid));
    free(y->cid);
    free(y);
    session_unref(s);
}

/* An event of the thread; takes the event. The same cid again is the same event. */
static void say(struct session *s, const char *cid, json_t *event) {
    struct saying *y = mem_alloc(sizeof *y);
    char *id = mem_printf("%s:%s", s->visitor, cid);
    json_t *body = json_pack("{s:o}", "event", event);
    struct inbound in = {.kind = INBOUND_EVENT, .from = s->who, .external_id = id, .body = body};
    *y = (struct saying){s, mem_strdup(cid)};
    session_ref(s);
    connector_inbound(&s->site->base, &in, on_said, y);
    json_decref(body);
    free(id);
}

static bool has_thread(struct session *s) {
    if (!s->thread[0])
        session_error(s, "conflict", "there is no dialogue yet");
    return s->thread[0] != '\0';
}

void session_rate(struct session *s, const struct visitor_frame *f) {
    if (!s->site->asks_rating) {
        session_error(s, "unsupported", "this site does not ask for ratings");
        return;
    }
    if (!has_thread(s) || !may_tell(s))
        return;
    bool has_text = f->text && *f->text;
    char *text = mem_printf(
        "%d of %d%s%s", f->score, VISITOR_SCORE_MAX, has_text ? ": " : "", has_text ? f->text : "");
    json_t *event = json_pack("{s:s,s:i,s:i,s:s}", "type", "rating", "score", f->score, "of",
        VISITOR_SCORE_MAX, "text", text);
    if (has_text)
        json_object_set_new(event, "comment", json_string(f->text));
    say(s, f->cid, event);
    free(text);
}

void session_event(struct session *s, const struct visitor_frame *f) {
    if (!has_thread(s) || !may_tell(s))
        return;
    char *name = utf8_clean_name(f->name, 64);
    json_t *event = json_pack("{s:s,s:s,s:s}", "type", "page", "name", name, "text", name);
    if (json_object_size(f->data))
        json_object_set(event, "data", (json_t *)f->data);
    say(s, f->cid, event);
    free(name);
}
