/* sitechat_looks.c - what the admin sets for the pages: colour, texts by language, the form, the
 * consent. Checked here, and made into the object that the loader and the panel are given. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/sitechat/sitechat_form.h"
#include "connectors/sitechat/sitechat_private.h"

#define LINE_POINTS 80
#define TEXT_POINTS 600
#define URL_BYTES 1000
#define VERSION_BYTES 60
#define ANSWERS_MAX 6

/* What the pages are given, under the settings' own names; empty ones are left out. */
static const struct {
    const char *key;
    enum setting_type type;
} shown[] = {{"color", SETTING_STRING}, {"position", SETTING_ENUM}, {"title_en", SETTING_STRING},
    {"title_ru", SETTING_STRING}, {"greeting_en", SETTING_STRING}, {"greeting_ru", SETTING_STRING},
    {"offline_en", SETTING_STRING}, {"offline_ru", SETTING_STRING},
    {"quick_answers_en", SETTING_LIST}, {"quick_answers_ru", SETTING_LIST}, {"form", SETTING_LIST},
    {"consent", SETTING_ENUM}, {"consent_text_en", SETTING_STRING},
    {"consent_text_ru", SETTING_STRING}, {"consent_url", SETTING_STRING},
    {"consent_version", SETTING_STRING}, {"rating", SETTING_BOOL}, {"sound", SETTING_BOOL}};

int looks_color_check(const char *text, struct err *err) {
    bool good = text[0] == '#' && strlen(text) == 7 &&
                text[1 + strspn(text + 1, "0123456789abcdefABCDEF")] == '\0';
    return good ? 0 : err_set(err, ERR_INVALID, "a colour is \"#\" and six hexadecimal digits");
}

static int text_check(const char *text, size_t points, struct err *err) {
    if (!utf8_is_text(text, strlen(text)))
        return err_set(err, ERR_INVALID, "it has control characters");
    if (utf8_length(text, strlen(text)) > points)
        return err_set(err, ERR_INVALID, "it is longer than %zu characters", points);
    return 0;
}

int looks_line_check(const char *text, struct err *err) {
    if (strpbrk(text, "\r\n"))
        return err_set(err, ERR_INVALID, "it must be one line");
    return text_check(text, LINE_POINTS, err);
}

int looks_text_check(const char *text, struct err *err) {
    return text_check(text, TEXT_POINTS, err);
}

int looks_url_check(const char *text, struct err *err) {
    bool web = strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
    if (*text && (!web || strlen(text) > URL_BYTES || strpbrk(text, " \t\r\n\"<>\\")))
        return err_set(err, ERR_INVALID, "it must be an address that begins with https://");
    return 0;
}

int looks_version_check(const char *text, struct err *err) {
    size_t n = strlen(text);
    bool good = n >= 1 && n <= VERSION_BYTES && utf8_is_text(text, n) && !strpbrk(text, "\r\n\t");
    return good ? 0 : err_set(err, ERR_INVALID, "it must be 1 to %d bytes of text", VERSION_BYTES);
}

/* --- the object ------------------------------------------------------------------------------ */

static json_t *list_json(const char *const *list) {
    json_t *out = json_array();
    for (size_t i = 0; list && list[i]; i++)
        if (*list[i])
            json_array_append_new(out, json_string(list[i]));
    return out;
}

static void add_shown(json_t *out, const struct settings *s, size_t i) {
    const char *key = shown[i].key;
    if (shown[i].type == SETTING_BOOL) {
        json_object_set_new(out, key, json_boolean(settings_bool(s, key)));
    } else if (shown[i].type == SETTING_LIST) {
        json_t *list = list_json(settings_list(s, key));
        if (json_array_size(list))
            json_object_set(out, key, list);
        json_decref(list);
    } else {
        const char *text = settings_str(s, key);
        if (text && *text)
            json_object_set_new(out, key, json_string(text));
    }
}

static int read_form(struct sitechat *site, const struct settings *s, struct err *err) {
    const char *const *list = settings_list(s, "form");
    unsigned asked = 0;
    for (size_t i = 0; list && list[i]; i++) {
        bool must = false;
        unsigned bit = form_field_read(list[i], &must);
        if (asked & bit)
            return err_set(err, ERR_INVALID, "form: \"%.20s\" is asked twice", list[i]);
        asked |= bit;
        if (must)
            site->form_must |= bit;
    }
    return 0;
}

int looks_read(struct sitechat *site, const struct settings *s, struct err *err) {
    site->asks_rating = settings_bool(s, "rating");
    site->consent_required = strcmp(settings_str(s, "consent"), "required") == 0;
    site->consent_version = mem_strdup(settings_str(s, "consent_version"));
    site->looks = json_pack("{s:s}", "site", site->base.channel);
    if (!site->looks)
        return err_set(err, ERR_INTERNAL, "the chat's looks cannot be told");
    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        add_shown(site->looks, s, i);
        if (strncmp(shown[i].key, "quick", 5) == 0 &&
            json_array_size(json_object_get(site->looks, shown[i].key)) > ANSWERS_MAX)
            return err_set(err, ERR_INVALID, "%s: at most %d", shown[i].key, ANSWERS_MAX);
    }
    return read_form(site, s, err);
}

void looks_free(struct sitechat *site) {
    json_decref(site->looks);
    site->looks = NULL;
    free(site->consent_version);
    site->consent_version = NULL;
}
