/* media_media_test.c - attachments on a real folder: what is written is what is read, typed by its
 * content, within limits; what is refused or given up leaves nothing; ids are no paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "config/config.h"
#include "config/gateway_settings.h"
#include "media/media.h"

#define MAX_SIZE 1048576
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

struct world {
    char dir[64];
    struct log log;
    struct env env;
    struct config *config;
    struct media *media;
    struct media_info info; /* of the last upload */
    char *name;
    struct err err;
    unsigned waiting;
};

static void on_stored(void *arg, const struct media_info *info, const struct err *err) {
    struct world *w = arg;
    free(w->name);
    w->name = info ? mem_strdup(info->name) : NULL;
    w->info = info ? *info : (struct media_info){.mime = ""};
    w->info.name = NULL; /* it was borrowed */
    w->err = err ? *err : (struct err){0};
    if (--w->waiting == 0)
        loop_stop(w->env.loop);
}

/* Takes the bytes in; how it ended is in w->err. */
static void upload(struct world *w, const char *name, const char *data, size_t n) {
    struct media_upload *u = media_upload_begin(w->media, 3, name, n, &w->err);
    if (!u)
        return;
    for (size_t at = 0; at < n; at += 1000)
        assert_int_equal(
            media_upload_write(u, span_of(data + at, n - at < 1000 ? n - at : 1000), &w->err), 0);
    w->waiting++;
    media_upload_finish(u, on_stored, w);
    loop_run(w->env.loop);
}

static void taken(struct world *w, const char *name, const char *data, size_t n) {
    upload(w, name, data, n);
    if (w->err.code)
        fail_msg("%s: %s", name, w->err.text);
}

static void refused(
    struct world *w, const char *name, const char *data, size_t n, enum err_code code) {
    upload(w, name, data, n);
    if (w->err.code != code)
        fail_msg("%s: %d %s", name, w->err.code, w->err.text);
}

static size_t files_in(const struct world *w, const char *folder) {
    char path[200];
    struct dirent *e;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/media/%s", w->dir, folder);
    DIR *d = opendir(path);
    while (d && (e = readdir(d)))
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void is_stored(struct world *w, const char *id, const char *data, size_t n) {
    char *got = mem_alloc(n + 1);
    uint64_t size = 0;
    int fd = media_fd(w->media, id, &size, &w->err);
    assert_true(fd >= 0);
    assert_int_equal(size, n);
    assert_int_equal(read(fd, got, n + 1), n);
    assert_memory_equal(got, data, n);
    close(fd);
    free(got);
}

/* --- taking in and giving out ---------------------------------------------------------------- */

static void what_is_written_is_read(void **state) {
    struct world *w = *state;
    taken(w, "../a b.txt", "abc", 3);
    assert_true(id_is_valid(w->info.id));
    assert_int_equal(id_shard(w->info.id), 3);
    assert_string_equal(w->name, "a b.txt");
    assert_string_equal(w->info.mime, "text/plain");
    assert_string_equal(w->info.kind, "document");
    assert_string_equal(w->info.sha256, SHA_ABC);
    assert_int_equal(w->info.size, 3);
    is_stored(w, w->info.id, "abc", 3);
    assert_int_equal(files_in(w, "incoming"), 0);
}

static void many_pieces_are_one_file(void **state) {
    struct world *w = *state;
    char *data = mem_alloc(MAX_SIZE), sum[CRYPTO_HEX_SIZE];
    for (size_t i = 0; i < MAX_SIZE; i++)
        data[i] = (char)(i * 31 % 251);
    taken(w, "exactly the limit", data, MAX_SIZE);
    crypto_sha256_hex(span_of(data, MAX_SIZE), sum);
    assert_string_equal(w->info.sha256, sum);
    is_stored(w, w->info.id, data, MAX_SIZE);
    free(data);
}

static void several_at_once(void **state) {
    struct world *w = *state;
    struct media_upload *all[20];
    char *large = mem_zalloc(MAX_SIZE);
    size_t before = files_in(w, "incoming");
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i] = media_upload_begin(w->media, 0, "x", 0, &w->err);
        assert_non_null(all[i]);
        struct span data = i % 2 ? span_str("abc") : span_of(large, MAX_SIZE);
        assert_int_equal(media_upload_write(all[i], data, &w->err), 0);
    }
    free(large);
    assert_int_equal(files_in(w, "incoming"), before + ARRAY_LEN(all) / 2); /* the large ones */
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        w->waiting++;
        media_upload_finish(all[i], on_stored, w);
    }
    loop_run(w->env.loop);
    assert_int_equal(w->err.code, 0);
    assert_int_equal(files_in(w, "incoming"), before);
}

