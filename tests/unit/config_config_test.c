/* config_config_test.c - the reader as a whole: what a file gives, and how each mistake in one is
 * told: file and line, the key, what was expected, the nearest known key. */
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
#include "config/config.h"
#include "config/gateway_settings.h"
#include "sections.h"

static const struct setting chat_settings[] = {
    {.key = "origins", .type = SETTING_LIST, .preset = "self", .help = "Pages."},
    {.key = "secret", .type = SETTING_STRING, .preset = "", .secret = true, .help = "Secret."},
    {.key = "wait", .type = SETTING_DURATION, .preset = "5s", .min = 1, .max = 60000, .help = "W."},
    {0},
};
static const struct setting bot_settings[] = {
    {.key = "token", .type = SETTING_STRING, .secret = true, .help = "From the bot's maker."},
    {0},
};
static const struct setting card_settings[] = {{0}};

static const struct section_type types[] = {
    {"", SECTION_PLAIN, gateway_settings, "", NULL},
    {"redis", SECTION_PLAIN, redis_settings, "Redis.", NULL},
    {"chat", SECTION_CHANNEL, chat_settings, "Chat.", "site"},
    {"bot", SECTION_CHANNEL, bot_settings, "Bot.", NULL},
    {"cards", SECTION_CRM, card_settings, "Cards.", "main"},
    {0},
};

struct dir {
    char path[64], file[96];
    struct buf problems;
    struct config *config;
};

static void put(const char *dir, const char *name, const char *text) {
    char *path = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(path);
}

