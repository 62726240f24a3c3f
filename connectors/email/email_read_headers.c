/* email_read_headers.c - who, to whom, when, in answer to what. Where a header stands twice, the
 * first counts, everywhere: what is checked is what is shown. */
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_authres.h"
#include "connectors/email/email_charset.h"
#include "connectors/email/email_read_private.h"
#include "connectors/email/email_words.h"

#define VALUE_MAX (64u << 10)
#define YEAR_1990_MS INT64_C(631152000000)
#define YEAR_2100_MS INT64_C(4102444800000)

/* Without line ends; the white space of folding stays. The caller frees. */
static char *unfold(const char *raw) {
    size_t n = raw ? strnlen(raw, VALUE_MAX) : 0, out = 0;
    char *s = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        if (raw[i] != '\r' && raw[i] != '\n')
            s[out++] = raw[i];
    s[out] = '\0';
    return s;
}

/* Raw 8-bit octets become UTF-8, and encoded words good ones, before GMime sees them. */
char *email_header_unfold(struct email_mail *m, const char *raw) {
    char *s = unfold(raw);
    bool plain = true;
    for (const char *p = s; *p && plain; p++)
        plain = (unsigned char)*p < 0x80;
    char *text = plain ? NULL : email_charset_text(span_str(s), NULL, NULL, &m->guessed);
    if (text) {
        free(s);
        s = text;
    }
    if (!strstr(s, "=?"))
        return s;
    text = email_words_join(s, &m->guessed);
    free(s);
    return text;
}

/* *marks becomes true when invisible ones had to go. */
static char *clean_text(struct email_mail *m, const char *raw, bool *marks) {
    char *s = email_header_unfold(m, raw);
    char *decoded = g_mime_utils_header_decode_text(m->options, s);
    char *text = mem_strdup(decoded ? decoded : s);
    g_free(decoded);
    free(s);
    if (email_line_clean(text, VALUE_MAX))
        *marks = true;
    return text;
}

char *email_header_text(struct email_mail *m, const char *raw) {
    bool marks;
    return clean_text(m, raw, &marks);
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool is_address(const char *s) {
    const char *at = s ? strrchr(s, '@') : NULL;
    if (!at || at == s || !at[1] || strlen(s) > EMAIL_ADDRESS_MAX || !utf8_is_text(s, strlen(s)))
        return false;
    bool quoted = false;
    for (const char *p = s; *p; p++) {
        quoted = *p == '"' ? !quoted : quoted;
        if ((unsigned char)*p < 0x20 || *p == 0x7f || (*p == ' ' && !quoted) ||
            strchr("<>,;", *p) || ((unsigned char)*p == 0xc2 && (unsigned char)p[1] <= 0xa0))
            return false;
    }
    return !quoted;
}

static void add_person(struct email_mail *m, json_t *list, const char *name, const char *address) {
    char *shown = mem_strdup(name ? name : ""), *where = mem_strdup(address);
    if (email_line_clean(shown, EMAIL_NAME_MAX))
        email_note(m, "header_marks");
    email_line_clean(where, EMAIL_ADDRESS_MAX + 1);
    if (is_address(where))
        json_array_append_new(list, json_pack("{s:s,s:s}", "name", shown, "address", where));
    free(shown);
    free(where);
}

/* Groups are flattened; they cannot hold groups. */
static void add_people(
    struct email_mail *m, json_t *list, InternetAddressList *all, size_t max, bool in_group) {
    int n = all ? internet_address_list_length(all) : 0;
    for (int i = 0; i < n && json_array_size(list) < max; i++) {
        InternetAddress *one = internet_address_list_get_address(all, i);
        if (INTERNET_ADDRESS_IS_GROUP(one) && !in_group)
            add_people(m, list, internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one)),
                max, true);
        else if (INTERNET_ADDRESS_IS_MAILBOX(one))
            add_person(m, list, internet_address_get_name(one),
                internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one)));
    }
}

static json_t *people_of(struct email_mail *m, const char *raw, size_t max) {
    json_t *list = json_array();
    char *s = email_header_unfold(m, raw);
    InternetAddressList *all = internet_address_list_parse(m->options, s);
    add_people(m, list, all, max, false);
    if (all)
        g_object_unref(all);
    free(s);
    return list;
}

static void set_people(struct email_mail *m, const char *key, const char *raw, size_t max) {
    json_t *list = people_of(m, raw, max), *old = json_object_get(m->mail, key);
    /* To and Cc may stand twice: all are told. */
    if (old && max == EMAIL_RECIPIENTS_MAX) {
        size_t room = max - json_array_size(old);
        for (size_t i = 0; i < json_array_size(list) && i < room; i++)
            json_array_append(old, json_array_get(list, i));
    } else if (!old && json_array_size(list)) {
        json_object_set(m->mail, key, list);
    }
    json_decref(list);
}

