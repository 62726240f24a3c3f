/* email_trim.c - every line gets a kind once; then the first line is sought from which all is
 * quote. Long lines are prose: no line is looked at beyond LINE_MAX_BYTES. */
#include "connectors/email/email_trim.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"

#define LINE_MAX_BYTES 400
#define INTRO_LINES 3 /* "On ... wrote:" may be wrapped over so many */
#define TAIL_LINES 9  /* of a signature that begins with a closing phrase */
#define TAIL_LINE_BYTES 120
#define BLOCK_LINES 8 /* of From/Sent/To/Subject */

struct line {
    size_t at;
    struct span s; /* without leading and trailing white space */
    size_t text;   /* the first line from here on that is neither empty nor marked with > */
    bool quoted;
};
struct lines {
    struct line *list;
    size_t n;
};

static struct span trimmed(struct span s) {
    while (s.n && isspace((unsigned char)s.p[0]))
        s = span_of(s.p + 1, s.n - 1);
    while (s.n && isspace((unsigned char)s.p[s.n - 1]))
        s.n--;
    return s;
}

static struct lines split(struct span text) {
    struct lines all = {NULL, 0};
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == '\n';
    all.list = mem_alloc(count * sizeof *all.list);
    for (size_t at = 0; at < text.n;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end ? (size_t)(end - text.p) - at : text.n - at;
        struct span s = trimmed(span_of(text.p + at, n));
        all.list[all.n++] = (struct line){at, s, 0, s.n && s.p[0] == '>'};
        at += n + 1;
    }
    for (size_t i = all.n, next = all.n; i-- > 0; all.list[i].text = next)
        if (all.list[i].s.n && !all.list[i].quoted)
            next = i;
    return all;
}

