/* config_channels_test.c - channels that admins add: what is set is what is read again, whatever it
 * is; what is wrong is refused with its key; the file is replaced as a whole and is nobody else's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config_channels.h"
#include "config/gateway_settings.h"

static const struct setting chat_settings[] = {
    {.key = "origins", .type = SETTING_LIST, .preset = "self", .help = "Pages."},
    {.key = "wait", .type = SETTING_DURATION, .preset = "5s", .min = 1, .max = 60000, .help = "W."},
    {.key = "many", .type = SETTING_INT, .preset = "5", .help = "M."},
    {.key = "files", .type = SETTING_SIZE, .preset = "1K", .help = "F."},
    {.key = "open", .type = SETTING_BOOL, .preset = "no", .help = "O."},
    {.key = "path", .type = SETTING_STRING, .preset = "", .file_only = true, .help = "P."},
    {0},
};
static const struct setting bot_settings[] = {
    {.key = "token", .type = SETTING_STRING, .secret = true, .help = "From the bot's maker."},
    {.key = "url", .type = SETTING_STRING, .preset = "a", .sends_secrets = true, .help = "U."},
    {0},
};
static const struct section_type types[] = {
    {"", SECTION_PLAIN, gateway_settings, "", NULL},
    {"chat", SECTION_CHANNEL, chat_settings, "Chat.", "site"},
    {"bot", SECTION_CHANNEL, bot_settings, "Bot.", NULL},
    {0},
};

struct dir {
    char path[64], *file, *set;
    const char *sets[3];
    struct config_source from;
};

static int set_up(void **state) {
    struct dir *d = mem_zalloc(sizeof *d);
    snprintf(d->path, sizeof d->path, "/tmp/sb-channels-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    d->file = mem_printf("%s/main.conf", d->path);
    d->set = mem_printf("data_dir=%s", d->path);
    d->sets[0] = d->set;
    d->from = (struct config_source){d->file, d->sets, types};
    FILE *f = fopen(d->file, "w");
    assert_non_null(f);
    fputs("chat \"site\" { }\n", f);
    fclose(f);
    *state = d;
    return 0;
}

static int tear_down(void **state) {
    static const char *const names[] = {"main.conf", "channels.conf", "channels.lock"};
    struct dir *d = *state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/%s", d->path, names[i]);
        unlink(path);
        free(path);
    }
    assert_int_equal(rmdir(d->path), 0); /* nothing else is left */
    free(d->file);
    free(d->set);
    free(d);
    return 0;
}

/* Changes and writes; "" or the sentence of the refusal. */
static const char *change(struct dir *d, struct err *err, enum channel_change_what what,
    const char *connector, const char *name, json_t *settings) {
    struct channel_change ch = {what, name, connector, settings};
    struct buf text;
    buf_init(&text, 1 << 20);
    err->text[0] = '\0';
    struct config *c = config_channels_change(&d->from, &ch, &text, err);
    if (c)
        assert_int_equal(config_channels_write(d->path, buf_span(&text), err), 0);
    config_destroy(&c);
    buf_free(&text);
    json_decref(settings);
    return err->text;
}

static struct config *read_again(struct dir *d) {
    struct buf problems;
    buf_init(&problems, 1 << 16);
    struct config *c = config_read(d->from.path, d->from.sets, d->from.types, &problems);
    assert_string_equal(buf_str(&problems), "");
    buf_free(&problems);
    return c;
}

static void what_is_set_is_read_again(void **state) {
    static const char *const values[] = {"", " ", "'", "\\", "\\'", "''", "\\n", "a\nb", "a\r\n\tb",
        "${HOME}", "$", "#", "// x", "/* x", "\"", "{}", "include(\"x\")", "é\xf0\x9f\x98\x80",
        "x' }\nbot 'y' { token='z"};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_string_equal(
            change(*state, &err, CHANNEL_ADD, "bot", "b", json_pack("{s:s}", "token", values[i])),
            "");
        assert_string_equal(change(*state, &err, CHANNEL_ADD, "chat", "c",
                                json_pack("{s:[s,s]}", "origins", values[i], "x, y")),
            "");
        struct config *c = read_again(*state);
        assert_int_equal(config_count(c, SECTION_CHANNEL), 3);
        assert_string_equal(settings_str(config_channel(c, "b", NULL), "token"), values[i]);
        const char *const *list = settings_list(config_channel(c, "c", NULL), "origins");
        assert_string_equal(list[0], values[i]);
        assert_string_equal(list[1], "x, y");
        assert_null(list[2]);
        config_destroy(&c);
        change(*state, &err, CHANNEL_REMOVE, NULL, "b", NULL);
        assert_string_equal(change(*state, &err, CHANNEL_REMOVE, NULL, "c", NULL), "");
    }
}

