/* sitechat_session.c - one visitor's socket: its frames, what it is given, its end. Who it is, is
 * found out in sitechat_hello.c; what it writes goes through sitechat_message.c. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/sitechat/sitechat_private.h"

#define FRAMES_BURST 80
#define FRAMES_A_SECOND 20
#define CATCH_UP 200
#define LOOK_MS 15000 /* a chat without a thread asks so often whether another tab made one */

/* --- life ------------------------------------------------------------------------------------ */

void session_ref(struct session *s) {
    s->refs++;
}

void session_unref(struct session *s) {
    if (--s->refs)
        return;
    free((char *)(uintptr_t)s->who.address);
    free((char *)(uintptr_t)s->who.name);
    free(s->profile);
    free(s->email);
    free(s);
}

void session_open(struct ws_session *ws, void *arg) {
    struct desk *d = arg;
    struct session *s = mem_zalloc(sizeof *s);
    s->desk = d;
    s->ws = ws;
    s->refs = 1;
    s->opened_ms = s->frames_ms = clock_mono_ms();
    s->frames_left = FRAMES_BURST;
    s->sending_tail = &s->sending;
    s->next = d->sessions;
    if (s->next)
        s->next->prev = s;
    d->sessions = s;
    ws_set_user(ws, s);
}

void session_close(struct ws_session *ws, void *arg) {
    struct session *s = ws_user(ws);
    (void)arg;
    if (!s)
        return;
    ws_set_user(ws, NULL);
    if (s->state == SESSION_LIVE && s->thread[0])
        connector_typing(&s->site->base, s->thread, false);
    desk_forget(s);
    s->state = SESSION_CLOSED;
    s->ws = NULL;
    session_drop_sending(s);
    session_unref(s);
}

/* --- writing --------------------------------------------------------------------------------- */

void session_send(struct session *s, json_t *frame) {
    char *text = json_dumps(frame, JSON_COMPACT);
    if (text && s->ws)
        ws_send_text(s->ws, text, strlen(text));
    free(text);
    json_decref(frame);
}

void session_error(struct session *s, const char *code, const char *detail) {
    metrics_add(s->desk->env->metrics, M_REFUSED, "bad_frame", 1);
    session_send(s, json_pack("{s:s,s:s,s:s}", "type", "error", "code", code, "detail", detail));
}

void session_end(struct session *s, int code, const char *error, const char *detail) {
    session_error(s, error, detail);
    if (s->ws)
        ws_close(s->ws, code, detail);
}

void session_push(struct session *s, const json_t *message) {
    int64_t seq = json_integer_value(json_object_get(message, "seq"));
    if (seq <= s->cursor)
        return;
    json_t *shown = visitor_message(s, message);
    s->cursor = seq;
    if (shown)
        session_send(s, json_pack("{s:s,s:o}", "type", "msg", "message", shown));
}

void session_state(struct session *s, bool closed) {
    if (closed == s->closed)
        return;
    s->closed = closed;
    if (s->state == SESSION_LIVE) /* else the ready that is to come says it */
        session_send(s, json_pack("{s:s,s:b}", "type", "state", "closed", (int)closed));
}

/* --- catching up ----------------------------------------------------------------------------- */

static void on_missed(void *arg, json_t *messages, const struct err *err) {
    struct session *s = arg;
    size_t i;
    json_t *m;
    s->catching = false;
    if (s->state == SESSION_LIVE && !err) {
        json_array_foreach(messages, i, m) {
            session_push(s, m);
        }
        if (s->again || json_array_size(messages) >= CATCH_UP / 2) { /* notes are left out */
            s->again = false;
            session_catch_up(s);
        }
    }
    session_unref(s); /* after an error: again when the store is back */
}

void session_catch_up(struct session *s) {
    if (s->state != SESSION_LIVE || s->catching || !s->thread[0]) {
        s->again = true;
        return;
    }
    s->catching = true;
    session_ref(s);
    connector_history(&s->site->base, s->thread, s->cursor, CATCH_UP, on_missed, s);
}

