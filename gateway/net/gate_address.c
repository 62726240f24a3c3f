/* gate_address.c - from "host:port" to a socket address. */
#include "net/gate_address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define BACKLOG 4096

int gate_address_parse(
    const char *text, struct sockaddr_storage *out, socklen_t *len_out, struct err *err) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    char *end = NULL;
    long port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || end == colon + 1 || *end || port < 0 || port > 65535 || colon[1] == '-')
        return err_set(err, ERR_INVALID, "listen = \"%.80s\" is not host:port", text);
    bool brackets = n > 1 && text[0] == '[' && text[n - 1] == ']';
    bool all = n == 0 || (n == 1 && text[0] == '*');
    if (!brackets && memchr(text, ':', n))
        return err_set(
            err, ERR_INVALID, "listen = \"%.80s\": an IPv6 address stands in brackets", text);
    char *host = brackets ? mem_strndup(text + 1, n - 2) : mem_strndup(text, n);
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    int rc = getaddrinfo(all ? "::" : host, colon + 1, &hints, &found);
    if (rc != 0 && all)
        rc = getaddrinfo("0.0.0.0", colon + 1, &hints, &found);
    free(host);
    if (rc != 0)
        return err_set(err, ERR_INVALID, "listen = \"%.80s\": %s", text, gai_strerror(rc));
    memcpy(out, found->ai_addr, found->ai_addrlen);
    *len_out = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int gate_address_listen(const char *text, struct err *err) {
    struct sockaddr_storage sa;
    socklen_t len;
    int on = 1, off = 0;
    if (gate_address_parse(text, &sa, &len, err) < 0)
        return -1;
    int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, ERR_IO, "socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    err_set(err, ERR_CONFLICT, "cannot listen on %.80s: %s", text,
        errno == EADDRINUSE ? "another program has this port in use (set listen to a free one)"
                            : strerror(errno));
    close(fd);
    return -1;
}
