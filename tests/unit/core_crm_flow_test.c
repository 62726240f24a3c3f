/* core_crm_flow_test.c - a message as entries of a card, whatever answer is lost on the way: each
 * piece and each file once (crm.md 8.2: 2, 3, 7, 12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/crm/crm_flow.h"

#define ENTRIES_MAX 128
#define CARDS_MAX 8

struct entry {
    bool used;
    char card[8], *text;
    size_t files;
};

struct card {
    bool used;
    char id[8], into[8];
    json_t *ways;
};

/* A CRM in memory, and an adapter for it. The answer of one call, or its effect too, can be lost.
 */
struct book {
    struct crm_flow flow; /* first */
    struct env env;
    struct log log;
    struct crm_flow_ops ops;
    struct entry entries[ENTRIES_MAX];
    struct card cards[CARDS_MAX];
    size_t nentries, ncards, brought;
    int calls, lose_answer, lose_call; /* the which one; 0: none */
    bool refuses_ways, refuses_files;
};

struct answer {
    crm_step_fn fn;
    void *arg;
    json_t *result;
    struct err err;
};

static void on_time(void *arg) {
    struct answer *a = arg;
    a->fn(a->arg, a->err.code ? NULL : a->result, a->err.code ? &a->err : NULL, 0);
    json_decref(a->result);
    free(a);
}

static struct book *book_of(struct crm *c) {
    return (struct book *)c;
}

/* Does this call reach the CRM? */
static bool arrives(struct book *b) {
    return ++b->calls != b->lose_call;
}

static void reply(struct book *b, json_t *result, enum err_code code, crm_step_fn fn, void *arg) {
    struct answer *a = mem_zalloc(sizeof *a);
    *a = (struct answer){.fn = fn, .arg = arg, .result = result};
    if (b->calls == b->lose_answer || b->calls == b->lose_call)
        err_set(&a->err, ERR_TIMEOUT, "no answer");
    else if (code)
        err_set(&a->err, code, "refused");
    loop_defer(b->env.loop, on_time, a);
}

static struct card *card_of(struct book *b, const char *id) {
    for (size_t i = 0; i < b->ncards; i++)
        if (b->cards[i].used && strcmp(b->cards[i].id, id) == 0)
            return &b->cards[i];
    return NULL;
}

static void look(struct crm *c, const char *id, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    (void)arrives(b);
    const struct card *k = card_of(b, id);
    reply(b,
        k ? json_pack("{s:s,s:O,s:s}", "id", *k->into ? k->into : k->id, "ways", k->ways, "url",
                "https://crm.example/7")
          : json_null(),
        0, fn, arg);
}

static void find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    json_t *out = json_array(), *way;
    (void)who; /* a CRM that finds too much */
    (void)arrives(b);
    for (size_t i = 0; i < b->ncards; i++) {
        size_t at;
        json_array_foreach(b->cards[i].ways, at, way) {
            json_t *one = json_copy(way);
            json_object_set_new(one, "card", json_string(b->cards[i].id));
            if (b->cards[i].used)
                json_array_append(out, one);
            json_decref(one);
        }
    }
    reply(b, out, 0, fn, arg);
}

static const char *add_card(struct book *b, json_t *ways) {
    struct card *k = &b->cards[b->ncards++];
    assert_true(b->ncards <= CARDS_MAX);
    k->used = true;
    k->ways = ways;
    snprintf(k->id, sizeof k->id, "%zu", b->ncards);
    return k->id;
}

static void create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    const char *id = "";
    if (b->refuses_ways && !who->is_plain) {
        b->calls++;
        reply(b, NULL, ERR_INVALID, fn, arg);
        return;
    }
    if (arrives(b)) {
        json_t *ways = json_pack("[{s:s,s:s}]", "kind", "mark", "value", who->mark);
        json_array_extend(ways, (json_t *)who->ways);
        id = add_card(b, ways);
    }
    reply(b, json_pack("{s:s}", "id", id), 0, fn, arg);
}

static void add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    (void)who;
    if (arrives(b))
        json_array_extend(card_of(b, card)->ways, (json_t *)missing);
    reply(b, NULL, 0, fn, arg);
}

