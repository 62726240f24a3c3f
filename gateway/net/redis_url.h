/* redis_url.h - where a Redis is and how to sign in, from its URL. Pure. */
#ifndef SB_NET_REDIS_URL_H
#define SB_NET_REDIS_URL_H

#include "base/err.h"

struct redis_url {
    char *path; /* unix socket, or NULL */
    char *host;
    int port;
    char *user, *password; /* NULL: none */
    int db;
};

/* unix:///path[?db=N] or redis://[user:pass@]host[:port][/db]; host may be [v6]; user and password
 * are percent-decoded, and an only part before the @ is "user:" as in ":secret@". On -1 nothing is
 * kept and err (without the password) is set. */
int redis_url_parse(const char *text, struct redis_url *out, struct err *err);
void redis_url_free(struct redis_url *u);

#endif
