/* config_channels.c - data_dir/channels.conf: reading, locking and replacing it. */
#include "config/config_channels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config_private.h"

char *config_channels_path(const char *data_dir) {
    return mem_printf("%s/channels.conf", data_dir);
}

/* The types that the file may have: channels, and nothing at the top. */
static struct section_type *channel_types(const struct section_type *all) {
    static const struct setting none[] = {{0}};
    size_t n = 0, k = 1;
    while (all[n].name)
        n++;
    struct section_type *types = mem_zalloc((n + 2) * sizeof *types);
    types[0] = (struct section_type){"", SECTION_PLAIN, none, "", NULL};
    for (size_t i = 0; i < n; i++)
        if (all[i].kind == SECTION_CHANNEL)
            types[k++] = all[i];
    return types;
}

int config_channels_read(struct config *c, const char *data_dir, struct buf *problems) {
    char *path = config_channels_path(data_dir);
    if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        free(path);
        return 0;
    }
    struct section_type *types = channel_types(c->types);
    struct config added = {.types = types};
    config_add(&added, &types[0], NULL);
    int rc = config_file_read(&added, path, problems);
    settings_free(added.sections[0]);
    for (size_t i = 1; i < added.n; i++) {
        struct settings *s = added.sections[i];
        s->type = config_type(c->types, s->type->name);
        s->added = true;
        c->sections = mem_realloc(c->sections, (c->n + 1) * sizeof *c->sections);
        c->sections[c->n++] = s;
    }
    free(added.sections);
    free(types);
    free(path);
    return rc;
}

int config_channels_lock(const char *data_dir, struct err *err) {
    char *path = mem_printf("%s/channels.lock", data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (fd < 0)
        return err_set(err, ERR_IO, "data_dir %s: %s", data_dir, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    close(fd);
    return err_set(
        err, ERR_CONFLICT, "somebody else is changing the channels at this moment: try again");
}

static int write_all(int fd, struct span text) {
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return -1;
        text = n < 0 ? text : span_of(text.p + n, text.n - (size_t)n);
    }
    return fsync(fd);
}

static int sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return rc;
}

int config_channels_write(const char *data_dir, struct span text, struct err *err) {
    char *path = config_channels_path(data_dir), *fresh = mem_printf("%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 || fchmod(fd, 0600) < 0 ? -1 : write_all(fd, text);
    if (fd >= 0 && close(fd) < 0)
        rc = -1;
    if (rc == 0 && (rename(fresh, path) < 0 || sync_folder(data_dir) < 0))
        rc = -1;
    if (rc < 0)
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    free(fresh);
    free(path);
    return rc;
}
