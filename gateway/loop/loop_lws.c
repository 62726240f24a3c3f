/* loop_lws.c - libwebsockets on the loop. Its virtual host has no listening socket, no files and no
 * extensions, and hangs up on everything that is not a websocket handshake. */
#include "loop/loop_lws.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "loop/loop_guest.h"

#define RX_BUFFER 512      /* of each session: larger messages come in pieces */
#define TX_PACKET 65536    /* else libwebsockets cuts messages into pieces of RX_BUFFER */
#define HEADERS_SIZE 12288 /* of a handshake, during it only */
#define SOCKETS_MAX 65536u
#define HANDSHAKES 64 /* at a time; others wait their turn */

static_assert(LOOP_LWS_ROOM >= LWS_PRE, "LOOP_LWS_ROOM is too small");

struct loop_lws {
    struct loop *loop;
    struct loop_lws_events events;
    struct lws_context *context; /* set to NULL by libwebsockets when it is really gone */
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    lws_retry_bo_t liveness;
    void *foreign_loops[1];
    struct lws *newest; /* made by the adoption that is going on */
};

static struct lws *raw(struct loop_lws_conn *c) {
    return (struct lws *)(void *)c;
}

static int on_receive(struct loop_lws *l, struct lws *wsi, void *session, void *in, size_t n) {
    struct loop_lws_piece piece = {.data = span_of(in, n),
        .first = lws_is_first_fragment(wsi),
        .more = lws_remaining_packet_payload(wsi),
        .binary = lws_frame_is_binary(wsi)};
    piece.last = piece.more == 0 && lws_is_final_fragment(wsi);
    lws_validity_confirmed(wsi);
    return l->events.on_piece(session, &piece);
}

/* A session that was never opened gets no on_closed: libwebsockets also reports CLOSED for
 * connections whose handshake failed, so on_closed is given for opened ones only, by net's own
 * mark. */
static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n) {
    const struct lws_protocols *protocol = lws_get_protocol(wsi);
    struct loop_lws *l = protocol ? protocol->user : NULL;
    void *session = l ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    if (reason == LWS_CALLBACK_WSI_CREATE && l)
        l->newest = wsi;
    if (reason == LWS_CALLBACK_HTTP)
        return -1;
    if (!session)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return l->events.on_open(session, (struct loop_lws_conn *)(void *)wsi);
    case LWS_CALLBACK_RECEIVE:
        return on_receive(l, wsi, session, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return l->events.on_writable(session);
    case LWS_CALLBACK_RECEIVE_PONG:
        l->events.on_alive(session);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return l->events.on_peer_close(session);
    case LWS_CALLBACK_CLOSED:
        l->events.on_closed(session);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (l->newest == wsi)
            l->newest = NULL;
        lws_set_opaque_user_data(wsi, NULL);
        l->events.on_gone(session);
        return 0;
    default:
        return 0;
    }
}

/* libwebsockets makes tables as large as the limit of descriptors, which may be a million: it sees
 * a smaller one. */
static struct lws_context *create_context(struct lws_context_creation_info *info) {
    struct rlimit real, small;
    getrlimit(RLIMIT_NOFILE, &real);
    small = real;
    if (small.rlim_cur > SOCKETS_MAX)
        small.rlim_cur = SOCKETS_MAX;
    setrlimit(RLIMIT_NOFILE, &small);
    struct lws_context *context = lws_create_context(info);
    setrlimit(RLIMIT_NOFILE, &real);
    return context;
}