/* Most lines differ in the first byte (of a letter that is not ASCII, exactly). */
static bool istarts(struct span s, const char *prefix) {
    if (!s.n || ((s.p[0] ^ prefix[0]) & ~0x20))
        return false;
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static bool starts_with_one(struct span s, const char *const *list) {
    for (; *list; list++)
        if (istarts(s, *list))
            return true;
    return false;
}

static bool ends_with_one(struct span s, const char *const *list) {
    for (; *list; list++)
        if (span_ends(s, *list))
            return true;
    return false;
}

/* --- what introduces a quote ----------------------------------------------------------------- */

static bool is_forward_line(struct span s) {
    static const char *const marks[] = {"Forwarded message", "Forwarded Message",
        "Begin forwarded message", "Пересылаемое сообщение", "Пересланное сообщение",
        "Перенаправленное сообщение", "Пересылаемое письмо", "Конец пересылаемого сообщения",
        "Начало переадресованного сообщения", "Начало пересылаемого сообщения",
        "Начало переадресованного письма", NULL};
    while (s.n && (s.p[0] == '-' || s.p[0] == ' '))
        s = span_of(s.p + 1, s.n - 1);
    return s.n <= LINE_MAX_BYTES && starts_with_one(s, marks);
}

static bool is_original_line(struct span s) {
    static const char *const marks[] = {"Original Message", "Original message",
        "Original Appointment", "Исходное сообщение", "Исходное письмо", "Первоначальное сообщение",
        "Оригинальное сообщение", "Reply message", "Ursprüngliche Nachricht", NULL};
    size_t dashes = 0;
    while (s.n && (s.p[0] == '-' || s.p[0] == ' ')) {
        dashes += s.p[0] == '-';
        s = span_of(s.p + 1, s.n - 1);
    }
    return dashes >= 2 && s.n <= LINE_MAX_BYTES && starts_with_one(s, marks);
}

static bool is_rule_line(struct span s) {
    if (s.n < 20)
        return false;
    for (size_t i = 0; i < s.n && i < LINE_MAX_BYTES; i++)
        if (s.p[i] != '_')
            return false;
    return true;
}

/* "From: x", "*От:* x": 1 for who, 2 for the rest, 0 else. */
static int field_of(struct span s) {
    static const char *const from[] = {"From:", "От:", "От кого:", "Von:", "De :", "De:", NULL};
    static const char *const rest[] = {
        "Sent:", "To:", "Subject:", "Date:", "Cc:", "Отправлено:", "Кому:", "Тема:", "Дата:",
        "Копия:", "Gesendet:", "An:", "Betreff:", "Datum:", "Envoyé :", "À :", "Objet :", NULL};
    while (s.n && (s.p[0] == '*' || s.p[0] == '>' || s.p[0] == ' '))
        s = span_of(s.p + 1, s.n - 1);
    return starts_with_one(s, from) ? 1 : starts_with_one(s, rest) ? 2 : 0;
}

static bool is_field_block(const struct lines *all, size_t i) {
    size_t found = 0;
    if (field_of(all->list[i].s) != 1)
        return false;
    for (size_t j = i + 1; j < all->n && j < i + BLOCK_LINES; j++)
        found += field_of(all->list[j].s) == 2;
    return found >= 2;
}

/* A year or a time of day. */
static bool has_date(struct span s) {
    for (size_t i = 0; i + 4 < s.n; i++) {
        const unsigned char *p = (const unsigned char *)s.p + i;
        if (*p < '0' || *p > '9')
            continue;
        bool is_year = (p[0] == '2' && p[1] == '0') || (p[0] == '1' && p[1] == '9');
        is_year = is_year && isdigit(p[2]) && isdigit(p[3]) && !isdigit(p[4]);
        if (is_year || (p[1] == ':' && isdigit(p[2])))
            return true;
    }
    return false;
}

/* The whole of an introduction: "On 1 May 2026, at 10:00, Ann <a@b> wrote:". */
static bool is_intro(struct span s) {
    static const char *const verbs[] = {
        "wrote:", "wrote :", "написал:", "написала:", "написал(а):", "писал(а):", "писал:",
        "писала:", "пишет:", "сообщил:", "сообщила:", "написав:", "пише:", "schrieb:", "a écrit :",
        "a écrit :", "a écrit:", "escribió:", "ha scritto:", "napisał(a):", NULL};
    if (s.n == 0 || s.p[s.n - 1] != ':')
        return false;
    if (has_date(s) && memchr(s.p, '@', s.n))
        return true;
    bool digit = false;
    for (size_t i = 0; i < s.n; i++)
        digit = digit || isdigit((unsigned char)s.p[i]) || s.p[i] == '@';
    return digit && ends_with_one(s, verbs);
}

/* How many lines from i on are an introduction; 0 none. The line above one is no part of it. */
static size_t intro_lines(const struct lines *all, size_t i) {
    char joined[INTRO_LINES * LINE_MAX_BYTES + INTRO_LINES];
    bool has_on = istarts(all->list[i].s, "On ");
    size_t n = 0;
    for (size_t j = 0; j < INTRO_LINES && i + j < all->n; j++) {
        struct span s = all->list[i + j].s;
        if (s.n == 0 || s.n > LINE_MAX_BYTES || all->list[i + j].quoted)
            return 0;
        if (j && (istarts(s, "On ") || (!has_on && (is_intro(s) || !has_date(all->list[i].s)))))
            return 0;
        if (j)
            joined[n++] = ' ';
        memcpy(joined + n, s.p, s.n);
        n += s.n;
        if (s.p[s.n - 1] == ':')
            return is_intro(span_of(joined, n)) ? j + 1 : 0;
    }
    return 0;
}

/* --- what comes after ------------------------------------------------------------------------ */

static size_t skip_empty(const struct lines *all, size_t i) {
    while (i < all->n && all->list[i].s.n == 0)
        i++;
    return i;
}

static bool is_dashes(struct span s) {
    return span_eq(s, "--");
}

static bool is_mobile_line(struct span s) {
    static const char *const marks[] = {"Sent from my ", "Sent from Mail for", "Sent from Outlook",
        "Sent from Yahoo", "Get Outlook for", "Sent with Proton", "Отправлено с ", "Отправлено из ",
        "Sent via ", NULL};
    return s.n <= LINE_MAX_BYTES && starts_with_one(s, marks);
}

/* From i on: marked lines, empty ones, and at the end perhaps a signature. */
static bool is_all_quoted(const struct lines *all, size_t i) {
    size_t next = i < all->n ? all->list[i].text : all->n;
    return next == all->n || is_dashes(all->list[next].s) || is_mobile_line(all->list[next].s);
}

/* The line where the quote begins, all->n when there is none. */
static size_t find_quote(const struct lines *all) {
    for (size_t i = 0; i < all->n; i++) {
        struct span s = all->list[i].s;
        if (s.n == 0 || s.n > LINE_MAX_BYTES)
            continue;
        if (is_forward_line(s))
            return all->n;
        bool below_rule = is_rule_line(s) && skip_empty(all, i + 1) < all->n &&
                          is_field_block(all, skip_empty(all, i + 1));
        size_t intro = intro_lines(all, i);
        if (!all->list[i].quoted &&
            (is_original_line(s) || below_rule || (intro == 0 && is_field_block(all, i))))
            return i;
        size_t next = intro ? skip_empty(all, i + intro) : 0;
        if (intro && next < all->n && !all->list[next].quoted)
            return i; /* a quote without marks goes on to the end */
        if (intro && is_all_quoted(all, next))
            return i;
        if (all->list[i].quoted && is_all_quoted(all, i))
            return i;
    }
    return all->n;
}

static bool shows_something(const struct lines *all, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (all->list[i].s.n)
            return true;
    return false;
}

static size_t line_of(const struct lines *all, size_t at) {
    size_t low = 0, high = all->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (all->list[mid].at < at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* --- signatures ------------------------------------------------------------------------------ */

static bool is_closing(struct span s) {
    static const char *const phrases[] = {"С уважением", "с уважением", "С наилучшими",
        "С найкращими", "З повагою", "Best regards", "Kind regards", "Best wishes", "Warm regards",
        "Regards", "Sincerely", "Yours sincerely", "Yours faithfully", "Mit freundlichen",
        "Cordialement", NULL};
    return s.n <= 80 && starts_with_one(s, phrases);
}

/* The line where the signature within the first n lines begins, n when there is none. */
static size_t find_signature(const struct lines *all, size_t n) {
    size_t seen = 0, found = n, dashes = n;
    bool is_short = true;
    for (size_t i = n; i-- > 0;) {
        struct span s = all->list[i].s;
        if (s.n == 0)
            continue;
        seen++;
        if (seen <= 40 && is_dashes(s))
            dashes = i;
        if (seen <= 3 && is_mobile_line(s))
            found = i;
        is_short = is_short && s.n <= TAIL_LINE_BYTES && !all->list[i].quoted;
        if (seen <= TAIL_LINES && is_short && is_closing(s))
            found = i;
        if (seen > 40)
            break;
    }
    return dashes < n ? dashes : found;
}

struct email_trim email_trim(struct span text, size_t hint, bool forwarded) {
    struct email_trim out = {0, 0};
    struct lines all = split(text);
    size_t quote = forwarded ? all.n : find_quote(&all);
    if (hint && !forwarded && line_of(&all, hint) < quote) {
        size_t at = skip_empty(&all, line_of(&all, hint));
        if (at < all.n && !is_forward_line(all.list[at].s))
            quote = at;
    }
    if (quote < all.n && !shows_something(&all, quote))
        quote = all.n;
    size_t signature = find_signature(&all, quote);
    if (signature < quote && !shows_something(&all, signature))
        signature = quote;
    if (quote < all.n)
        out.quoted_at = all.list[quote].at;
    if (signature < quote)
        out.signature_at = all.list[signature].at;
    free(all.list);
    return out;
}

bool email_subject_is_forward(const char *subject) {
    static const char *const marks[] = {
        "Fwd:", "Fw:", "Пересл:", "ПЕРЕСЛ:", "Пер:", "Переслано:", "WG:", "TR:", NULL};
    return starts_with_one(trimmed(span_str(subject)), marks);
}