static void entries(struct crm *c, const char *card, const char *mark, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    json_t *out = json_array();
    (void)arrives(b);
    for (size_t i = 0; i < b->nentries; i++)
        if (b->entries[i].used && strcmp(b->entries[i].card, card) == 0 &&
            strstr(b->entries[i].text, mark ? mark : "#"))
            json_array_append_new(out,
                json_pack("{s:o,s:s}", "id", json_sprintf("%zu", i), "text", b->entries[i].text));
    reply(b, out, 0, fn, arg);
}

static void write_entry(struct crm *c, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    bool arrived = arrives(b);
    if (!card_of(b, e->card)) {
        reply(b, NULL, ERR_NOT_FOUND, fn, arg);
        return;
    }
    if (arrived) {
        struct entry *to = &b->entries[b->nentries++];
        assert_true(b->nentries < ENTRIES_MAX);
        to->used = true;
        to->text = mem_strdup(e->text);
        to->files = json_array_size(e->files);
        snprintf(to->card, sizeof to->card, "%s", e->card);
    }
    reply(b, json_pack("{s:o}", "id", json_sprintf("%zu", b->nentries - arrived)), 0, fn, arg);
}

static void rewrite(
    struct crm *c, const char *id, const struct crm_flow_entry *e, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    struct entry *to = &b->entries[strtoul(id, NULL, 10)];
    bool arrived = arrives(b);
    if (!to->used) {
        reply(b, NULL, ERR_NOT_FOUND, fn, arg);
        return;
    }
    if (arrived) {
        free(to->text);
        to->text = mem_strdup(e->text);
        if (b->ops.rewrite_takes_files && e->files)
            to->files = json_array_size(e->files);
    }
    reply(b, NULL, 0, fn, arg);
}

static void upload(
    struct crm *c, const char *card, const json_t *attachment, crm_step_fn fn, void *arg) {
    struct book *b = book_of(c);
    (void)card;
    (void)attachment;
    if (arrives(b) && !b->refuses_files)
        b->brought++;
    reply(b, json_object(), b->refuses_files ? ERR_TOO_LARGE : 0, fn, arg);
}

static const struct crm_flow_ops all_ops = {.look = look,
    .find = find,
    .create = create,
    .add = add,
    .entries = entries,
    .write = write_entry,
    .rewrite = rewrite,
    .upload = upload};

/* --- the core's part: again until it is done ------------------------------------------------- */

struct call {
    struct book *book;
    bool done, failed, gone, invalid;
    char card[16], external_id[256];
};

static void on_done(void *arg, const struct crm_outcome *o) {
    struct call *k = arg;
    assert_false(k->done);
    k->done = true;
    k->failed = o->err != NULL;
    k->gone = o->err && o->err->code == ERR_NOT_FOUND;
    k->invalid = o->err && o->err->code == ERR_INVALID;
    snprintf(k->card, sizeof k->card, "%s", o->card_id ? o->card_id : "");
    snprintf(k->external_id, sizeof k->external_id, "%s", o->external_id ? o->external_id : "");
    loop_stop(k->book->env.loop);
}

static struct call attach_once(struct book *b, const struct crm_attach *a) {
    struct call k = {.book = b};
    crm_flow_attach(&b->flow.base, a, on_done, &k);
    assert_false(k.done); /* never inside the call */
    loop_run(b->env.loop);
    assert_true(k.done);
    return k;
}

/* As crm_queue.c does: the second time it may be there. */
static struct call attach(struct book *b, json_t *message, const char *known) {
    json_t *client = json_pack("{s:s,s:s}", "id", "C", "name", "Ann");
    struct crm_attach a = {.card_id = "1", .client = client, .message = message, .known = known};
    struct call k = attach_once(b, &a);
    for (int i = 0; k.failed && i < 3; i++) {
        a.again = true;
        k = attach_once(b, &a);
    }
    assert_false(k.failed);
    json_decref(client);
    return k;
}

static struct call ensure(struct book *b, const json_t *client, const char *known) {
    struct call k = {.failed = true};
    for (int i = 0; k.failed && i < 3; i++) {
        k = (struct call){.book = b};
        crm_flow_ensure(&b->flow.base, client, known, on_done, &k);
        loop_run(b->env.loop);
    }
    assert_false(k.failed);
    return k;
}

