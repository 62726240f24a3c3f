/* master.c - the first process. It has no event loop: it waits for signals, and for workers to say
 * that they serve. Everything it starts dies with it. */
#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "embedded_redis.h"
#include "net/gate_address.h"
#include "worker.h"

#define WORKERS_MAX 64
#define DRAIN_MS 10000
#define HUNG_MS 10000   /* a worker whose loop has not turned for so long is ended */
#define STALLED_MS 3000 /* of the master itself, which looks once a second: a stopped machine */
#define REDIS_STOP_MS 5000
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define PORT_TRIES 100
#define PORT_WAIT_US 20000
#define STARTING_MS 3000 /* a new generation is given so long before another reload ends it */
#define STABLE_MS 5000   /* who lived so long is restarted at once */

struct child {
    pid_t pid; /* 0: not running */
    unsigned index;
    unsigned slot;                    /* of the metrics, while pid is set */
    uint64_t started_ms, start_at_ms; /* monotonic; start_at_ms 0: no start planned */
    unsigned backoff_ms;
    bool ready;   /* it has served */
    bool leaving; /* it was told to */
    uint64_t kill_at_ms;
    int ready_fd; /* -1 once it is ready */
};

struct master {
    struct log log;
    struct config *config;
    struct config *old_config; /* while a new generation has not proven itself; else NULL */
    const struct config_source *source;
    struct metrics *metrics;
    struct embedded_redis redis;
    bool own_redis;
    struct child redis_child;              /* its restarts */
    struct child workers[WORKERS_MAX * 3]; /* then the old generation, then who was given up */
    unsigned nworkers;
    int listen_fd, old_listen_fd; /* of config and of old_config; the same where the address is */
    int lock_fd, signal_fd;
    bool stopping, reload_wanted;
    uint64_t began_us, reloading_ms;    /* the last reload began: monotonic */
    uint64_t watched_ms, watch_from_ms; /* monotonic */
    bool served, said_ready;            /* some worker did once; all did */
    int exit_code;
};

static uint64_t now_ms(void) {
    return clock_mono_ms();
}

static void set_log(struct master *m) {
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    const struct settings *top = config_section(m->config, "");
    log_init(&m->log);
    m->log.who = "master";
    for (int i = 0; i < 4; i++)
        if (strcmp(settings_str(top, "log_level"), levels[i]) == 0)
            m->log.level = (enum log_level)i;
    if (strcmp(settings_str(top, "log_format"), "json") == 0)
        m->log.format = LOG_FORMAT_JSON;
}

/* --- one master a data_dir ------------------------------------------------------------------- */

