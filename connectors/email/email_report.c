/* email_report.c - fields are unfolded line by line; a blank line ends a recipient. */
#include "connectors/email/email_report.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/email/email_charset.h"

#define FIELD_MAX 2000
#define ADDRESS_MAX 320
#define DIAGNOSTIC_MAX 500
#define DIAGNOSTIC_LINES 6

static struct span trimmed(struct span s) {
    while (s.n && isspace((unsigned char)s.p[0]))
        s = span_of(s.p + 1, s.n - 1);
    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The next line without its end; false when there is none. */
static bool next_line(struct span *rest, struct span *line) {
    if (rest->n == 0)
        return false;
    const char *end = memchr(rest->p, '\n', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    *line = span_of(rest->p, n && rest->p[n - 1] == '\r' ? n - 1 : n);
    n += end != NULL;
    *rest = span_of(rest->p + n, rest->n - n);
    return true;
}

/* Sets o[key] to the text as one clean line of at most max bytes, unless it is empty or was told.
 */
static void set_text(json_t *o, const char *key, struct span s, size_t max) {
    if (s.n == 0 || json_object_get(o, key))
        return;
    char *text =
        email_charset_text(span_of(s.p, s.n < FIELD_MAX ? s.n : FIELD_MAX), NULL, NULL, NULL);
    email_line_clean(text, max);
    if (*text)
        json_object_set_new(o, key, json_string(text));
    free(text);
}

static void add_id(json_t *ids, struct span s) {
    s = trimmed(s);
    const char *open = s.n ? memchr(s.p, '<', s.n) : NULL;
    if (open)
        s = span_of(open + 1, s.n - (size_t)(open + 1 - s.p));
    const char *close = s.n ? memchr(s.p, '>', s.n) : NULL;
    if (close)
        s.n = (size_t)(close - s.p);
    if (s.n == 0 || s.n > ADDRESS_MAX || !memchr(s.p, '@', s.n) ||
        json_array_size(ids) >= EMAIL_REPORT_IDS_MAX)
        return;
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
            return;
    for (size_t i = 0; i < json_array_size(ids); i++)
        if (span_eq(s, json_string_value(json_array_get(ids, i))))
            return;
    json_array_append_new(ids, json_stringn(s.p, s.n));
}

/* --- fields ---------------------------------------------------------------------------------- */

/* "rfc822; a@b" or "smtp; 550 no": what follows the first ';', if any. */
static struct span after_type(struct span s) {
    const char *semicolon = s.n ? memchr(s.p, ';', s.n) : NULL;
    if (semicolon)
        s = span_of(semicolon + 1, s.n - (size_t)(semicolon + 1 - s.p));
    return trimmed(s);
}

static struct span without_brackets(struct span s) {
    if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        return span_of(s.p + 1, s.n - 2);
    return s;
}

static void set_lower(json_t *o, const char *key, struct span s) {
    char word[41];
    size_t n = 0;
    while (n < s.n && n < sizeof word - 1 && isalnum((unsigned char)s.p[n])) {
        word[n] = (char)tolower((unsigned char)s.p[n]);
        n++;
    }
    word[n] = '\0';
    if (n && !json_object_get(o, key))
        json_object_set_new(o, key, json_string(word));
}

static void set_status(json_t *o, struct span s) {
    size_t n = 0;
    while (n < s.n && n < 12 && (isdigit((unsigned char)s.p[n]) || s.p[n] == '.'))
        n++;
    if (n >= 5 && !json_object_get(o, "status"))
        json_object_set_new(o, "status", json_stringn(s.p, n));
}

static void on_field(json_t *o, json_t *ids, struct span name, struct span value) {
    if (span_ieq(name, "Final-Recipient"))
        set_text(o, "address", without_brackets(after_type(value)), ADDRESS_MAX);
    else if (span_ieq(name, "Original-Recipient"))
        set_text(o, "original", without_brackets(after_type(value)), ADDRESS_MAX);
    else if (span_ieq(name, "Action"))
        set_lower(o, "action", value);
    else if (span_ieq(name, "Status"))
        set_status(o, value);
    else if (span_ieq(name, "Diagnostic-Code"))
        set_text(o, "diagnostic", after_type(value), DIAGNOSTIC_MAX);
    else if (span_ieq(name, "Remote-MTA"))
        set_text(o, "remote_mta", after_type(value), ADDRESS_MAX);
    else if (span_ieq(name, "Disposition"))
        set_lower(o, "action", after_type(value));
    else if (ids && span_ieq(name, "Original-Message-ID"))
        add_id(ids, value);
}

static void end_recipient(json_t **o, json_t *recipients) {
    json_t *original = json_incref(json_object_get(*o, "original"));
    json_object_del(*o, "original");
    /* The address that we sent to, where a forwarder on the way has another. */
    if (original)
        json_object_set(*o, "address", original);
    json_decref(original);
    if (json_object_get(*o, "address") && json_object_get(*o, "action") &&
        json_array_size(recipients) < EMAIL_REPORT_RECIPIENTS_MAX)
        json_array_append(recipients, *o);
    json_decref(*o);
    *o = json_object();
}

static void read_fields(struct span part, json_t *recipients, json_t *ids) {
    json_t *o = json_object();
    struct buf field;
    struct span line;
    bool more = true;
    buf_init(&field, FIELD_MAX);
    while (more) {
        more = next_line(&part, &line);
        bool folded = more && line.n && (line.p[0] == ' ' || line.p[0] == '\t');
        struct span text = more ? trimmed(line) : span_of(NULL, 0);
        if (folded && text.n) {
            buf_adds(&field, " ");
            buf_add(&field, text.p, text.n < FIELD_MAX / 2 ? text.n : FIELD_MAX / 2);
            continue;
        }
        const char *colon = field.n ? memchr(field.p, ':', field.n) : NULL;
        if (colon) {
            size_t n = (size_t)(colon - field.p);
            on_field(
                o, ids, trimmed(span_of(field.p, n)), trimmed(span_of(colon + 1, field.n - n - 1)));
        }
        buf_reset(&field);
        field.failed = false;
        if (text.n == 0)
            end_recipient(&o, recipients);
        else
            buf_add(&field, text.p, text.n < FIELD_MAX ? text.n : FIELD_MAX);
    }
    buf_free(&field);
    json_decref(o);
}

void email_report_delivery(struct span part, json_t *recipients) {
    read_fields(part, recipients, NULL);
}

void email_report_disposition(struct span part, json_t *recipients, json_t *ids) {
    read_fields(part, recipients, ids);
}

/* --- plain words ----------------------------------------------------------------------------- */

void email_report_ids(struct span text, json_t *ids) {
    struct span line;
    bool wanted = false;
    while (next_line(&text, &line)) {
        struct span s = trimmed(line);
        if (wanted && s.n)
            add_id(ids, s); /* the value stands on the next line */
        wanted = false;
        if (s.n < 11 || strncasecmp(s.p, "message-id:", 11) != 0)
            continue;
        s = trimmed(span_of(s.p + 11, s.n - 11));
        wanted = s.n == 0;
        add_id(ids, s);
    }
}

/* The address that a line consists of: "<a@b>:", "  a@b", "a@b (reason)" is none. */
static struct span address_of(struct span line) {
    struct span s = trimmed(line);
    if (s.n && s.p[s.n - 1] == ':')
        s = trimmed(span_of(s.p, s.n - 1));
    s = without_brackets(s);
    const char *at = s.n && s.n <= ADDRESS_MAX ? memchr(s.p, '@', s.n) : NULL;
    if (!at || at == s.p || at + 1 == s.p + s.n)
        return span_of(NULL, 0);
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && (unsigned char)s.p[i] < 0x80 &&
            (s.p[i] == '\0' || !strchr("@._+-=/!#$%&'*?^`{|}~", s.p[i])))
            return span_of(NULL, 0);
    return s;
}

/* The first "5.1.1" or "4.2.2" in the text. */
static void find_status(json_t *o, struct span s) {
    for (size_t i = 0; i + 5 <= s.n; i++) {
        bool fresh = i == 0 || !(isalnum((unsigned char)s.p[i - 1]) || s.p[i - 1] == '.');
        if (!fresh || (s.p[i] != '2' && s.p[i] != '4' && s.p[i] != '5') || s.p[i + 1] != '.' ||
            !isdigit((unsigned char)s.p[i + 2]))
            continue;
        size_t n = 2;
        while (i + n < s.n && n < 5 && isdigit((unsigned char)s.p[i + n]))
            n++;
        if (i + n + 1 >= s.n || s.p[i + n] != '.' || !isdigit((unsigned char)s.p[i + n + 1]))
            continue;
        size_t end = i + n + 1;
        while (end < s.n && end < i + n + 4 && isdigit((unsigned char)s.p[end]))
            end++;
        if (end < s.n &&
            (isdigit((unsigned char)s.p[end]) ||
                (s.p[end] == '.' && end + 1 < s.n && isdigit((unsigned char)s.p[end + 1]))))
            continue; /* an IP address */
        json_object_set_new(o, "status", json_stringn(s.p + i, end - i));
        return;
    }
}

/* The lines after an address, until an empty one. */
static void add_diagnostic(json_t *o, struct span rest) {
    struct buf text;
    struct span line;
    buf_init(&text, FIELD_MAX);
    for (size_t i = 0; i < DIAGNOSTIC_LINES && next_line(&rest, &line); i++) {
        struct span s = trimmed(line);
        if (s.n == 0 && text.n)
            break;
        if (address_of(line).n)
            break;
        buf_adds(&text, text.n ? " " : "");
        buf_add(&text, s.p, s.n < DIAGNOSTIC_MAX ? s.n : DIAGNOSTIC_MAX);
    }
    set_text(o, "diagnostic", buf_span(&text), DIAGNOSTIC_MAX);
    find_status(o, buf_span(&text));
    buf_free(&text);
}

static bool is_listed(const json_t *recipients, struct span address) {
    for (size_t i = 0; i < json_array_size(recipients); i++)
        if (span_ieq(address,
                json_string_value(json_object_get(json_array_get(recipients, i), "address"))))
            return true;
    return false;
}

static void add_recipient(json_t *recipients, struct span address, bool delayed, struct span rest) {
    if (json_array_size(recipients) >= EMAIL_REPORT_RECIPIENTS_MAX ||
        is_listed(recipients, address))
        return;
    json_t *o = json_object();
    set_text(o, "address", address, ADDRESS_MAX);
    json_object_set_new(o, "action", json_string(delayed ? "delayed" : "failed"));
    add_diagnostic(o, rest);
    if (json_object_get(o, "address"))
        json_array_append(recipients, o);
    json_decref(o);
}

/* After the line of the text that is this address, or has it; the whole text when none is. */
static struct span after_address(struct span text, struct span address) {
    struct span rest = text, line;
    while (next_line(&rest, &line)) {
        struct span found = address_of(line);
        if (found.n == address.n && strncasecmp(found.p, address.p, found.n) == 0)
            return rest;
    }
    return text;
}

void email_report_guess(
    struct span text, const char *failed_recipients, bool delayed, json_t *recipients) {
    struct span list = span_str(failed_recipients), line;
    for (size_t i = 0; list.n && i < EMAIL_REPORT_RECIPIENTS_MAX / 5; i++) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        struct span address = address_of(span_of(list.p, n));
        if (address.n)
            add_recipient(recipients, address, delayed, after_address(text, address));
        n += comma != NULL;
        list = span_of(list.p + n, list.n - n);
    }
    if (json_array_size(recipients))
        return;
    for (struct span rest = text; next_line(&rest, &line);) {
        if (span_starts(line, "---")) /* the returned mail follows */
            break;
        struct span address = address_of(line);
        if (address.n)
            add_recipient(recipients, address, delayed, rest);
    }
}
