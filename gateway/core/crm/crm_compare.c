/* crm_compare.c - a thread as our ledger has it, against what a CRM says is on the card. Pure. */
#include "core/crm/crm_compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

#define HASH_LEN 16

struct work {
    const struct crm_compared *c;
    json_t *out;
    size_t *by_id;   /* places in rows, sorted by the message's id */
    unsigned *times; /* by place: how often it is there */
    size_t *there;   /* places in rows, in the CRM's order, each once */
    size_t nthere, ndouble;
};

/* --- looking up ------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b, void *rows) {
    const struct store_ledger_row *r = rows;
    return strcmp(r[*(const size_t *)a].is.id, r[*(const size_t *)b].is.id);
}

/* The place of this message; n: there is none. */
static size_t find(const struct work *w, const char *id) {
    size_t from = 0, to = w->c->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = strcmp(w->c->rows[w->by_id[mid]].is.id, id);
        if (order == 0)
            return w->by_id[mid];
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return w->c->n;
}

/* A thread and its messages share a tag and a shard. */
static bool is_ours(const char *thread, const char *id) {
    return id_is_valid(id) && memcmp(id + ID_TIME_LEN, thread + ID_TIME_LEN, ID_TAG_LEN) == 0 &&
           id_shard(id) == id_shard(thread);
}

static void note(struct work *w, const char *what, const struct store_ledger_row *row) {
    json_array_append_new(json_object_get(w->out, what),
        json_pack("{s:I,s:s}", "seq", (json_int_t)row->seq, "message", row->is.id));
}

/* --- what is there --------------------------------------------------------------------------- */

/* Older than what the log still has: nobody can say any more. */
static bool is_archived(const struct work *w, const char *id) {
    const struct crm_compared *c = w->c;
    return !c->from_start && (c->n == 0 || id_time_ms(id) <= id_time_ms(c->rows[0].is.id));
}

static void take_entries(struct work *w, const json_t *entries) {
    size_t i;
    json_t *e;
    json_array_foreach(entries, i, e) {
        const char *id = json_string_value(json_object_get(e, "message"));
        if (!id || !is_ours(w->c->thread, id))
            continue;
        size_t at = find(w, id);
        if (at == w->c->n) {
            if (!is_archived(w, id))
                json_array_append_new(json_object_get(w->out, "unknown"), json_string(id));
            continue;
        }
        if (w->times[at]++ == 0)
            w->there[w->nthere++] = at;
        else if (w->times[at] == 2)
            note(w, "double", &w->c->rows[at]);
        w->ndouble += w->times[at] > 1;
    }
}

/* In the thread's order, or in that in which they came. */
static bool in_order(const struct store_ledger_row *a, const struct store_ledger_row *b) {
    return a->seq < b->seq || !a->is.attached_ms || !b->is.attached_ms ||
           a->is.attached_ms < b->is.attached_ms;
}