static int take_lock(struct master *m, const char *data_dir, struct err *err) {
    char text[32] = "", *path = mem_printf("%s/lock", data_dir);
    if (mkdir(data_dir, 0700) < 0 && errno != EEXIST) {
        free(path);
        return err_set(err, ERR_IO, "cannot make data_dir %s: %s", data_dir, strerror(errno));
    }
    m->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(path);
    if (m->lock_fd < 0)
        return err_set(err, ERR_IO, "cannot write to data_dir %s: %s", data_dir, strerror(errno));
    if (flock(m->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (read(m->lock_fd, text, sizeof text - 1) < 0)
            text[0] = '\0';
        return err_set(err, ERR_CONFLICT, "a gateway is already running on %s (pid %s)", data_dir,
            *text ? text : "unknown");
    }
    int n = snprintf(text, sizeof text, "%d", (int)getpid());
    if (ftruncate(m->lock_fd, 0) < 0 || pwrite(m->lock_fd, text, (size_t)n, 0) != n)
        return err_set(err, ERR_IO, "cannot write to data_dir %s: %s", data_dir, strerror(errno));
    return 0;
}

/* An address that overlaps may be bound beside ours (SO_REUSEPORT), and so would a second gateway
 * be, unseen. Before the first start nobody may listen there; a gateway that has just been killed
 * gets a moment to vanish. */
static int check_port(const char *listen_on, struct err *err) {
    struct sockaddr_storage address;
    socklen_t len;
    int on = 1, rc = -1;
    if (gate_address_parse(listen_on, &address, &len, err) < 0)
        return -1;
    for (int i = 0; i < PORT_TRIES && rc < 0; i++) {
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (i)
            usleep(PORT_WAIT_US);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        rc = bind(fd, (struct sockaddr *)&address, len);
        err_set(err, ERR_CONFLICT, "cannot listen on %s: %s", listen_on,
            errno == EADDRINUSE ? "another program has this port in use (set listen to a free one)"
                                : strerror(errno));
        close(fd);
        if (rc < 0 && errno != EADDRINUSE)
            break;
    }
    return rc;
}

/* --- the listening socket --------------------------------------------------------------------
 *
 * It is ours as long as we run, so that no worker's end, planned or not, resets those who stand in
 * its queue. */

static void drop_old_listener(struct master *m) {
    if (m->old_listen_fd >= 0 && m->old_listen_fd != m->listen_fd)
        close(m->old_listen_fd);
    m->old_listen_fd = -1;
}

/* The new configuration is given up. */
static void restore_listener(struct master *m) {
    if (m->listen_fd >= 0 && m->listen_fd != m->old_listen_fd)
        close(m->listen_fd);
    m->listen_fd = m->old_listen_fd;
    m->old_listen_fd = -1;
}

static void close_listeners(struct master *m) {
    drop_old_listener(m);
    if (m->listen_fd >= 0)
        close(m->listen_fd);
    m->listen_fd = -1;
}

/* --- workers --------------------------------------------------------------------------------- */

static const char *redis_url(const struct master *m) {
    return m->own_redis ? m->redis.url : settings_str(config_section(m->config, "redis"), "url");
}

static void become_worker(
    struct master *m, unsigned index, unsigned slot, int ready_fd, pid_t master_pid) {
    struct worker_context ctx = {.index = index,
        .workers = m->nworkers,
        .metrics = m->metrics,
        .slot = slot,
        .redis_url = redis_url(m),
        .listen_fd = m->listen_fd,
        .ready_fd = ready_fd,
        .source = m->source,
        .master = master_pid};
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != master_pid)
        _exit(1);
    setpgid(0, 0); /* Ctrl-C at the terminal goes to the master, who drains us */
    close(m->signal_fd);
    close(m->lock_fd);
    drop_old_listener(m);
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++)
        if (m->workers[i].pid && m->workers[i].ready_fd >= 0)
            close(m->workers[i].ready_fd);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int code = worker_run(m->config, &ctx);
    config_destroy(&m->config);
    config_destroy(&m->old_config);
    embedded_redis_finish(&m->redis);
    metrics_destroy(&m->metrics);
    exit(code);
}

static void start_worker(struct master *m, struct child *c, unsigned index) {
    int pipe_fds[2];
    pid_t master_pid = getpid();
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0) {
        c->start_at_ms = now_ms() + BACKOFF_MAX_MS;
        return;
    }
    unsigned slot = metrics_take_slot(m->metrics);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[0]);
        become_worker(m, index, slot, pipe_fds[1], master_pid);
    }
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        metrics_drop_slot(m->metrics, slot);
        c->start_at_ms = now_ms() + BACKOFF_MAX_MS;
        LOG_ERROR(&m->log, "worker.not_forked", LOG_S("error", strerror(errno)));
        return;
    }
    *c = (struct child){.pid = pid,
        .index = index,
        .slot = slot,
        .started_ms = now_ms(),
        .backoff_ms = c->backoff_ms,
        .ready_fd = pipe_fds[0]};
}

static void plan_restart(struct child *c) {
    bool was_stable = now_ms() - c->started_ms > STABLE_MS;
    unsigned wait = was_stable || !c->backoff_ms ? BACKOFF_MIN_MS : c->backoff_ms * 2;
    c->backoff_ms = wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
    c->start_at_ms = now_ms() + c->backoff_ms;
    if (c->start_at_ms == 0)
        c->start_at_ms = 1;
}

