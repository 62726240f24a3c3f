/* store_unmerge.c - a merge is undone: who went is by himself again, and has back what was his.
 * Steps as in a merge, each safe to repeat, ended by the shard's owner when nobody else does: his
 * thread is listed again (unmerge.lua), and what comes from his identities is his; what they wrote
 * while the two were one, and what was answered to them, goes over into his thread, and the place
 * where it stood says so; both threads tell of it; then the one who stayed forgets what was not his
 * (unjoin.lua). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "model/revision.h"
#include "store/store_amend.h"
#include "store/store_media.h"
#include "store/store_private.h"
#include "store/store_record.h"

#define PAGE 50 /* records that are looked at in one step */

/* Where one of the two was last heard of: how an answer gets there. */
struct address {
    char *channel, *connector, *kind, *address, *route;
};

struct unmerge {
    struct store *store;
    store_json_fn fn;
    void *arg;
    char from[ID_SIZE], into[ID_SIZE], from_thread[ID_SIZE], into_thread[ID_SIZE];
    char *agent;
    char number[24];
    char *window; /* of the thread that both had */
    json_t *kept; /* what join.lua kept; NULL: this step is done */
    json_t *from_client;
    int64_t last;       /* seq up to which all was looked at */
    int64_t read;       /* by agents */
    int64_t page[PAGE]; /* seqs that still have to be moved */
    char *records[PAGE];
    size_t n, at;
    int64_t from_waits, into_waits, from_unread; /* 0: does not wait */
    bool his_own; /* the one who stayed wrote something himself since */
    struct address from_last, into_last;
};

static void address_free(struct address *a) {
    free(a->channel);
    free(a->connector);
    free(a->kind);
    free(a->address);
    free(a->route);
    memset(a, 0, sizeof *a);
}

static char *text_of(const json_t *o, const char *key) {
    return mem_strdup(json_text(o, key));
}

static void end(struct unmerge *u, json_t *result, const struct err *err) {
    u->fn(u->arg, result, err);
    for (size_t i = u->at; i < u->n; i++)
        free(u->records[i]);
    address_free(&u->from_last);
    address_free(&u->into_last);
    json_decref(u->kept);
    json_decref(u->from_client);
    free(u->window);
    free(u->agent);
    free(u);
}

static void end_with(struct unmerge *u, enum err_code code, const char *text) {
    struct err err;
    err_set(&err, code, "%s", text);
    end(u, NULL, &err);
}

/* --- the last steps -------------------------------------------------------------------------- */

static void on_client(void *arg, json_t *result, const struct err *err) {
    end(arg, result, err);
}

static void on_finished(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    (void)r;
    if (err)
        end(u, NULL, err);
    else
        store_client(u->store, u->into, on_client, u);
}

static void finish(struct unmerge *u) {
    char *what = mem_printf("unmerge %s %s %s", u->from, u->into, u->agent);
    store_finished(u->store, u->from, what, on_finished, u);
    free(what);
}

static void add_ms(struct args *a, int64_t ms) {
    if (ms)
        args_int(a, ms);
    else
        args_add(a, "");
}

static void add_address(struct args *a, const struct address *to) {
    args_add(a, to->channel);
    args_add(a, to->connector);
    args_add(a, to->kind);
    args_add(a, to->address);
    args_add(a, to->route);
}

static void look_on(struct unmerge *u);

static void on_unjoined(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    if (err)
        end(u, NULL, err);
    else if (strcmp(redis_reply_str(redis_reply_at(r, 0)), "more") == 0)
        look_on(u);
    else
        finish(u);
}

/* What join.lua gets and what unjoin.lua takes back are the same fields. A thread that the merge
 * has opened, and in which nobody has written by himself, is closed as it was. */
static void unjoin(struct unmerge *u) {
    struct args a;
    bool closes = strcmp(json_text(u->kept, "state"), "closed") == 0 && !u->his_own;
    char *fields[MERGE_FIELDS_MAX];
    if (!u->into_last.kind) {
        const json_t *to = json_object_get(u->kept, "to");
        u->into_last = (struct address){text_of(to, "channel"), text_of(to, "connector"),
            text_of(to, "kind"), text_of(to, "address"), text_of(to, "route")};
    }
    args_init(&a);
    args_add(&a, u->into);
    args_add(&a, u->from);
    add_ms(&a, u->into_waits);
    args_int(&a, u->from_unread);
    args_int(&a, u->last);
    args_add(&a, u->store->events_max);
    add_address(&a, &u->into_last);
    args_add(&a, closes ? "closed" : "");
    args_int(&a, (int64_t)u->store->ntargets);
    for (size_t i = 0; i < u->store->ntargets; i++)
        args_add(&a, u->store->targets[i]);
    size_t n = merge_fields(u->from_client, u->from, fields, ARRAY_LEN(fields));
    for (size_t i = 0; i < n; i++)
        args_add(&a, fields[i]);
    store_eval(u->store, SCRIPT_UNJOIN, id_shard(u->into), &a, on_unjoined, u);
    for (size_t i = 0; i < n; i++)
        free(fields[i]);
}

