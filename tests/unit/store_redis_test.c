/* store_redis_test.c - the store against a real Redis: append, dedupe (F16), lists, reading,
 * merging, queues and the feed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/store.h"
#include "store/store_desk.h"
#include "store/store_feed.h"
#include "store/store_queue.h"

#define PATIENCE_MS 5000

struct world {
    char dir[64];
    pid_t redis;
    struct log log;
    struct env env;
    struct store *store;
    struct loop_timer *patience;
    bool done;
    /* answers */
    struct store_appended appended;
    struct store_lookup lookup;
    struct err err;
    json_t *json;
    char token[STORE_TOKEN_SIZE], word[32];
    struct store_entry entries[16];
    size_t n;
    int64_t tally;
    char cursors[2000];
    char kinds[64];
};

/* --- waiting --------------------------------------------------------------------------------- */

static void on_late(void *arg) {
    (void)arg;
    fail_msg("no answer within %d ms", PATIENCE_MS);
}

static void wait_for(struct world *w) {
    if (!w->done) {
        w->patience = loop_timer_start(w->env.loop, PATIENCE_MS, 0, on_late, w);
        while (!w->done) /* a stop may also be an old one's, from between two runs */
            loop_run(w->env.loop);
        loop_timer_stop(&w->patience);
    }
    w->done = false;
}

static void finish(struct world *w, const struct err *err) {
    w->err = err ? *err : (struct err){0};
    w->done = true;
    loop_stop(w->env.loop);
}

static void on_state(void *arg, bool up, const struct err *fatal) {
    if (up || fatal)
        finish(arg, fatal);
}

static void on_append(void *arg, const struct store_appended *r, const struct err *err) {
    struct world *w = arg;
    w->appended = r ? *r : (struct store_appended){0};
    finish(w, err);
}

static void on_json(void *arg, json_t *result, const struct err *err) {
    struct world *w = arg;
    json_decref(w->json);
    w->json = result ? json_incref(result) : NULL;
    finish(w, err);
}

static void on_tally(void *arg, const int64_t *n, const struct err *err) {
    struct world *w = arg;
    w->tally = n ? n[0] : -1;
    finish(w, err);
}

static void on_done(void *arg, const struct err *err) {
    finish(arg, err);
}

static void on_lookup(void *arg, const struct store_lookup *r, const struct err *err) {
    struct world *w = arg;
    w->lookup = r ? *r : (struct store_lookup){0};
    finish(w, err);
}

static void append(struct world *w, struct store_append a, const char *text) {
    json_t *body = json_pack("{s:s}", "text", text);
    a.body = body;
    store_append(w->store, &a, on_append, w);
    json_decref(body);
    wait_for(w);
}

static void say(struct world *w, const char *visitor, const char *key, const char *text) {
    struct identity who = {"visitor", visitor, "Ann", false};
    append(w,
        (struct store_append){.direction = DIRECTION_IN,
            .from = &who,
            .channel = "site",
            .connector = "sitechat",
            .dedupe = key},
        text);
    assert_int_equal(w->err.code, 0);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_message_is_stored_once(void **state) {
    struct world *w = *state;
    say(w, "once", "c:site:1", "hello");
    struct store_appended first = w->appended;
    assert_false(first.duplicate);
    assert_int_equal(first.seq, 1);
    say(w, "once", "c:site:1", "hello");
    assert_true(w->appended.duplicate);
    assert_string_equal(w->appended.message, first.message);
    assert_int_equal(w->appended.seq, 1);
    say(w, "once", "c:site:2", "again");
    assert_int_equal(w->appended.seq, 2);
    assert_string_equal(w->appended.thread, first.thread);
    store_message(w->store, first.message, on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
    json_t *m = json_object_get(w->json, "message");
    assert_string_equal(json_string_value(json_object_get(m, "text")), "hello");
    assert_string_equal(json_string_value(json_object_get(m, "client")), first.client);
    assert_int_equal(json_array_size(json_object_get(w->json, "trail")), 2);
}

static void lists_are_by_last_activity(void **state) {
    struct world *w = *state;
    char name[16];
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "list%d", i);
        say(w, name, "", "x");
        usleep(2000);
    }
    struct store_query q = {.view = "open", .limit = 10};
    json_t *seen = json_object();
    char cursor[64] = "", last[40] = "9999";
    size_t total = 0;
    do {
        q.cursor = cursor;
        store_threads(w->store, &q, on_json, w);
        wait_for(w);
        assert_int_equal(w->err.code, 0);
        size_t i;
        json_t *t;
        json_array_foreach(json_object_get(w->json, "threads"), i, t) {
            const char *at = json_string_value(json_object_get(t, "last_at"));
            assert_true(strcmp(at, last) <= 0);
            snprintf(last, sizeof last, "%s", at);
            json_object_set_new(seen, json_string_value(json_object_get(t, "id")), json_true());
            total++;
        }
        const char *next = json_string_value(json_object_get(w->json, "next"));
        snprintf(cursor, sizeof cursor, "%s", next ? next : "");
    } while (cursor[0]);
    assert_true(total >= 25);
    assert_int_equal(json_object_size(seen), total);
    json_decref(seen);
    const struct store_query open = {.view = "open"};
    store_tally(w->store, &open, 1, true, on_tally, w);
    wait_for(w);
    assert_int_equal(w->tally, total);
}