static void log_exit(struct master *m, const char *event, const struct child *c, int status) {
    if (WIFSIGNALED(status))
        LOG_WARN(&m->log, event, LOG_I("index", c->index), LOG_I("pid", c->pid),
            LOG_I("signal", WTERMSIG(status)));
    else
        LOG_INFO(&m->log, event, LOG_I("index", c->index), LOG_I("pid", c->pid),
            LOG_I("code", WEXITSTATUS(status)));
}

static void begin_stop(struct master *m);
static void roll_back(struct master *m);

/* A worker that cannot start says so with WORKER_EXIT_CONFIG. With a new configuration we go back
 * to the old one; at the first start there is nothing to go back to; and once we have served it is
 * the world around us that changed (a full disk, a lost Redis), and may change again. */
static void worker_gone(struct master *m, struct child *c, int status) {
    bool leaving = c->leaving;
    log_exit(m, "worker.exited", c, status);
    metrics_drop_slot(m->metrics, c->slot);
    if (c->ready_fd >= 0)
        close(c->ready_fd);
    c->ready_fd = -1;
    c->pid = 0;
    c->leaving = false;
    bool current = c < m->workers + WORKERS_MAX;
    bool refused = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_CONFIG && !leaving;
    if (refused && current && m->old_config && !m->stopping) {
        roll_back(m);
    } else if (refused && current && !m->served) {
        m->exit_code = WORKER_EXIT_CONFIG;
        begin_stop(m);
    } else if (current && !m->stopping) {
        plan_restart(c);
    }
}

static void redis_gone(struct master *m, int status) {
    struct child *c = &m->redis_child;
    c->pid = m->redis.pid;
    m->redis.pid = 0;
    log_exit(m, "redis.exited", c, status);
    bool none = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    if (none)
        LOG_ERROR(&m->log, "redis.not_found",
            LOG_S("error", "neither redis-server nor valkey-server is on the PATH: install one "
                           "(make deps), or set redis { url }"));
    else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        LOG_ERROR(&m->log, "redis.failed", LOG_S("error", "redis.log in this folder says why"),
            LOG_S("folder", m->redis.dir));
    if (none && !m->said_ready) {
        m->exit_code = 1;
        begin_stop(m);
    } else {
        plan_restart(c);
    }
}

static void reap(struct master *m) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (m->own_redis && pid == m->redis.pid) {
            redis_gone(m, status);
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(m->workers); i++)
            if (m->workers[i].pid == pid)
                worker_gone(m, &m->workers[i], status);
    }
}

static void terminate(struct child *c, int signo) {
    if (!c->pid)
        return;
    kill(c->pid, signo);   /* also to one that leaves already, which may hasten now */
    kill(c->pid, SIGCONT); /* a stopped one must hear it */
    if (c->leaving)
        return;
    c->leaving = true;
    c->kill_at_ms = now_ms() + DRAIN_MS;
}

static void begin_stop(struct master *m) {
    if (m->stopping)
        return;
    m->stopping = true;
    LOG_INFO(&m->log, "gateway.stopping");
    close_listeners(m); /* the workers take in who waits, and close theirs */
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++) {
        m->workers[i].start_at_ms = 0;
        terminate(&m->workers[i], SIGTERM);
    }
}

/* --- SIGHUP ---------------------------------------------------------------------------------- */