static void on_settled(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    (void)r;
    if (err)
        end(u, NULL, err);
    else
        unjoin(u);
}

static void settle(struct unmerge *u) {
    struct args a;
    args_init(&a);
    args_add(&a, u->from_thread);
    add_ms(&a, u->from_waits);
    args_int(&a, u->from_unread);
    args_add(&a, u->store->events_max);
    add_address(&a, &u->from_last);
    args_add(&a, u->window);
    store_eval(u->store, SCRIPT_SETTLE, id_shard(u->from), &a, on_settled, u);
}

static void tell(struct unmerge *u, const char *thread, const char *key, const char *other,
    const char *text, store_append_fn fn) {
    char *dedupe = mem_printf("unmerge:%s:%s", u->from, u->number);
    json_t *body = json_pack("{s:{s:s,s:s,s:s,s:s}}", "event", "type", "unmerged", key, other, "by",
        u->agent, "text", text);
    struct store_append a = {
        .direction = DIRECTION_EVENT, .thread = thread, .dedupe = dedupe, .body = body};
    store_append(u->store, &a, fn, u);
    json_decref(body);
    free(dedupe);
}

static void on_told_into(void *arg, const struct store_appended *r, const struct err *err) {
    struct unmerge *u = arg;
    if (err) {
        end(u, NULL, err);
        return;
    }
    if (r->seq == u->last + 1)
        u->last = r->seq; /* it is our own, there is nothing to look at */
    settle(u);
}

static void on_told_from(void *arg, const struct store_appended *r, const struct err *err) {
    struct unmerge *u = arg;
    (void)r;
    if (err)
        end(u, NULL, err);
    else
        tell(u, u->into_thread, "from", u->from,
            "Two clients who were taken for one are two again; what the other one wrote since is "
            "on "
            "his own card.",
            on_told_into);
}

/* --- what they wrote while the two were one -------------------------------------------------- */

static bool is_his(const struct unmerge *u, const json_t *who) {
    const char *kind = json_string_value(json_object_get(who, "kind"));
    const char *address = json_string_value(json_object_get(who, "address"));
    return kind && address && store_identity_of(u->from_client, kind, address);
}

static void move_next(struct unmerge *u);

static void on_emptied(void *arg, const struct store_appended *r, const struct err *err) {
    struct unmerge *u = arg;
    (void)r;
    if (err && err->code != ERR_NOT_FOUND) { /* what is not there is empty */
        end(u, NULL, err);
        return;
    }
    free(u->records[u->at++]);
    move_next(u);
}

/* What it was stands in the other thread now. */
static int empty(void *arg, json_t *body, struct err *err) {
    static const char *const stay[] = {"d", "ch", "co", "sent_at"};
    const struct unmerge *u = arg;
    json_t *left = json_object();
    (void)err;
    if (json_object_get(body, "moved_to")) {
        json_decref(left);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(stay); i++)
        if (json_object_get(body, stay[i]))
            json_object_set(left, stay[i], json_object_get(body, stay[i]));
    json_object_clear(body);
    json_object_update(body, left);
    json_object_set_new(body, "moved_to", json_string(u->from_thread));
    json_decref(left);
    return revision_delete(body, u->agent, clock_ms());
}

/* Files go with the message that shows them. */
static void move_files(struct unmerge *u, const json_t *body) {
    size_t i;
    json_t *file;
    json_array_foreach(json_object_get(body, "attachments"), i, file) {
        const char *id = json_string_value(json_object_get(file, "id"));
        if (id && store_check_id(u->store, id, "attachment", NULL))
            store_media_move(u->store, id, u->from_thread);
    }
}

static void on_moved(void *arg, const struct store_appended *r, const struct err *err) {
    struct unmerge *u = arg;
    (void)r;
    if (err) {
        end(u, NULL, err);
        return;
    }
    struct store_amend a = {.thread = u->into_thread,
        .seq = u->page[u->at],
        .word = "moved",
        .detail = u->from_thread,
        .edit = empty,
        .edit_arg = u};
    store_amend(u->store, &a, on_emptied, u);
}

