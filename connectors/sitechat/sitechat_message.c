/* sitechat_message.c - what visitors write, one message after another per socket so that they stay
 * in order, acknowledged once the store has them; and the form in which messages are shown to them:
 * names and texts, never logins, notes or other people's ids. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/sitechat/sitechat_private.h"
#include "core/core.h"
#include "store/store_media.h"

#define WAITING_MAX 100
#define RETRY_MS 2000

struct sending {
    struct sending *next;
    struct session *session;
    char *cid;
    json_t *body;
    char *files[VISITOR_FILES_MAX];
    size_t nfiles;
    bool was_new; /* the thread was not known when the files were checked */
    struct inbound_result result;
};

static void sending_free(struct sending *m) {
    for (size_t i = 0; i < m->nfiles; i++)
        free(m->files[i]);
    json_decref(m->body);
    free(m->cid);
    free(m);
}

static void nack(
    struct session *s, const char *cid, const char *code, const char *detail, uint64_t retry_ms) {
    json_t *f =
        json_pack("{s:s,s:s,s:s,s:s}", "type", "nack", "cid", cid, "code", code, "detail", detail);
    if (retry_ms)
        json_object_set_new(f, "retry_after_ms", json_integer((json_int_t)retry_ms));
    session_send(s, f);
}

/* --- one after another ----------------------------------------------------------------------- */

static void send_first(struct session *s);

/* The first in line is done. */
static void advance(struct sending *m) {
    struct session *s = m->session;
    s->sending = m->next;
    if (!s->sending)
        s->sending_tail = &s->sending;
    s->nsending--;
    sending_free(m);
    if (s->sending && s->state != SESSION_CLOSED)
        send_first(s);
    session_unref(s);
}

void session_drop_sending(struct session *s) {
    struct sending *m = s->sending ? s->sending->next : NULL; /* the first is on its way */
    if (s->sending) {
        s->sending->next = NULL;
        s->sending_tail = &s->sending->next;
    }
    while (m) {
        struct sending *next = m->next;
        s->nsending--;
        sending_free(m);
        m = next;
        session_unref(s);
    }
}

static void refuse(struct sending *m, const struct err *err) {
    bool later = err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT;
    nack(m->session, m->cid, err_name(err->code), err->text, later ? RETRY_MS : 0);
    advance(m);
}

static void acknowledge(struct sending *m) {
    struct session *s = m->session;
    const struct inbound_result *r = &m->result;
    char at[CLOCK_TEXT_SIZE];
    session_send(
        s, json_pack("{s:s,s:s,s:s,s:I,s:s}", "type", "ack", "cid", m->cid, "id", r->message, "seq",
               (json_int_t)r->seq, "at", clock_format(r->received_ms, at)));
    session_tell_email(s, r->seq);
    if (s->state == SESSION_LIVE && strcmp(s->thread, r->thread) != 0) {
        if (s->thread[0]) {
            session_refresh(s); /* became part of another dialogue meanwhile */
        } else {
            desk_follow_thread(s, r->thread);
            session_catch_up(s);
            desk_share_thread(s);
        }
    }
    advance(m);
}

static void on_files_moved(void *arg, json_t *media, const struct err *err) {
    struct sending *m = arg;
    (void)media;
    if (err)
        refuse(m, err); /* the page sends it again: the message stays one, the files follow */
    else
        acknowledge(m);
}

static char *owner_of(const struct session *s) {
    return mem_printf("visitor:%s", s->visitor);
}

static void claim_files(struct sending *m, const char *thread, store_json_fn fn) {
    struct session *s = m->session;
    char *owner = owner_of(s);
    store_media_claim(core_store(s->site->base.core), (const char *const *)m->files, m->nfiles,
        owner, thread, fn, m);
    free(owner);
}

static void on_stored(void *arg, const struct inbound_result *r, const struct err *err) {
    struct sending *m = arg;
    if (err) {
        refuse(m, err);
        return;
    }
    m->result = *r;
    if (m->was_new)
        claim_files(m, m->result.thread, on_files_moved);
    else
        acknowledge(m);
}

static void store_message_of(struct sending *m) {
    struct session *s = m->session;
    char *external = mem_printf("%s:%s", s->visitor, m->cid);
    json_t *profile = s->profile ? json_loads(s->profile, 0, NULL) : NULL;
    struct inbound in = {
        .from = s->who, .external_id = external, .body = m->body, .profile = profile};
    connector_inbound(&s->site->base, &in, on_stored, m);
    json_decref(profile);
    free(external);
}

