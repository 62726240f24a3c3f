/* api_client_data.c - the data of one client, for himself or for the law: his files, all of it in
 * one file, and its erasure. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api_private.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/erase.h"

#define WALK_PAGE 100

/* --- a client's messages, a page at a time --------------------------------------------------- */

/* Goes backwards through each of his threads: what Redis has, then what the archive has. */
struct walk {
    struct call *call;
    json_t *threads;
    size_t at;
    int64_t before; /* -1: from the newest */
    bool archive;   /* Redis has no older ones */
    /* A page, ascending; borrowed. Calls walk_on() or ends. */
    void (*page)(struct walk *w, json_t *messages);
    void (*all)(struct walk *w);
    void (*failed)(struct walk *w, const struct err *err);
};

static void walk_on(struct walk *w);

static const char *walk_thread(const struct walk *w) {
    return json_string_value(json_array_get(w->threads, w->at));
}

static void next_thread(struct walk *w) {
    w->at++;
    w->before = -1;
    w->archive = false;
    walk_on(w);
}

static int64_t first_seq(const json_t *list) {
    return json_integer_value(json_object_get(json_array_get(list, 0), "seq"));
}

static void on_archive_page(void *arg, const json_t *result, const struct err *err) {
    struct walk *w = arg;
    json_t *list = json_object_get(result, "messages");
    if (err && err->code != ERR_UNSUPPORTED) {
        w->failed(w, err);
    } else if (err || json_array_size(list) == 0 || first_seq(list) >= w->before) {
        next_thread(w);
    } else {
        w->before = first_seq(list);
        w->page(w, list);
    }
}

static void on_log_page(void *arg, json_t *list, const struct err *err) {
    struct walk *w = arg;
    if (err) {
        w->failed(w, err);
    } else if (json_array_size(list) == 0) {
        w->archive = true;
        walk_on(w);
    } else {
        w->before = first_seq(list);
        w->page(w, list);
    }
}

static void walk_on(struct walk *w) {
    struct api *api = w->call->api;
    const char *thread = walk_thread(w);
    if (!thread)
        w->all(w);
    else if (w->before == 1 || (w->archive && w->before < 0))
        next_thread(w);
    else if (w->archive)
        core_archive(api->core, thread, w->before, WALK_PAGE, on_archive_page, w);
    else
        store_messages(api->store, thread, w->before, -1, WALK_PAGE, false, on_log_page, w);
}

/* --- files ----------------------------------------------------------------------------------- */

#define FILES_PAGES 10 /* of messages, that are looked at for one answer */

struct files {
    struct walk walk; /* first */
    json_t *list;
    size_t limit;
    unsigned pages;
};

static void files_end(struct files *f, const struct err *err) {
    struct call *c = f->walk.call;
    char cursor[64];
    snprintf(cursor, sizeof cursor, "%zu.%lld", f->walk.at, (long long)f->walk.before);
    json_t *next = walk_thread(&f->walk) ? json_string(cursor) : json_null();
    if (err) {
        json_decref(next);
        call_err(c, err);
    } else {
        call_ok(c, 200, json_pack("{s:O,s:o}", "files", f->list, "next", next));
    }
    json_decref(f->list);
    free(f);
}

static void files_all(struct walk *w) {
    files_end((struct files *)w, NULL);
}

static void files_failed(struct walk *w, const struct err *err) {
    files_end((struct files *)w, err);
}

static void files_page(struct walk *w, json_t *messages) {
    struct files *f = (struct files *)w;
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *m = json_array_get(messages, i);
        size_t k;
        json_t *file;
        if (json_object_get(m, "deleted_at"))
            continue;
        json_array_foreach(json_object_get(m, "attachments"), k, file) {
            json_array_append_new(f->list,
                json_pack("{s:O,s:O,s:O,s:O,s:O,s:O}", "file", file, "message",
                    json_object_get(m, "id"), "thread", json_object_get(m, "thread"), "seq",
                    json_object_get(m, "seq"), "direction", json_object_get(m, "direction"), "at",
                    json_object_get(m, "received_at")));
        }
    }
    if (json_array_size(f->list) >= f->limit || ++f->pages == FILES_PAGES)
        files_end(f, NULL);
    else
        walk_on(w);
}

static void files(struct call *c) {
    const char *cursor = http_query(c->x, "cursor");
    unsigned at = 0;
    long long before = -1;
    int limit = call_limit(c);
    if (limit < 0)
        return;
    if (cursor && (sscanf(cursor, "%9u.%18lld", &at, &before) != 2 || before < -1)) {
        call_fail(c, ERR_INVALID, "cursor must be the next of an answer before");
        return;
    }
    struct files *f = mem_zalloc(sizeof *f);
    *f = (struct files){
        .walk = {.call = c,
            .threads = json_object_get(json_object_get(c->subject, "client"), "threads"),
            .at = at,
            .before = before,
            .page = files_page,
            .all = files_all,
            .failed = files_failed},
        .list = json_array(),
        .limit = (size_t)limit};
    walk_on(&f->walk);
}

static void clients_files(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_client(c, id, files);
}

HANDLER(api_clients_files) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, clients_files);
}

/* --- all of it ------------------------------------------------------------------------------- */

/* Written to a file without a name as it is read, so that memory holds one page; then it is sent.
 */
struct export {
    struct walk walk; /* first */
    int fd;
    uint64_t size, messages, files;
    struct err err;
};