static json_t *message_of(size_t words, size_t ready, size_t waiting) {
    json_t *m = json_pack(
        "{s:s,s:s,s:[]}", "id", "01JDFX3T5KABCDEFGHJKMNPQRS", "direction", "in", "attachments");
    char *text = mem_alloc(words * 8 + 8);
    size_t n = (size_t)snprintf(text, 8, "%zu:", words);
    for (size_t i = 0; i < words; i++)
        n += (size_t)snprintf(text + n, 9, "w%06zu ", i);
    json_object_set_new(m, "text", json_string(text));
    free(text);
    for (size_t i = 0; i < ready + waiting; i++) {
        json_t *file = json_pack("{s:o}", "name", json_sprintf("f%zu", i));
        if (i < ready)
            json_object_set_new(file, "id", json_sprintf("01JDFX3T5KABCDEFGHJKMN%02zu00", i));
        json_array_append_new(json_object_get(m, "attachments"), file);
    }
    return m;
}

static struct book *open_book(void) {
    struct book *b = mem_zalloc(sizeof *b);
    log_init(&b->log);
    b->log.level = LOG_LEVEL_ERROR;
    b->env = (struct env){loop_create(), &b->log, NULL};
    b->flow.base.env = &b->env;
    b->flow.base.target = "main";
    b->flow.base.public_url = "https://chat.example.org";
    b->ops = all_ops;
    b->flow.crm = &b->flow.base;
    b->flow.ops = &b->ops;
    b->flow.options = (struct crm_flow_options){.files = true, .country = "RU", .text_max = 4000};
    return b;
}

static void close_book(struct book *b) {
    for (size_t i = 0; i < b->nentries; i++)
        free(b->entries[i].text);
    for (size_t i = 0; i < b->ncards; i++)
        json_decref(b->cards[i].ways);
    loop_destroy(&b->env.loop);
    free(b);
}

/* How many entries say this; and what is on the card in all. */
static size_t count(const struct book *b, const char *what) {
    size_t n = 0;
    for (size_t i = 0; i < b->nentries; i++)
        n += b->entries[i].used && strstr(b->entries[i].text, what) != NULL;
    return n;
}

static size_t count_files(const struct book *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->nentries; i++)
        n += b->entries[i].used ? b->entries[i].files : 0;
    return n;
}

/* --- trials ---------------------------------------------------------------------------------- */

enum { ALL_OPS, NO_REWRITE, TAKES_FILES, MODES };

static struct book *trial(int mode, int lost_call, int lost_answer) {
    struct book *b = open_book();
    if (mode == NO_REWRITE)
        b->ops.rewrite = NULL;
    b->ops.rewrite_takes_files = mode == TAKES_FILES;
    add_card(b, json_array());
    b->lose_call = lost_call;
    b->lose_answer = lost_answer;
    return b;
}

/* A long message with files, edited to a short one, and to a longer one: with any one call, or
 * answer, lost. */
static void one_story(int mode, int lost_call, int lost_answer, int *calls) {
    struct book *b = trial(mode, lost_call, lost_answer);
    json_t *first = message_of(1400, 2, 1), *second = message_of(10, 3, 0);
    struct call k = attach(b, first, NULL);
    size_t pieces = mode == NO_REWRITE ? 0 : 3;
    assert_int_equal(count(b, "1/3") + count(b, "2/3") + count(b, "3/3"), 3);
    assert_int_equal(count_files(b), 2);
    json_object_set_new(second, "edited_at", json_string("2026-11-29T12:04:00.000Z"));
    k = attach(b, second, k.external_id);
    assert_int_equal(count(b, "10:w000000"), 1);
    if (pieces) {
        assert_int_equal(count(b, "1/3"), 0);
        assert_int_equal(count(b, "… #"), 2); /* what is left over says so */
    }
    if (mode != ALL_OPS)
        assert_int_equal(count(b, "S+"), 0);
    else
        assert_int_equal(count(b, "S+3"), 1); /* an entry of the file that came later */
    assert_true(count(b, "+4") == 0 && strstr(k.external_id, "+3"));
    assert_int_equal(count_files(b), 3);
    *calls = b->calls;
    json_decref(first);
    json_decref(second);
    close_book(b);
}