static void on_from(struct email_mail *m, const char *raw) {
    if (json_object_get(m->mail, "from"))
        email_note(m, "several_from");
    else
        set_people(m, "from", raw, EMAIL_PEOPLE_MAX);
    if (json_array_size(json_object_get(m->mail, "from")) > 1)
        email_note(m, "several_from");
    else if (!json_object_get(m->mail, "from"))
        email_note(m, "bad_from");
}

static void on_delivered(struct email_mail *m, const char *raw) {
    json_t *list = json_object_get(m->mail, "delivered_to");
    json_t *people = people_of(m, raw, 1);
    const char *address = json_string_value(json_object_get(json_array_get(people, 0), "address"));
    if (address && !list) {
        list = json_array();
        json_object_set_new(m->mail, "delivered_to", list);
    }
    if (address && json_array_size(list) < EMAIL_PEOPLE_MAX)
        json_array_append_new(list, json_string(address));
    json_decref(people);
}

static void on_return_path(struct email_mail *m, const char *raw) {
    json_t *people = people_of(m, raw, 1);
    const char *address = json_string_value(json_object_get(json_array_get(people, 0), "address"));
    if (!json_object_get(m->mail, "return_path") && (address || strstr(raw, "<>")))
        json_object_set_new(m->mail, "return_path", json_string(address ? address : ""));
    json_decref(people);
}

/* --- ids ------------------------------------------------------------------------------------- */

static void add_id(json_t *list, struct span id) {
    char clean[EMAIL_ID_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (c == ' ' || c == '\t') /* folded inside */
            continue;
        if (c < 0x21 || c > 0x7e || n == EMAIL_ID_MAX)
            return;
        clean[n++] = (char)c;
    }
    if (n)
        json_array_append_new(list, json_stringn(clean, n));
}

/* All that stand in <>; without any, the words that have an "@". */
static json_t *ids_of(const char *raw) {
    json_t *list = json_array();
    char *s = unfold(raw);
    for (const char *p = strchr(s, '<'); p; p = strchr(p, '<')) {
        p++;
        size_t n = strcspn(p, "<>");
        add_id(list, span_of(p, n));
        p += n;
    }
    if (json_array_size(list) == 0)
        for (const char *p = s + strspn(s, " \t"); *p; p += strspn(p, " \t")) {
            size_t n = strcspn(p, " \t<>");
            if (n && memchr(p, '@', n))
                add_id(list, span_of(p, n));
            p += n + (p[n] == '<' || p[n] == '>');
        }
    free(s);
    return list;
}

static void on_message_id(struct email_mail *m, const char *raw) {
    json_t *list = ids_of(raw);
    if (json_array_size(list) == 0) { /* "<>" is none; "abc" without @ is one */
        char *s = unfold(raw);
        s[strcspn(s, "<>")] = '\0';
        add_id(list, span_str(s + strspn(s, " \t")));
        free(s);
    }
    if (json_array_size(list) && !json_object_get(m->mail, "message_id"))
        json_object_set(m->mail, "message_id", json_array_get(list, 0));
    json_decref(list);
}

static void set_ids(struct email_mail *m, const char *key, const char *raw, size_t max) {
    json_t *list = ids_of(raw);
    size_t n = json_array_size(list);
    if (n > max) { /* the newest stand last */
        json_t *rest = json_array();
        for (size_t i = n - max; i < n; i++)
            json_array_append(rest, json_array_get(list, i));
        json_decref(list);
        list = rest;
    }
    if (n && !json_object_get(m->mail, key))
        json_object_set(m->mail, key, list);
    json_decref(list);
}

/* --- the rest -------------------------------------------------------------------------------- */

static void on_date(struct email_mail *m, const char *raw) {
    char *s = unfold(raw);
    GDateTime *date = g_mime_utils_header_decode_date(s);
    int64_t ms = date ? g_date_time_to_unix(date) * 1000 : 0;
    if (date)
        g_date_time_unref(date);
    free(s);
    if (json_object_get(m->mail, "date_ms"))
        return;
    if (ms >= YEAR_1990_MS && ms < YEAR_2100_MS)
        json_object_set_new(m->mail, "date_ms", json_integer(ms));
    else
        email_note(m, "bad_date");
}

