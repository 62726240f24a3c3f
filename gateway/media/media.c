/* media.c - attachments on disk: kept in memory while they are small, written to a temporary file
 * as they come when they are not, then synced, sniffed and moved into place by the thread pool.
 * Names on disk are ids of ours, never a sender's. */
#include "media/media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <magic.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/media_private.h"

#define STALE_S 3600      /* a temporary file as old as this belongs to nobody */
#define SMALL (64u << 10) /* bytes: the loop makes no file for so few */

struct media {
    struct env env;
    char *dir;
    uint64_t max_size;
    char **deny;                     /* NULL-ended */
    atomic_bool is_kept[ID_BUCKETS]; /* this folder outlives a crash; asked in the pool */
};

struct media_upload {
    struct media *media;
    struct buf small; /* all of it, while it is small */
    int fd;           /* -1: it is small */
    char *temp;       /* path while it is written */
    struct media_info info;
    uint64_t max_size;
    bool is_own; /* of a type that we gave it */
    struct crypto_sha256 *hash;
    media_fn fn;
    void *arg;
    struct err err; /* of the work in the pool */
};

static int io_error(struct err *err, const char *what) {
    return err_set(err, ERR_IO, "attachment could not be %s: %s", what, strerror(errno));
}

/* --- the folder ------------------------------------------------------------------------------ */

/* What uploads of dead processes left. */
static void remove_stale(const char *dir) {
    DIR *d = opendir(dir);
    struct dirent *e;
    time_t now = time(NULL);
    while (d && (e = readdir(d))) {
        struct stat st;
        char *path = mem_printf("%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.' && stat(path, &st) == 0 && now - st.st_mtime > STALE_S)
            unlink(path);
        free(path);
    }
    if (d)
        closedir(d);
}

/* What is new in a folder outlives a crash of the machine only when the folder itself is synced. */
static int sync_dir(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int make_dir(const char *path, struct err *err) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "cannot make the folder %s: %s", path, strerror(errno));
    return 0;
}

struct media *media_open(
    const struct env *env, const char *data_dir, const struct settings *s, struct err *err) {
    struct media *m = mem_zalloc(sizeof *m);
    const char *const *deny = settings_list(s, "deny");
    size_t n = 0;
    char *incoming;
    m->env = *env;
    m->max_size = (uint64_t)settings_int(s, "max_size");
    m->dir = mem_printf("%s/media", data_dir);
    while (deny[n])
        n++;
    m->deny = mem_zalloc((n + 1) * sizeof *m->deny);
    for (size_t i = 0; i < n; i++)
        m->deny[i] = mem_strdup(deny[i]);
    incoming = mem_printf("%s/incoming", m->dir);
    if (make_dir(data_dir, err) < 0 || make_dir(m->dir, err) < 0 || make_dir(incoming, err) < 0)
        media_close(&m);
    else
        remove_stale(incoming);
    if (m && (sync_dir(m->dir) < 0 || sync_dir(data_dir) < 0)) {
        err_set(err, ERR_IO, "cannot sync the folder %s: %s", m->dir, strerror(errno));
        media_close(&m);
    }
    free(incoming);
    return m;
}

void media_close(struct media **mp) {
    struct media *m = *mp;
    if (!m)
        return;
    for (size_t i = 0; m->deny[i]; i++)
        free(m->deny[i]);
    free(m->deny);
    free(m->dir);
    free(m);
    *mp = NULL;
}

/* <dir>/<2 characters of the id's random part>/<id>: no folder grows without end. */
static char *folder_of(const struct media *m, const char *id) {
    return mem_printf("%s/%.2s", m->dir, id + ID_TIME_LEN);
}

static char *path_of(const struct media *m, const char *id) {
    char *folder = folder_of(m, id);
    char *path = mem_printf("%s/%s", folder, id);
    free(folder);
    return path;
}

/* --- writing --------------------------------------------------------------------------------- */

static void upload_free(struct media_upload *u) {
    if (u->fd >= 0)
        close(u->fd);
    if (u->temp)
        unlink(u->temp);
    free(u->temp);
    free(u->info.name);
    buf_free(&u->small);
    crypto_sha256_end(&u->hash, NULL);
    free(u);
}

