/* agent_frame_fuzz.c - any text as an agent's frame: what passes is bounded, and a message in it
 * comes back from its record as it went in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "model/message.h"
#include "push/agent_frame.h"
#include "store/store_record.h"

#define ID "01M84DM5EGXX078JEX5WYT1908"
#define TEXT_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good) {
    if (!good)
        abort();
}

static void must_explain(const struct err *err) {
    must(err->code != ERR_NONE && err->text[0] && utf8_is_valid(err->text, strlen(err->text)));
}

/* The message that the core reads back from the record of body. Owned by the caller. */
static json_t *kept_of(const json_t *body) {
    char *stored = record_body(DIRECTION_OUT, "site", "sitechat", body);
    char *record = mem_printf(ID " %s\n1732368000123 queued", stored);
    json_t *m = record_message(span_str(record), ID, ID, 7);
    must(m != NULL);
    free(record);
    free(stored);
    return m;
}

/* Each key that was said is in the message, one of null is as good as none, and nothing else is in
 * it that a sender could have put there. */
static void check_message(const json_t *body) {
    json_t *said = json_object(), *m = kept_of(body), *v;
    const char *key;
    json_object_foreach((json_t *)body, key, v) {
        if (json_is_null(v))
            continue;
        must(json_object_set(said, key, v) == 0);
        if (strcmp(key, "id") != 0 && strcmp(key, "channel") != 0)
            must(json_equal(json_object_get(m, key), v));
    }
    json_t *without_nulls = kept_of(said);
    must(json_equal(m, without_nulls));
    must(strcmp(json_string_value(json_object_get(m, "id")), ID) == 0);
    must(strcmp(json_string_value(json_object_get(m, "channel")), "site") == 0);
    must(strcmp(json_string_value(json_object_get(m, "status")), "queued") == 0);
    char *preview = record_preview(body);
    must(utf8_is_text(preview, strlen(preview)) && !strchr(preview, '\n'));
    free(preview);
    json_decref(without_nulls);
    json_decref(m);
    json_decref(said);
}

static void check_body(const struct agent_frame *f) {
    json_t *body = json_copy(f->json), *text;
    struct err err = {0};
    json_object_del(body, "type");
    json_object_del(body, "thread");
    if (message_body_check(body, TEXT_MAX, &err) == 0) {
        text = json_object_get(body, "text");
        must(utf8_length(json_string_value(text) ? json_string_value(text) : "",
                 json_string_length(text)) <= TEXT_MAX);
        must(json_array_size(json_object_get(body, "attachments")) <= MESSAGE_ATTACHMENTS_MAX);
        check_message(body);
    } else {
        must_explain(&err);
    }
    json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct agent_frame f;
    struct err err = {0};
    if (!utf8_is_valid((const char *)data, size)) /* the socket lets nothing else through */
        return 0;
    int rc = agent_frame_parse(span_of((const char *)data, size), &f, &err);
    must(!f.id || (strlen(f.id) >= 1 && strlen(f.id) <= 100));
    if (rc < 0) {
        must_explain(&err);
    } else {
        must(f.kind != AGENT_UNKNOWN && f.seq >= 0);
        must((f.thread != NULL) == (f.kind != AGENT_HELLO && f.kind != AGENT_PING));
        must(!f.thread || id_is_valid(f.thread));
        if (f.kind == AGENT_SEND)
            check_body(&f);
    }
    agent_frame_free(&f);
    return 0;
}