static void bad_questions_get_clear_answers(void **state) {
    struct world *w = *state;
    struct store_query q = {.view = "sideways", .limit = 10};
    store_threads(w->store, &q, on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_INVALID);
    assert_non_null(strstr(w->err.text, "sideways"));
    q = (struct store_query){.view = "open", .cursor = "12:nonsense", .limit = 10};
    store_threads(w->store, &q, on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_INVALID);
    store_thread(w->store, "01JDFX3T5KABCDEFGHJKMNPQ00", on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_NOT_FOUND);
    store_message(w->store, "../../etc/passwd", on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, ERR_NOT_FOUND);
    store_message(w->store, "01JDFX3T5KABCDEFGHJKMNPQZZ", on_json, w); /* no such shard */
    wait_for(w);
    assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void pages_of_messages(void **state) {
    struct world *w = *state;
    char text[16], thread[ID_SIZE];
    for (int i = 1; i <= 30; i++) {
        snprintf(text, sizeof text, "m%d", i);
        say(w, "pages", "", text);
    }
    memcpy(thread, w->appended.thread, ID_SIZE);
    append(w, (struct store_append){.direction = DIRECTION_NOTE, .thread = thread}, "secret");
    store_messages(w->store, thread, -1, -1, 10, false, on_json, w);
    wait_for(w);
    assert_int_equal(json_array_size(w->json), 10);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(w->json, 9), "seq")), 31);
    store_messages(w->store, thread, 22, -1, 10, false, on_json, w);
    wait_for(w);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(w->json, 0), "seq")), 12);
    store_messages(w->store, thread, -1, 28, 10, true, on_json, w);
    wait_for(w);
    assert_int_equal(json_array_size(w->json), 2); /* 29, 30; the note is not for the client */
    store_read(w->store, thread, 30, "ann", on_done, w);
    wait_for(w);
    store_thread(w->store, thread, on_json, w);
    wait_for(w);
    json_t *t = json_object_get(w->json, "thread");
    assert_int_equal(json_integer_value(json_object_get(t, "unread")), 0);
    assert_int_equal(json_integer_value(json_object_get(t, "agent_read_seq")), 30);
}