static unsigned count_workers(const struct config *c) {
    long n = settings_int(config_section(c, ""), "workers");
    if (n == 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static bool same_setting(
    const struct config *a, const struct config *b, const char *section, const char *key) {
    return strcmp(settings_str(config_section(a, section), key),
               settings_str(config_section(b, section), key)) == 0;
}

/* What cannot change while the data is in use. */
static const char *fixed_changed(const struct config *was, const struct config *is) {
    if (!same_setting(was, is, "", "data_dir"))
        return "data_dir";
    if (!same_setting(was, is, "redis", "url"))
        return "redis.url";
    if (!same_setting(was, is, "redis", "shards"))
        return "redis.shards";
    return NULL;
}

static void end_now(struct master *m, const struct child *c) {
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    metrics_drop_slot(m->metrics, c->slot);
}

/* Gives up the current generation. It was not seen to serve, but one of it may have begun to just
 * now: it drains, as all do. */
static void abandon(struct master *m) {
    struct child *gone = m->workers + WORKERS_MAX * 2;
    for (unsigned i = 0; i < WORKERS_MAX; i++, gone++) {
        struct child *c = &m->workers[i];
        if (gone->pid) /* of the reload just before: it has had its time */
            end_now(m, gone);
        if (c->ready_fd >= 0)
            close(c->ready_fd);
        c->ready_fd = -1;
        *gone = *c;
        gone->start_at_ms = 0;
        terminate(gone, WORKER_REPLACED);
        *c = (struct child){.ready_fd = -1};
    }
    config_destroy(&m->config);
    m->config = m->old_config;
    m->old_config = NULL;
    restore_listener(m);
}

static void roll_back(struct master *m) {
    abandon(m);
    m->nworkers = count_workers(m->config);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct child *old = &m->workers[WORKERS_MAX + i];
        if (!old->leaving) {
            m->workers[i] = *old;
            *old = (struct child){.ready_fd = -1};
        }
        if (i < m->nworkers && !m->workers[i].pid)
            plan_restart(&m->workers[i]);
    }
    LOG_ERROR(&m->log, "config.rolled_back",
        LOG_S("error", "the workers cannot start with it: the old configuration stays in force"));
}

/* The current generation becomes the old one, and goes on serving. */
static void set_aside(struct master *m) {
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct child *old = &m->workers[WORKERS_MAX + i];
        *old = m->workers[i];
        old->start_at_ms = 0;
        m->workers[i] = (struct child){.ready_fd = -1};
    }
}

/* A reload cuts nobody off: while workers of the one before it serve already and others do not, or
 * those before them are still leaving, it waits. So it does while they may still begin to serve,
 * lest many in a row keep each other from it. */
static bool may_reload(const struct master *m) {
    if (m->old_config && now_ms() < m->reloading_ms + STARTING_MS)
        return false;
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        const struct child *c = &m->workers[i], *old = c + WORKERS_MAX, *gone = old + WORKERS_MAX;
        if (gone->pid || (m->old_config ? c->pid && c->ready : old->pid != 0))
            return false;
    }
    return true;
}

/* The socket for a new configuration: the present one where the address is the same. -1 with a line
 * in problems. */
static int listener_for(const struct master *m, const struct config *next, struct buf *problems) {
    const struct config *proven = m->old_config ? m->old_config : m->config;
    struct err err;
    if (same_setting(proven, next, "", "listen"))
        return m->old_config ? m->old_listen_fd : m->listen_fd;
    int fd = gate_address_listen(settings_str(config_section(next, ""), "listen"), &err);
    if (fd < 0)
        buf_adds(problems, err.text);
    return fd;
}

/* Forks a new generation; the old one is told to leave when all of the new one serve. */
static void reload(struct master *m) {
    struct buf problems;
    buf_init(&problems, 65536);
    struct config *next =
        config_read(m->source->path, m->source->sets, m->source->types, &problems);
    const char *fixed = next ? fixed_changed(m->config, next) : NULL;
    int listen_fd = next && !fixed ? listener_for(m, next, &problems) : -1;
    if (listen_fd < 0) {
        LOG_ERROR(&m->log, "config.refused",
            LOG_S("error",
                fixed ? "cannot change while running: restart instead" : buf_str(&problems)),
            LOG_S("key", fixed ? fixed : ""));
        config_destroy(&next);
        buf_free(&problems);
        return;
    }
    buf_free(&problems);
    if (m->old_config)
        abandon(m); /* the generation of the reload just before */
    else
        set_aside(m);
    m->reloading_ms = now_ms();
    m->old_config = m->config;
    m->old_listen_fd = m->listen_fd;
    m->config = next;
    m->listen_fd = listen_fd;
    m->nworkers = count_workers(m->config);
    LOG_INFO(&m->log, "config.reloading", LOG_I("workers", m->nworkers));
    for (unsigned i = 0; i < m->nworkers; i++)
        start_worker(m, &m->workers[i], i);
}