static void move_one(struct unmerge *u, struct span record) {
    char id[ID_SIZE];
    json_t *body = record_body_json(record);
    json_t *shown = record_message(record, u->into_thread, u->into, u->page[u->at]);
    bool in = strcmp(json_text(body, "d"), "in") == 0;
    char *channel = text_of(body, "ch"), *connector = text_of(body, "co");
    const char *external = json_string_value(json_object_get(shown, "external_id"));
    int64_t past = clock_ms();
    record_id(record, id);
    clock_parse(json_string_value(json_object_get(shown, "received_at")), &past);
    char *dedupe = mem_printf("moved:%s", id);
    char *alias = external ? mem_printf("c:%s:%s", channel, external) : NULL;
    json_object_del(body, "d");
    json_object_del(body, "ch");
    json_object_del(body, "co");
    json_object_set_new(body, "moved_from", json_string(u->into_thread));
    if (external)
        json_object_set_new(body, "external_id", json_string(external));
    if (!json_object_get(body, "sent_at"))
        json_object_set(body, "sent_at", json_object_get(shown, "received_at"));
    struct store_append a = {.direction = in ? DIRECTION_IN : DIRECTION_OUT,
        .thread = u->from_thread,
        .channel = channel,
        .connector = connector,
        .dedupe = dedupe,
        .alias = alias,
        .past_ms = past,
        .fetch = revision_waits(body),
        .body = body};
    move_files(u, body);
    store_append(u->store, &a, on_moved, u);
    json_decref(body);
    json_decref(shown);
    free(channel);
    free(connector);
    free(dedupe);
    free(alias);
}

static void move_next(struct unmerge *u) {
    if (u->at == u->n)
        look_on(u);
    else
        move_one(u, span_str(u->records[u->at]));
}

/* Whose is it? And who waits for an answer after it? */
static bool judge(struct unmerge *u, const json_t *body, const json_t *shown, int64_t seq) {
    const char *d = json_string_value(json_object_get(body, "d"));
    const json_t *event = json_object_get(body, "event");
    bool in = strcmp(d, "in") == 0, out = strcmp(d, "out") == 0;
    bool moved = json_object_get(body, "moved_to") != NULL;
    bool his = moved || (in && is_his(u, json_object_get(body, "from"))) ||
               (out && is_his(u, json_object_get(body, "to")));
    int64_t at = 0;
    clock_parse(json_string_value(json_object_get(shown, "received_at")), &at);
    if (in && his) {
        u->from_waits = u->from_waits ? u->from_waits : at;
        u->from_unread += seq > u->read;
    } else if (in) {
        u->into_waits = u->into_waits ? u->into_waits : at;
        u->his_own = true;
    } else if (out && his) {
        u->from_waits = 0;
    } else if (out) {
        u->into_waits = 0;
        if (!json_object_get(body, "to")) /* nobody knows to whom */
            u->from_waits = 0;
    } else if (strcmp(json_text(event, "type"), "state") == 0 &&
               strcmp(json_text(event, "to"), "closed") == 0) {
        u->from_waits = u->into_waits = 0;
    }
    const json_t *who = json_object_get(body, "from");
    struct address *last = his ? &u->from_last : &u->into_last;
    if (in && !moved && json_object_get(body, "ch")) {
        address_free(last);
        *last = (struct address){text_of(body, "ch"), text_of(body, "co"), text_of(who, "kind"),
            text_of(who, "address"), text_of(body, "route")};
    }
    /* What is still on its way goes out from where it stands. */
    enum status status = STATUS_RECEIVED;
    status_parse(json_text(shown, "status"), &status);
    return his && !moved && (in || status >= STATUS_SENT || status == STATUS_FAILED);
}

static void on_page(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    if (err) {
        end(u, NULL, err);
        return;
    }
    size_t n = redis_reply_count(r);
    u->n = u->at = 0;
    for (size_t i = 0; i < n; i++) {
        struct span rec = redis_reply_span(redis_reply_at(r, i));
        int64_t seq = u->last + 1 + (int64_t)i;
        json_t *body = rec.n ? record_body_json(rec) : NULL;
        json_t *shown = body ? record_message(rec, u->into_thread, u->into, seq) : NULL;
        if (shown && judge(u, body, shown, seq)) {
            u->page[u->n] = seq;
            u->records[u->n++] = mem_strndup(rec.p, rec.n);
        }
        json_decref(body);
        json_decref(shown);
    }
    u->last += (int64_t)n;
    move_next(u);
}