/* By the content, whatever the name says. */
static void types_are_sniffed(void **state) {
    static const struct {
        const char *name, *data, *mime, *kind;
        size_t n;
    } files[] = {
        {"a.txt", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0", "image/png", "image",
            29},
        {"a.png", "GIF89a\1\0\1\0\0\0\0;", "image/gif", "image", 14},
        {"a", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf", "document", 15},
        {"song",
            "OggS\0\2\0\0\0\0\0\0\0\0\1\1\1\1\0\0\0\0\1\1\1\1\1\36\1vorbis\0\0\0\0\1\104\254\0\0",
            "audio/ogg", "audio", 45},
        {"a.jpg", "hello", "text/plain", "document", 5},
        {"a.jpg", "\1\2\3\4\5\6\7\10", "application/octet-stream", "document", 8},
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        taken(w, files[i].name, files[i].data, files[i].n);
        assert_string_equal(w->info.mime, files[i].mime);
        assert_string_equal(w->info.kind, files[i].kind);
    }
}

/* --- what is refused leaves nothing ---------------------------------------------------------- */

static void a_type_may_be_refused(void **state) {
    static const char html[] = "<!DOCTYPE html><html><script>alert(1)</script></html>";
    static const char svg[] = "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    static const char elf[] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\76\0\1\0\0\0\0\0\0\0\0\0\0\0";
    struct world *w = *state;
    refused(w, "a.png", html, sizeof html - 1, ERR_INVALID);
    assert_non_null(strstr(w->err.text, "text/html"));
    refused(w, "a.png", svg, sizeof svg - 1, ERR_INVALID);
    refused(w, "a.png", elf, sizeof elf - 1, ERR_INVALID);
    refused(w, "a.exe", "abc", 3, ERR_INVALID);
    refused(w, "a.EXE. ", "abc", 3, ERR_INVALID);
    assert_int_equal(files_in(w, "incoming"), 0);
}

static void size_has_a_limit(void **state) {
    struct world *w = *state;
    char piece[1000] = {0};
    assert_null(media_upload_begin(w->media, 0, "x", MAX_SIZE + 1, &w->err));
    assert_int_equal(w->err.code, ERR_TOO_LARGE);
    assert_null(media_upload_begin(w->media, 0, "x", UINT64_MAX, &w->err));
    /* Who announced less is stopped when it becomes more. */
    struct media_upload *u = media_upload_begin(w->media, 0, "x", 1, &w->err);
    for (size_t n = 0; n + sizeof piece <= MAX_SIZE; n += sizeof piece)
        assert_int_equal(media_upload_write(u, span_of(piece, sizeof piece), &w->err), 0);
    assert_int_equal(media_upload_write(u, span_of(piece, sizeof piece), &w->err), -1);
    assert_int_equal(w->err.code, ERR_TOO_LARGE);
    media_upload_abort(u);
    refused(w, "empty", "", 0, ERR_INVALID);
    assert_int_equal(files_in(w, "incoming"), 0);
}

static void what_is_given_up_leaves_nothing(void **state) {
    struct world *w = *state;
    struct media_upload *u = media_upload_begin(w->media, 0, "x", 0, &w->err);
    char *large = mem_zalloc(MAX_SIZE);
    assert_int_equal(media_upload_write(u, span_str("abc"), &w->err), 0);
    assert_int_equal(media_upload_write(u, span_of(large, MAX_SIZE - 3), &w->err), 0);
    assert_int_equal(files_in(w, "incoming"), 1);
    free(large);
    media_upload_abort(u);
    assert_int_equal(files_in(w, "incoming"), 0);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Only ids: nothing that climbs, no links, no folders. */
static void ids_are_no_paths(void **state) {
    static const char *const forged[] = {"", "..", "../incoming", "/etc/passwd",
        "0000000000/../../etc/pass", "7ZZZZZZZZZZZZZZZZZZZZZZZ00", "01m84dm5egxx078jex5wyt1908",
        "01M84DM5EGXX078JEX5WYT19080"};
    struct world *w = *state;
    uint64_t size;
    char link[260], folder[200];
    assert_int_equal(media_fd(w->media, NULL, &size, &w->err), -1);
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        assert_int_equal(media_fd(w->media, forged[i], &size, &w->err), -1);
        assert_int_equal(w->err.code, ERR_NOT_FOUND);
    }
    snprintf(folder, sizeof folder, "%s/media/EG", w->dir);
    mkdir(folder, 0700);
    snprintf(link, sizeof link, "%s/01M84DM5E0EGXX78JEX5WYT190", folder);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(media_fd(w->media, "01M84DM5E0EGXX78JEX5WYT190", &size, &w->err), -1);
    snprintf(link, sizeof link, "%s/01M84DM5E0EGXX78JEX5WYT191", folder);
    assert_int_equal(mkdir(link, 0700), 0);
    assert_int_equal(media_fd(w->media, "01M84DM5E0EGXX78JEX5WYT191", &size, &w->err), -1);
    assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void deleting_twice_does_no_harm(void **state) {
    struct world *w = *state;
    uint64_t size;
    taken(w, "x", "abc", 3);
    assert_int_equal(media_delete(w->media, w->info.id, &w->err), 0);
    assert_int_equal(media_fd(w->media, w->info.id, &size, &w->err), -1);
    assert_int_equal(media_delete(w->media, w->info.id, &w->err), 0);
    assert_int_equal(media_delete(w->media, "../x", &w->err), -1);
}

static void the_json_is_what_messages_carry(void **state) {
    struct world *w = *state;
    taken(w, "a.txt", "abc", 3);
    w->info.name = w->name;
    json_t *o = media_info_json(&w->info);
    w->info.name = NULL;
    assert_int_equal(json_object_size(o), 6);
    assert_string_equal(json_string_value(json_object_get(o, "id")), w->info.id);
    assert_string_equal(json_string_value(json_object_get(o, "sha256")), SHA_ABC);
    assert_int_equal(json_integer_value(json_object_get(o, "size")), 3);
    json_decref(o);
}

/* --- the folder ------------------------------------------------------------------------------ */

static int open_media(struct world *w) {
    w->media = media_open(&w->env, w->dir, config_section(w->config, "media"), &w->err);
    return w->media ? 0 : -1;
}

/* What a killed process left goes at the next start, when it is old; what is being written stays.
 */
static void stale_uploads_are_removed(void **state) {
    struct world *w = *state;
    char old[200], young[200];
    struct utimbuf long_ago = {1, 1};
    snprintf(old, sizeof old, "%s/media/incoming/OLD", w->dir);
    snprintf(young, sizeof young, "%s/media/incoming/YOUNG", w->dir);
    close(open(old, O_WRONLY | O_CREAT, 0600));
    close(open(young, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(utime(old, &long_ago), 0);
    taken(w, "kept", "abc", 3);
    media_close(&w->media);
    assert_null(w->media);
    assert_int_equal(open_media(w), 0);
    assert_int_equal(access(old, F_OK), -1);
    assert_int_equal(access(young, F_OK), 0);
    is_stored(w, w->info.id, "abc", 3);
    unlink(young);
}

static void a_folder_that_cannot_be_made_is_said(void **state) {
    struct world *w = *state;
    char path[200];
    snprintf(path, sizeof path, "%s/c.conf/data", w->dir); /* below a file */
    struct media *m = media_open(&w->env, path, config_section(w->config, "media"), &w->err);
    assert_null(m);
    assert_int_equal(w->err.code, ERR_IO);
    assert_non_null(strstr(w->err.text, path));
}

static void nobody_else_may_read_them(void **state) {
    struct world *w = *state;
    char path[200];
    struct stat st;
    taken(w, "x", "abc", 3);
    snprintf(path, sizeof path, "%s/media/%.2s/%s", w->dir, w->info.id + ID_TIME_LEN, w->info.id);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(path, sizeof path, "%s/media/%.2s", w->dir, w->info.id + ID_TIME_LEN);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* --- set-up ---------------------------------------------------------------------------------- */

static int begin(void **state) {
    static const struct section_type types[] = {{"", SECTION_PLAIN, gateway_settings, "", NULL},
        {"media", SECTION_PLAIN, media_settings, "", NULL}, {0}};
    static const char *const sets[] = {"media.max_size=1M", NULL};
    struct world *w = mem_zalloc(sizeof *w);
    struct buf problems;
    char path[100];
    snprintf(w->dir, sizeof w->dir, "/tmp/media_test.XXXXXX");
    if (crypto_start() < 0 || !mkdtemp(w->dir))
        return -1;
    snprintf(path, sizeof path, "%s/c.conf", w->dir);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    buf_init(&problems, 10000);
    w->config = config_read(path, sets, types, &problems);
    buf_free(&problems);
    log_init(&w->log);
    w->env = (struct env){loop_create(), &w->log, metrics_create(1)};
    *state = w;
    return w->config ? open_media(w) : -1;
}

static int end(void **state) {
    struct world *w = *state;
    media_close(&w->media);
    config_destroy(&w->config);
    loop_destroy(&w->env.loop);
    metrics_destroy(&w->env.metrics);
    pid_t pid = fork();
    if (pid == 0)
        execlp("rm", "rm", "-rf", w->dir, (char *)NULL);
    waitpid(pid, NULL, 0);
    free(w->name);
    free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(many_pieces_are_one_file),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(types_are_sniffed),
        cmocka_unit_test(a_type_may_be_refused),
        cmocka_unit_test(size_has_a_limit),
        cmocka_unit_test(what_is_given_up_leaves_nothing),
        cmocka_unit_test(ids_are_no_paths),
        cmocka_unit_test(deleting_twice_does_no_harm),
        cmocka_unit_test(the_json_is_what_messages_carry),
        cmocka_unit_test(stale_uploads_are_removed),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_said),
        cmocka_unit_test(nobody_else_may_read_them),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