static void finish_reload(struct master *m) {
    config_destroy(&m->old_config);
    drop_old_listener(m);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        terminate(&m->workers[WORKERS_MAX + i], WORKER_REPLACED);
    set_log(m);
    LOG_INFO(&m->log, "config.reloaded", LOG_I("workers", m->nworkers));
}

/* --- the life -------------------------------------------------------------------------------- */

static void on_signal(struct master *m, int signo) {
    switch (signo) {
    case SIGCHLD:
        reap(m);
        break;
    case SIGHUP:
        m->reload_wanted = true;
        break;
    default:
        begin_stop(m);
    }
}

static void start_redis(struct master *m) {
    struct err err;
    m->redis_child.started_ms = now_ms();
    m->redis_child.start_at_ms = 0;
    if (embedded_redis_start(&m->redis, &m->log, &err) < 0) {
        LOG_ERROR(&m->log, "redis.not_started", LOG_E(&err));
        plan_restart(&m->redis_child);
    }
}

/* A worker whose loop does not turn any more holds connections that nobody serves: it is killed,
 * and replaced like any that died. Time in which the master itself stood still does not count. */
static void watch(struct master *m, uint64_t now) {
    if (now - m->watched_ms > STALLED_MS)
        m->watch_from_ms = now;
    m->watched_ms = now;
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++) {
        struct child *c = &m->workers[i];
        uint64_t last = c->pid ? metrics_last_beat_ms(m->metrics, c->slot) : 0;
        if (last < c->started_ms)
            last = c->started_ms;
        if (last < m->watch_from_ms)
            last = m->watch_from_ms;
        if (!c->pid || c->leaving || now < last + HUNG_MS)
            continue;
        LOG_ERROR(&m->log, "worker.hung", LOG_I("pid", c->pid), LOG_I("ms", now - last));
        kill(c->pid, SIGKILL);
    }
}

/* Does what is due; returns how long nothing will be. */
static int due(struct master *m) {
    uint64_t now = now_ms(), next = now + 1000;
    watch(m, now);
    if (m->own_redis && m->redis_child.start_at_ms) {
        if (m->redis_child.start_at_ms <= now)
            start_redis(m);
        else if (m->redis_child.start_at_ms < next)
            next = m->redis_child.start_at_ms;
    }
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++) {
        struct child *c = &m->workers[i];
        if (c->start_at_ms && c->start_at_ms <= now)
            start_worker(m, c, (unsigned)i);
        else if (c->start_at_ms && c->start_at_ms < next)
            next = c->start_at_ms;
        if (c->pid && c->leaving && c->kill_at_ms <= now) {
            LOG_WARN(&m->log, "worker.killed", LOG_I("pid", c->pid));
            kill(c->pid, SIGKILL);
            c->kill_at_ms = now + DRAIN_MS;
        } else if (c->pid && c->leaving && c->kill_at_ms < next) {
            next = c->kill_at_ms;
        }
    }
    return (int)(next - now);
}

static bool all_ready(const struct master *m) {
    for (unsigned i = 0; i < m->nworkers; i++)
        if (!m->workers[i].pid || !m->workers[i].ready)
            return false;
    return true;
}

static void say_ready(const struct master *m) {
    const struct settings *top = config_section(m->config, "");
    const char *public_url = settings_str(top, "public_url");
    char *url = *public_url ? mem_strdup(public_url)
                            : mem_printf("http://%s/", settings_str(top, "listen"));
    LOG_INFO(&m->log, "gateway.ready", LOG_I("ms", (clock_mono_us() - m->began_us) / 1000),
        LOG_I("workers", m->nworkers), LOG_S("url", url));
    free(url);
}