static void export_end(struct export *e, const struct err *err) {
    struct call *c = e->walk.call;
    char name[96];
    if (err) {
        close(e->fd);
        call_err(c, err);
    } else {
        const char *id = http_path_arg(c->x, "id");
        snprintf(name, sizeof name, "client-%s.jsonl", id);
        call_note(c, "client.exported", id, NULL);
        call_stored_file(c, name, "application/jsonl", e->fd, e->size);
    }
    free(e);
}

/* Takes the line. */
static void put(struct export *e, json_t *line) {
    char *text = json_dumps(line, JSON_COMPACT);
    size_t n = text ? strlen(text) : 0;
    json_decref(line);
    if (text && !e->err.code) {
        text[n++] = '\n'; /* in place of the end */
        for (size_t at = 0; at < n && !e->err.code;) {
            ssize_t written = write(e->fd, text + at, n - at);
            if (written < 0 && errno != EINTR)
                err_set(&e->err, ERR_IO, "the export could not be written: %s", strerror(errno));
            at += written > 0 ? (size_t)written : 0;
        }
        e->size += n;
    }
    free(text);
}

static void put_file(struct export *e, const json_t *message, const json_t *file) {
    const struct api *api = e->walk.call->api;
    const char *id = json_string_value(json_object_get(file, "id"));
    struct media_links links = core_links(api->core, api->options.public_url);
    char *link = id ? media_link(&links, id) : NULL;
    char *path = id && !link ? mem_printf("/api/v1/media/%s?download=1", id) : NULL;
    json_t *line = json_pack(
        "{s:s,s:O,s:O}", "type", "file", "message", json_object_get(message, "id"), "file", file);
    if (link || path)
        json_object_set_new(line, "url", json_string(link ? link : path));
    put(e, line);
    e->files++;
    free(link);
    free(path);
}

static void export_page(struct walk *w, json_t *messages) {
    struct export *e = (struct export *)w;
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *m = json_array_get(messages, i);
        const char *d = json_string_value(json_object_get(m, "direction"));
        bool internal = !d || (strcmp(d, "in") != 0 && strcmp(d, "out") != 0);
        size_t k;
        json_t *file;
        put(e, json_pack("{s:s,s:b,s:O}", "type", "message", "internal", internal, "message", m));
        json_array_foreach(json_object_get(m, "attachments"), k, file) put_file(e, m, file);
        e->messages++;
    }
    if (e->err.code)
        export_end(e, &e->err);
    else
        walk_on(w);
}

static void export_all(struct walk *w) {
    struct export *e = (struct export *)w;
    put(e, json_pack("{s:s,s:I,s:I}", "type", "end", "messages", (json_int_t)e->messages, "files",
               (json_int_t)e->files));
    export_end(e, e->err.code ? &e->err : NULL);
}

static void export_failed(struct walk *w, const struct err *err) {
    export_end((struct export *)w, err);
}

static int nameless_file(const char *folder) {
    char *path = mem_printf("%s/.export-XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

static void export(struct call *c) {
    char now[CLOCK_TEXT_SIZE];
    int fd = nameless_file(c->api->options.data_dir);
    const json_t *client = json_object_get(c->subject, "client");
    if (fd < 0) {
        call_fail(c, ERR_IO, "the export could not be written: %s", strerror(errno));
        return;
    }
    struct export *e = mem_zalloc(sizeof *e);
    *e = (struct export){.walk = {.call = c,
                             .threads = json_object_get(client, "threads"),
                             .before = -1,
                             .page = export_page,
                             .all = export_all,
                             .failed = export_failed},
        .fd = fd};
    put(e, json_pack("{s:s,s:i,s:s,s:s}", "type", "export", "version", 1, "at",
               clock_format(clock_ms(), now), "by", c->actor.name));
    put(e, json_pack("{s:s,s:O}", "type", "client", "client", client));
    walk_on(&e->walk);
}

static void clients_export(struct call *c) {
    const char *id = call_id(c, "id");
    if (id)
        call_with_client(c, id, export);
}

HANDLER(api_clients_export) {
    api_begin(api, x, SCOPE_READ, ROLE_SUPERVISOR, clients_export);
}

/* --- erasure --------------------------------------------------------------------------------- */

#define REASON_MAX 500

static void erase(struct call *c) {
    const json_t *client = json_object_get(c->subject, "client");
    const char *name = json_string_value(json_object_get(client, "name"));
    const char *id = json_string_value(json_object_get(client, "id"));
    const char *typed = json_string_value(json_object_get(c->asked, "confirm"));
    bool gone = json_object_get(client, "erased") != NULL;
    const char *wanted = name && *name ? name : id;
    if (!gone && (!typed || strcmp(typed, wanted) != 0)) {
        call_fail(c, ERR_INVALID,
            "confirm must be the client's name as it is now, or his id where he has none");
    } else {
        call_note(c, "client.erased", id, NULL);
        core_erase(c->api->core, id, c->actor.name,
            json_string_value(json_object_get(c->asked, "reason")), call_on_json, c);
    }
}

static void clients_erase(struct call *c) {
    static const char *const known[] = {"reason", "confirm", NULL};
    struct err err;
    const char *id = call_id(c, "id");
    json_t *body = id ? call_body(c, known) : NULL;
    if (!body)
        return;
    c->asked = body;
    if (api_check_text(c->asked, "reason", REASON_MAX, true, &err) < 0)
        call_err(c, &err);
    else
        call_with_client(c, id, erase);
}

HANDLER(api_clients_erase) {
    api_begin(api, x, SCOPE_ADMIN, ROLE_ADMIN, clients_erase);
}
