/* api_preferences.c - how an agent wants his pages: what he is told of and when not, colours,
 * language. What they mean is the page's affair; here they are checked and kept. */
#include <string.h>

#include "api/api_private.h"
#include "base/mem.h"

#define ONE "all" /* they are kept as one thing */

static const struct {
    const char *key;
    bool preset;
} flags[] = {
    {"mine", true}, {"unassigned", true}, {"mentions", true}, {"sound", true}, {"browser", false}};

static const char *const times[] = {"quiet_from", "quiet_to"};

/* With what holds where nothing was chosen. */
static json_t *complete(const json_t *given) {
    json_t *o = json_object();
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const json_t *v = json_object_get(given, flags[i].key);
        json_object_set_new(o, flags[i].key, json_boolean(v ? json_is_true(v) : flags[i].preset));
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        json_t *v = json_object_get(given, times[i]);
        json_object_set(o, times[i], v ? v : json_null());
    }
    json_t *theme = json_object_get(given, "theme"), *language = json_object_get(given, "language");
    json_object_set_new(o, "theme", theme ? json_incref(theme) : json_string("auto"));
    json_object_set(o, "language", language ? language : json_null());
    return o;
}

/* "HH:MM" */
static bool is_time(const char *s) {
    if (strlen(s) != 5 || s[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s[i] < '0' || s[i] > '9'))
            return false;
    return (s[0] - '0') * 10 + (s[1] - '0') < 24 && s[3] < '6';
}

static bool is_one_of(const json_t *v, const char *const *words) {
    for (; json_is_string(v) && *words; words++)
        if (strcmp(json_string_value(v), *words) == 0)
            return true;
    return false;
}

/* NULL is as good as absent where absent means nothing. */
static int check(const json_t *body, struct err *err) {
    static const char *const themes[] = {"auto", "light", "dark", NULL};
    static const char *const languages[] = {"ru", "en", NULL};
    const json_t *theme = json_object_get(body, "theme");
    const json_t *language = json_object_get(body, "language");
    size_t given = 0;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const json_t *v = json_object_get(body, flags[i].key);
        if (v && !json_is_boolean(v))
            return err_set(err, ERR_INVALID, "%s must be true or false", flags[i].key);
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        const json_t *v = json_object_get(body, times[i]);
        if (!v || json_is_null(v))
            continue;
        given++;
        if (!json_is_string(v) || !is_time(json_string_value(v)))
            return err_set(
                err, ERR_INVALID, "%s must be a time of day as \"22:00\", or null", times[i]);
    }
    if (given == 1)
        return err_set(err, ERR_INVALID, "quiet_from and quiet_to go together");
    if (theme && !is_one_of(theme, themes))
        return err_set(err, ERR_INVALID, "theme must be auto, light or dark");
    if (language && !json_is_null(language) && !is_one_of(language, languages))
        return err_set(err, ERR_INVALID, "language must be ru, en or null");
    return 0;
}

static void on_get(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200,
            json_pack("{s:o}", "preferences",
                complete(json_object_get(json_object_get(result, "things"), ONE))));
}

static void preferences_get(struct call *c) {
    api_own_shelf(c, "preferences", on_get);
}

HANDLER(api_preferences_get) {
    api_begin(api, x, SCOPE_READ, ROLE_AGENT, preferences_get);
}

static void on_put(void *arg, json_t *result, const struct err *err) {
    struct call *c = arg;
    (void)result;
    if (err)
        call_err(c, err);
    else
        call_ok(c, 200, json_pack("{s:O}", "preferences", c->keep));
}

static void preferences_put(struct call *c) {
    static const char *const known[] = {"mine", "unassigned", "mentions", "sound", "browser",
        "quiet_from", "quiet_to", "theme", "language", NULL};
    json_t *body = call_body(c, known);
    struct err err;
    if (!body)
        return;
    if (check(body, &err) < 0) {
        call_err(c, &err);
    } else {
        c->keep = complete(body);
        api_own_shelf_put(c, "preferences",
            &(struct store_shelf_put){.id = ONE, .thing = c->keep, .expected = -1, .max = 1}, NULL,
            on_put);
    }
    json_decref(body);
}

HANDLER(api_preferences_put) {
    api_begin(api, x, SCOPE_WRITE, ROLE_AGENT, preferences_put);
}
