/* http_private.h - what http_server.c, http_exchange.c, http_body.c and http_reply.c share. */
#ifndef SB_NET_HTTP_PRIVATE_H
#define SB_NET_HTTP_PRIVATE_H

#include "base/buf.h"
#include "loop/loop_mhd.h"
#include "net/http_ahead.h"
#include "net/http_head.h"
#include "net/http_server.h"
#include "net/peers.h"

#define HTTP_PATH_ARGS 6u
#define HTTP_ANSWER_HEADERS 24u

struct http_table {
    struct http_table *next;
    const struct http_route *routes;
    void *arg;
};

struct http_server {
    const struct env *env;
    struct http_limits limits; /* its list of proxies is in trusted */
    struct loop_mhd *mhd;
    struct http_table *tables, **tables_last;
    struct peer_nets trusted;
    unsigned open; /* exchanges not answered yet */
    bool quiesced;
};

/* A connection, from its adoption to its end. */
struct http_conn {
    struct peer_ip ip; /* of the socket */
    bool trusted;      /* it is a proxy of ours */
    struct peer_ticket ticket;
    struct http_ahead ahead;
};

/* A string that lives as long as the exchange. */
struct http_kept {
    struct http_kept *next;
    char *text;
};

struct http_path_arg {
    struct span name; /* inside the route's pattern */
    char *value;
};

enum stream_state { STREAM_NONE, STREAM_OPEN, STREAM_ENDED, STREAM_ABANDONED };

struct http_exchange {
    struct http_server *server;
    struct loop_mhd_request *rq;
    struct http_conn *conn;
    uint64_t started_us;
    char *path;         /* without the query */
    struct span query;  /* behind the path, in the same memory */
    const char *method; /* "GET" for HEAD is not said here: as sent */
    struct http_field *fields;
    size_t n_fields;
    struct http_path_arg args[HTTP_PATH_ARGS];
    size_t n_args;
    struct http_kept *kept;
    char peer[PEER_IP_TEXT], peer_group[PEER_IP_TEXT];
    bool tls;
    const struct http_route *route;
    void *route_arg;
    struct buf body;
    uint64_t body_seen;
    struct http_stream stream;
    enum stream_state stream_state;
    bool answered;
    bool close; /* the connection ends after the answer */
    struct loop_mhd_header headers[HTTP_ANSWER_HEADERS];
    size_t n_headers;
};

/* Finds the route: 0 and fills route, route_arg and args; else the status of the refusal: 404,
 * 405 (allow is filled), 400 (an argument is malformed). */
int http_server_route(struct http_exchange *x, struct buf *allow);

/* Events of the loop's guest, for the server. */
void http_exchange_on_head(void *server, struct loop_mhd_request *rq);
void http_exchange_on_body(void *server, struct loop_mhd_request *rq, struct span data);
void http_exchange_on_complete(void *server, struct loop_mhd_request *rq);
void http_exchange_on_gone(void *server, struct loop_mhd_request *rq);

/* The raw value of a request's header; NULL span when absent. */
struct span http_exchange_field(const struct http_exchange *x, const char *name);

#endif
