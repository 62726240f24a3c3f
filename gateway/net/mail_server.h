/* mail_server.h - how a server for mails is named: its URL, who logs in and with what. Pure. */
#ifndef SB_NET_MAIL_SERVER_H
#define SB_NET_MAIL_SERVER_H

#include <stdbool.h>

#include "base/err.h"

struct sockaddr;

struct mail_server {
    const char *url;      /* imaps://host[:port], imap://host[:port] (STARTTLS forced), and
                             imap+plain:// (no TLS: only to loopback); smtps, smtp, smtp+plain */
    const char *user;     /* NULL: no login */
    const char *password; /* NULL with bearer */
    const char *bearer;   /* an access token: XOAUTH2 or OAUTHBEARER; NULL */
    const char *ca_file;  /* PEM of the only authorities to trust; NULL: the system's */
    bool allow_private;   /* private and loopback addresses too */
};

/* scheme: "imap" or "smtp". The host is a name, an IPv4 or a bracketed IPv6 address; nothing but
 * one slash may follow. 0, or -1 with a sentence for the administrator (ERR_INVALID). */
int mail_server_url_check(const char *url, const char *scheme, struct err *err);

bool mail_server_is_plain(const char *url); /* "+plain": no TLS */

/* The URL as curl takes it: without "+plain". The caller frees. */
char *mail_server_curl_url(const char *url);

/* May this address of the server be connected to? The public internet; with allow_private all;
 * without TLS only loopback. */
bool mail_server_address_ok(const struct mail_server *server, const struct sockaddr *address);

#endif