static void two_clients_become_one(void **state) {
    struct world *w = *state;
    say(w, "m-one", "", "from one");
    struct store_appended one = w->appended;
    say(w, "m-two", "", "from two");
    struct store_appended two = w->appended;
    store_merge(w->store, two.client, one.client, "ann", on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
    json_t *c = json_object_get(w->json, "client");
    assert_int_equal(json_array_size(json_object_get(c, "identities")), 2);
    assert_int_equal(json_array_size(json_object_get(c, "threads")), 2);
    say(w, "m-two", "", "from two, later");
    assert_string_equal(w->appended.thread, one.thread);
    store_merge(w->store, two.client, one.client, "ann", on_json, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0); /* twice does no harm */
    append(w, (struct store_append){.direction = DIRECTION_NOTE, .thread = two.thread}, "late");
    assert_int_equal(w->err.code, ERR_CONFLICT);
}

static void a_proven_identity_takes_the_dialogue_along(void **state) {
    struct world *w = *state;
    say(w, "anon", "", "who am I");
    struct store_appended anon = w->appended;
    struct identity visitor = {"visitor", "anon", NULL, false};
    struct identity user = {"user", "site:7", "Bob", true};
    store_link(w->store, &visitor, &user, false, on_lookup, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
    assert_string_equal(w->lookup.thread, anon.thread);
    /* Another proven person on the same computer does not get Bob's dialogue. */
    struct identity other = {"user", "site:8", "Eve", true};
    store_link(w->store, &visitor, &other, false, on_lookup, w);
    wait_for(w);
    assert_string_equal(w->lookup.thread, "");
}

static void on_lease(void *arg, const char *token, const struct err *err) {
    struct world *w = arg;
    snprintf(w->token, sizeof w->token, "%s", token ? token : "");
    finish(w, err);
}

static void on_entries(void *arg, const struct store_entry *e, size_t n, const struct err *err) {
    struct world *w = arg;
    w->n = n < 16 ? n : 16;
    memcpy(w->entries, e, w->n * sizeof *e);
    finish(w, err);
}

static void on_word(void *arg, const char *word, const struct err *err) {
    struct world *w = arg;
    snprintf(w->word, sizeof w->word, "%s", word ? word : "");
    finish(w, err);
}

static void a_delivery_is_not_sent_twice_in_silence(void **state) {
    struct world *w = *state;
    char token[STORE_TOKEN_SIZE];
    say(w, "deliver", "", "hi");
    struct store_appended in = w->appended;
    unsigned shard = id_shard(in.thread);
    append(w,
        (struct store_append){.direction = DIRECTION_OUT,
            .thread = in.thread,
            .channel = "site",
            .connector = "sitechat",
            .deliver = true},
        "answer");
    store_lease(w->store, shard, "owner-a", 5000, on_lease, w);
    wait_for(w);
    snprintf(token, sizeof token, "%s", w->token);
    assert_true(strncmp(token, "owner-a:", 8) == 0);
    store_lease(w->store, shard, "owner-b", 5000, on_lease, w);
    wait_for(w);
    assert_string_equal(w->token, "");
    store_queue_read(w->store, shard, "out:site", "", 10, on_entries, w);
    wait_for(w);
    assert_int_equal(w->n, 1);
    assert_string_equal(w->entries[0].subject, in.thread);
    assert_int_equal(w->entries[0].seq, 2);
    store_begin(w->store, token, in.thread, 2, 1, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "ok");
    store_begin(w->store, token, in.thread, 2, 2, on_word, w); /* F38: died while sending */
    wait_for(w);
    assert_string_equal(w->word, "unknown");
    struct store_outcome o = {.entry = w->entries[0].id,
        .thread = in.thread,
        .seq = 2,
        .word = "sent",
        .detail = "",
        .status_event = true};
    store_finish(w->store, shard, "owner-z:9", "out:site", "site", &o, 1, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "fenced"); /* F07: a zombie's late write is refused */
    store_finish(w->store, shard, token, "out:site", "site", &o, 1, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "ok");
    store_queue_read(w->store, shard, "out:site", "", 10, on_entries, w);
    wait_for(w);
    assert_int_equal(w->n, 0);
}

/* --- the feed -------------------------------------------------------------------------------- */

static void on_feed_events(void *arg, struct store_event *events, size_t n) {
    struct world *w = arg;
    size_t have = strlen(w->kinds);
    for (size_t i = 0; i < n && have + i + 1 < sizeof w->kinds; i++) {
        w->kinds[have + i] = events[i].kind;
        w->kinds[have + i + 1] = '\0';
    }
}

static void on_replay(
    void *arg, struct store_event *events, size_t n, bool too_old, const struct err *err) {
    struct world *w = arg;
    (void)events;
    w->n = too_old ? 9999 : n;
    finish(w, err);
}

static void pause_briefly(struct world *w, unsigned ms) {
    struct loop_timer *t = loop_timer_start(w->env.loop, ms, 0, (loop_fn)loop_stop, w->env.loop);
    loop_run(w->env.loop);
    loop_timer_stop(&t);
}

/* An answer on its way, begun: "sending" is on disk. Its shard's lease is in w->token. */
static void begin_answer(struct world *w, const char *visitor) {
    say(w, visitor, "", "hi");
    unsigned shard = id_shard(w->appended.thread);
    append(w,
        (struct store_append){.direction = DIRECTION_OUT,
            .thread = w->appended.thread,
            .channel = "site",
            .connector = "sitechat",
            .deliver = true},
        "answer");
    store_lease(w->store, shard, "owner-a", 5000, on_lease, w);
    wait_for(w);
    store_begin(w->store, w->token, w->appended.thread, 2, 1, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "ok");
}

static const char *status_of(struct world *w, const char *thread, int64_t seq) {
    store_messages(w->store, thread, -1, seq - 1, 1, false, on_json, w);
    wait_for(w);
    return json_string_value(json_object_get(json_array_get(w->json, 0), "status"));
}

static void settle(struct world *w, const char *thread, const char *id, enum status status,
    bool is_part, const struct err *why) {
    struct store_settlement st = {.thread = thread,
        .seq = 2,
        .external_id = id,
        .status = status,
        .is_part = is_part,
        .why = why};
    store_settle(w->store, "site", &st, on_done, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
}

/* F38: the answer to us was lost, but the channel tells of the message later, or before. */
static void a_status_settles_a_lost_answer(void **state) {
    struct world *w = *state;
    begin_answer(w, "settle-1");
    struct store_appended out = w->appended;
    settle(w, out.thread, "w.1", STATUS_SENT, false, NULL);
    assert_string_equal(status_of(w, out.thread, 2), "sent");
    store_begin(w->store, w->token, out.thread, 2, 2, on_word, w); /* never sent again */
    wait_for(w);
    assert_string_equal(w->word, "done");
    settle(w, out.thread, "w.1", STATUS_READ, false, NULL);
    settle(w, out.thread, "w.1", STATUS_DELIVERED, false, NULL);
    assert_string_equal(status_of(w, out.thread, 2), "read");

    struct err why = {ERR_INVALID, "w131047: too late"};
    begin_answer(w, "settle-2");
    out = w->appended;
    settle(w, out.thread, "w.2", STATUS_FAILED, false, &why);
    settle(w, out.thread, "w.2", STATUS_SENT, false, NULL);
    assert_string_equal(status_of(w, out.thread, 2), "failed");

    struct store_settlement other = {
        .thread = out.thread, .seq = 2, .external_id = "w.3", .status = STATUS_SENT};
    store_settle(w->store, "elsewhere", &other, on_done, w); /* not of that channel */
    wait_for(w);
    assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void a_known_part_lets_the_others_follow(void **state) {
    struct world *w = *state;
    begin_answer(w, "settle-3");
    struct store_appended out = w->appended;
    unsigned shard = id_shard(out.thread);
    store_queue_read(w->store, shard, "out:site", "", 10, on_entries, w);
    wait_for(w);
    struct store_outcome o = {.entry = w->entries[0].id,
        .thread = out.thread,
        .seq = 2,
        .word = "unknown",
        .detail = "timeout lost",
        .status_event = true};
    store_finish(w->store, shard, w->token, "out:site", "site", &o, 1, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "ok");
    assert_string_equal(status_of(w, out.thread, 2), "unknown");
    settle(w, out.thread, "w.1", STATUS_SENT, true, NULL);
    assert_string_equal(status_of(w, out.thread, 2), "queued");
    store_queue_read(w->store, shard, "out:site", "", 10, on_entries, w);
    wait_for(w);
    assert_int_equal(w->n, 1);
    store_delivery(w->store, out.thread, 2, on_json, w);
    wait_for(w);
    json_t *ids = json_object_get(json_object_get(w->json, "message"), "sent_ids");
    assert_int_equal(json_array_size(ids), 1);
}

/* How often an entry was tried is known again on every page of a queue that is read anew: a restart
 * does not begin its waits anew. */
static void tries_are_known_on_every_page(void **state) {
    struct world *w = *state;
    begin_answer(w, "pages-of-a-queue");
    struct store_appended out = w->appended;
    unsigned shard = id_shard(out.thread);
    for (int i = 0; i < 4; i++)
        append(w,
            (struct store_append){.direction = DIRECTION_OUT,
                .thread = out.thread,
                .channel = "pages",
                .connector = "sitechat",
                .deliver = true},
            "answer");
    store_queue_read(w->store, shard, "out:pages", "", 10, on_entries, w);
    wait_for(w);
    assert_int_equal(w->n, 4);
    struct store_entry all[4];
    memcpy(all, w->entries, sizeof all);
    struct store_outcome o[3];
    for (int i = 0; i < 3; i++) /* the third was never tried */
        o[i] = (struct store_outcome){.entry = all[i < 2 ? i : 3].id,
            .thread = out.thread,
            .seq = all[i < 2 ? i : 3].seq,
            .word = "retry",
            .detail = "unavailable later",
            .attempts = 5 + (unsigned)i,
            .not_before_ms = 1900000000000 + i};
    store_finish(w->store, shard, w->token, "out:pages", "pages", o, 3, on_word, w);
    wait_for(w);
    assert_string_equal(w->word, "ok");
    char after[STORE_ENTRY_SIZE] = "";
    for (unsigned page = 0; page < 2; page++) {
        store_queue_read(w->store, shard, "out:pages", after, 2, on_entries, w);
        wait_for(w);
        assert_int_equal(w->n, 2);
        assert_int_equal(w->entries[0].attempts, page ? 0 : 5);
        assert_int_equal(w->entries[0].not_before_ms, page ? 0 : 1900000000000);
        assert_int_equal(w->entries[1].attempts, page ? 7 : 6);
        assert_int_equal(w->entries[1].not_before_ms, 1900000000001 + page);
        memcpy(after, w->entries[1].id, sizeof after);
    }
    store_queue_read(w->store, shard, "out:pages", after, 2, on_entries, w);
    wait_for(w);
    assert_int_equal(w->n, 0);
}

static json_t *window_of(struct world *w, const char *thread) {
    store_thread(w->store, thread, on_json, w);
    wait_for(w);
    return json_object_get(json_object_get(json_object_get(w->json, "thread"), "windows"), "site");
}

static void windows_open_and_stay_open(void **state) {
    struct world *w = *state;
    struct identity who = {"visitor", "window", "Ann", false};
    struct store_append a = {.direction = DIRECTION_IN,
        .from = &who,
        .channel = "site",
        .connector = "sitechat",
        .window_until_ms = 4000000000000,
        .free_by_ms = 4000000000000,
        .free_for_ms = 60000};
    append(w, a, "from an ad");
    struct store_appended in = w->appended;
    json_t *win = window_of(w, in.thread);
    assert_string_equal(
        json_string_value(json_object_get(win, "until")), "2096-10-02T07:06:40.000Z");
    assert_true(json_is_null(json_object_get(win, "free_until")));
    a.window_until_ms = 3000000000000; /* an older one, come late */
    a.free_by_ms = a.free_for_ms = 0;
    append(w, a, "older");
    append(w,
        (struct store_append){.direction = DIRECTION_OUT,
            .thread = in.thread,
            .channel = "site",
            .connector = "sitechat",
            .deliver = true},
        "answer");
    win = window_of(w, in.thread);
    assert_string_equal(
        json_string_value(json_object_get(win, "until")), "2096-10-02T07:06:40.000Z");
    assert_true(json_is_string(json_object_get(win, "free_until")));
}

/* What was said before our time is in the thread, and nobody is called to it. */
static void the_past_is_no_news(void **state) {
    struct world *w = *state;
    struct identity who = {"visitor", "past", "Ann", false};
    struct store_append a = {.direction = DIRECTION_IN,
        .from = &who,
        .channel = "site",
        .connector = "sitechat",
        .past_ms = 1700000000000};
    append(w, a, "long ago");
    store_thread(w->store, w->appended.thread, on_json, w);
    wait_for(w);
    json_t *t = json_object_get(w->json, "thread");
    assert_string_equal(json_string_value(json_object_get(t, "state")), "closed");
    assert_int_equal(json_integer_value(json_object_get(t, "unread")), 0);
    assert_true(json_is_null(json_object_get(t, "waiting_since")));
    assert_string_equal(
        json_string_value(json_object_get(t, "last_at")), "2023-11-14T22:13:20.000Z");
    a.past_ms = 0;
    append(w, a, "now");
    a.past_ms = 1700000001000;
    append(w, a, "also long ago");
    store_thread(w->store, w->appended.thread, on_json, w);
    wait_for(w);
    t = json_object_get(w->json, "thread");
    assert_string_equal(json_string_value(json_object_get(t, "state")), "open");
    assert_int_equal(json_integer_value(json_object_get(t, "unread")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(t, "last"), "text")), "now");
}

static void the_feed_tells_and_replays(void **state) {
    struct world *w = *state;
    static const struct store_feed_ops ops = {on_feed_events, NULL};
    struct store_feed *feed = store_feed_create(w->store, &ops, w);
    for (int i = 0; i < 100 && !*store_feed_cursors(feed); i++)
        pause_briefly(w, 20);
    snprintf(w->cursors, sizeof w->cursors, "%s", store_feed_cursors(feed));
    assert_true(w->cursors[0] != '\0');
    w->done = false;
    w->kinds[0] = '\0';
    say(w, "feed", "", "x");
    while (!w->kinds[0])
        pause_briefly(w, 20);
    assert_string_equal(w->kinds, "m");
    assert_string_equal(store_feed_cursors(feed), w->cursors); /* not done with it yet */
    store_feed_more(feed);
    assert_string_not_equal(store_feed_cursors(feed), w->cursors);
    w->done = false;
    store_feed_replay(w->store, w->cursors, 100, on_replay, w);
    wait_for(w);
    assert_int_equal(w->n, 1);
    store_feed_replay(w->store, "other-epoch;0:1-1", 100, on_replay, w);
    wait_for(w);
    assert_int_equal(w->n, 9999);
    store_feed_replay(w->store, "garbage", 100, on_replay, w);
    wait_for(w);
    assert_int_equal(w->n, 9999);
    store_feed_destroy(&feed);
}

/* --- dead letters ---------------------------------------------------------------------------- */

static void bury_done(void *arg, const struct redis_reply *r, const struct err *err) {
    (void)r;
    finish(arg, err);
}

/* A letter with an id of our choice. */
static void bury(struct world *w, unsigned shard, unsigned ms, unsigned n) {
    char key[32], id[32], entry[64], thread[ID_SIZE];
    id_make(shard, thread);
    snprintf(key, sizeof key, "sb:{s%u}:dead", shard);
    snprintf(id, sizeof id, "%u-%u", ms, n);
    snprintf(entry, sizeof entry, "%s 7", thread);
    const char *words[] = {"XADD", key, id, "q", "out:site", "e", entry, "detail",
        "invalid the channel refused it", "attempts", "3", "at", "1795442419123"};
    struct span args[ARRAY_LEN(words)];
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        args[i] = span_str(words[i]);
    redis_command(store_redis(w->store), args, ARRAY_LEN(args), bury_done, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
}

/* The list by pages of this size: each letter once, in one order, whatever the page. */
static void read_dead(struct world *w, unsigned limit, char *out, size_t size, size_t *pages) {
    char *cursor = NULL;
    size_t used = 0, i;
    json_t *d;
    *pages = 0;
    do {
        store_dead(w->store, NULL, cursor, limit, on_json, w);
        wait_for(w);
        assert_int_equal(w->err.code, 0);
        assert_true(json_array_size(json_object_get(w->json, "dead")) <= limit);
        json_array_foreach(json_object_get(w->json, "dead"), i, d) {
            used += (size_t)snprintf(
                out + used, size - used, "%s ", json_string_value(json_object_get(d, "id")));
        }
        free(cursor);
        cursor = mem_strdup(json_string_value(json_object_get(w->json, "next")));
        ++*pages;
    } while (cursor);
}

static void dead_letters_are_on_one_page_each(void **state) {
    struct world *w = *state;
    static const char whole[] = "2:9-0 3:5-1 0:4-2 0:4-1 0:4-0 1:4-0 2:4-3 2:4-1 1:2-0 3:1-0 ";
    static const unsigned letters[][3] = {{0, 4, 0}, {0, 4, 1}, {0, 4, 2}, {1, 2, 0}, {1, 4, 0},
        {2, 4, 1}, {2, 4, 3}, {2, 9, 0}, {3, 1, 0}, {3, 5, 1}};
    char got[1000];
    size_t pages;
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        bury(w, letters[i][0], letters[i][1], letters[i][2]);
    for (unsigned limit = 1; limit <= 11; limit++) {
        read_dead(w, limit, got, sizeof got, &pages);
        assert_string_equal(got, whole);
        assert_int_equal(pages, (ARRAY_LEN(letters) + limit - 1) / limit);
    }
    json_t *one = json_array_get(json_object_get(w->json, "dead"), 0);
    assert_int_equal(json_integer_value(json_object_get(one, "seq")), 7);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(one, "error"), "code")), "invalid");
    static const char *const forged[] = {"x", "4:1-1", "0:1", "0:-", "0:1-1-1", " 0:1-1", "-1:1-1"};
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        store_dead(w->store, NULL, forged[i], 5, on_json, w);
        wait_for(w);
        assert_int_equal(w->err.code, ERR_INVALID);
        store_dead_retry(w->store, forged[i], on_done, w);
        wait_for(w);
        assert_int_equal(w->err.code, ERR_NOT_FOUND);
    }
    store_dead_retry(w->store, "0:4-1", on_done, w);
    wait_for(w);
    assert_int_equal(w->err.code, 0);
    read_dead(w, 3, got, sizeof got, &pages);
    assert_null(strstr(got, "0:4-1"));
}