/* "<b>", "</p>", "<img src=..>"; not "<ann@example.org>". */
static bool has_markup(const char *s) {
    for (; (s = strchr(s, '<')); s++) {
        const char *name = s + 1 + (s[1] == '/'), *end = name;
        while (g_ascii_isalnum(*end))
            end++;
        if (g_ascii_isalpha(*name) && *end && strchr(" />", *end) && strchr(end, '>'))
            return true;
    }
    return false;
}

static void on_subject(struct email_mail *m, const char *raw) {
    bool marks = false;
    if (json_object_get(m->mail, "subject"))
        return;
    char *text = clean_text(m, raw, &marks);
    if (marks)
        email_note(m, "header_marks");
    email_line_clean(text, EMAIL_SUBJECT_MAX);
    if (has_markup(text))
        email_note(m, "subject_markup");
    json_object_set_new(m->mail, "subject", json_string(text));
    free(text);
}

static void on_ours(struct email_mail *m, const char *raw) {
    char *text = email_header_text(m, raw);
    email_line_clean(text, EMAIL_NAME_MAX);
    if (!json_object_get(m->mail, "ours"))
        json_object_set_new(m->mail, "ours", json_string(text));
    free(text);
}

static void on_auth(struct email_mail *m, const char *raw) {
    json_t *list = json_object_get(m->mail, "auth");
    if (json_array_size(list) >= EMAIL_AUTH_MAX)
        return;
    char *s = unfold(raw);
    json_t *o = email_authres(span_str(s));
    if (o && !list) {
        list = json_array();
        json_object_set_new(m->mail, "auth", list);
    }
    if (o)
        json_array_append_new(list, o);
    free(s);
}

static void on_people(struct email_mail *m, const char *name, const char *raw) {
    static const struct {
        const char *header, *key;
        size_t max;
    } list[] = {{"Sender", "sender", EMAIL_PEOPLE_MAX}, {"Reply-To", "reply_to", EMAIL_PEOPLE_MAX},
        {"To", "to", EMAIL_RECIPIENTS_MAX}, {"Cc", "cc", EMAIL_RECIPIENTS_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (strcasecmp(name, list[i].header) == 0)
            set_people(m, list[i].key, raw, list[i].max);
}

static void on_header(struct email_mail *m, const char *name, const char *raw) {
    static const struct {
        const char *name;
        void (*fn)(struct email_mail *m, const char *raw);
    } list[] = {{"From", on_from}, {"Subject", on_subject}, {"Date", on_date},
        {"Message-ID", on_message_id}, {"Delivered-To", on_delivered},
        {"X-Original-To", on_delivered}, {"Envelope-To", on_delivered},
        {"Return-Path", on_return_path}, {"Authentication-Results", on_auth},
        {"X-Switchboard", on_ours}};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (strcasecmp(name, list[i].name) == 0)
            list[i].fn(m, raw);
    if (strcasecmp(name, "References") == 0)
        set_ids(m, "references", raw, EMAIL_REFERENCES_MAX);
    else if (strcasecmp(name, "In-Reply-To") == 0)
        set_ids(m, "in_reply_to", raw, EMAIL_REPLIES_MAX);
    else
        on_people(m, name, raw);
    char *s = unfold(raw);
    email_signs_header(
        &m->signs, name, span_of(s + strspn(s, " \t"), strlen(s + strspn(s, " \t"))));
    free(s);
}

void email_read_headers(struct email_mail *m) {
    GMimeHeaderList *all =
        m->message ? g_mime_object_get_header_list(GMIME_OBJECT(m->message)) : NULL;
    int n = all ? g_mime_header_list_get_count(all) : 0, hops = 0;
    bool has_from = false, has_date = false;
    for (int i = 0; i < n; i++) {
        GMimeHeader *h = g_mime_header_list_get_header_at(all, i);
        const char *name = g_mime_header_get_name(h), *raw = g_mime_header_get_raw_value(h);
        if (!name || !raw)
            continue;
        hops += strcasecmp(name, "Received") == 0;
        has_from = has_from || strcasecmp(name, "From") == 0;
        has_date = has_date || strcasecmp(name, "Date") == 0;
        on_header(m, name, raw);
    }
    if (!has_from)
        email_note(m, "no_from");
    if (!has_date)
        email_note(m, "no_date");
    json_object_set_new(m->mail, "hops", json_integer(hops));
    const json_t *from = json_array_get(json_object_get(m->mail, "from"), 0);
    const char *address = json_string_value(json_object_get(from, "address"));
    const char *subject = json_string_value(json_object_get(m->mail, "subject"));
    email_signs_sender(&m->signs, address ? address : "");
    email_signs_subject(&m->signs, subject ? subject : "");
}
