/* mail_server.c - see mail_server.h. */
#include "net/mail_server.h"

#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "net/peer_ip.h"

#define HOST_MAX 253u
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* After "://", or NULL. Sets *plain. */
static const char *after_scheme(const char *url, const char *scheme, bool *plain) {
    size_t n = strlen(scheme);
    *plain = false;
    if (!url || strncmp(url, scheme, n) != 0)
        return NULL;
    url += n;
    if (strncmp(url, "://", 3) == 0)
        return url + 3;
    if (strncmp(url, "s://", 4) == 0)
        return url + 4;
    *plain = strncmp(url, "+plain://", 9) == 0;
    return *plain ? url + 9 : NULL;
}

/* The host's length, or 0. */
static size_t host_length(const char *host) {
    struct peer_ip ip;
    if (host[0] == '[') {
        size_t n = strcspn(host, "]");
        return host[n] && peer_ip_parse(span_of(host + 1, n - 1), &ip) && memchr(host, ':', n)
                   ? n + 1
                   : 0;
    }
    size_t n = strspn(host, ALNUM ".-_");
    return n <= HOST_MAX && host[0] != '.' && host[0] != '-' ? n : 0;
}

static bool port_is_good(const char *p, size_t n) {
    unsigned long port = 0;
    for (size_t i = 0; i < n; i++)
        port = port * 10 + (unsigned long)(p[i] - '0');
    return n >= 1 && n <= 5 && port >= 1 && port <= 65535;
}

int mail_server_url_check(const char *url, const char *scheme, struct err *err) {
    bool plain;
    const char *p = after_scheme(url, scheme, &plain);
    if (!p)
        return err_set(err, ERR_INVALID,
            "the server is named by %ss://host, %s://host (STARTTLS) or %s+plain://host", scheme,
            scheme, scheme);
    size_t n = host_length(p);
    if (!n)
        return err_set(err, ERR_INVALID, "the server's address has no good host name");
    p += n;
    if (*p == ':') {
        n = strspn(++p, "0123456789");
        if (n > 5 || !port_is_good(p, n))
            return err_set(err, ERR_INVALID, "the server's port is not one of 1 to 65535");
        p += n;
    }
    if (*p && strcmp(p, "/") != 0)
        return err_set(err, ERR_INVALID,
            "nothing may follow the server's host and port: the login is given apart");
    return 0;
}

bool mail_server_is_plain(const char *url) {
    const char *end = strstr(url, "://");
    return end && end - url > 6 && strncmp(end - 6, "+plain", 6) == 0;
}

char *mail_server_curl_url(const char *url) {
    const char *end = strstr(url, "://");
    if (!end || !mail_server_is_plain(url))
        return mem_strdup(url);
    return mem_printf("%.*s%s", (int)(end - url - 6), url, end);
}

static bool is_loopback(const struct peer_ip *ip) {
    static const unsigned char v6[16] = {[15] = 1};
    return peer_ip_is_v4(ip) ? ip->b[12] == 127 : memcmp(ip->b, v6, sizeof v6) == 0;
}

bool mail_server_address_ok(const struct mail_server *server, const struct sockaddr *address) {
    struct peer_ip ip;
    if (!peer_ip_from_sockaddr(address, &ip))
        return false;
    if (mail_server_is_plain(server->url))
        return is_loopback(&ip);
    return server->allow_private || peer_ip_is_public(&ip);
}
