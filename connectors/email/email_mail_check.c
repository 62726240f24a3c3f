/* email_mail_check.c - one table of what may stand in a mail, and small checks for each kind. */
#include "base/json_strict.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_frame.h"
#include "connectors/email/email_report.h"

#define DEPTH_MAX 5
#define PARTS_BYTES_MAX (INT64_C(1) << 40)

struct field {
    const char *key;
    /* max: bytes of a string, entries of a list, or the number itself. */
    bool (*check)(const json_t *v, size_t max);
    size_t max;
    bool required;
};

static bool check_object(const json_t *o, const struct field *fields) {
    const char *key;
    json_t *v;
    size_t required = 0;
    if (!json_is_object(o))
        return false;
    json_object_foreach((json_t *)(uintptr_t)o, key, v) {
        const struct field *f = fields;
        while (f->key && strcmp(f->key, key) != 0)
            f++;
        if (!f->key || !f->check(v, f->max))
            return false;
        required += f->required;
    }
    for (; fields->key; fields++)
        required -= fields->required;
    return required == 0;
}

static bool check_list(const json_t *list, size_t max, bool (*check)(const json_t *v)) {
    if (!json_is_array(list) || json_array_size(list) > max)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!check(json_array_get(list, i)))
            return false;
    return true;
}

/* --- strings and numbers --------------------------------------------------------------------- */

static bool is_text(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    return s && n <= max && utf8_is_text(s, n) && !memchr(s, '\r', n);
}

static bool is_line(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    return is_text(v, max) && !strpbrk(s, "\n\t");
}

static bool is_word_of(const json_t *v, const char *const *words) {
    for (; json_is_string(v) && *words; words++)
        if (strcmp(json_string_value(v), *words) == 0)
            return true;
    return false;
}

static bool is_count(const json_t *v, size_t max) {
    return json_is_integer(v) && json_integer_value(v) >= 0 &&
           (uint64_t)json_integer_value(v) <= max;
}

static bool is_date(const json_t *v, size_t max) {
    (void)max;
    return json_is_integer(v) && json_integer_value(v) > INT64_C(600000000000) &&
           json_integer_value(v) < INT64_C(4200000000000);
}

static bool is_yes(const json_t *v, size_t max) {
    (void)max;
    return json_is_true(v);
}

/* Printable ASCII without spaces. */
static bool is_id(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    if (!s || !*s || json_string_length(v) > max)
        return false;
    for (; *s; s++)
        if (*s <= 0x20 || *s >= 0x7f)
            return false;
    return true;
}

static bool is_lower_word(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    return s && *s && json_string_length(v) <= max &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-/")] == '\0';
}

/* --- lists ----------------------------------------------------------------------------------- */

static bool is_address(const json_t *v, size_t max) {
    const char *s = json_string_value(v), *at = s ? strrchr(s, '@') : NULL;
    return is_line(v, max) && at && at != s && at[1] && !strpbrk(s, "<>");
}

static bool is_one_address(const json_t *v) {
    return is_address(v, EMAIL_ADDRESS_MAX);
}

static bool is_addresses(const json_t *v, size_t max) {
    return check_list(v, max, is_one_address);
}

static bool is_address_or_none(const json_t *v, size_t max) {
    return is_address(v, max) || (json_is_string(v) && json_string_length(v) == 0);
}

static bool is_person(const json_t *v) {
    static const struct field fields[] = {{"name", is_line, EMAIL_NAME_MAX, true},
        {"address", is_address, EMAIL_ADDRESS_MAX, true}, {0}};
    return check_object(v, fields);
}

static bool is_people(const json_t *v, size_t max) {
    return check_list(v, max, is_person);
}

static bool is_one_id(const json_t *v) {
    return is_id(v, EMAIL_ID_MAX);
}

static bool is_ids(const json_t *v, size_t max) {
    return check_list(v, max, is_one_id);
}

static bool is_note(const json_t *v) {
    return is_lower_word(v, 40);
}

static bool is_notes(const json_t *v, size_t max) {
    return check_list(v, max, is_note);
}

static bool is_auto(const json_t *v, size_t max) {
    static const char *const words[] = {"reply", "bulk", "list", "bounce", NULL};
    (void)max;
    return is_word_of(v, words);
}

static bool is_auth(const json_t *v) {
    static const struct field fields[] = {{"server", is_id, 255, true}, {"spf", is_id, 100, false},
        {"dkim", is_id, 100, false}, {"dmarc", is_id, 100, false}, {0}};
    return check_object(v, fields);
}

static bool is_auths(const json_t *v, size_t max) {
    return check_list(v, max, is_auth);
}

/* --- report and parts ------------------------------------------------------------------------ */

static bool is_recipient(const json_t *v) {
    static const struct field fields[] = {{"address", is_line, 320, true},
        {"action", is_lower_word, 40, true}, {"status", is_lower_word, 12, false},
        {"diagnostic", is_line, 500, false}, {"remote_mta", is_line, 320, false}, {0}};
    return check_object(v, fields);
}

static bool is_recipients(const json_t *v, size_t max) {
    return check_list(v, max, is_recipient);
}