static void on_refreshed(void *arg, const struct lookup_result *r, const struct err *err) {
    struct session *s = arg;
    s->asking = false;
    if (s->state != SESSION_LIVE || err || !r->thread[0]) {
        session_unref(s);
        return;
    }
    if (strcmp(r->thread, s->thread) != 0) {
        s->wants_reset = s->thread[0] != '\0';
        desk_follow_thread(s, r->thread);
        s->agents_read = r->agent_read_seq;
        s->closed = r->closed;
        s->cursor = s->delivered = s->read = 0;
        session_load(s, -1, r->last_seq);
    } else {
        if (r->agent_read_seq > s->agents_read) {
            s->agents_read = r->agent_read_seq;
            session_send(s, json_pack("{s:s,s:I,s:s}", "type", "status", "upto",
                                (json_int_t)r->agent_read_seq, "status", "read"));
        }
        session_state(s, r->closed);
        session_catch_up(s);
    }
    session_unref(s);
}

void session_refresh(struct session *s) {
    if (s->asking)
        return;
    s->asking = true;
    session_ref(s);
    connector_lookup(&s->site->base, &s->who, on_refreshed, s);
}

/* --- older messages -------------------------------------------------------------------------- */

struct older {
    struct session *session;
    int64_t from; /* the page's first seq */
};

static void on_older(void *arg, json_t *messages, const struct err *err) {
    struct older *o = arg;
    struct session *s = o->session;
    json_t *list = json_array(), *m;
    size_t i;
    if (s->state == SESSION_LIVE && err) {
        session_error(s, err_name(err->code), err->text);
    } else if (s->state == SESSION_LIVE) {
        json_array_foreach(messages, i, m) {
            json_t *shown = visitor_message(s, m);
            if (shown)
                json_array_append_new(list, shown);
        }
        session_send(s, json_pack("{s:s,s:O,s:b,s:I}", "type", "history", "messages", list, "more",
                            (int)(o->from > 1), "next", (json_int_t)o->from));
    }
    json_decref(list);
    free(o);
    session_unref(s);
}

static void session_history(struct session *s, const struct visitor_frame *f) {
    int64_t before = f->before;
    if (!s->thread[0] || before <= 1) {
        session_send(s,
            json_pack("{s:s,s:[],s:b,s:i}", "type", "history", "messages", "more", 0, "next", 1));
        return;
    }
    if (before > s->cursor + 1)
        before = s->cursor + 1;
    struct older *o = mem_alloc(sizeof *o);
    *o = (struct older){s, before > f->limit ? before - f->limit : 1};
    session_ref(s);
    connector_history_before(&s->site->base, s->thread, before, f->limit, on_older, o);
}

/* --- going on in a messenger ----------------------------------------------------------------- */

#define INVITE_S 3600 /* the link is good for so long, once */

struct leaving {
    struct session *session;
    char *id, *url;
};

static void on_invited(void *arg, const char *token, const struct err *err) {
    struct leaving *l = arg;
    struct session *s = l->session;
    if (s->state == SESSION_LIVE && err) {
        session_error(s, err_name(err->code), err->text);
    } else if (s->state == SESSION_LIVE) {
        char *url = mem_printf("%s%s", l->url, token);
        session_send(s, json_pack("{s:s,s:s,s:s}", "type", "continue", "id", l->id, "url", url));
        free(url);
    }
    free(l->id);
    free(l->url);
    free(l);
    session_unref(s);
}

/* The link has a token in it that makes whoever opens it this visitor: it is given to him only. */
static void session_continue(struct session *s, const struct visitor_frame *f) {
    json_t *doors = connector_doors(&s->site->base), *door;
    const char *url = NULL;
    size_t i;
    json_array_foreach(doors, i, door) {
        if (!url &&
            strcmp(json_string_value(json_object_get(door, "connector")), f->connector) == 0)
            url = json_string_value(json_object_get(door, "invite"));
    }
    if (!url) {
        session_error(s, "not_found", "the dialogue cannot go on there");
    } else if (limit_take(s->site->messages, s->visitor, 1, clock_mono_ms())) {
        session_error(s, "too_many", "too many requests; wait a little");
    } else {
        struct leaving *l = mem_alloc(sizeof *l);
        *l = (struct leaving){s, mem_strdup(f->id), mem_strdup(url)};
        session_ref(s);
        connector_invite(&s->site->base, &s->who, INVITE_S, on_invited, l);
    }
    json_decref(doors);
}

