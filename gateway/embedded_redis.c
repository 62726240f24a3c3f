/* embedded_redis.c - our own redis-server as a child of the master. */
#include "embedded_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

static void sleep_ms(unsigned ms) {
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static int make_dir(const char *path, struct err *err) {
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, "cannot make the folder %s: %s", path, strerror(errno));
    return 0;
}

/* A unix socket's path has 107 bytes at most: in a deep data_dir it goes to /tmp, under a name made
 * from the folder's own, in a folder that only we may enter. */
static char *choose_socket(const char *dir, struct err *err) {
    char hex[CRYPTO_HEX_SIZE];
    struct stat st;
    char *path = mem_printf("%s/redis.sock", dir);
    if (strlen(path) < sizeof((struct sockaddr_un *)0)->sun_path)
        return path;
    free(path);
    crypto_sha256_hex(span_str(dir), hex);
    char *folder = mem_printf("/tmp/switchboard-%u-%.16s", (unsigned)getuid(), hex);
    if (make_dir(folder, err) < 0) {
        free(folder);
        return NULL;
    }
    if (lstat(folder, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != getuid() ||
        (st.st_mode & 077)) {
        err_set(err, ERR_IO, "%s belongs to somebody else: remove it, or choose a shorter data_dir",
            folder);
        free(folder);
        return NULL;
    }
    path = mem_printf("%s/redis.sock", folder);
    free(folder);
    return path;
}

int embedded_redis_init(
    struct embedded_redis *r, const char *data_dir, const char *fsync, struct err *err) {
    char real[PATH_MAX];
    *r = (struct embedded_redis){.fsync = mem_strdup(fsync)};
    if (make_dir(data_dir, err) < 0)
        return -1;
    if (!realpath(data_dir, real))
        return err_set(err, ERR_IO, "data_dir %s: %s", data_dir, strerror(errno));
    r->dir = mem_printf("%s/redis", real);
    if (make_dir(r->dir, err) < 0 || !(r->socket = choose_socket(r->dir, err)))
        return -1;
    r->url = mem_printf("unix://%s", r->socket);
    return 0;
}

void embedded_redis_finish(struct embedded_redis *r) {
    free(r->dir);
    free(r->socket);
    free(r->url);
    free(r->fsync);
    *r = (struct embedded_redis){0};
}

/* --- a server left by a master that died ----------------------------------------------------- */

static char *pid_path(const struct embedded_redis *r) {
    return mem_printf("%s/redis.pid", r->dir);
}

/* True when the process runs in our folder, as only our Redis does. A dead one, though its parent
 * may not have taken notice yet, runs nowhere. */
static bool is_ours(const struct embedded_redis *r, pid_t pid) {
    char link[64], cwd[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    ssize_t n = readlink(link, cwd, sizeof cwd - 1);
    if (n < 0)
        return false;
    cwd[n] = '\0';
    return strcmp(cwd, r->dir) == 0;
}

static void stop_old(const struct embedded_redis *r, const struct log *log) {
    char *path = pid_path(r);
    FILE *f = fopen(path, "r");
    char text[32] = "";
    free(path);
    if (!f)
        return;
    if (!fgets(text, sizeof text, f))
        text[0] = '\0';
    fclose(f);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    if (pid <= 1 || kill(pid, 0) < 0 || !is_ours(r, pid))
        return;
    LOG_WARN(log, "redis.left_over", LOG_I("pid", pid));
    kill(pid, SIGTERM);
    for (int i = 0; i < 2000 && is_ours(r, pid); i++)
        sleep_ms(5);
    if (is_ours(r, pid))
        kill(pid, SIGKILL);
    while (is_ours(r, pid))
        sleep_ms(5);
}

/* --- starting -------------------------------------------------------------------------------- */

/* 16 entries: to delete one, Redis goes through those that were before it in the node. */
static void exec_server(const struct embedded_redis *r, pid_t master) {
    char *pid_file = pid_path(r);
    char *argv[] = {"redis-server", "--port", "0", "--unixsocket", r->socket, "--unixsocketperm",
        "700", "--dir", r->dir, "--pidfile", pid_file, "--daemonize", "no", "--save", "",
        "--appendonly", "yes", "--appendfsync", r->fsync, "--no-appendfsync-on-rewrite", "no",
        "--stream-node-max-entries", "16", "--aof-load-truncated", "yes", "--maxmemory-policy",
        "noeviction", "--logfile", "redis.log", "--tcp-backlog", "511",
        "--auto-aof-rewrite-min-size", "256mb", "--zset-max-ziplist-entries", "32", NULL};
    static const char *const names[] = {"redis-server", "valkey-server"};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master)
        _exit(1);
    setsid(); /* a Ctrl-C at the terminal is the master's to handle: Redis stops last */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        argv[0] = (char *)names[i];
        execvp(names[i], argv);
    }
    _exit(127);
}

int embedded_redis_start(struct embedded_redis *r, const struct log *log, struct err *err) {
    pid_t master = getpid();
    stop_old(r, log);
    unlink(r->socket);
    r->pid = fork();
    if (r->pid < 0) {
        r->pid = 0;
        return err_set(err, ERR_IO, "cannot fork: %s", strerror(errno));
    }
    if (r->pid == 0)
        exec_server(r, master);
    char *path = pid_path(r);
    FILE *f = fopen(path, "w");
    if (f) {
        fprintf(f, "%d\n", (int)r->pid);
        fclose(f);
    }
    free(path);
    LOG_INFO(log, "redis.started", LOG_I("pid", r->pid), LOG_S("fsync", r->fsync));
    return 0;
}

void embedded_redis_stop(struct embedded_redis *r, unsigned timeout_ms) {
    if (!r->pid)
        return;
    kill(r->pid, SIGTERM);
    kill(r->pid, SIGCONT); /* a stopped one must hear it */
    for (unsigned waited = 0; waitpid(r->pid, NULL, WNOHANG) == 0; waited += 5) {
        if (waited >= timeout_ms) {
            kill(r->pid, SIGKILL);
            waitpid(r->pid, NULL, 0);
            break;
        }
        sleep_ms(5);
    }
    unlink(r->socket);
    r->pid = 0;
}
