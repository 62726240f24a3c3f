/* http_refusal.c - see the header. */
#include "net/http_refusal.h"

#include <stdio.h>

#include "net/http_status.h"

static const char *advice(int status) {
    if (status == 429 || status == 503)
        return "Retry-After: 2\r\n";
    if (status == 426)
        return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    return "";
}

void http_refusal_write(struct buf *out, int status, const char *code, const char *detail) {
    const char *title = http_status_title(status);
    char body[768];
    int n = snprintf(body, sizeof body,
        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":\"%"
        "s\"}",
        title, status, code, detail);
    buf_init(out, HTTP_REFUSAL_MAX);
    buf_addf(out,
        "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n"
        "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%sConnection: "
        "close\r\n\r\n%s",
        status, title, n, advice(status), body);
}
