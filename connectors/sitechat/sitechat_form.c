/* sitechat_form.c - the form before the talk: its fields, their checks, what is still missing. */
#include "connectors/sitechat/sitechat_form.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "model/phone.h"

#define NAME_POINTS 100
#define EMAIL_MAX 254

static const struct {
    const char *key;
    enum form_field bit;
} fields[] = {{"name", FORM_NAME}, {"email", FORM_EMAIL}, {"phone", FORM_PHONE}};

unsigned form_field_read(const char *text, bool *must_out) {
    size_t n = strcspn(text, "!");
    *must_out = strcmp(text + n, "!") == 0;
    if (text[n] && !*must_out)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strlen(fields[i].key) == n && strncmp(text, fields[i].key, n) == 0)
            return fields[i].bit;
    return 0;
}

int form_field_check(const char *text, struct err *err) {
    bool must;
    return form_field_read(text, &must) ? 0
                                        : err_set(err, ERR_INVALID,
                                              "\"%.20s\" is no field of the form; known are name, "
                                              "email and phone, with \"!\" when required",
                                              text);
}

static bool is_atom(unsigned char c) {
    return c > 0x20 && c != 0x7f && !strchr("@,;:<>()[]\"\\", c);
}

/* Softly: one "@", a dot in the domain, nothing that a mail's header would read as more than one
 * address. Whether it exists, only a mail to it can tell. */
static char *clean_email(const char *text) {
    const char *at = strchr(text, '@');
    const char *dot = at ? strrchr(at, '.') : NULL;
    size_t n = strlen(text);
    if (!at || at == text || !dot || dot == at + 1 || !dot[1] || n > EMAIL_MAX ||
        strchr(at + 1, '@'))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (text + i != at && !is_atom((unsigned char)text[i]))
            return NULL;
    char *clean = mem_strdup(text);
    for (char *c = clean + (at - text); *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return clean;
}

static char *clean_phone(const char *text) {
    char number[PHONE_SIZE];
    return phone_e164(text, "RU", number) == 0 ? mem_strdup(number) : NULL;
}

static char *trim(const char *text) {
    size_t n = strlen(text);
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    size_t skip = strspn(text, " \t\r\n");
    return skip < n ? mem_strndup(text + skip, n - skip) : mem_strdup("");
}

json_t *form_clean(const json_t *form, struct err *err) {
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *said = json_string_value(json_object_get(form, fields[i].key));
        char *text = trim(said ? said : "");
        char *clean = !*text                        ? NULL
                      : fields[i].bit == FORM_NAME  ? utf8_clean_name(text, NAME_POINTS)
                      : fields[i].bit == FORM_EMAIL ? clean_email(text)
                                                    : clean_phone(text);
        bool wrong = *text && (!clean || !*clean);
        if (clean && *clean)
            json_object_set_new(out, fields[i].key, json_string(clean));
        free(clean);
        free(text);
        if (wrong) {
            err_set(err, ERR_INVALID, "%s: this is no %s", fields[i].key,
                fields[i].bit == FORM_EMAIL   ? "e-mail address"
                : fields[i].bit == FORM_PHONE ? "phone number"
                                              : "name");
            json_decref(out);
            return NULL;
        }
    }
    return out;
}

const char *form_missing(unsigned must, const json_t *form, const json_t *user) {
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *key = fields[i].key;
        if ((must & fields[i].bit) && !json_object_get(form, key) && !json_object_get(user, key))
            return key;
    }
    return NULL;
}