static void on_length(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    struct args a;
    char key[STORE_KEY_SIZE], seqs[PAGE][24];
    if (err) {
        end(u, NULL, err);
        return;
    }
    int64_t seq = redis_reply_int(redis_reply_at(r, 0));
    free(u->window);
    u->window = mem_strdup(redis_reply_str(redis_reply_at(r, 1)));
    if (u->last == json_integer_value(json_object_get(u->kept, "seq"))) {
        u->read = redis_reply_int(redis_reply_at(r, 2));
        if (u->read > u->last)
            u->from_unread = 0; /* what he wrote before was told of in this thread */
    }
    if (seq <= u->last) {
        tell(u, u->from_thread, "into", u->into,
            "This client is by himself again; what he wrote while he was taken for another one is "
            "here now.",
            on_told_from);
        return;
    }
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(u->into), "log", u->into_thread));
    for (int64_t i = 0; i < PAGE && u->last + i < seq; i++) {
        int len = snprintf(seqs[i], sizeof seqs[i], "%lld", (long long)(u->last + 1 + i));
        args_span(&a, span_of(seqs[i], (size_t)len));
    }
    store_command(u->store, &a, on_page, u);
}

static void look_on(struct unmerge *u) {
    struct args a;
    char key[STORE_KEY_SIZE];
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(u->into), "thread", u->into_thread));
    args_add(&a, "seq");
    args_add(&a, "window");
    args_add(&a, "ar");
    store_command(u->store, &a, on_length, u);
}

/* --- the first steps ------------------------------------------------------------------------- */

static void on_from_client(void *arg, json_t *result, const struct err *err) {
    struct unmerge *u = arg;
    if (err) {
        end(u, NULL, err);
        return;
    }
    u->from_client = json_incref(json_object_get(result, "client"));
    look_on(u);
}

static void on_parted(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    const char *what = r ? redis_reply_str(redis_reply_at(r, 0)) : "";
    if (err) {
        end(u, NULL, err);
    } else if (strcmp(what, "missing") == 0) {
        end_with(u, ERR_NOT_FOUND, "there is no such client");
    } else if (strcmp(what, "ok") != 0 ||
               (!u->kept && redis_reply_int(redis_reply_at(r, 4)) == 0)) {
        end_with(u, ERR_CONFLICT, "this client is not part of that one, as far as is known");
    } else {
        snprintf(
            u->from_thread, sizeof u->from_thread, "%s", redis_reply_str(redis_reply_at(r, 1)));
        u->from_waits = redis_reply_int(redis_reply_at(r, 2));
        u->from_unread = redis_reply_int(redis_reply_at(r, 3));
        snprintf(u->number, sizeof u->number, "%s", redis_reply_str(redis_reply_at(r, 4)));
        if (u->kept)
            store_client(u->store, u->from, on_from_client, u);
        else
            finish(u); /* all else was done before */
    }
}

static void on_into(void *arg, const struct redis_reply *r, const struct err *err) {
    struct unmerge *u = arg;
    struct args a;
    if (err) {
        end(u, NULL, err);
        return;
    }
    snprintf(u->into_thread, sizeof u->into_thread, "%s", redis_reply_str(redis_reply_at(r, 0)));
    u->kept = json_loads(redis_reply_str(redis_reply_at(r, 2)), 0, NULL);
    if (!u->into_thread[0]) {
        end_with(u, ERR_NOT_FOUND, "there is no such client");
        return;
    }
    if (*redis_reply_str(redis_reply_at(r, 1))) {
        end_with(u, ERR_CONFLICT, "this client is part of another one himself: undo that first");
        return;
    }
    u->last = json_integer_value(json_object_get(u->kept, "seq"));
    u->into_waits = strtoll(json_text(u->kept, "waiting"), NULL, 10);
    args_init(&a);
    args_add(&a, u->from);
    args_add(&a, u->kept ? u->into : "");
    args_add(&a, u->store->events_max);
    args_int(&a, clock_ms());
    args_add(&a, u->agent);
    for (size_t i = 0; i < u->store->ntargets; i++)
        args_add(&a, u->store->targets[i]);
    store_eval(u->store, SCRIPT_UNMERGE, id_shard(u->from), &a, on_parted, u);
}

void store_unmerge(struct store *s, const char *from, const char *into, const char *agent,
    store_json_fn fn, void *arg) {
    struct err err;
    struct args a;
    char key[STORE_KEY_SIZE];
    if (!store_check_id(s, from, "client", &err) || !store_check_id(s, into, "client", &err)) {
        store_fail_json(s, &err, fn, arg);
        return;
    }
    struct unmerge *u = mem_zalloc(sizeof *u);
    *u = (struct unmerge){.store = s, .fn = fn, .arg = arg, .agent = mem_strdup(agent)};
    memcpy(u->from, from, ID_SIZE);
    memcpy(u->into, into, ID_SIZE);
    char *field = mem_printf("g:%s", from);
    args_init(&a);
    args_add(&a, "HMGET");
    args_span(&a, store_key(key, id_shard(into), "client", into));
    args_add(&a, "thread");
    args_add(&a, "merged");
    args_add(&a, field);
    store_command(s, &a, on_into, u);
    free(field);
}