static bool is_kind(const json_t *v, size_t max) {
    static const char *const words[] = {"delivery", "read", NULL};
    (void)max;
    return is_word_of(v, words);
}

static bool is_report(const json_t *v, size_t max) {
    static const struct field fields[] = {{"kind", is_kind, 0, true},
        {"original", is_ids, EMAIL_REPORT_IDS_MAX, true},
        {"recipients", is_recipients, EMAIL_REPORT_RECIPIENTS_MAX, true}, {0}};
    (void)max;
    return check_object(v, fields);
}

static bool is_what(const json_t *v, size_t max) {
    static const char *const words[] = {"html", "attachment", "inline", NULL};
    (void)max;
    return is_word_of(v, words);
}

static bool is_mime(const json_t *v, size_t max) {
    const char *s = json_string_value(v), *slash = s ? strchr(s, '/') : NULL;
    if (!is_id(v, max) || !slash || slash == s || !slash[1] || strchr(slash + 1, '/'))
        return false;
    return !strpbrk(s, "\"\\;,<>()@:[]?=ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static bool is_file_name(const json_t *v, size_t max) {
    const char *s = json_string_value(v);
    return is_line(v, max) && *s && *s != '.' && !strpbrk(s, "/\\:*?\"<>|");
}

static bool is_part(const json_t *v) {
    static const struct field fields[] = {{"what", is_what, 0, true},
        {"name", is_file_name, EMAIL_NAME_MAX, true}, {"mime", is_mime, 101, true},
        {"cid", is_line, EMAIL_ID_MAX, false}, {"size", is_count, PARTS_BYTES_MAX, true}, {0}};
    return check_object(v, fields);
}

static bool is_parts(const json_t *v, size_t max) {
    if (!check_list(v, max, is_part))
        return false;
    for (size_t i = 1; i < json_array_size(v); i++) {
        const char *what = json_string_value(json_object_get(json_array_get(v, i), "what"));
        if (strcmp(what, "html") == 0) /* the first only */
            return false;
    }
    return true;
}

/* --- the mail -------------------------------------------------------------------------------- */

/* An offset into the text, never its beginning, on a whole character. */
static bool is_offset_in_text(const json_t *mail, const char *key) {
    const json_t *v = json_object_get(mail, key), *text = json_object_get(mail, "text");
    if (!v)
        return true;
    json_int_t at = json_integer_value(v);
    return at > 0 && (size_t)at < json_string_length(text) &&
           ((unsigned char)json_string_value(text)[at] & 0xc0) != 0x80;
}

static bool sizes_fit(const json_t *mail, uint64_t bytes_max) {
    const json_t *parts = json_object_get(mail, "parts");
    uint64_t sum = 0;
    for (size_t i = 0; i < json_array_size(parts); i++)
        sum += (uint64_t)json_integer_value(json_object_get(json_array_get(parts, i), "size"));
    return sum <= bytes_max;
}

json_t *email_mail_check(struct span json, json_t *text, uint64_t bytes_max, struct err *err) {
    static const struct field fields[] = {{"message_id", is_id, EMAIL_ID_MAX, false},
        {"in_reply_to", is_ids, EMAIL_REPLIES_MAX, false},
        {"references", is_ids, EMAIL_REFERENCES_MAX, false},
        {"from", is_people, EMAIL_PEOPLE_MAX, false},
        {"sender", is_people, EMAIL_PEOPLE_MAX, false},
        {"reply_to", is_people, EMAIL_PEOPLE_MAX, false},
        {"to", is_people, EMAIL_RECIPIENTS_MAX, false},
        {"cc", is_people, EMAIL_RECIPIENTS_MAX, false},
        {"delivered_to", is_addresses, EMAIL_PEOPLE_MAX, false},
        {"return_path", is_address_or_none, EMAIL_ADDRESS_MAX, false},
        {"subject", is_line, EMAIL_SUBJECT_MAX, false}, {"date_ms", is_date, 0, false},
        {"text", is_text, EMAIL_TEXT_MAX, false}, {"text_cut", is_yes, 0, false},
        {"quoted_at", is_count, EMAIL_TEXT_MAX, false},
        {"signature_at", is_count, EMAIL_TEXT_MAX, false}, {"auto", is_auto, 0, false},
        {"ours", is_line, EMAIL_NAME_MAX, false}, {"hops", is_count, 1000000, true},
        {"auth", is_auths, EMAIL_AUTH_MAX, false}, {"report", is_report, 0, false},
        {"notes", is_notes, EMAIL_NOTES_MAX, true}, {"parts", is_parts, EMAIL_PARTS_MAX, true},
        {0}};
    json_t *mail = json_strict_parse(json, DEPTH_MAX, err);
    bool has_text = json_object_get(mail, "text") != NULL;
    bool good = mail && has_text == !text && check_object(mail, fields);
    if (good && text)
        json_object_set(mail, "text", text);
    if (good && is_offset_in_text(mail, "quoted_at") && is_offset_in_text(mail, "signature_at") &&
        sizes_fit(mail, bytes_max))
        return mail;
    json_decref(mail);
    err_set(err, ERR_PROTOCOL, "the mail's reader tells a mail that cannot be");
    return NULL;
}