static void each_once_whatever_is_lost(void **state) {
    (void)state;
    for (int mode = 0; mode < MODES; mode++) {
        int calls = 0, unused = 0;
        one_story(mode, 0, 0, &calls);
        assert_true(calls > 4);
        for (int i = 1; i <= calls; i++) {
            one_story(mode, i, 0, &unused);
            for (int j = 0; j <= calls + 6; j++)
                one_story(mode, j, i, &unused);
        }
    }
}

/* Of a message with one file, that is replaced by another. */
static void another_file(int mode, int lost_call, int lost_answer, int *calls) {
    struct book *b = trial(mode, lost_call, lost_answer);
    json_t *first = message_of(5, 1, 0), *second = message_of(6, 2, 0);
    json_array_remove(json_object_get(second, "attachments"), 0);
    json_object_set_new(second, "edited_at", json_string("2026-11-29T12:04:00.000Z"));
    struct call k = attach(b, first, NULL);
    assert_non_null(strstr(k.external_id, "+1:MN00"));
    k = attach(b, second, k.external_id);
    assert_non_null(strstr(k.external_id, "+2:MN01"));
    assert_int_equal(count_files(b), mode == TAKES_FILES ? 1 : 2);
    assert_int_equal(count(b, "S+2"), mode == ALL_OPS ? 1 : 0);
    *calls = b->calls;
    json_decref(first);
    json_decref(second);
    close_book(b);
}

static void another_file_comes_once_whatever_is_lost(void **state) {
    (void)state;
    for (int mode = 0; mode < MODES; mode++) {
        int calls = 0, unused = 0;
        another_file(mode, 0, 0, &calls);
        for (int i = 0; i <= calls; i++)
            for (int j = 0; j <= calls + 6; j++)
                another_file(mode, j, i, &unused);
    }
}

/* As it was remembered when only the number of files was. */
static void files_of_before_are_not_brought_again(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *first = message_of(5, 1, 0), *second = message_of(6, 2, 0);
    attach(b, first, NULL);
    struct call k = attach(b, second, "0+1");
    assert_int_equal(b->brought, 2);
    assert_string_equal(k.external_id, "0+2:MN00MN01");
    json_decref(first);
    json_decref(second);
    close_book(b);
}

static void files_that_are_too_many_for_a_request_are_links(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *m = message_of(5, 3, 0), *file;
    size_t i;
    json_array_foreach(json_object_get(m, "attachments"), i, file)
        json_object_set_new(file, "size", json_integer(40));
    b->ops.files_max = 100;
    struct call k = attach(b, m, NULL);
    assert_int_equal(b->brought, 2);
    assert_string_equal(k.external_id, "0+3!:MN00MN01MN02");
    assert_int_equal(count(b, "https://chat.example.org/api/v1/media/01JDFX3T5K"), 1);
    k = attach(b, m, k.external_id);
    assert_int_equal(b->brought, 2);
    assert_int_equal(count(b, "https://chat.example.org/api/v1/media/01JDFX3T5K"), 1);
    json_decref(m);
    close_book(b);
}

static void a_long_message_is_found_by_its_mark(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *m = message_of(40000, 0, 0); /* more pieces than what it is called has room for */
    struct call k = attach(b, m, NULL);
    size_t pieces = b->nentries;
    assert_true(pieces > 50);
    assert_non_null(strstr(k.external_id, ",*"));
    k = attach(b, m, k.external_id);
    assert_int_equal(b->nentries, pieces);
    json_decref(m);
    close_book(b);
}

static void a_mark_that_a_client_wrote_is_none(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *first = message_of(5, 0, 0), *second = message_of(0, 0, 0);
    json_object_set_new(second, "id", json_string("01JDFX3T5KABCDEFGHJKMNPQRT"));
    json_object_set_new(second, "text", json_string("see #01JDFX3T5KABCDEFGHJKMNPQRS"));
    attach(b, second, NULL);
    struct call k = attach(b, first, "");
    assert_string_equal(k.external_id, "1");
    assert_int_equal(count(b, "see #01JDFX3T5KABCDEFGHJKMNPQRS"), 1);
    json_decref(first);
    json_decref(second);
    close_book(b);
}

static void a_deleted_entry_is_written_anew(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *m = message_of(5, 0, 0);
    struct call k = attach(b, m, NULL);
    b->entries[0].used = false;
    k = attach(b, m, k.external_id);
    assert_int_equal(count(b, "5:w"), 1);
    assert_string_equal(k.external_id, "1");
    json_decref(m);
    close_book(b);
}

