/* sitechat_hello.c - the first frame: which site, which visitor, which proven user, and what he
 * missed. An anonymous visitor and a proven user become one person; two proven users never do. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "connectors/sitechat/sitechat_form.h"
#include "connectors/sitechat/sitechat_private.h"
#include "connectors/sitechat/sitechat_origin.h"

#define NEWEST 50
#define RESUME_MAX 200
#define EPOCH_LEN 16

/* A hello on its way through the store. */
struct greeting {
    struct session *session;
    int64_t cursor;
    char *epoch;
    char came_as[VISITOR_ID_SIZE]; /* anonymous visitor to be linked to the proven user, or "" */
};

/* What the visitor's cursor counts in: changes when his dialogue becomes part of another one. */
static void epoch_of(const char *thread, char out[EPOCH_LEN + 1]) {
    char hex[CRYPTO_HEX_SIZE];
    crypto_sha256_hex(span_str(thread), hex);
    memcpy(out, hex, EPOCH_LEN);
    out[EPOCH_LEN] = '\0';
}

/* --- ready ----------------------------------------------------------------------------------- */

struct loading {
    struct session *session;
    int64_t last_seq, from; /* from: the first seq that was asked for */
    bool resumes;
};

static json_t *limits_json(const struct sitechat *site) {
    return json_pack("{s:i,s:I,s:i}", "text", (int)site->text_max, "file_bytes",
        (json_int_t)site->file_max, "files", VISITOR_FILES_MAX);
}

static char *token_of(const struct session *s) {
    struct visitor_token t = {.issued_s = clock_ms() / 1000};
    const char *user = strcmp(s->who.kind, "user") == 0 ? strchr(s->who.address, ':') : NULL;
    snprintf(t.site, sizeof t.site, "%s", s->site->base.channel);
    memcpy(t.visitor, s->visitor, sizeof t.visitor);
    if (user)
        snprintf(t.user, sizeof t.user, "%s", user + 1);
    return visitor_token_make(connector_secret(&s->site->base), &t);
}

/* Messengers in which the visitor may go on: [{"connector","title"}]. */
static json_t *doors_json(const struct sitechat *site) {
    json_t *doors = connector_doors(&site->base), *out = json_array(), *door;
    size_t i;
    json_array_foreach(doors, i, door) {
        if (site->may_continue)
            json_array_append_new(
                out, json_pack("{s:O,s:O}", "connector", json_object_get(door, "connector"),
                         "title", json_object_get(door, "title")));
    }
    json_decref(doors);
    return out;
}

static void send_ready(struct session *s, json_t *messages, bool more, int64_t next) {
    char epoch[EPOCH_LEN + 1] = "";
    char *token = token_of(s);
    if (s->thread[0])
        epoch_of(s->thread, epoch);
    json_t *ready = json_pack("{s:s,s:s,s:s,s:I,s:s,s:O,s:b,s:I,s:b,s:b,s:I,s:b,s:o}", "type",
        "ready", "visitor", s->visitor, "token", token, "cursor", (json_int_t)s->cursor, "epoch",
        epoch, "messages", messages, "more", (int)more, "next", (json_int_t)next, "reset",
        (int)s->wants_reset, "online", (int)s->desk->online, "read_seq", (json_int_t)s->agents_read,
        "verified", (int)s->who.verified, "limits", limits_json(s->site));
    json_t *doors = doors_json(s->site);
    if (json_array_size(doors))
        json_object_set(ready, "continue", doors);
    json_decref(doors);
    int64_t opens_ms;
    char opens[CLOCK_TEXT_SIZE];
    if (!connector_is_open(&s->site->base, &opens_ms) && opens_ms)
        json_object_set_new(ready, "opens_at", json_string(clock_format(opens_ms, opens)));
    if (s->closed)
        json_object_set_new(ready, "closed", json_true());
    if (session_can_mail(s))
        json_object_set_new(ready, "by_email", json_true());
    if (s->lacks)
        json_object_set_new(ready, "lacks", json_string(s->lacks));
    session_send(s, ready);
    s->wants_reset = false;
    free(token);
}

static void go_live(struct session *s) {
    s->state = SESSION_LIVE;
    if (s->again) {
        s->again = false;
        session_refresh(s);
    }
}