static int by_place(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* If two stand in disorder, all whose rank is another than in the thread are told. */
static void check_order(struct work *w) {
    bool good = true;
    for (size_t i = 1; i < w->nthere && good; i++)
        good = in_order(&w->c->rows[w->there[i - 1]], &w->c->rows[w->there[i]]);
    if (good)
        return;
    size_t *sorted = mem_alloc(w->nthere * sizeof *sorted);
    memcpy(sorted, w->there, w->nthere * sizeof *sorted);
    qsort(sorted, w->nthere, sizeof *sorted, by_place);
    for (size_t i = 0; i < w->nthere; i++)
        if (sorted[i] != w->there[i])
            note(w, "misplaced", &w->c->rows[sorted[i]]);
    free(sorted);
}

/* --- what should be there -------------------------------------------------------------------- */

static bool may_wait(const struct work *w, const struct record_ledger *l) {
    int64_t queued_ms = l->asked_ms ? l->asked_ms : l->received_ms;
    return queued_ms >= w->c->waits_from_ms;
}

/* Before this place no message has ever had to do with the target. */
static size_t first_told(const struct work *w) {
    size_t i = 0;
    while (i < w->c->n && w->c->rows[i].is.state == RECORD_UNTOLD && !w->times[i])
        i++;
    return i;
}

static void take_rows(struct work *w) {
    size_t before = 0, waiting = 0, told = first_told(w);
    for (size_t i = 0; i < w->c->n; i++) {
        const struct record_ledger *l = &w->c->rows[i].is;
        if (w->times[i] || l->state == RECORD_LEFT_OUT)
            continue;
        if (l->failed)
            note(w, "given_up", &w->c->rows[i]);
        else if ((l->state != RECORD_ATTACHED || l->asked_ms > l->attached_ms) && may_wait(w, l))
            waiting++;
        else if (i < told)
            before++;
        else
            note(w, l->state == RECORD_ATTACHED ? "lost" : "missing", &w->c->rows[i]);
    }
    json_object_set_new(w->out, "before", json_integer((json_int_t)before));
    json_object_set_new(w->out, "waiting", json_integer((json_int_t)waiting));
}

/* --- both together --------------------------------------------------------------------------- */

static void hash_end(struct crypto_sha256 *h, char out[HASH_LEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[32];
    crypto_sha256_end(&h, sum);
    for (size_t i = 0; i < HASH_LEN; i++)
        out[i] = digits[i % 2 ? sum[i / 2] & 15 : sum[i / 2] >> 4];
    out[HASH_LEN] = '\0';
}

static void sum(struct work *w, const json_t *entries) {
    struct crypto_sha256 *ours = crypto_sha256_begin(), *theirs = crypto_sha256_begin();
    char hash[HASH_LEN + 1];
    size_t n = 0, i;
    json_t *e;
    for (i = 0; i < w->c->n; i++) {
        if (w->c->rows[i].is.state != RECORD_ATTACHED && !w->times[i])
            continue;
        crypto_sha256_add(ours, span_of(w->c->rows[i].is.id, ID_LEN));
        n++;
    }
    hash_end(ours, hash);
    json_object_set_new(
        w->out, "ledger", json_pack("{s:I,s:s}", "messages", (json_int_t)n, "hash", hash));
    json_array_foreach(entries, i, e) {
        const char *id = json_string_value(json_object_get(e, "message"));
        if (id && is_ours(w->c->thread, id) && !(find(w, id) == w->c->n && is_archived(w, id)))
            crypto_sha256_add(theirs, span_of(id, ID_LEN));
    }
    hash_end(theirs, hash);
    n = w->nthere + w->ndouble + json_array_size(json_object_get(w->out, "unknown"));
    json_object_set_new(
        w->out, "target", json_pack("{s:I,s:s}", "messages", (json_int_t)n, "hash", hash));
}

json_t *crm_compare(const struct crm_compared *c, const json_t *entries) {
    static const char *const lists[] = {
        "missing", "lost", "double", "misplaced", "given_up", "unknown"};
    struct work w = {.c = c, .out = json_object()};
    bool differs = false;
    w.by_id = mem_zalloc((c->n + 1) * sizeof *w.by_id);
    w.times = mem_zalloc((c->n + 1) * sizeof *w.times);
    w.there = mem_zalloc((c->n + 1) * sizeof *w.there);
    for (size_t i = 0; i < c->n; i++)
        w.by_id[i] = i;
    qsort_r(w.by_id, c->n, sizeof *w.by_id, by_id, (void *)c->rows);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        json_object_set_new(w.out, lists[i], json_array());
    take_entries(&w, entries);
    check_order(&w);
    take_rows(&w);
    sum(&w, entries);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        differs = differs || json_array_size(json_object_get(w.out, lists[i]));
    json_object_set_new(w.out, "differs", json_boolean(differs));
    free(w.by_id);
    free(w.times);
    free(w.there);
    return w.out;
}