static void a_file_that_it_refuses_is_a_link(void **state) {
    (void)state;
    struct book *b = trial(ALL_OPS, 0, 0);
    json_t *m = message_of(5, 1, 0);
    b->refuses_files = true;
    attach(b, m, NULL);
    assert_int_equal(count(b, "https://chat.example.org/api/v1/media/01JDFX3T5K"), 1);
    assert_int_equal(count_files(b), 0);
    json_decref(m);
    close_book(b);
}

static json_t *client_of(bool verified) {
    return json_pack("{s:s,s:s,s:[{s:s,s:s,s:b}]}", "id", "C", "name", "Ann", "identities", "kind",
        "phone", "address", "+79001234567", "verified", (int)verified);
}

static void a_card_is_found_or_made_once(void **state) {
    (void)state;
    for (int lost = 0; lost <= 4; lost++)
        for (int answers = 0; answers < 2; answers++) {
            struct book *b = open_book();
            json_t *client = client_of(true);
            *(answers ? &b->lose_answer : &b->lose_call) = lost;
            struct call k = ensure(b, client, "");
            assert_string_equal(k.card, "1");
            assert_int_equal(b->ncards, 1);
            assert_string_equal(ensure(b, client, "1").card, "1");
            assert_int_equal(json_array_size(b->cards[0].ways), 2);
            json_decref(client);
            close_book(b);
        }
}

static void only_what_is_proven_finds_a_card(void **state) {
    (void)state;
    for (int verified = 0; verified < 2; verified++) {
        struct book *b = open_book();
        json_t *client = client_of(verified);
        add_card(b, json_pack("[{s:s,s:s}]", "kind", "phone", "value", "8 (900) 123-45-67"));
        assert_string_equal(ensure(b, client, "").card, verified ? "1" : "2");
        json_decref(client);
        close_book(b);
    }
}

static void two_that_fit_are_none_and_our_mark_decides(void **state) {
    (void)state;
    struct book *b = open_book();
    json_t *client = client_of(true);
    add_card(b, json_pack("[{s:s,s:s}]", "kind", "phone", "value", "+79001234567"));
    add_card(b, json_pack("[{s:s,s:s}]", "kind", "phone", "value", "89001234567"));
    assert_string_equal(ensure(b, client, "").card, "3");
    assert_string_equal(ensure(b, client, "").card, "3");
    json_decref(client);
    close_book(b);
}

static void a_merged_card_is_followed_and_a_ring_is_left(void **state) {
    (void)state;
    struct book *b = open_book();
    json_t *client = client_of(true);
    add_card(b, json_array());
    add_card(b, json_array());
    strcpy(b->cards[0].into, "2");
    assert_string_equal(ensure(b, client, "1").card, "2");
    strcpy(b->cards[1].into, "1");
    assert_string_equal(ensure(b, client, "1").card, "3");
    json_decref(client);
    close_book(b);
}

static void ways_that_it_refuses_are_no_reason(void **state) {
    (void)state;
    struct book *b = open_book();
    json_t *client = client_of(true);
    b->refuses_ways = true;
    assert_string_equal(ensure(b, client, "").card, "1");
    json_decref(client);
    close_book(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_once_whatever_is_lost),
        cmocka_unit_test(another_file_comes_once_whatever_is_lost),
        cmocka_unit_test(files_of_before_are_not_brought_again),
        cmocka_unit_test(files_that_are_too_many_for_a_request_are_links),
        cmocka_unit_test(a_long_message_is_found_by_its_mark),
        cmocka_unit_test(a_mark_that_a_client_wrote_is_none),
        cmocka_unit_test(a_deleted_entry_is_written_anew),
        cmocka_unit_test(a_file_that_it_refuses_is_a_link),
        cmocka_unit_test(a_card_is_found_or_made_once),
        cmocka_unit_test(only_what_is_proven_finds_a_card),
        cmocka_unit_test(two_that_fit_are_none_and_our_mark_decides),
        cmocka_unit_test(a_merged_card_is_followed_and_a_ring_is_left),
        cmocka_unit_test(ways_that_it_refuses_are_no_reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