static void on_loaded(void *arg, json_t *messages, const struct err *err) {
    struct loading *l = arg;
    struct session *s = l->session;
    json_t *list = json_array(), *m;
    size_t i;
    if (s->state == SESSION_GREETING && err) {
        session_end(s, 1013, err_name(err->code), err->text);
    } else if (s->state == SESSION_GREETING) {
        s->cursor = l->last_seq;
        json_array_foreach(messages, i, m) {
            int64_t seq = json_integer_value(json_object_get(m, "seq"));
            json_t *shown = visitor_message(s, m);
            if (shown)
                json_array_append_new(list, shown);
            if (seq > s->cursor)
                s->cursor = seq;
        }
        metrics_add(s->desk->env->metrics, M_WS_RESUMED, l->resumes ? "replayed" : "reset", 1);
        send_ready(s, list, !l->resumes && l->from > 1, l->resumes ? 0 : l->from);
        go_live(s);
    }
    json_decref(list);
    free(l);
    session_unref(s);
}

void session_load(struct session *s, int64_t cursor, int64_t last_seq) {
    bool resumes = cursor >= 0 && cursor <= last_seq && last_seq - cursor <= RESUME_MAX;
    struct loading *l = mem_alloc(sizeof *l);
    *l = (struct loading){s, last_seq, last_seq > NEWEST ? last_seq - NEWEST + 1 : 1, resumes};
    s->state = SESSION_GREETING;
    s->wants_reset = s->wants_reset || (cursor >= 0 && !resumes);
    session_ref(s);
    if (resumes)
        connector_history(&s->site->base, s->thread, cursor, RESUME_MAX, on_loaded, l);
    else
        connector_history_before(&s->site->base, s->thread, last_seq + 1, NEWEST, on_loaded, l);
}

/* --- whose thread ---------------------------------------------------------------------------- */

static void greeting_free(struct greeting *g) {
    session_unref(g->session);
    free(g->epoch);
    free(g);
}

static void on_found(void *arg, const struct lookup_result *r, const struct err *err) {
    struct greeting *g = arg;
    struct session *s = g->session;
    char epoch[EPOCH_LEN + 1];
    if (s->state != SESSION_GREETING) {
        greeting_free(g);
        return;
    }
    if (err) {
        session_end(s, 1013, err_name(err->code), err->text);
    } else if (r->proven && !s->who.verified) {
        /* The token of somebody who has signed in since: whoever kept it must not read on. */
        session_end(s, 4401, "auth", "this visitor has signed in; begin without the token");
    } else if (!r->thread[0]) {
        json_t *none = json_array();
        s->wants_reset = g->cursor > 0;
        send_ready(s, none, false, 0);
        json_decref(none);
        go_live(s);
    } else {
        desk_follow_thread(s, r->thread);
        epoch_of(s->thread, epoch);
        s->agents_read = r->agent_read_seq;
        s->closed = r->closed;
        if (g->cursor >= 0 && g->epoch && *g->epoch && strcmp(g->epoch, epoch) != 0) {
            s->wants_reset = true;
            g->cursor = -1;
        }
        session_load(s, g->cursor, r->last_seq);
    }
    greeting_free(g);
}

static void find_thread(struct greeting *g) {
    struct session *s = g->session;
    if (g->came_as[0]) {
        struct identity from = {.kind = "visitor", .address = g->came_as};
        connector_link(&s->site->base, &from, &s->who, on_found, g);
    } else {
        connector_lookup(&s->site->base, &s->who, on_found, g);
    }
}

/* --- who ------------------------------------------------------------------------------------- */

/* 1: proven, *out says who. 0: nobody is proven. -1: refused. */
static int prove_user(const struct sitechat *site, const struct visitor_frame *f,
    struct proven_user *out, struct err *err) {
    memset(out, 0, sizeof *out);
    if (!f->has_user || (!f->user.id && !f->user.token))
        return 0;
    if (f->user.token)
        return identity_jwt_check(site->secrets, f->user.token, clock_ms() / 1000, out, err) < 0
                   ? -1
                   : 1;
    if (!f->user.hash)
        return site->identity_required
                   ? err_set(err, ERR_AUTH, "this site takes only users that it has signed")
                   : 0;
    if (identity_hash_check(site->secrets, f->user.id, f->user.hash, err) < 0)
        return -1;
    snprintf(out->id, sizeof out->id, "%s", f->user.id);
    return 1;
}

static void keep_text(json_t *o, const char *key, const char *s) {
    char *clean = s && *s ? utf8_clean_name(s, 128) : NULL;
    if (clean && *clean)
        json_object_set_new(o, key, json_string(clean));
    free(clean);
}

