/* recipients.c - see recipients.h. */
#include "base/json_text.h"
#include "model/recipients.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"

static bool is(const json_t *o, const char *status) {
    return strcmp(json_text(o, "status"), status) == 0;
}

static json_t *find(const json_t *list, const char *address) {
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)list, i, o) {
        if (strcasecmp(json_text(o, "address"), address) == 0)
            return o;
    }
    return NULL;
}

/* May what is known be replaced by this? */
static bool is_newer(const json_t *known, const json_t *news) {
    static const char *const earlier[] = {"queued", "unknown", "sent", "delayed"};
    if (is(known, "delivered") || is(known, "failed"))
        return false;
    const json_t *was = json_object_get(known, "error"), *now = json_object_get(news, "error");
    if (is(known, json_text(news, "status")))
        return (was || now) && !json_equal(was, now);
    if (is(news, "delivered") || is(news, "failed"))
        return true;
    for (size_t i = ARRAY_LEN(earlier); i-- > 0;) {
        if (is(known, earlier[i]))
            return false;
        if (is(news, earlier[i]))
            return true;
    }
    return false;
}

static int put(json_t *list, const json_t *news, int64_t now_ms) {
    char when[CLOCK_TEXT_SIZE];
    json_t *known = find(list, json_text(news, "address"));
    if (!*json_text(news, "address") || (known && !is_newer(known, news)) ||
        (!known && json_array_size(list) >= RECIPIENTS_MAX_LISTED))
        return 0;
    if (!known) {
        known = json_pack("{s:O}", "address", json_object_get(news, "address"));
        json_array_append_new(list, known);
    }
    json_object_set(known, "status", json_object_get(news, "status"));
    json_object_set_new(known, "at", json_string(clock_format(now_ms, when)));
    if (json_object_get(news, "error"))
        json_object_set(known, "error", json_object_get(news, "error"));
    else
        json_object_del(known, "error");
    return 1;
}

static bool all_are(const json_t *list, const char *status) {
    size_t i;
    json_t *o;
    json_array_foreach((json_t *)list, i, o) {
        if (!is(o, status))
            return false;
    }
    return json_array_size(list) > 0;
}

static const char *fate_of(const json_t *list) {
    return all_are(list, "failed") ? "failed" : all_are(list, "delivered") ? "delivered" : "";
}

int recipients_merge(json_t *body, const json_t *news, int64_t now_ms, const char **fate_out) {
    json_t *list = json_object_get(body, "recipients"), *one;
    int changed = 0;
    size_t i;
    *fate_out = list ? "" : fate_of(news);
    if (**fate_out)
        return 0;
    if (!list) {
        list = json_array();
        json_object_set_new(body, "recipients", list);
    }
    json_array_foreach((json_t *)news, i, one) {
        changed |= put(list, one, now_ms);
    }
    *fate_out = fate_of(list);
    return changed;
}

void recipients_line(const json_t *news, char *out, size_t size) {
    static const char *const all[] = {
        "sent", "delivered", "queued", "delayed", "unknown", "failed"};
    size_t n = 0;
    out[0] = '\0';
    if (json_array_size(news) == 1) {
        const json_t *o = json_array_get(news, 0);
        snprintf(out, size, "%s %s", json_text(o, "address"), json_text(o, "status"));
        return;
    }
    for (size_t k = 0; k < ARRAY_LEN(all); k++) {
        size_t i, count = 0;
        json_t *o;
        json_array_foreach((json_t *)news, i, o) {
            count += is(o, all[k]);
        }
        if (count && n < size)
            n += (size_t)snprintf(out + n, size - n, "%s%zu %s", n ? ", " : "", count, all[k]);
    }
}
