/* store_text_fuzz.c - any bytes as what stands in Redis (records, trails, events, entries, errors)
 * and as cursors of screens and times: nothing malformed passes, what passes can be JSON. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/redis_wire.h"
#include "store/store_record.h"
#include "store/store_text.h"

#define ID "01M84DM5EGXX078JEX5WYT1908"
#define SHARDS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

static void must_dump(json_t *o) {
    char *text = json_dumps(o, JSON_COMPACT);
    must(text != NULL);
    free(text);
    json_decref(o);
}

static void check_record(struct span bytes) {
    char id[ID_SIZE];
    json_t *m = record_message(bytes, ID, ID, 3);
    if (m)
        must_dump(m);
    must_dump(record_trail(bytes));
    record_id(bytes, id);
    must(strlen(id) <= ID_LEN);
}

/* What passes can be written again, and is the same then. */
static void check_ids(const char *text) {
    struct stream_id id, again;
    unsigned shard;
    char printed[64], cursors[SHARDS][STORE_CURSOR_SIZE];
    if (stream_id_parse(span_str(text), &id) == 0) {
        snprintf(printed, sizeof printed, "%llu-%llu", (unsigned long long)id.ms,
            (unsigned long long)id.n);
        must(stream_id_parse(span_str(printed), &again) == 0);
        must(stream_id_compare(&id, &again) == 0);
    }
    if (store_place_parse(text, SHARDS, &shard, &id) == 0)
        must(shard < SHARDS);
    if (store_cursors_parse(text, "E", SHARDS, cursors) == 0)
        for (unsigned i = 0; i < SHARDS; i++)
            must(stream_id_parse(span_str(cursors[i]), &id) == 0);
}

static void check_events(const char *text) {
    struct store_event e;
    struct store_entry q = {.attempts = 3};
    if (store_event_parse(&e, text) == 0)
        must(strchr("mstcw", e.kind) && id_is_valid(e.id) && e.seq >= 0 && e.unwanted >= 0);
    store_entry_parse(&q, text);
    must(q.kind == '?' || (strchr("mcgf", q.kind) && id_is_valid(q.subject) && q.seq >= 0));
    must(q.kind == 'm' || !q.op[0]);
    must(q.kind != 'g' || id_is_valid(q.object));
    must(q.attempts == 3);
}

static void check_time(const char *text) {
    char printed[CLOCK_TEXT_SIZE];
    int64_t ms, again;
    if (clock_parse(text, &ms) < 0)
        return;
    clock_format(ms, printed);
    must(strlen(printed) == 24);
    if (ms >= -62167219200000 && ms < 253402300800000)
        must(clock_parse(printed, &again) == 0 && again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span bytes = span_of((const char *)data, size);
    struct err err = {0};
    check_record(bytes);
    must(redis_wire_error(bytes, &err) != NULL);
    must(err.code != ERR_NONE && utf8_is_valid(err.text, strlen(err.text)));
    char *text = mem_strndup(bytes.p, bytes.n);
    check_ids(text);
    check_events(text);
    check_time(text);
    free(text);
    return 0;
}