/* --- set-up ---------------------------------------------------------------------------------- */

static int begin(void **state) {
    struct world *w = mem_zalloc(sizeof *w);
    char url[128], socket[100];
    snprintf(w->dir, sizeof w->dir, "/tmp/store_test.XXXXXX");
    if (!mkdtemp(w->dir) || crypto_start() < 0)
        return -1;
    snprintf(socket, sizeof socket, "%s/r.sock", w->dir);
    w->redis = fork();
    if (w->redis == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
            "--dir", w->dir, (char *)NULL);
        _exit(127);
    }
    struct stat st;
    for (int i = 0; i < 250 && stat(socket, &st) < 0; i++)
        usleep(20000);
    snprintf(url, sizeof url, "unix://%s", socket);
    log_init(&w->log);
    w->log.level = LOG_LEVEL_ERROR;
    w->env = (struct env){loop_create(), &w->log, metrics_create(1)};
    static const char *const targets[] = {"main", NULL};
    w->store = store_create(&w->env, &(struct store_options){.url = url,
                                         .shards = 4,
                                         .targets = targets,
                                         .keep_messages = 500,
                                         .keep_ms = 1000,
                                         .events_max = 1000,
                                         .dedupe = true,
                                         .on_state = on_state,
                                         .arg = w});
    wait_for(w);
    *state = w;
    return w->err.code;
}

