/* cli_doctor.c - checks everything around the gateway and says what to do. Changes nothing; a
 * mailbox sends itself a mail. */
#include "cli_doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli.h"
#include "loop/loop_versions.h"
#include "base/version.h"

#define MB (1024LL * 1024)
#define WAIT_MAX_S 600

static void say(const char *word, char *what, const char *todo) {
    printf("%-4s  %s%s%s\n", word, what, todo ? " - " : "", todo ? todo : "");
    free(what);
}

void doctor_ok(struct doctor *d, char *what) {
    (void)d;
    say("ok", what, NULL);
}

void doctor_warn(struct doctor *d, char *what, const char *todo) {
    d->warnings++;
    say("warn", what, todo);
}

void doctor_fail(struct doctor *d, char *what, const char *todo) {
    d->failures++;
    say("fail", what, todo);
}

/* --- data folder ----------------------------------------------------------------------------- */

static void check_disk(struct doctor *d, const char *dir) {
    struct statvfs v;
    if (statvfs(dir, &v) < 0)
        return;
    long long free_mb = (long long)v.f_bavail * (long long)v.f_frsize / MB;
    char *what = mem_printf("%lld MB are free for the data", free_mb);
    if (free_mb < 100)
        doctor_fail(d, what, "free some, or Redis stops accepting messages");
    else if (free_mb < 1024 || v.f_bavail < v.f_blocks / 20)
        doctor_warn(d, what, "plan for more soon");
    else
        doctor_ok(d, what);
}

static void check_data_dir(struct doctor *d) {
    if (access(d->data_dir, F_OK) == 0) {
        if (access(d->data_dir, R_OK | W_OK | X_OK) == 0)
            doctor_ok(d, mem_printf("data_dir %s is writable", d->data_dir));
        else
            doctor_fail(d, mem_printf("data_dir %s: %s", d->data_dir, strerror(errno)),
                "give it to the user who runs the gateway");
        check_disk(d, d->data_dir);
        return;
    }
    const char *slash = strrchr(d->data_dir, '/');
    char *parent = !slash                 ? mem_strdup(".")
                   : slash == d->data_dir ? mem_strdup("/")
                                          : mem_strndup(d->data_dir, (size_t)(slash - d->data_dir));
    if (access(parent, W_OK | X_OK) == 0)
        doctor_ok(d, mem_printf("data_dir %s will be made at the first start", d->data_dir));
    else
        doctor_fail(d, mem_printf("data_dir %s cannot be made: %s", d->data_dir, strerror(errno)),
            "make it, and give it to the user who runs the gateway");
    check_disk(d, parent);
    free(parent);
}

/* Who holds the lock of this data_dir? */
static void find_master(struct doctor *d) {
    char text[32] = "", *path = mem_printf("%s/lock", d->data_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    free(path);
    if (fd < 0)
        return;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 && read(fd, text, sizeof text - 1) > 0)
        d->running = strtol(text, NULL, 10);
    close(fd);
}

/* --- port ------------------------------------------------------------------------------------ */

static struct addrinfo *resolve(const char *listen) {
    const char *colon = strrchr(listen, ':');
    size_t n = (size_t)(colon - listen);
    bool v6 = n > 1 && listen[0] == '[' && listen[n - 1] == ']';
    char *host = v6 ? mem_strndup(listen + 1, n - 2) : mem_strndup(listen, n);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(*host && strcmp(host, "*") != 0 ? host : NULL, colon + 1, &hints, &found) != 0)
        found = NULL;
    free(host);
    return found;
}

/* Asks /readyz of whoever answers there; the status, 0 nobody listens, -1 no HTTP. */
static int ask_ready(const struct addrinfo *a) {
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    struct timeval patience = {2, 0};
    char answer[64] = "";
    int status = -1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, a->ai_addr, a->ai_addrlen) < 0)
        status = 0;
    else if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
             recv(fd, answer, sizeof answer - 1, 0) > 12 && strncmp(answer, "HTTP/1.1 ", 9) == 0)
        status = (int)strtol(answer + 9, NULL, 10);
    close(fd);
    return status;
}

static bool can_bind(const struct addrinfo *a) {
    int one = 1, fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int rc = bind(fd, a->ai_addr, a->ai_addrlen), why = errno;
    close(fd);
    errno = why;
    return rc == 0;
}