static void values_may_be_json(void **state) {
    struct err err;
    assert_string_equal(change(*state, &err, CHANNEL_ADD, "chat", "c",
                            json_pack("{s:i,s:i,s:b,s:s,s:[]}", "many", 7, "files", 2048, "open", 1,
                                "wait", "20ms", "origins")),
        "");
    struct config *c = read_again(*state);
    const struct settings *s = config_channel(c, "c", NULL);
    assert_true(settings_is_added(s));
    assert_false(settings_is_added(config_channel(c, "site", NULL)));
    assert_int_equal(settings_int(s, "many"), 7);
    assert_int_equal(settings_int(s, "files"), 2048);
    assert_true(settings_bool(s, "open"));
    json_t *o = config_values_json(s);
    char *text = json_dumps(o, JSON_COMPACT);
    assert_string_equal(text, "{\"origins\":[\"self\"],\"wait\":\"20ms\",\"many\":7,"
                              "\"files\":\"2048\",\"open\":true,\"path\":\"\"}");
    free(text);
    json_decref(o);
    config_destroy(&c);
    change(*state, &err, CHANNEL_CHANGE, NULL, "c", json_pack("{s:n,s:s}", "many", "open", "off"));
    assert_string_equal(err.text, "");
    c = read_again(*state);
    assert_int_equal(settings_int(config_channel(c, "c", NULL), "many"), 5);
    assert_int_equal(settings_int(config_channel(c, "c", NULL), "files"), 2048);
    assert_false(settings_bool(config_channel(c, "c", NULL), "open"));
    config_destroy(&c);
}

static void set_goes_over_it(void **state) {
    struct dir *d = *state;
    struct err err;
    assert_string_equal(
        change(d, &err, CHANNEL_ADD, "chat", "c", json_pack("{s:i}", "many", 7)), "");
    d->sets[1] = "chat.c.many=9";
    struct config *c = read_again(d);
    assert_int_equal(settings_int(config_channel(c, "c", NULL), "many"), 9);
    config_destroy(&c);
    assert_string_equal(
        change(d, &err, CHANNEL_CHANGE, NULL, "c", json_pack("{s:b}", "open", 1)), "");
    d->sets[1] = NULL;
    c = read_again(d); /* and is not written */
    assert_int_equal(settings_int(config_channel(c, "c", NULL), "many"), 7);
    config_destroy(&c);
}

static void what_is_wrong_is_refused(void **state) {
    struct err err;
#define REFUSED(what, connector, name, settings, code_, text_)                                     \
    assert_string_equal(change(*state, &err, what, connector, name, settings), text_);             \
    assert_int_equal(err.code, code_)
    REFUSED(CHANNEL_ADD, "bot", "b", json_object(), ERR_INVALID, "token: is needed");
    REFUSED(CHANNEL_ADD, "bot", "b", json_pack("{s:s}", "tokn", "x"), ERR_INVALID,
        "tokn: bot has no such key; did you mean token");
    REFUSED(CHANNEL_ADD, "chat", "c", json_pack("{s:i}", "wait", 5), ERR_INVALID,
        "wait: expected a text without control characters");
    REFUSED(CHANNEL_ADD, "chat", "c", json_pack("{s:s}", "wait", "61s"), ERR_INVALID,
        "wait: must be between 1 and 60000 ms, found 61s");
    REFUSED(CHANNEL_ADD, "chat", "c", json_pack("{s:s}", "path", "/x"), ERR_INVALID,
        "path: only the configuration file may say this");
    REFUSED(CHANNEL_ADD, "chat", "site", json_object(), ERR_CONFLICT,
        "name: there is a channel \"site\" already (chat)");
    REFUSED(CHANNEL_ADD, "chat", "", json_object(), ERR_INVALID,
        "name: expected 1 to 32 of a-z, 0-9, _ and -");
    REFUSED(CHANNEL_ADD, "redis", "r", json_object(), ERR_INVALID,
        "connector: expected one of chat, bot");
    REFUSED(CHANNEL_REMOVE, NULL, "site", NULL, ERR_CONFLICT,
        "the channel \"site\" is in the configuration file: it is changed there only");
    REFUSED(CHANNEL_REMOVE, NULL, "c", NULL, ERR_NOT_FOUND, "there is no such channel");
    assert_string_equal(
        change(*state, &err, CHANNEL_ADD, "bot", "b", json_pack("{s:s}", "token", "x")), "");
    REFUSED(CHANNEL_CHANGE, NULL, "b", json_pack("{s:s}", "url", "evil"), ERR_INVALID,
        "token: is needed again with another url, where it is sent");
    REFUSED(
        CHANNEL_CHANGE, NULL, "b", json_pack("{s:n}", "token"), ERR_INVALID, "token: is needed");
#undef REFUSED
}

static void one_writes_at_a_time(void **state) {
    struct dir *d = *state;
    struct err err;
    struct stat st;
    int first = config_channels_lock(d->path, &err);
    assert_true(first >= 0);
    assert_int_equal(config_channels_lock(d->path, &err), -1);
    assert_int_equal(err.code, ERR_CONFLICT);
    close(first);
    first = config_channels_lock(d->path, &err);
    assert_true(first >= 0);
    close(first);
    char *path = mem_printf("%s/channels.conf", d->path), *left = mem_printf("%s.new", path);
    FILE *f = fopen(left, "w"); /* left behind by a crash, and open to all */
    assert_non_null(f);
    fputs("rubbish that is longer than what comes", f);
    fclose(f);
    chmod(left, 0666);
    assert_int_equal(config_channels_write(d->path, span_str("# x\n"), &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 4);
    free(path);
    free(left);
    assert_int_equal(config_channels_write("/nonexistent", span_str("x"), &err), -1);
    assert_int_equal(err.code, ERR_IO);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_is_set_is_read_again),
        T(values_may_be_json),
        T(set_goes_over_it),
        T(what_is_wrong_is_refused),
        T(one_writes_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