static int write_out(struct media_upload *u, struct span data, struct err *err) {
    while (data.n) {
        ssize_t n = write(u->fd, data.p, data.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_error(err, "stored");
        data.p += n;
        data.n -= (size_t)n;
    }
    return 0;
}

/* What was kept in memory goes to a file. */
static int open_file(struct media_upload *u, const char *path, struct err *err) {
    u->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (u->fd < 0)
        return io_error(err, "stored");
    int rc = write_out(u, buf_span(&u->small), err);
    buf_free(&u->small);
    return rc;
}

static int open_temp(struct media_upload *u, struct err *err) {
    u->temp = mem_printf("%s/incoming/%s", u->media->dir, u->info.id);
    return open_file(u, u->temp, err);
}

static struct media_upload *make_upload(
    struct media *m, unsigned shard, const char *name, uint64_t max_size) {
    struct media_upload *u = mem_zalloc(sizeof *u);
    u->media = m;
    u->fd = -1;
    u->max_size = max_size;
    u->info.name = media_clean_name(name);
    id_make(shard, u->info.id);
    u->hash = crypto_sha256_begin();
    buf_init(&u->small, SMALL);
    return u;
}

struct media_upload *media_upload_begin(
    struct media *m, unsigned shard, const char *name, uint64_t declared_size, struct err *err) {
    if (declared_size > m->max_size) {
        err_set(err, ERR_TOO_LARGE, "the file has %llu bytes; at most %llu are taken",
            (unsigned long long)declared_size, (unsigned long long)m->max_size);
        return NULL;
    }
    struct media_upload *u = make_upload(m, shard, name, m->max_size);
    if (media_is_denied((const char *const *)m->deny, u->info.name, NULL)) {
        err_set(err, ERR_INVALID, "files named like \"%.80s\" are not taken", u->info.name);
        upload_free(u);
        return NULL;
    }
    return u;
}

struct media_upload *media_upload_begin_own(
    struct media *m, unsigned shard, const char *name, const char *mime, uint64_t max_size) {
    struct media_upload *u = make_upload(m, shard, name, max_size);
    u->is_own = true;
    snprintf(u->info.mime, sizeof u->info.mime, "%s", mime);
    return u;
}

int media_upload_write(struct media_upload *u, struct span data, struct err *err) {
    if (data.n > u->max_size - u->info.size)
        return err_set(err, ERR_TOO_LARGE, "the file is larger than %llu bytes",
            (unsigned long long)u->max_size);
    crypto_sha256_add(u->hash, data);
    u->info.size += data.n;
    if (u->fd < 0 && data.n <= SMALL - u->small.n)
        return buf_add(&u->small, data.p, data.n);
    if (u->fd < 0 && open_temp(u, err) < 0)
        return -1;
    return write_out(u, data, err);
}

void media_upload_abort(struct media_upload *u) {
    upload_free(u);
}

/* --- finishing, in the thread pool ----------------------------------------------------------- */

static int sniff(struct media_upload *u, struct err *err) {
    magic_t magic = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
    if (!magic || magic_load(magic, NULL) < 0) {
        if (magic)
            magic_close(magic);
        return err_set(err, ERR_INTERNAL, "the type database of libmagic cannot be read");
    }
    const char *type = magic_file(magic, u->temp);
    snprintf(u->info.mime, sizeof u->info.mime, "%s", type ? type : "application/octet-stream");
    magic_close(magic);
    return 0;
}

/* Into its folder (what is small and of a known type is written there at once), and only then to
 * the disk: one commit of the file system serves both. Nobody knows the id before. The folder may
 * be new, and made by another process that has not synced it. */
static int move_into_place(struct media_upload *u, struct err *err) {
    atomic_bool *is_kept = &u->media->is_kept[id_bucket(u->info.id)];
    char *folder = folder_of(u->media, u->info.id), *path = path_of(u->media, u->info.id);
    bool is_new = mkdir(folder, 0700) == 0 || !*is_kept;
    int rc = u->temp ? rename(u->temp, path) : open_file(u, path, err);
    if (rc < 0 && u->temp) {
        io_error(err, "stored");
    } else if (rc < 0) {
        unlink(path);
    } else {
        free(u->temp);
        u->temp = NULL;
        rc = fsync(u->fd) < 0 || sync_dir(folder) < 0 || (is_new && sync_dir(u->media->dir) < 0)
                 ? -1
                 : 0;
        if (rc == 0) {
            *is_kept = true;
        } else {
            io_error(err, "synced to disk");
            unlink(path);
        }
    }
    free(folder);
    free(path);
    return rc;
}

static int settle(struct media_upload *u, struct err *err) {
    unsigned char sum[32];
    crypto_sha256_end(&u->hash, sum);
    sodium_bin2hex(u->info.sha256, sizeof u->info.sha256, sum, sizeof sum);
    if (u->info.size == 0)
        return err_set(err, ERR_INVALID, "the file is empty");
    if (!u->is_own && u->fd < 0 && open_temp(u, err) < 0)
        return -1;
    if (!u->is_own && sniff(u, err) < 0)
        return -1;
    if (!u->is_own &&
        media_is_denied((const char *const *)u->media->deny, u->info.name, u->info.mime))
        return err_set(err, ERR_INVALID, "files of the type %s are not taken", u->info.mime);
    u->info.kind = media_kind(u->info.mime);
    return move_into_place(u, err);
}

static void finish_work(void *arg) {
    struct media_upload *u = arg;
    settle(u, &u->err);
}

static void finish_done(void *arg) {
    struct media_upload *u = arg;
    if (u->err.code)
        u->fn(u->arg, NULL, &u->err);
    else
        u->fn(u->arg, &u->info, NULL);
    upload_free(u);
}

void media_upload_finish(struct media_upload *u, media_fn fn, void *arg) {
    u->fn = fn;
    u->arg = arg;
    loop_work(u->media->env.loop, finish_work, finish_done, u);
}

/* --- reading --------------------------------------------------------------------------------- */

int media_fd(struct media *m, const char *id, uint64_t *size_out, struct err *err) {
    struct stat st;
    if (!id_is_valid(id))
        return err_set(err, ERR_NOT_FOUND, "there is no such attachment");
    char *path = path_of(m, id);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    if (fd < 0)
        return err_set(err, ERR_NOT_FOUND, "there is no such attachment");
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_NOT_FOUND, "there is no such attachment");
    }
    *size_out = (uint64_t)st.st_size;
    return fd;
}

int media_delete(struct media *m, const char *id, struct err *err) {
    if (!id_is_valid(id))
        return err_set(err, ERR_NOT_FOUND, "there is no such attachment");
    char *path = path_of(m, id);
    int rc = unlink(path) < 0 && errno != ENOENT ? io_error(err, "deleted") : 0;
    free(path);
    return rc;
}

json_t *media_info_json(const struct media_info *info) {
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "id", info->id, "kind", info->kind, "name",
        info->name, "mime", info->mime, "size", (json_int_t)info->size, "sha256", info->sha256);
}