static void check_port(struct doctor *d) {
    const char *listen = settings_str(config_section(d->config, ""), "listen");
    struct addrinfo *a = resolve(listen);
    if (!a) {
        doctor_fail(d, mem_printf("listen %s: the address cannot be resolved", listen),
            "use an address of this machine");
        return;
    }
    int status = ask_ready(a);
    if (d->running && status == 200)
        doctor_ok(d, mem_printf("the gateway (pid %ld) is ready on %s", d->running, listen));
    else if (d->running && status == 0)
        doctor_fail(d,
            mem_printf("the gateway (pid %ld) does not listen on %s", d->running, listen),
            "see its log; was the configuration changed without a reload (SIGHUP)?");
    else if (d->running)
        doctor_fail(d,
            mem_printf("the gateway (pid %ld) is not ready on %s (/readyz: %d)", d->running, listen,
                status),
            "Redis may be away or full: see below and the gateway's log");
    else if (status != 0)
        doctor_fail(d, mem_printf("another program listens on %s", listen),
            "stop it, or choose another listen");
    else if (can_bind(a))
        doctor_ok(d, mem_printf("%s is free (the gateway is not running)", listen));
    else
        doctor_fail(d, mem_printf("listen %s: %s", listen, strerror(errno)),
            errno == EACCES ? "ports below 1024 need a proxy in front or CAP_NET_BIND_SERVICE"
                            : "use an address of this machine");
    freeaddrinfo(a);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void check_public(struct doctor *d) {
    const struct settings *top = config_section(d->config, "");
    const char *url = settings_str(top, "public_url"), *listen = settings_str(top, "listen");
    bool local = strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0 ||
                 strncmp(listen, "localhost:", 10) == 0;
    if (strncmp(url, "http://", 7) == 0)
        doctor_warn(d, mem_printf("public_url %s is not encrypted", url),
            "put a TLS proxy in front and use https:// (docker/ has one configured)");
    else if (!*url && !local)
        doctor_warn(d, mem_printf("listen %s can be reached from outside, without TLS", listen),
            "listen on 127.0.0.1 behind a TLS proxy, and set public_url");
    else
        doctor_ok(
            d, *url ? mem_printf("public_url %s", url) : mem_printf("served to this machine only"));
    if (*url && !settings_list(top, "trusted_proxies")[0])
        doctor_warn(d, mem_printf("trusted_proxies is empty, but public_url is set"),
            "name the proxy's address there, or all clients count as one address");
}

static void check_limits(struct doctor *d) {
    struct rlimit files;
    long long wanted = settings_int(config_section(d->config, "limits"), "connections") + 500;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    char *what = files.rlim_max == RLIM_INFINITY
                     ? mem_printf("open files a process: no limit")
                     : mem_printf("open files a process: %llu", (unsigned long long)files.rlim_max);
    if (files.rlim_max != RLIM_INFINITY && (long long)files.rlim_max < wanted)
        doctor_warn(d, what, "less than limits { connections }: raise LimitNOFILE or ulimit -n");
    else
        doctor_ok(d, what);
}

static void check_libraries(struct doctor *d) {
    struct buf versions;
    buf_init(&versions, 4096);
    loop_versions(&versions);
    doctor_ok(d, mem_printf("switchboard %s with %s", SB_VERSION, buf_str(&versions)));
    buf_free(&versions);
    if (!loop_has_websocket_plugin())
        doctor_fail(d, mem_printf("libwebsockets has no libuv plugin"),
            "install the package libwebsockets-evlib-uv");
}

/* 0 when it was not given, -1 when it is none. */
static int wait_option(const struct cli *cli) {
    const char *text = cli_option(cli, "--wait");
    char *end = NULL;
    long s = text ? strtol(text, &end, 10) : 0;
    return !text ? 0 : *text && !*end && s >= 1 && s <= WAIT_MAX_S ? (int)s : -1;
}

int cli_doctor(struct cli *cli) {
    int wait_s = wait_option(cli);
    if (wait_s < 0) {
        fprintf(stderr, "switchboard doctor: --wait takes 1 to %d seconds\n", WAIT_MAX_S);
        return CLI_USAGE;
    }
    struct config *c = cli_config(cli);
    if (!c) {
        printf("fail  the configuration %s - mend what is said above\n", cli->config_path);
        return CLI_CONFIG;
    }
    struct doctor d = {.config = c,
        .data_dir = settings_str(config_section(c, ""), "data_dir"),
        .sends_nothing = cli_option(cli, "--no-mail") != NULL,
        .wait_s = (unsigned)wait_s};
    doctor_ok(
        &d, mem_printf("the configuration %s is good: channels %zu, CRM targets %zu",
                cli->config_path, config_count(c, SECTION_CHANNEL), config_count(c, SECTION_CRM)));
    check_libraries(&d);
    check_data_dir(&d);
    find_master(&d);
    check_port(&d);
    check_public(&d);
    check_limits(&d);
    doctor_redis(&d);
    doctor_channels(&d);
    doctor_oidc(&d);
    if (d.failures || d.warnings)
        printf("\n%u to mend, %u to look at\n", d.failures, d.warnings);
    else
        puts("\nall is well");
    config_destroy(&c);
    return d.failures ? CLI_FAILED : CLI_OK;
}
