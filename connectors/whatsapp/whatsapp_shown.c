/* whatsapp_shown.c - what the client sees of our reading and typing: both are told for his last
 * message, whose id is the route. Source: Cloud API, "Mark messages as read", "Typing indicators".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_compose.h"
#include "connectors/whatsapp/whatsapp_private.h"

#define TYPING_MS 20000 /* it shows for 25 s */
#define READ_MS 600000  /* what was read stays read */

static void on_told(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    (void)arg;
    (void)a;
    (void)err;
    (void)sent; /* a mark that gets lost is no message that gets lost */
}

/* Was this told a moment ago? Writes it down if not. */
static bool is_told(struct whatsapp *w, const char *wamid, bool typing, uint64_t now) {
    struct whatsapp_shown *slot = NULL;
    for (size_t i = 0; i < ARRAY_LEN(w->shown); i++)
        if (strcmp(w->shown[i].wamid, wamid) == 0 && w->shown[i].typing == typing)
            slot = &w->shown[i];
    if (slot && now < slot->until_ms)
        return true;
    if (!slot)
        slot = &w->shown[w->shown_next++ % ARRAY_LEN(w->shown)];
    snprintf(slot->wamid, sizeof slot->wamid, "%s", wamid);
    slot->typing = typing;
    slot->until_ms = now + (typing ? TYPING_MS : READ_MS);
    return false;
}

static void tell(struct whatsapp *w, const struct identity *to, const char *wamid, bool typing) {
    uint64_t now = clock_mono_ms();
    if (!to->kind || strcmp(to->kind, WHATSAPP_KIND) != 0 || !wamid ||
        strncmp(wamid, "wamid.", 6) != 0 || w->stopping || now < w->blocked_until_ms ||
        is_told(w, wamid, typing, now))
        return;
    json_t *body = whatsapp_compose_read(wamid, typing);
    char *path = mem_printf("%s/messages", w->number_id);
    struct whatsapp_request rq = {.method = "POST", .path = path, .body = body};
    whatsapp_request(w, &rq, on_told, NULL);
    json_decref(body);
    free(path);
}

/* Typing cannot be shown without marking as read: whoever types has read. */
void whatsapp_typing(struct connector *c, const struct identity *to, const char *route, bool on) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    if (on && w->read_receipts)
        tell(w, to, route, true);
}

void whatsapp_read(struct connector *c, const struct identity *to, const char *route) {
    struct whatsapp *w = container_of(c, struct whatsapp, base);
    if (w->read_receipts)
        tell(w, to, route, false);
}
