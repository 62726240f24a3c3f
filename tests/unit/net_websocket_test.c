/* net_websocket_test.c - websockets through the gate: handshakes, messages, closing, slow readers.
 */
#include "net_server_trial.h"

#define HANDSHAKE                                                                                  \
    "GET /ws/test HTTP/1.1\r\nHost: x:1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "           \
    "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"    \
    "Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: c=42\r\n"

static size_t frame(char *out, int opcode, bool fin, const char *p, size_t n) {
    size_t at = 0;
    out[at++] = (char)((fin ? 0x80 : 0) | opcode);
    out[at++] = (char)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        out[at++] = (char)(n >> 8);
        out[at++] = (char)n;
    }
    memcpy(out + at, "\1\2\3\4", 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        out[at++] = p[i] ^ "\1\2\3\4"[i % 4];
    return at;
}

static int ws_dial(struct trial *t, const char *more) {
    char head[2048];
    size_t n = 0;
    int fd = dial(t);
    char *handshake = mem_printf(HANDSHAKE "%s\r\n", more);
    send_all(fd, handshake, strlen(handshake));
    free(handshake);
    while (n < sizeof head - 1 && recv(fd, head + n, 1, 0) == 1) {
        head[++n] = '\0';
        if (n > 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
            break;
    }
    if (strncmp(head, "HTTP/1.1 101", 12) == 0) {
        assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_null(strstr(head, "xtensions"));
        return fd;
    }
    close(fd);
    return -(int)strtol(head + 9, NULL, 10);
}

static void ws_say(int fd, int opcode, bool fin, const char *p, size_t n) {
    char *out = mem_alloc(n + 16);
    send_all(fd, out, frame(out, opcode, fin, p, n));
    free(out);
}

/* One frame from the server: its opcode, or -1 at the end. */
static int ws_hear(int fd, char *out, size_t size, size_t *n_out) {
    unsigned char h[4];
    if (recv(fd, h, 2, MSG_WAITALL) != 2)
        return -1;
    size_t n = h[1];
    if (n == 126) {
        assert_int_equal(recv(fd, h + 2, 2, MSG_WAITALL), 2);
        n = (size_t)h[2] << 8 | h[3];
    }
    assert_true(n < size);
    if (n)
        assert_int_equal(recv(fd, out, n, MSG_WAITALL), n);
    out[n] = '\0';
    *n_out = n;
    return h[0] & 15;
}

static void hears(int fd, const char *text) {
    char got[8192];
    size_t n;
    assert_int_equal(ws_hear(fd, got, sizeof got, &n), 1);
    assert_string_equal(got, text);
}

static void is_closed_with(int fd, int code) {
    char got[8192];
    size_t n;
    assert_int_equal(ws_hear(fd, got, sizeof got, &n), 8);
    assert_true(n >= 2);
    assert_int_equal((unsigned char)got[0] << 8 | (unsigned char)got[1], code);
    close(fd);
}

static void test_websocket_messages(void **state) {
    struct trial *t = *state;
    char big[5001], out[16];
    memset(big, 'b', 5000);
    big[5000] = '\0';
    int fd = ws_dial(t, "Origin: http://good.example\r\n");
    assert_true(fd >= 0);
    ws_say(fd, 1, true, "hello", 5);
    hears(fd, "hello");
    ws_say(fd, 1, true, "", 0);
    hears(fd, "");
    ws_say(fd, 1, true, big, 5000);
    hears(fd, big);
    ws_say(fd, 1, false, "\xe2\x82", 2);
    ws_say(fd, 9, true, "p", 1); /* a ping between the pieces */
    ws_say(fd, 0, true, "\xac", 1);
    size_t n;
    int first = ws_hear(fd, big, sizeof big, &n);
    int second = ws_hear(fd, big, sizeof big, &n);
    assert_true((first == 1 && second == 10) || (first == 10 && second == 1));
    n = frame(out, 1, true, "bytes", 5);
    for (size_t i = 0; i < n; i++) {
        send_all(fd, out + i, 1);
        usleep(200);
    }
    hears(fd, "bytes");
    ws_say(fd, 1, true, "who", 3);
    hears(fd, "127.0.0.1 x:1 42");
    ws_say(fd, 8, true, "\x03\xe8", 2);
    is_closed_with(fd, 1000);
}

static void test_websocket_closes(void **state) {
    struct trial *t = *state;
    char big[5001];
    memset(big, 'b', sizeof big);
    int fd = ws_dial(t, "");
    ws_say(fd, 1, true, "close", 5);
    hears(fd, "bye");
    is_closed_with(fd, 4401);
    fd = ws_dial(t, "");
    ws_say(fd, 1, true, big, 5001);
    is_closed_with(fd, 1009);
    fd = ws_dial(t, "");
    ws_say(fd, 1, false, big, 5000);
    ws_say(fd, 0, true, big, 1);
    is_closed_with(fd, 1009);
    fd = ws_dial(t, "");
    ws_say(fd, 2, true, "x", 1);
    is_closed_with(fd, 1003);
    fd = ws_dial(t, "");
    ws_say(fd, 1, true, "\xc0\xaf", 2);
    is_closed_with(fd, 1007);
}

static void test_websocket_refusals(void **state) {
    struct trial *t = *state;
    int fds[6];
    assert_int_equal(ws_dial(t, "Origin: http://evil.example\r\n"), -403);
    assert_int_equal(ws_dial(t, "Origin: null\r\n"), -403);
    answers(t,
        "GET /ws/other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "HTTP/1.1 404", NULL);
    usleep(100000); /* the earlier tests' sessions end */
    for (int i = 0; i < 6; i++)
        fds[i] = ws_dial(t, "");
    assert_true(fds[4] >= 0);
    assert_int_equal(fds[5], -429);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    usleep(100000);
}

static void test_a_slow_reader_is_cut_and_others_are_served(void **state) {
    struct trial *t = *state;
    int good = ws_dial(t, ""), slow = dial(t), small = 2048;
    setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    send_all(slow, HANDSHAKE "\r\n", strlen(HANDSHAKE "\r\n"));
    usleep(50000);
    char *request =
        mem_printf("POST /publish HTTP/1.1\r\n" LAST "Content-Length: 20000\r\n\r\n%20000s", "x");
    char *got = mem_alloc(65536);
    size_t n;
    bool cut = false;
    for (int i = 0; i < 1000 && !cut; i++) {
        talk(t, request);
        cut = strstr(t->answer, "\"taken\":1}") != NULL;
        assert_int_equal(ws_hear(good, got, 65536, &n), 1);
        assert_int_equal(n, 20000);
    }
    assert_true(cut);
    free(got);
    free(request);
    close(good);
    close(slow);
    usleep(100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_websocket_messages),
        cmocka_unit_test(test_websocket_closes),
        cmocka_unit_test(test_websocket_refusals),
        cmocka_unit_test(test_a_slow_reader_is_cut_and_others_are_served),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