static void worker_ready(struct master *m, struct child *c) {
    char byte;
    ssize_t n = read(c->ready_fd, &byte, 1);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close(c->ready_fd);
    c->ready_fd = -1;
    if (n != 1)
        return;
    c->backoff_ms = 0;
    c->ready = m->served = true;
    if (!all_ready(m))
        return;
    if (m->old_config)
        finish_reload(m);
    if (!m->said_ready) {
        m->said_ready = true;
        say_ready(m);
    }
}

static bool anybody(const struct master *m) {
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++)
        if (m->workers[i].pid)
            return true;
    return false;
}

static void turn(struct master *m) {
    struct pollfd fds[WORKERS_MAX + 1] = {{m->signal_fd, POLLIN, 0}};
    struct child *who[WORKERS_MAX + 1];
    nfds_t n = 1;
    struct signalfd_siginfo info;
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        if (m->workers[i].pid && m->workers[i].ready_fd >= 0) {
            who[n] = &m->workers[i];
            fds[n++] = (struct pollfd){m->workers[i].ready_fd, POLLIN, 0};
        }
    int ms = due(m);
    if (poll(fds, n, ms) <= 0)
        return;
    for (nfds_t i = 1; i < n; i++)
        if (fds[i].revents)
            worker_ready(m, who[i]);
    while (read(m->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        on_signal(m, (int)info.ssi_signo);
    reap(m); /* several children's signals may be one */
    if (m->reload_wanted && !m->stopping && may_reload(m)) {
        m->reload_wanted = false;
        reload(m);
    }
}

static int set_up(struct master *m, struct err *err) {
    const struct settings *top = config_section(m->config, "");
    const struct settings *redis = config_section(m->config, "redis");
    struct rlimit files;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    m->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (m->signal_fd < 0)
        return err_set(err, ERR_IO, "signalfd: %s", strerror(errno));
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (crypto_start() < 0)
        return err_set(err, ERR_INTERNAL, "no randomness");
    if (take_lock(m, settings_str(top, "data_dir"), err) < 0 ||
        check_port(settings_str(top, "listen"), err) < 0)
        return -1;
    m->listen_fd = gate_address_listen(settings_str(top, "listen"), err);
    if (m->listen_fd < 0)
        return -1;
    m->own_redis = strcmp(settings_str(redis, "url"), "embedded") == 0;
    if (m->own_redis && embedded_redis_init(&m->redis, settings_str(top, "data_dir"),
                            settings_str(redis, "durability"), err) < 0)
        return -1;
    return 0;
}

static int serve(struct master *m) {
    struct err err;
    if (set_up(m, &err) < 0) {
        LOG_ERROR(&m->log, "gateway.not_started", LOG_E(&err));
        return 1;
    }
    m->metrics = metrics_create(ARRAY_LEN(m->workers));
    m->nworkers = count_workers(m->config);
    if (m->own_redis)
        start_redis(m);
    for (unsigned i = 0; i < m->nworkers; i++)
        start_worker(m, &m->workers[i], i);
    while (!m->stopping || anybody(m))
        turn(m);
    if (m->own_redis)
        embedded_redis_stop(&m->redis, REDIS_STOP_MS);
    LOG_INFO(&m->log, "gateway.stopped");
    return m->exit_code;
}

int master_run(struct config *c, const struct config_source *source) {
    struct master *m = mem_zalloc(sizeof *m);
    m->config = c;
    m->source = source;
    m->listen_fd = m->old_listen_fd = m->lock_fd = m->signal_fd = -1;
    m->began_us = clock_mono_us();
    for (size_t i = 0; i < ARRAY_LEN(m->workers); i++)
        m->workers[i].ready_fd = -1;
    set_log(m);
    int code = serve(m);
    close_listeners(m);
    if (m->lock_fd >= 0)
        close(m->lock_fd);
    if (m->signal_fd >= 0)
        close(m->signal_fd);
    metrics_destroy(&m->metrics);
    embedded_redis_finish(&m->redis);
    config_destroy(&m->config);
    config_destroy(&m->old_config);
    free(m);
    return code;
}
