/* telegram_fetch.c - a file that Telegram keeps for us: getFile says where, then it comes in pieces
 * into media. The link has the token in it and is forgotten at once.
 * Source: Bot API 10.3, "getFile". */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"
#include "media/media.h"

#define DOWNLOAD_TIMEOUT_MS 600000
#define PIECE (256u << 10)
#define TRIES_GONE 3 /* "temporarily unavailable" is believed so often */

struct telegram_fetching {
    struct telegram *t;
    struct fetch *f;
    struct media_upload *upload;
    char *path;
    int fd; /* local: read from here */
    struct err err;
};

static void end(
    struct telegram_fetching *g, const json_t *media, const struct err *err, unsigned retry_ms) {
    struct fetch *f = g->f;
    struct err copy = err ? *err : (struct err){0};
    if (g->upload)
        media_upload_abort(g->upload);
    if (g->fd >= 0)
        close(g->fd);
    free(g->path);
    free(g);
    fetch_done(f, media, err ? &copy : NULL, retry_ms);
}

static void on_stored(void *arg, const struct media_info *info, const struct err *err) {
    struct telegram_fetching *g = arg;
    json_t *media = info ? media_info_json(info) : NULL;
    end(g, media, err, 0);
    json_decref(media);
}

static void complete(struct telegram_fetching *g) {
    struct media_upload *u = g->upload;
    g->upload = NULL;
    media_upload_finish(u, on_stored, g);
}

/* --- from a server of our own: it says where on this machine --------------------------------- */

static void copy_piece(void *arg) {
    struct telegram_fetching *g = arg;
    struct err err;
    char *piece = mem_alloc(PIECE);
    ssize_t n = read(g->fd, piece, PIECE);
    if (n < 0) {
        err_set(&err, ERR_IO, "the file of the Bot API server cannot be read");
        end(g, NULL, &err, 0);
    } else if (n == 0) {
        complete(g);
    } else if (media_upload_write(g->upload, span_of(piece, (size_t)n), &err) < 0) {
        end(g, NULL, &err, 0);
    } else {
        loop_defer(g->t->base.env->loop, copy_piece, g);
    }
    free(piece);
}

static void read_local(struct telegram_fetching *g) {
    struct err err;
    struct stat st;
    if (!g->t->local_files) {
        err_set(&err, ERR_INVALID,
            "the Bot API server keeps the file on its own machine: set local_files if it is this "
            "one");
        end(g, NULL, &err, 0);
        return;
    }
    g->fd = open(g->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (g->fd < 0 || fstat(g->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        err_set(&err, ERR_IO, "the file of the Bot API server cannot be opened");
        end(g, NULL, &err, 0);
        return;
    }
    copy_piece(g);
}

/* --- from the server by HTTP ----------------------------------------------------------------- */

static int on_piece(void *arg, struct span data, struct err *err) {
    struct telegram_fetching *g = arg;
    return media_upload_write(g->upload, data, err);
}

static void on_downloaded(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct telegram_fetching *g = arg;
    struct err bad;
    (void)sent;
    if (err) { /* also one of media's: too large for us, a full disk */
        bad = *err;
        if (bad.code == ERR_PROTOCOL || bad.code == ERR_DENIED)
            bad.code = ERR_UNAVAILABLE;
        end(g, NULL, &bad, 0);
        return;
    }
    if (answer->status == 200) {
        complete(g);
        return;
    }
    err_set(&bad, answer->status == 413 ? ERR_TOO_LARGE : ERR_UNAVAILABLE,
        "Telegram's file server answered %d", answer->status);
    if (answer->status == 404 && g->f->attempt >= TRIES_GONE)
        err_set(&bad, ERR_NOT_FOUND, "Telegram does not have the file any more");
    end(g, NULL, &bad, answer->retry_after_s > 0 ? (unsigned)answer->retry_after_s * 1000 : 0);
}

static void download(struct telegram_fetching *g) {
    char *url = telegram_file_url(g->t, g->path);
    struct http_request h = {.method = "GET",
        .url = url,
        .timeout_ms = DOWNLOAD_TIMEOUT_MS,
        .answer_max = (size_t)(g->t->local_files ? TELEGRAM_FETCH_LOCAL : 2 * TELEGRAM_FETCH_CLOUD),
        .allow_private = !g->t->is_cloud,
        .allow_plain = !g->t->is_cloud,
        .sink = on_piece};
    http_call_start(g->t->base.client, &h, on_downloaded, g);
    explicit_bzero(url, strlen(url));
    free(url);
}

bool telegram_is_plain_path(const char *p) {
    return *p &&
           strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-") ==
               strlen(p) &&
           !strstr(p, "..");
}

/* --- where is it? ---------------------------------------------------------------------------- */

static void begin(struct telegram_fetching *g, const json_t *file) {
    const char *path = json_string_value(json_object_get(file, "file_path"));
    const char *name = json_string_value(json_object_get(g->f->attachment, "name"));
    json_int_t size = json_integer_value(json_object_get(file, "file_size"));
    struct err err;
    if (!path || (path[0] != '/' && !telegram_is_plain_path(path))) {
        err_set(&err, ERR_UNAVAILABLE, "Telegram does not say where the file is");
        if (g->f->attempt >= TRIES_GONE)
            err.code = ERR_NOT_FOUND;
        end(g, NULL, &err, 0);
        return;
    }
    const char *slash = strrchr(path, '/');
    g->path = mem_strdup(path);
    g->upload = media_upload_begin(connector_media(&g->t->base), id_shard(g->f->thread),
        name && *name ? name
        : slash       ? slash + 1
                      : path,
        size > 0 ? (uint64_t)size : 0, &err);
    if (!g->upload)
        end(g, NULL, &err, 0);
    else if (path[0] == '/')
        read_local(g);
    else
        download(g);
}

static void on_file(void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct telegram_fetching *g = arg;
    (void)sent;
    struct err bad;
    if (err) {
        bad = *err;
        bad.code = ERR_UNAVAILABLE;
        end(g, NULL, &bad, 0);
        return;
    }
    if (a->cls == TELEGRAM_OK) {
        begin(g, a->result);
        return;
    }
    bad = a->err;
    bool gone = strstr(a->description, "temporarily unavailable") && g->f->attempt >= TRIES_GONE;
    bool final = a->cls == TELEGRAM_REFUSED && !strstr(a->description, "temporarily unavailable");
    if (strstr(a->description, "too big"))
        bad.code = ERR_TOO_LARGE;
    else if (gone || final)
        bad.code = ERR_NOT_FOUND;
    else
        bad.code = ERR_UNAVAILABLE;
    end(g, NULL, &bad, a->retry_s * 1000);
}

void telegram_fetch(struct connector *c, struct fetch *f) {
    struct telegram *t = container_of(c, struct telegram, base);
    const char *id =
        json_string_value(json_object_get(json_object_get(f->attachment, "remote"), "file_id"));
    struct telegram_fetching *g = mem_zalloc(sizeof *g);
    g->t = t;
    g->f = f;
    g->fd = -1;
    json_t *params = json_pack("{s:s}", "file_id", id ? id : "");
    struct telegram_request rq = {.method = "getFile", .params = params};
    telegram_request(t, &rq, on_file, g);
    json_decref(params);
}
