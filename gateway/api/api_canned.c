/* api_canned.c - canned answers: texts that admins keep and agents use. What their placeholders
 * stand for the page fills in; here they are only known to be such. */
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"
#include "base/utf8.h"

#define CANNED_MAX 1000
#define SHORTCUT_MAX 32
#define TITLE_MAX 100
#define TEXT_MAX 10000

static const char *const placeholders[] = {
    "client.name", "client.first_name", "client.phone", "client.email", "agent.name", "channel"};

static bool is_placeholder(const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (strlen(placeholders[i]) == n && memcmp(placeholders[i], name, n) == 0)
            return true;
    return false;
}

/* A typing error in one would be sent to clients as it stands. */
static int check_placeholders(const char *text, struct err *err) {
    for (const char *at = strstr(text, "{{"); at; at = strstr(at, "{{")) {
        const char *end = strstr(at, "}}");
        if (!end || !is_placeholder(at + 2, (size_t)(end - at - 2)))
            return err_set(err, ERR_INVALID,
                "\"%.*s\" is no placeholder; known are {{client.name}}, {{client.first_name}}, "
                "{{client.phone}}, {{client.email}}, {{agent.name}} and {{channel}}",
                (int)utf8_prefix(at, strlen(at), 24), at);
        at = end + 2;
    }
    return 0;
}

static int check_canned(json_t *body, struct err *err) {
    const json_t *shortcut = json_object_get(body, "shortcut");
    const char *text = json_string_value(json_object_get(body, "text"));
    if (api_check_text(body, "shortcut", SHORTCUT_MAX, true, err) < 0 ||
        api_check_text(body, "title", TITLE_MAX, false, err) < 0 ||
        api_check_text(body, "text", TEXT_MAX, true, err) < 0)
        return -1;
    if (!utf8_is_word(json_string_value(shortcut), json_string_length(shortcut)) ||
        strpbrk(json_string_value(shortcut), " /"))
        return err_set(err, ERR_INVALID, "shortcut must be one word without \"/\"");
    if (!json_is_string(json_object_get(body, "title")))
        json_object_set_new(body, "title", json_string(""));
    return check_placeholders(text, err);
}

static const char *const keys[] = {"shortcut", "title", "text", NULL};
const struct shelf_kind shelf_canned = {.name = "canned",
    .one = "canned",
    .keys = keys,
    .max = CANNED_MAX,
    .reader = ROLE_AGENT,
    .check = check_canned};
