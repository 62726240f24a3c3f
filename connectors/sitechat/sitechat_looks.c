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

static const char *const languages[] = {"en", "ru"};

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

/* {"en":"...","ru":"..."} of key_en, key_ru; languages without a text are left out. */
static void add_texts(json_t *out, const char *name, const struct settings *s, const char *key) {
    json_t *texts = json_object();
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        char *full = mem_printf("%s_%s", key, languages[i]);
        const char *text = settings_str(s, full);
        if (text && *text)
            json_object_set_new(texts, languages[i], json_string(text));
        free(full);
    }
    if (json_object_size(texts))
        json_object_set(out, name, texts);
    json_decref(texts);
}

static json_t *list_json(const char *const *list) {
    json_t *out = json_array();
    for (size_t i = 0; list && list[i]; i++)
        if (*list[i])
            json_array_append_new(out, json_string(list[i]));
    return out;
}

static int add_answers(json_t *out, const struct settings *s, struct err *err) {
    json_t *answers = json_object();
    int rc = 0;
    for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
        char *key = mem_printf("quick_answers_%s", languages[i]);
        json_t *list = list_json(settings_list(s, key));
        if (json_array_size(list) > ANSWERS_MAX)
            rc = err_set(err, ERR_INVALID, "%s: at most %d", key, ANSWERS_MAX);
        else if (json_array_size(list))
            json_object_set(answers, languages[i], list);
        json_decref(list);
        free(key);
    }
    if (json_object_size(answers))
        json_object_set(out, "answers", answers);
    json_decref(answers);
    return rc;
}

static int read_form(struct sitechat *site, const struct settings *s, struct err *err) {
    const char *const *list = settings_list(s, "form");
    json_t *form = json_array();
    unsigned asked = 0;
    int rc = 0;
    for (size_t i = 0; list && list[i]; i++) {
        bool must = false;
        unsigned bit = form_field_read(list[i], &must);
        if (asked & bit)
            rc = err_set(err, ERR_INVALID, "form: \"%.20s\" is asked twice", list[i]);
        asked |= bit;
        if (must)
            site->form_must |= bit;
        if (bit)
            json_array_append_new(form, json_string(list[i]));
    }
    if (asked)
        json_object_set(site->looks, "form", form);
    json_decref(form);
    return rc;
}

int looks_read(struct sitechat *site, const struct settings *s, struct err *err) {
    const char *consent = settings_str(s, "consent"), *url = settings_str(s, "consent_url");
    site->asks_rating = settings_bool(s, "rating");
    site->consent_required = strcmp(consent, "required") == 0;
    site->consent_version = mem_strdup(settings_str(s, "consent_version"));
    site->looks = json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:b}", "site", site->base.channel, "color",
        settings_str(s, "color"), "position", settings_str(s, "position"), "consent", consent,
        "consentVersion", site->consent_version, "rating", (int)site->asks_rating, "sound",
        (int)settings_bool(s, "sound"));
    if (!site->looks)
        return err_set(err, ERR_INTERNAL, "the chat's looks cannot be told");
    if (url && *url)
        json_object_set_new(site->looks, "consentUrl", json_string(url));
    add_texts(site->looks, "title", s, "title");
    add_texts(site->looks, "greeting", s, "greeting");
    add_texts(site->looks, "offline", s, "offline");
    add_texts(site->looks, "consentText", s, "consent_text");
    return add_answers(site->looks, s, err) < 0 ? -1 : read_form(site, s, err);
}

void looks_free(struct sitechat *site) {
    json_decref(site->looks);
    site->looks = NULL;
    free(site->consent_version);
    site->consent_version = NULL;
}