static int end(void **state) {
    struct world *w = *state;
    store_destroy(&w->store);
    loop_destroy(&w->env.loop);
    metrics_destroy(&w->env.metrics);
    json_decref(w->json);
    kill(w->redis, SIGKILL);
    waitpid(w->redis, NULL, 0);
    char *rm[] = {"rm", "-rf", w->dir, NULL};
    pid_t pid = fork();
    if (pid == 0)
        execvp("rm", rm);
    waitpid(pid, NULL, 0);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_stored_once),
        cmocka_unit_test(lists_are_by_last_activity),
        cmocka_unit_test(bad_questions_get_clear_answers),
        cmocka_unit_test(pages_of_messages),
        cmocka_unit_test(two_clients_become_one),
        cmocka_unit_test(a_proven_identity_takes_the_dialogue_along),
        cmocka_unit_test(a_delivery_is_not_sent_twice_in_silence),
        cmocka_unit_test(a_status_settles_a_lost_answer),
        cmocka_unit_test(a_known_part_lets_the_others_follow),
        cmocka_unit_test(tries_are_known_on_every_page),
        cmocka_unit_test(windows_open_and_stay_open),
        cmocka_unit_test(the_past_is_no_news),
        cmocka_unit_test(the_feed_tells_and_replays),
        cmocka_unit_test(dead_letters_are_on_one_page_each),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