static void on_files_checked(void *arg, json_t *media, const struct err *err) {
    struct sending *m = arg;
    if (err) {
        refuse(m, err);
        return;
    }
    json_object_set(m->body, "attachments", media);
    store_message_of(m);
}

static void send_first(struct session *s) {
    struct sending *m = s->sending;
    if (!m->nfiles) {
        store_message_of(m);
        return;
    }
    m->was_new = s->thread[0] == '\0';
    claim_files(m, m->was_new ? NULL : s->thread, on_files_checked);
}

/* --- limits ---------------------------------------------------------------------------------- */

/* 0, or how long to wait. */
static uint64_t too_fast(struct session *s) {
    uint64_t now = clock_mono_ms();
    uint64_t wait = limit_take(s->site->messages, s->visitor, 1, now);
    return wait ? wait : limit_take(s->site->messages_day, s->visitor, 1, now);
}

void session_msg(struct session *s, const struct visitor_frame *f) {
    uint64_t wait = s->nsending >= WAITING_MAX ? RETRY_MS : too_fast(s);
    if (wait) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "rate", 1);
        nack(s, f->cid, "too_many", "too many messages at once; it can be sent again in a while",
            wait);
        return;
    }
    if (s->lacks) {
        char text[80];
        snprintf(text, sizeof text, "this site asks for something first: %s", s->lacks);
        nack(s, f->cid, "denied", text, 0);
        return;
    }
    struct sending *m = mem_zalloc(sizeof *m);
    m->session = s;
    m->cid = mem_strdup(f->cid);
    m->body = json_object();
    if (f->text && *f->text)
        json_object_set_new(m->body, "text", json_string(f->text));
    for (size_t i = 0; i < f->nfiles; i++)
        m->files[m->nfiles++] = mem_strdup(f->files[i]);
    session_ref(s);
    *s->sending_tail = m;
    s->sending_tail = &m->next;
    if (s->nsending++ == 0)
        send_first(s);
}

/* --- what visitors see ----------------------------------------------------------------------- */

static void copy_key(json_t *out, const json_t *from, const char *key) {
    json_t *v = json_object_get(from, key);
    if (v)
        json_object_set(out, key, v);
}

static json_t *shown_files(const struct session *s, const json_t *files) {
    static const char *const keys[] = {"id", "kind", "name", "mime", "size"};
    json_t *out = json_array(), *file;
    size_t i;
    json_array_foreach(files, i, file) {
        json_t *one = json_object();
        for (size_t k = 0; k < ARRAY_LEN(keys); k++)
            copy_key(one, file, keys[k]);
        char *url = media_url(s->site, json_text(file, "id"));
        json_object_set_new(one, "url", json_string(url));
        free(url);
        json_array_append_new(out, one);
    }
    return out;
}

/* An agent without a name of his own for display has only his login, which is not shown. */
static const char *shown_name(const json_t *from) {
    const char *name = json_text(from, "name");
    return strcmp(name, json_text(from, "agent")) == 0 ? "" : name;
}

json_t *visitor_message(const struct session *s, const json_t *message) {
    const char *direction = json_text(message, "direction");
    const char *external = json_text(message, "external_id");
    const json_t *from = json_object_get(message, "from");
    size_t n = strlen(s->visitor);
    bool in = strcmp(direction, "in") == 0;
    if ((!in && strcmp(direction, "out") != 0) ||
        strcmp(json_text(message, "channel"), s->site->base.channel) != 0)
        return NULL;
    json_t *out = json_pack("{s:s,s:{s:s,s:s}}", "direction", direction, "from", "kind",
        in ? "visitor" : "agent", "name", shown_name(from));
    copy_key(out, message, "id");
    copy_key(out, message, "seq");
    copy_key(out, message, "text");
    copy_key(out, message, "status");
    json_object_set_new(out, "at", json_string(json_text(message, "received_at")));
    if (json_array_size(json_object_get(message, "attachments")))
        json_object_set_new(
            out, "attachments", shown_files(s, json_object_get(message, "attachments")));
    if (in && strncmp(external, s->visitor, n) == 0 && external[n] == ':')
        json_object_set_new(out, "cid", json_string(external + n + 1));
    return out;
}