/* What is kept with the client: the page, what a signature proves, and what is only said. */
static json_t *profile_of(
    const struct session *s, const struct visitor_frame *f, const struct proven_user *user) {
    json_t *p = json_object(), *claims = json_object(), *page = visitor_page_clean(f->page);
    json_t *locale = json_object_get(page, "locale");
    if (locale)
        json_object_set(p, "locale", locale);
    if (json_object_size(page))
        json_object_set(p, "page", page);
    keep_text(p, "email", user->email);
    keep_text(p, "phone", user->phone);
    keep_text(p, "user_agent", ws_header(s->ws, "user-agent"));
    if (f->has_user) {
        keep_text(claims, "id", user->id[0] ? NULL : f->user.id);
        keep_text(claims, "name", user->name[0] ? NULL : f->user.name);
        keep_text(claims, "email", user->email[0] ? NULL : f->user.email);
        keep_text(claims, "phone", user->phone[0] ? NULL : f->user.phone);
    }
    if (json_object_size(claims))
        json_object_set(p, "claims", claims);
    json_decref(claims);
    json_decref(page);
    return p;
}

static void become(struct session *s, const struct visitor_frame *f, const struct proven_user *u) {
    const char *name = u->name[0] ? u->name : f->has_user && f->user.name ? f->user.name : "";
    bool proven = u->id[0] != '\0';
    s->who = (struct identity){.kind = proven ? "user" : "visitor",
        .address =
            proven ? mem_printf("%s:%s", s->site->base.channel, u->id) : mem_strdup(s->visitor),
        .name = utf8_clean_name(name, 100),
        .verified = proven};
    struct err wrong;
    session_take_form(s, profile_of(s, f, u), f->form ? form_clean(f->form, &wrong) : NULL);
    desk_add_visitor(s);
}

/* The visitor of the token; a new one without a token, or when the token was given to a proven
 * user who is not proven now. 0, or -1 with the session ended. */
static int choose_visitor(struct session *s, const struct visitor_frame *f,
    const struct proven_user *u, struct greeting *g) {
    struct visitor_token t;
    struct err err;
    char key[LIMIT_PEER_SIZE];
    const char *peer = ws_peer(s->ws);
    if (f->token && *f->token) {
        if (visitor_token_read(connector_secret(&s->site->base), f->token, s->site->base.channel,
                clock_ms() / 1000, &t, &err) < 0) {
            session_end(s, 4401, err_name(err.code), err.text);
            return -1;
        }
        if (!t.user[0] || strcmp(t.user, u->id) == 0) {
            memcpy(s->visitor, t.visitor, sizeof s->visitor);
            if (!t.user[0] && u->id[0])
                memcpy(g->came_as, t.visitor, sizeof g->came_as);
            return 0;
        }
    }
    if (!limit_peer_is_local(peer) &&
        limit_take(s->site->newcomers, limit_peer_key(peer, key), 1, clock_mono_ms())) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "rate", 1);
        session_end(
            s, 4429, "too_many", "too many new visitors from this address; come back later");
        return -1;
    }
    visitor_id_make(s->visitor);
    return 0;
}

/* The site, and whether this page may speak for it. NULL with the session ended. */
static struct sitechat *choose_site(struct session *s, const struct visitor_frame *f) {
    struct sitechat *site = desk_site(s->desk, f->site);
    if (!site) {
        session_end(s, 1008, "not_found", "there is no such site");
        return NULL;
    }
    if (!site_origin_ok(site, ws_header(s->ws, "origin"), ws_header(s->ws, "host"))) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "origin", 1);
        session_end(s, 4403, "denied", "the chat of this site is not open to this origin");
        return NULL;
    }
    if (!connector_secret(&site->base)) {
        session_end(s, 1013, "unavailable", "the store cannot serve now");
        return NULL;
    }
    return site;
}

void session_hello(struct session *s, const struct visitor_frame *f) {
    struct proven_user user;
    struct err err;
    s->site = choose_site(s, f);
    if (!s->site)
        return;
    int proven = prove_user(s->site, f, &user, &err);
    if (proven < 0) {
        metrics_add(s->desk->env->metrics, M_REFUSED, "auth", 1);
        if (s->site->identity_required) {
            session_end(s, 4401, "identity", err.text);
            return;
        }
        session_error(s, "identity", err.text); /* for the site's developer; he goes on unproven */
        memset(&user, 0, sizeof user);
    }
    struct greeting *g = mem_zalloc(sizeof *g);
    session_ref(s);
    g->session = s;
    g->cursor = f->cursor;
    g->epoch = mem_strdup(f->epoch);
    if (choose_visitor(s, f, &user, g) < 0) {
        greeting_free(g);
        return;
    }
    if (desk_sessions_of(s->desk, s->visitor) >= s->site->sockets_max) {
        session_end(s, 4429, "too_many", "this chat is open in too many places");
        greeting_free(g);
        return;
    }
    become(s, f, &user);
    s->state = SESSION_GREETING;
    find_thread(g);
}
