/* core_crm_text_test.c - texts in the CRM's markup are nothing but text (crm.md 8.2, 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "core/crm/crm_text.h"

static json_t *message_of(const char *text) {
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s}}", "id", "01JDFX3T5KABCDEFGHJKMNPQRS",
        "direction", "in", "channel", "sales", "connector", "telegram", "received_at",
        "2026-11-29T12:04:00.000Z", "text", text, "from", "kind", "telegram", "name", "Анна");
}

static char *one(json_t *message, struct crm_text_options o) {
    json_t *client = json_pack("{s:s,s:s}", "id", "C", "name", "Anna");
    json_t *pieces = crm_text(message, client, &o);
    assert_int_equal(json_array_size(pieces), 1);
    char *out = mem_strdup(json_string_value(json_array_get(pieces, 0)));
    json_decref(pieces);
    json_decref(client);
    json_decref(message);
    return out;
}

static void expect(json_t *message, struct crm_text_options o, const char *text) {
    char *got = one(message, o);
    assert_string_equal(got, text);
    free(got);
}

static void who_where_when_what(void **state) {
    (void)state;
    expect(message_of("Где мой заказ?"),
        (struct crm_text_options){.utc_offset_min = 180, .max = 10000},
        "Анна, telegram sales, 29.11.2026 15:04\nГде мой заказ?\n#01JDFX3T5KABCDEFGHJKMNPQRS");
    json_t *answer = message_of("Едет");
    json_object_set_new(answer, "direction", json_string("out"));
    json_object_set_new(answer, "from", json_pack("{s:s,s:s}", "kind", "agent", "agent", "bob"));
    json_object_set_new(answer, "edited_at", json_string("2026-11-29T12:05:00.000Z"));
    expect(answer, (struct crm_text_options){.russian = true, .max = 10000, .markup = CRM_HTML},
        "<b>сотрудник bob</b>, telegram sales, 29.11.2026 12:04 "
        "(изменено)<br>Едет<br>#01JDFX3T5KABCDEFGHJKMNPQRS");
}

static void a_chat_shows_who_and_when_itself(void **state) {
    struct crm_text_options o = {.max = 10000, .bare = true};
    json_t *m = message_of("");
    (void)state;
    expect(message_of("Где мой заказ?\n"), o, "Где мой заказ?");
    json_object_set_new(m, "raw_type", json_string("poll"));
    expect(json_incref(m), o, "poll");
    json_object_set_new(m, "deleted_at", json_string("2026-11-29T12:05:00.000Z"));
    expect(m, o, "(taken back)");
}

static void nothing_in_it_is_markup(void **state) {
    (void)state;
    static const char evil[] =
        "[b]x[/b] <script>alert(\"1\")</script> & **y** [z](http://e) \x01\xe2\x80\xae";
    struct crm_text_options o = {.max = 10000};
    static const enum crm_markup all[] = {CRM_BBCODE, CRM_MARKDOWN, CRM_HTML};
    for (size_t i = 0; i < 3; i++) {
        o.markup = all[i];
        char *got = one(message_of(evil), o);
        const char *text = strchr(got, i == 2 ? '>' : '\n');
        assert_non_null(text);
        if (all[i] == CRM_BBCODE)
            assert_null(strstr(text, "[b]x"));
        if (all[i] == CRM_HTML)
            assert_null(strstr(text, "<script"));
        if (all[i] == CRM_MARKDOWN) {
            assert_null(strstr(text, " **y"));
            assert_non_null(strstr(text, "\\*\\*y\\*\\*"));
        }
        free(got);
    }
}

static void files_and_events(void **state) {
    (void)state;
    json_t *m = message_of("");
    json_object_set_new(m, "attachments",
        json_pack("[{s:s,s:s,s:s},{s:s,s:s}]", "id", "01JDFX3T5KABCDEFGHJKMNPQRS", "kind",
            "document", "name", "счёт \"1\".pdf", "kind", "video", "state", "too_large"));
    expect(m,
        (struct crm_text_options){
            .markup = CRM_HTML, .max = 10000, .links = {.public_url = "https://chat.example.org"}},
        "<b>Анна</b>, telegram sales, 29.11.2026 12:04<br>file: <a "
        "href=\"https://chat.example.org/api/v1/media/01JDFX3T5KABCDEFGHJKMNPQRS\">счёт "
        "&quot;1&quot;.pdf</a>"
        "<br>file, not here: video<br>#01JDFX3T5KABCDEFGHJKMNPQRS");
    m = json_pack("{s:s,s:s,s:s,s:{s:s,s:s,s:s}}", "id", "01JDFX3T5KABCDEFGHJKMNPQRS", "direction",
        "event", "received_at", "2026-11-29T12:04:00.000Z", "event", "type", "assigned", "to",
        "bob", "by", "ann");
    expect(m, (struct crm_text_options){.max = 10000},
        "Anna, 29.11.2026 12:04\nresponsible: bob\n#01JDFX3T5KABCDEFGHJKMNPQRS");
    m = json_pack("{s:s,s:s,s:s,s:{s:s,s:i,s:i,s:s,s:s}}", "id", "01JDFX3T5KABCDEFGHJKMNPQRS",
        "direction", "event", "received_at", "2026-11-29T12:04:00.000Z", "event", "type", "rating",
        "score", 4, "of", 5, "text", "4 of 5: fast", "comment", "fast");
    expect(m, (struct crm_text_options){.max = 10000, .russian = true},
        "Anna, 29.11.2026 12:04\nклиент оценил разговор: 4/5 fast\n#01JDFX3T5KABCDEFGHJKMNPQRS");
}

/* 70,000 characters of any kind come whole, in pieces that fit, cut nowhere wrong. */
static void long_texts(void **state) {
    (void)state;
    static const char *const units[] = {
        "слово ", "я", "\\\\*", "<&\">", "line\n", "\xf0\x9f\x98\x80"};
    static const enum crm_markup all[] = {CRM_PLAIN, CRM_BBCODE, CRM_MARKDOWN, CRM_HTML};
    json_t *client = json_pack("{s:s,s:s}", "id", "C", "name", "Anna");
    for (size_t u = 0; u < 6 * 4; u++) {
        const char *unit = units[u / 4];
        size_t n = 70000 / strlen(unit);
        char *text = mem_zalloc(n * strlen(unit) + 1);
        for (size_t i = 0; i < n; i++)
            memcpy(text + i * strlen(unit), unit, strlen(unit));
        json_t *m = message_of(text);
        struct crm_text_options o = {.markup = all[u % 4], .max = 4096};
        json_t *pieces = crm_text(m, client, &o), *piece;
        size_t i, total = 0;
        assert_true(json_array_size(pieces) > 10);
        json_array_foreach(pieces, i, piece) {
            const char *s = json_string_value(piece);
            size_t len = json_string_length(piece);
            assert_non_null(s); /* valid UTF-8 */
            assert_in_range(len, 1, 4096);
            total += len;
            char end[64];
            snprintf(end, sizeof end, "#01JDFX3T5KABCDEFGHJKMNPQRS %zu/%zu", i + 1,
                json_array_size(pieces));
            assert_true(len > strlen(end) && strcmp(s + len - strlen(end), end) == 0);
            assert_false(len > 5 && s[0] == ';'); /* an entity's end */
        }
        assert_true(total >= strlen(text));
        json_decref(pieces);
        json_decref(m);
        free(text);
    }
    json_decref(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_where_when_what),
        cmocka_unit_test(a_chat_shows_who_and_when_itself),
        cmocka_unit_test(nothing_in_it_is_markup),
        cmocka_unit_test(files_and_events),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