static int set_up(void **state) {
    struct dir *d = mem_zalloc(sizeof *d);
    snprintf(d->path, sizeof d->path, "/tmp/sb-config-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    snprintf(d->file, sizeof d->file, "%s/x.conf", d->path);
    buf_init(&d->problems, 1 << 20);
    *state = d;
    return 0;
}

static int tear_down(void **state) {
    struct dir *d = *state;
    config_destroy(&d->config);
    buf_free(&d->problems);
    static const char *const names[] = {"x.conf", "sub/more.conf", "loop.conf"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/%s", d->path, names[i]);
        unlink(path);
        free(path);
    }
    char *sub = mem_printf("%s/sub", d->path);
    rmdir(sub);
    free(sub);
    rmdir(d->path);
    free(d);
    return 0;
}

static struct config *load(struct dir *d, const char *text, const char *const *sets) {
    config_destroy(&d->config);
    buf_reset(&d->problems);
    put(d->path, "x.conf", text);
    d->config = config_read(d->file, sets, types, &d->problems);
    if (d->config)
        assert_string_equal(buf_str(&d->problems), "");
    return d->config;
}

/* Refused, with "<file>:<rest>" among the problems. */
static void refused(struct dir *d, const char *text, const char *rest) {
    char *expected = mem_printf("%s%s", d->file, rest);
    assert_null(load(d, text, NULL));
    if (!strstr(buf_str(&d->problems), expected)) {
        print_error("expected: %s\nfound:    %s\n", expected, buf_str(&d->problems));
        fail();
    }
    free(expected);
}

static void an_empty_file_gives_the_defaults(void **state) {
    struct config *c = load(*state, "", NULL);
    assert_non_null(c);
    assert_string_equal(settings_str(config_section(c, ""), "listen"), "127.0.0.1:8080");
    assert_int_equal(settings_int(config_section(c, ""), "lease"), 5000);
    assert_int_equal(settings_int(config_section(c, "redis"), "shards"), 16);
    assert_true(settings_bool(config_section(c, "redis"), "dedupe"));
    assert_null(settings_list(config_section(c, ""), "trusted_proxies")[0]);
    assert_int_equal(config_count(c, SECTION_CHANNEL), 0);
}

static void a_file_gives_its_values(void **state) {
    struct config *c = load(*state,
        "listen = \"[::]:9000\"\nworkers = 3 # three\n/* all\nof it */ lease = \"2s\"\n"
        "redis { dedupe = off\n url = 'unix:///a' }\n"
        "chat \"site\" { origins = {\"https://a.example\", \"self\"} wait = 20ms }\n"
        "bot \"sales\" { token = \"a # b // c } \\\" d\" }\n"
        "chat \"shop\" { }\ncards \"main\" { }\n",
        NULL);
    const struct section_type *t;
    assert_non_null(c);
    assert_string_equal(settings_str(config_section(c, ""), "listen"), "[::]:9000");
    assert_int_equal(settings_int(config_section(c, ""), "workers"), 3);
    assert_false(settings_bool(config_section(c, "redis"), "dedupe"));
    assert_int_equal(config_count(c, SECTION_CHANNEL), 3);
    const struct settings *site = config_at(c, SECTION_CHANNEL, 0, &t);
    assert_string_equal(t->name, "chat");
    assert_string_equal(settings_title(site), "site");
    assert_string_equal(settings_list(site, "origins")[0], "https://a.example");
    assert_string_equal(settings_list(site, "origins")[1], "self");
    assert_null(settings_list(site, "origins")[2]);
    assert_int_equal(settings_int(site, "wait"), 20);
    const struct settings *shop = config_at(c, SECTION_CHANNEL, 1, &t);
    assert_string_equal(settings_title(shop), "shop");
    assert_string_equal(settings_list(shop, "origins")[0], "self");
    const struct settings *bot = config_at(c, SECTION_CHANNEL, 2, &t);
    assert_string_equal(settings_str(bot, "token"), "a # b // c } \" d");
    assert_string_equal(settings_title(config_at(c, SECTION_CRM, 0, NULL)), "main");
    assert_null(config_at(c, SECTION_CRM, 1, NULL));
}

static void the_environment_is_used(void **state) {
    struct dir *d = *state;
    setenv("SB_TEST_TOKEN", "se\"cret}", 1);
    unsetenv("SB_TEST_NONE");
    struct config *c = load(d,
        "bot \"sales\" { token = \"x-${SB_TEST_TOKEN}\" }\n"
        "public_url = \"${SB_TEST_NONE:-https://x.example}\"\n# ${SB_TEST_NONE} in a comment\n",
        NULL);
    assert_non_null(c);
    assert_string_equal(
        settings_str(config_at(c, SECTION_CHANNEL, 0, NULL), "token"), "x-se\"cret}");
    assert_string_equal(settings_str(config_section(c, ""), "public_url"), "https://x.example");
    refused(d, "\npublic_url = \"${SB_TEST_NONE}\"\n",
        ":2: variable SB_TEST_NONE is not set in the environment");
    refused(d, "public_url = \"${SB_TEST_NONE\"\n", ":1: ${ without a closing }");
}

static void unknown_names_are_refused_with_the_nearest(void **state) {
    struct dir *d = *state;
    refused(d, "\n\nwrokers = 2\n", ":3: unknown key \"wrokers\"; did you mean \"workers\"?");
    refused(d, "reddis { }\n", ":1: unknown key \"reddis\"; did you mean \"redis\"?");
    refused(d, "redis {\n shrads = 4\n}\n",
        ":2: unknown key \"shrads\" in redis; did you mean \"shards\"?");
    refused(d, "chat \"site\" {\n\n origin = {\"a\"} }\n",
        ":3: unknown key \"origin\" in chat; did you mean \"origins\"?");
    refused(d, "zzzzzzzzzzzz = 1\n", ":1: unknown key \"zzzzzzzzzzzz\"\n");
}

static void values_are_checked(void **state) {
    struct dir *d = *state;
    refused(d, "workers = many\n", ":1: workers: expected a number, found \"many\"");
    refused(d, "workers = 65\n", ":1: workers: must be between 0 and 64, found 65");
    refused(d, "\nlease = 5\n", ":2: lease: expected a duration like 250ms");
    refused(d, "log_level = loud\n", ":1: log_level: expected one of error|warn|info|debug");
    refused(d, "redis { dedupe = perhaps }\n", ":1: dedupe: expected true or false");
    refused(d, "listen = \"8080\"\n", ":1: listen: expected address:port");
    refused(d, "public_url = \"chat.example\"\n", ":1: public_url: expected a URL like https://");
    refused(d, "bot \"sales\" { }\n", ": bot \"sales\" needs the key \"token\"");
    refused(d, "data_dir = \"\"\n", ":1: data_dir: must not be empty");
    refused(d, "listen = {\"127.0.0.1:1\", \"127.0.0.1:2\"}\n", ":1: ");
}

static void sections_are_checked(void **state) {
    struct dir *d = *state;
    refused(d, "chat { }\n", ":1: ");
    refused(d, "chat \"site\" { }\nchat \"site\" { }\n", ":2: ");
    refused(d, "chat \"a\" { }\nbot \"a\" { token = \"x\" }\n", ": the name \"a\" is used twice");
    refused(d, "chat \"My Site\" { }\n", ": chat \"My Site\": a name is 1 to 32 of");
    refused(d, "chat \"\" { }\n", ": chat \"\": a name is 1 to 32 of");
    refused(d, "\nredis {\n shards = 4\n\n", ":2: the section that begins here is not closed by }");
    refused(d, "redis { }\n}\n", ":2: this } closes nothing");
    refused(d, "listen = \"127.0.0.1:80\n", ":1: this string has no end");
    refused(d, "/* for ever\n", ":1: this comment has no end");
    refused(d, "redis \"x\" { }\n", ":1: ");
    refused(d, "listen\n", ":");
    refused(d, "= 5\n", ":1: ");
}

static void all_problems_are_told_at_once(void **state) {
    struct dir *d = *state;
    assert_null(load(d, "workers = 65\nlease = 5\nredis { shards = 0 }\nbot \"b\" { }\n", NULL));
    const char *p = buf_str(&d->problems);
    assert_non_null(strstr(p, ":1: workers: "));
    assert_non_null(strstr(p, ":2: lease: "));
    assert_non_null(strstr(p, ":3: shards: "));
    assert_non_null(strstr(p, "needs the key \"token\""));
}

static void a_refused_secret_is_not_told(void **state) {
    struct dir *d = *state;
    assert_null(load(d, "redis { url = \"rediss://:hunter2@h\" }\n", NULL));
    assert_null(strstr(buf_str(&d->problems), "hunter2"));
    assert_non_null(strstr(buf_str(&d->problems), "expected \"embedded\""));
}

static void include_is_relative_to_its_file(void **state) {
    struct dir *d = *state;
    char *sub = mem_printf("%s/sub", d->path);
    assert_int_equal(mkdir(sub, 0700), 0);
    free(sub);
    put(d->path, "sub/more.conf", "workers = 7\nchat \"more\" { }\n");
    struct config *c = load(d, "include(\"sub/more.conf\")\nlease = 3s\n", NULL);
    assert_non_null(c);
    assert_int_equal(settings_int(config_section(c, ""), "workers"), 7);
    assert_int_equal(settings_int(config_section(c, ""), "lease"), 3000);
    assert_int_equal(config_count(c, SECTION_CHANNEL), 1);
    put(d->path, "sub/more.conf", "\nworkers = x\n");
    assert_null(load(d, "include(\"sub/more.conf\")\n", NULL));
    assert_non_null(strstr(buf_str(&d->problems), "sub/more.conf:2: workers: expected a number"));
    put(d->path, "sub/more.conf", "redis {\n");
    assert_null(load(d, "\ninclude(\"sub/more.conf\")\n", NULL));
    assert_non_null(strstr(buf_str(&d->problems), "sub/more.conf:1: the section that begins here"));
    assert_non_null(strstr(buf_str(&d->problems), "x.conf:2: included from here"));
    refused(d, "\ninclude(\"none.conf\")\n", ":2: included from here");
    put(d->path, "loop.conf", "include(\"loop.conf\")\n");
    assert_null(load(d, "include(\"loop.conf\")\n", NULL));
    assert_true(d->problems.n > 0);
}

/* libConfuse alone counts a line with a comment three times. */
static void lines_are_counted_as_people_do(void **state) {
    struct dir *d = *state;
    struct buf sample;
    refused(d, "# a\n// b # c\n\nworkers = 1 # d\nlease = x\n", ":5: lease: ");
    refused(d, "/* a\n * b\n */ lease = 1s /**/\nlease = x\n", ":4: lease: ");
    refused(d, "data_dir = \"a\nb\\\nc\"\nlease = x\n", ":4: lease: ");
    refused(d, "redis { # {\n # }\n shards = 0 }\n", ":3: shards: ");
    refused(d, "redis { url = redis://h }\nlease = x", ":2: lease: ");
    put(d->path, "loop.conf", "# a\n# b\nworkers = x");
    assert_null(load(d, "# a\ninclude(\"loop.conf\") lease = x\n\nlog_level = x\n", NULL));
    assert_non_null(strstr(buf_str(&d->problems), "loop.conf:3: workers: "));
    assert_non_null(strstr(buf_str(&d->problems), "x.conf:2: lease: "));
    assert_non_null(strstr(buf_str(&d->problems), "x.conf:4: log_level: "));
    buf_init(&sample, 1 << 20);
    config_print_sample(types, &sample);
    unsigned lines = 1;
    for (const char *p = buf_str(&sample); *p; p++)
        lines += *p == '\n';
    buf_adds(&sample, "wrokers = 1\n");
    char *expected = mem_printf(":%u: unknown key \"wrokers\"", lines);
    refused(d, buf_str(&sample), expected);
    free(expected);
    buf_free(&sample);
}

static void words_without_quotes(void **state) {
    struct dir *d = *state;
    setenv("SB_TEST_N", "3", 1);
    struct config *c = load(d,
        "workers = ${SB_TEST_N}\nlease = ${SB_TEST_NONE:-7s}\n"
        "data_dir = /var/a-b_c.d\npublic_url = https://x//y\n",
        NULL);
    assert_non_null(c);
    assert_int_equal(settings_int(config_section(c, ""), "workers"), 3);
    assert_int_equal(settings_int(config_section(c, ""), "lease"), 7000);
    assert_string_equal(settings_str(config_section(c, ""), "data_dir"), "/var/a-b_c.d");
    assert_string_equal(settings_str(config_section(c, ""), "public_url"), "https://x//y");
    refused(d, "data_dir = ${SB_TEST_N}/x\n", ":1: put the value with ${...} in quotes");
    refused(d, "\ndata_dir = x${SB_TEST_N}\n", ":2: put the value with ${...} in quotes");
    refused(d, "include(x.conf)\n", ":1: expected include(\"file\")");
    refused(d, "include(\"x.conf\"", ":1: expected include(\"file\")");
}

static void files_of_other_systems(void **state) {
    struct dir *d = *state;
    struct config *c =
        load(d, "\xef\xbb\xbfworkers = 3\r\n# x\r\nredis {\r\n\tshards = 4\r\n}\r\n", NULL);
    assert_non_null(c);
    assert_int_equal(settings_int(config_section(c, ""), "workers"), 3);
    assert_int_equal(settings_int(config_section(c, "redis"), "shards"), 4);
    refused(d, "# x\r\n\r\nworkers = x\r\n", ":3: workers: expected a number, found \"x\"");
}

static void set_overrides_the_file(void **state) {
    struct dir *d = *state;
    static const char *const sets[] = {"workers=2", "redis.url=unix:///tmp/x", "chat.site.wait=1s",
        "chat.new.origins=a, b", "redis.shards=4", NULL};
    struct config *c = load(d, "workers = 1\nchat \"site\" { wait = 9s }\n", sets);
    assert_non_null(c);
    assert_int_equal(settings_int(config_section(c, ""), "workers"), 2);
    assert_string_equal(settings_str(config_section(c, "redis"), "url"), "unix:///tmp/x");
    assert_int_equal(settings_int(config_at(c, SECTION_CHANNEL, 0, NULL), "wait"), 1000);
    const struct settings *made = config_at(c, SECTION_CHANNEL, 1, NULL);
    assert_string_equal(settings_title(made), "new");
    assert_string_equal(settings_list(made, "origins")[0], "a");
    assert_string_equal(settings_list(made, "origins")[1], "b");
}

/* As the file writes it; nothing in braces is no item. */
static void a_set_list_may_be_in_braces(void **state) {
    static const char *const sets[] = {"chat.none.origins={}", "chat.space.origins={ }",
        "chat.two.origins={\"a\", \"b c\"}", "chat.one.origins= a ", NULL};
    struct config *c = load(*state, "", sets);
    assert_non_null(c);
    assert_null(settings_list(config_at(c, SECTION_CHANNEL, 0, NULL), "origins")[0]);
    assert_null(settings_list(config_at(c, SECTION_CHANNEL, 1, NULL), "origins")[0]);
    const char *const *two = settings_list(config_at(c, SECTION_CHANNEL, 2, NULL), "origins");
    assert_string_equal(two[0], "a");
    assert_string_equal(two[1], "b c");
    assert_null(two[2]);
    assert_string_equal(settings_list(config_at(c, SECTION_CHANNEL, 3, NULL), "origins")[0], "a");
}

static void a_wrong_set_is_refused(void **state) {
    static const struct {
        const char *set, *says;
    } cases[] = {{"workers", "--set workers: expected key=value"},
        {"wrokers=1", "unknown key \"wrokers\"; did you mean \"workers\"?"},
        {"workers=-1", "--set workers: expected a number"},
        {"rediss.url=x", "there is no section \"rediss\""}, {"redis.a.url=x", "section.key=value"},
        {"chat.wait=1s", "section.title.key=value"}, {".=x", "there is no section \"\""},
        {"=", "unknown key \"\""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dir *d = *state;
        const char *const sets[] = {cases[i].set, NULL};
        assert_null(load(d, "", sets));
        if (!strstr(buf_str(&d->problems), cases[i].says)) {
            print_error("expected: %s\nfound:    %s\n", cases[i].says, buf_str(&d->problems));
            fail();
        }
    }
}

static void odd_files_are_refused(void **state) {
    struct dir *d = *state;
    buf_reset(&d->problems);
    assert_null(config_read("/nonexistent/x.conf", NULL, types, &d->problems));
    assert_string_equal(buf_str(&d->problems), "/nonexistent/x.conf: No such file or directory\n");
    buf_reset(&d->problems);
    assert_null(config_read(d->path, NULL, types, &d->problems));
    assert_true(d->problems.n > 0);
    put(d->path, "x.conf", "");
    FILE *f = fopen(d->file, "w");
    fwrite("a\0b", 1, 3, f);
    fclose(f);
    buf_reset(&d->problems);
    assert_null(config_read(d->file, NULL, types, &d->problems));
    assert_non_null(strstr(buf_str(&d->problems), "has a NUL byte"));
}

static void the_printed_form_hides_secrets(void **state) {
    struct buf out;
    struct config *c =
        load(*state, "bot \"b\" { token = \"hunter2\" }\nworkers = 2\nchat \"site\" { }", NULL);
    assert_non_null(c);
    buf_init(&out, 1 << 20);
    config_print(c, &out);
    assert_null(strstr(buf_str(&out), "hunter2"));
    assert_non_null(strstr(buf_str(&out), "token = \"***\""));
    assert_non_null(strstr(buf_str(&out), "workers = 2\n"));
    assert_non_null(strstr(buf_str(&out), "chat \"site\" {\n    origins = {\"self\"}\n"));
    buf_free(&out);
}

/* The sample is a configuration, and says just what holds without it. */
static void the_sample_is_good(void **state) {
    struct dir *d = *state;
    struct buf sample, with, without;
    buf_init(&sample, 1 << 20);
    buf_init(&with, 1 << 20);
    buf_init(&without, 1 << 20);
    config_print_sample(types, &sample);
    struct config *c = load(d, buf_str(&sample), NULL);
    assert_non_null(c);
    config_print(c, &with);
    assert_non_null(load(d, "chat \"site\" { } cards \"main\" { }", NULL));
    config_print(d->config, &without);
    assert_string_equal(buf_str(&with), buf_str(&without));
    buf_free(&sample);
    buf_free(&with);
    buf_free(&without);
}

/* conf/switchboard.conf is the sample of all that is built in. */
static void the_shipped_file_is_the_sample(void **state) {
    struct section_type all[SECTIONS_MAX];
    struct buf sample, file;
    char chunk[4096];
    size_t n;
    (void)state;
    buf_init(&sample, 1 << 20);
    buf_init(&file, 1 << 20);
    sections_list(all);
    config_print_sample(all, &sample);
    FILE *f = fopen("conf/switchboard.conf", "r");
    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&file, chunk, n);
    fclose(f);
    if (strcmp(buf_str(&sample), buf_str(&file)) != 0) {
        print_error("print it again: build/switchboard check-config --print-sample > "
                    "conf/switchboard.conf\n");
        fail();
    }
    buf_free(&sample);
    buf_free(&file);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_empty_file_gives_the_defaults),
        T(a_file_gives_its_values),
        T(the_environment_is_used),
        T(unknown_names_are_refused_with_the_nearest),
        T(values_are_checked),
        T(sections_are_checked),
        T(all_problems_are_told_at_once),
        T(a_refused_secret_is_not_told),
        T(include_is_relative_to_its_file),
        T(lines_are_counted_as_people_do),
        T(words_without_quotes),
        T(files_of_other_systems),
        T(set_overrides_the_file),
        T(a_set_list_may_be_in_braces),
        T(a_wrong_set_is_refused),
        T(odd_files_are_refused),
        T(the_printed_form_hides_secrets),
        T(the_sample_is_good),
        T(the_shipped_file_is_the_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