/* --- frames ---------------------------------------------------------------------------------- */

/* What we showed it up to `upto` is delivered, or read; nobody can say so of more. */
static void session_receipt(struct session *s, int64_t upto, bool read) {
    int64_t *told = read ? &s->read : &s->delivered;
    if (upto > s->cursor)
        upto = s->cursor;
    if (!s->thread[0] || upto <= *told)
        return;
    *told = upto;
    if (read && s->delivered < upto)
        s->delivered = upto;
    connector_receipt(
        &s->site->base, s->thread, upto, read ? STATUS_READ : STATUS_DELIVERED, NULL, NULL);
}

static void session_ping(struct session *s) {
    uint64_t now = clock_mono_ms();
    session_send(s, json_pack("{s:s}", "type", "pong"));
    if (!s->thread[0] && now - s->looked_ms > LOOK_MS) {
        s->looked_ms = now;
        session_refresh(s);
    }
}

static void session_frame(struct session *s, const struct visitor_frame *f) {
    if (f->kind == VISITOR_HELLO && s->state == SESSION_NEW) {
        session_hello(s, f);
    } else if (f->kind == VISITOR_HELLO) {
        session_error(s, "conflict", "hello was said before");
    } else if (s->state == SESSION_NEW) {
        session_end(s, 1008, "auth", "say hello first");
    } else if (f->kind == VISITOR_PING) {
        session_ping(s);
    } else if (s->state != SESSION_LIVE) {
        session_error(s, "conflict", "wait for ready");
    } else if (f->kind == VISITOR_MSG) {
        session_msg(s, f);
    } else if (f->kind == VISITOR_TYPING) {
        if (s->thread[0])
            connector_typing(&s->site->base, s->thread, f->on);
    } else if (f->kind == VISITOR_HISTORY) {
        session_history(s, f);
    } else if (f->kind == VISITOR_CONTINUE) {
        session_continue(s, f);
    } else if (f->kind == VISITOR_FORM) {
        session_form(s, f);
    } else if (f->kind == VISITOR_RATE) {
        session_rate(s, f);
    } else if (f->kind == VISITOR_EVENT) {
        session_event(s, f);
    } else {
        session_receipt(s, f->upto, f->kind == VISITOR_READ);
    }
}

static bool may_send(struct session *s) {
    uint64_t now = clock_mono_ms();
    s->frames_left += (double)(now - s->frames_ms) * FRAMES_A_SECOND / 1000;
    if (s->frames_left > FRAMES_BURST)
        s->frames_left = FRAMES_BURST;
    s->frames_ms = now;
    s->frames_left -= 1;
    return s->frames_left >= 0;
}

void session_message(struct ws_session *ws, void *arg, struct span text) {
    struct session *s = ws_user(ws);
    struct visitor_frame f;
    struct err err;
    (void)arg;
    if (!s)
        return;
    if (!may_send(s)) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "rate", 1);
        session_end(s, 4429, "too_many", "too many frames; come back in a while");
        return;
    }
    unsigned text_max = s->site ? s->site->text_max : s->desk->first->text_max;
    if (visitor_frame_parse(text, text_max, &f, &err) == 0)
        session_frame(s, &f);
    else if (f.kind == VISITOR_MSG && f.cid && s->state == SESSION_LIVE)
        session_send(s, json_pack("{s:s,s:s,s:s,s:s}", "type", "nack", "cid", f.cid, "code",
                            err_name(err.code), "detail", err.text));
    else if (s->state == SESSION_NEW)
        session_end(s, 1008, err_name(err.code), err.text);
    else
        session_error(s, err_name(err.code), err.text);
    visitor_frame_free(&f);
}
