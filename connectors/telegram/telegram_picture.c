/* telegram_picture.c - the bot's picture, for the admin's page. Without one nothing is amiss.
 * Source: Bot API 10.3, "getUserProfilePhotos", "getFile". */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "connectors/telegram/telegram_private.h"

#define PICTURE_MAX (256u << 10)
#define WIDTH_WANTED 160
#define TIMEOUT_MS 30000

struct picture {
    struct telegram *t;
    unsigned generation;
};

static void on_picture(
    void *arg, const struct http_answer *answer, const struct err *err, bool sent) {
    struct picture *p = arg;
    struct telegram *t = p->t;
    bool current = p->generation == t->generation && t->mine;
    (void)sent;
    free(p);
    if (err || answer->status != 200 || !answer->body.n || !current)
        return;
    connector_picture(&t->base, answer->body);
    t->has_picture = true;
    connector_ready(&t->base);
}

static void on_file(void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct picture *p = arg;
    const char *path = err ? NULL : json_string_value(json_object_get(a->result, "file_path"));
    (void)sent;
    if (!path || !telegram_is_plain_path(path)) { /* also one on the disk of a server of our own */
        free(p);
        return;
    }
    char *url = telegram_file_url(p->t, path);
    struct http_request h = {.method = "GET",
        .url = url,
        .timeout_ms = TIMEOUT_MS,
        .answer_max = PICTURE_MAX,
        .allow_private = !p->t->is_cloud,
        .allow_plain = !p->t->is_cloud};
    http_call_start(p->t->base.client, &h, on_picture, p);
    explicit_bzero(url, strlen(url));
    free(url);
}

/* The first size that is wide enough, else the widest. */
static const char *choose(const json_t *sizes) {
    const char *id = NULL;
    json_int_t best = 0;
    size_t i;
    json_t *s;
    json_array_foreach((json_t *)sizes, i, s) {
        json_int_t width = json_integer_value(json_object_get(s, "width"));
        if (best >= WIDTH_WANTED && (width < WIDTH_WANTED || width >= best))
            continue;
        if (best < WIDTH_WANTED && width <= best)
            continue;
        best = width;
        id = json_string_value(json_object_get(s, "file_id"));
    }
    return id;
}

static void on_photos(
    void *arg, const struct telegram_answer *a, const struct err *err, bool sent) {
    struct picture *p = arg;
    const char *id = err ? NULL : choose(json_array_get(json_object_get(a->result, "photos"), 0));
    (void)sent;
    if (!id) {
        free(p);
        return;
    }
    json_t *params = json_pack("{s:s}", "file_id", id);
    struct telegram_request rq = {.method = "getFile", .params = params};
    telegram_request(p->t, &rq, on_file, p);
    json_decref(params);
}

void telegram_picture(struct telegram *t) {
    struct picture *p = mem_alloc(sizeof *p);
    *p = (struct picture){t, t->generation};
    json_t *params = json_pack("{s:I,s:i}", "user_id", (json_int_t)t->bot_id, "limit", 1);
    struct telegram_request rq = {.method = "getUserProfilePhotos", .params = params};
    telegram_request(t, &rq, on_photos, p);
    json_decref(params);
}