struct loop_lws *loop_lws_create(const struct env *env, const struct loop_lws_events *events,
    unsigned ping_s, unsigned hangup_s) {
    struct loop_lws *l = mem_zalloc(sizeof *l);
    struct lws_context_creation_info info = {0};
    l->loop = env->loop;
    l->events = *events;
    l->foreign_loops[0] = loop_uv(env->loop);
    l->liveness.secs_since_valid_ping = (uint16_t)ping_s;
    l->liveness.secs_since_valid_hangup = (uint16_t)hangup_s;
    l->protocols[0] = (struct lws_protocols){.name = "switchboard",
        .callback = on_event,
        .rx_buffer_size = RX_BUFFER,
        .tx_packet_size = TX_PACKET,
        .user = l};
    lws_set_log_level(LLL_ERR, NULL);
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    info.foreign_loops = l->foreign_loops;
    info.pcontext = &l->context;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.max_http_header_data = HEADERS_SIZE;
    info.max_http_header_pool = HANDSHAKES;
    info.retry_and_idle_policy = &l->liveness;
    info.protocols = l->protocols;
    info.vhost_name = "switchboard";
    l->context = create_context(&info);
    l->vhost = l->context ? lws_create_vhost(l->context, &info) : NULL;
    if (!l->vhost) {
        fputs("libwebsockets does not start; is libwebsockets-evlib-uv installed?\n", stderr);
        abort();
    }
    lws_set_log_level(0, NULL); /* what strangers do is not for its log */
    return l;
}

/* The rest of the destruction, when libuv has closed its handles. */
static void finish(void *arg) {
    struct loop_lws *l = arg;
    if (l->context)
        lws_context_destroy(l->context);
    if (!l->context)
        free(l);
}

void loop_lws_destroy(struct loop_lws **l_) {
    struct loop_lws *l = *l_;
    if (!l)
        return;
    *l_ = NULL;
    lws_context_destroy(l->context); /* on a loop that is not its own this only begins it */
    loop_at_end(l->loop, finish, l);
}

void loop_lws_adopt(struct loop_lws *l, int fd, void *session) {
    lws_adopt_desc_t desc = {.vh = l->vhost,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL,
        .fd = {.sockfd = fd},
        .opaque = session};
    l->newest = NULL;
    if (lws_adopt_descriptor_vhost_via_info(&desc))
        return;
    if (l->newest) /* half made: its own end must not find the session again */
        lws_set_opaque_user_data(l->newest, NULL);
    l->events.on_gone(session);
}

/* RFC 6455, 5.2: FIN and opcode 1, then the length; a server does not mask. */
size_t loop_lws_head(char head[LOOP_LWS_HEAD], size_t n) {
    unsigned wide = n < 126 ? 0 : n < 65536 ? 2 : 8;
    head[0] = (char)0x81;
    head[1] = (char)(wide == 0 ? n : wide == 2 ? 126 : 127);
    for (unsigned i = 0; i < wide; i++)
        head[2 + i] = (char)((uint64_t)n >> 8 * (wide - 1 - i));
    return 2 + wide;
}

int loop_lws_write(struct loop_lws_conn *c, char *p, size_t n) {
    if (lws_write(raw(c), (unsigned char *)p, n, LWS_WRITE_RAW) >= 0)
        return 0;
    loop_lws_cut(c, 0);
    return -1;
}

bool loop_lws_is_blocked(struct loop_lws_conn *c) {
    return lws_partial_buffered(raw(c));
}

void loop_lws_want_write(struct loop_lws_conn *c) {
    lws_callback_on_writable(raw(c));
}

/* By hand: with lws_close_reason() and -1, Debian's debug build of libwebsockets 4.1 on libuv kills
 * the connection before its close frame is written. */
int loop_lws_write_close(struct loop_lws_conn *c, int code, const char *reason) {
    unsigned char bytes[LWS_PRE + 127], *p = bytes + LWS_PRE;
    size_t n = reason ? strlen(reason) : 0;
    if (n > 123)
        n = 123;
    p[0] = 0x88; /* FIN, opcode 8 */
    p[1] = (unsigned char)(n + 2);
    p[2] = (unsigned char)(code >> 8);
    p[3] = (unsigned char)code;
    if (n)
        memcpy(p + 4, reason, n);
    return lws_write(raw(c), p, n + 4, LWS_WRITE_RAW) < 0 ? -1 : 0;
}

/* A timeout that is set from outside of libwebsockets is noticed only at its next turn. */
void loop_lws_cut(struct loop_lws_conn *c, unsigned after_s) {
    if (after_s)
        lws_set_timeout(raw(c), PENDING_TIMEOUT_CLOSE_SEND, (int)after_s);
    else
        lws_set_timeout(raw(c), PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
    lws_cancel_service(lws_get_context(raw(c)));
}
