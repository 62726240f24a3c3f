/* whatsapp_templates.c - the account's templates, page by page, for the inbox and for those who
 * send. Source: WhatsApp Business Management API, "Message templates". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_private.h"
#include "connectors/whatsapp/whatsapp_template.h"

#define PAGE 200
#define PAGES_MAX 30 /* an account has 6,000 at most */
#define LIST_MS                                                                                    \
    2000 /* from one reading to the next: a hundred that change are not read so often              \
          */

struct reading {
    struct whatsapp *w;
    json_t *list;
    unsigned pages;
};

static void read_page(struct reading *r, const char *after);

static void end(struct reading *r, bool good) {
    struct whatsapp *w = r->w;
    if (good)
        connector_templates(&w->base, json_incref(r->list));
    json_decref(r->list);
    free(r);
    w->is_listing = false;
    if (w->list_again && !w->stopping)
        whatsapp_templates(w);
}

/* Only what may stand in a query as it is. */
static bool is_cursor(const char *s) {
    return s && *s && strlen(s) < 1000 &&
           s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-")] ==
               '\0';
}

static void on_page(void *arg, const struct whatsapp_answer *a, const struct err *err, bool sent) {
    struct reading *r = arg;
    size_t i;
    json_t *entry;
    (void)sent;
    if (err || a->cls != WHATSAPP_OK) {
        LOG_WARN(r->w->base.env->log, "whatsapp.no_templates", LOG_S("channel", r->w->base.channel),
            LOG_E(err ? err : &a->err));
        end(r, false); /* the list of before stays */
        return;
    }
    json_array_foreach(json_object_get(a->result, "data"), i, entry) {
        json_t *t = whatsapp_template_read(entry);
        if (t)
            json_array_append_new(r->list, t);
    }
    const json_t *paging = json_object_get(a->result, "paging");
    const char *after =
        json_string_value(json_object_get(json_object_get(paging, "cursors"), "after"));
    if (json_object_get(paging, "next") && is_cursor(after) && ++r->pages < PAGES_MAX)
        read_page(r, after);
    else
        end(r, true);
}

static void read_page(struct reading *r, const char *after) {
    char *path = mem_printf("%s/message_templates?fields=name,language,status,category,components,"
                            "parameter_format&limit=%d%s%s",
        r->w->waba_id, PAGE, *after ? "&after=" : "", after);
    struct whatsapp_request rq = {.method = "GET", .path = path};
    whatsapp_request(r->w, &rq, on_page, r);
    free(path);
}

static void list_now(void *arg) {
    struct whatsapp *w = arg;
    loop_timer_stop(&w->list_timer);
    if (!w->stopping)
        whatsapp_templates(w);
}

void whatsapp_templates(struct whatsapp *w) {
    uint64_t now = clock_mono_ms(), next = w->listed_ms ? w->listed_ms + LIST_MS : 0;
    w->list_again = w->is_listing;
    if (w->is_listing || w->list_timer)
        return;
    if (now < next) {
        w->list_timer = loop_timer_start(w->base.env->loop, next - now, 0, list_now, w);
        return;
    }
    w->listed_ms = now;
    w->is_listing = true;
    struct reading *r = mem_alloc(sizeof *r);
    *r = (struct reading){.w = w, .list = json_array()};
    read_page(r, "");
}
