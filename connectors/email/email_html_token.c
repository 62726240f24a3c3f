/* email_html_token.c - after the tokenizer of the HTML standard (13.2.5), without its tree: quotes
 * in attributes hide ">", "</" without a letter is a comment, raw text ends at its own end tag. */
#include "connectors/email/email_html_token.h"

#include <ctype.h>
#include <strings.h>

#include "base/mem.h"

#define ATTRIBUTES_MAX 100
#define ENTITY_MAX 32

static bool is_name_char(char c) {
    return !isspace((unsigned char)c) && c != '/' && c != '>' && c != '=';
}

bool email_tag_is_one_of(const struct email_tag *t, const char *list) {
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n == t->name.n && strncasecmp(list, t->name.p, n) == 0)
            return true;
        list += n;
        list += strspn(list, " ");
    }
    return false;
}

/* --- attributes ------------------------------------------------------------------------------ */

static size_t skip_space(struct span s, size_t i) {
    while (i < s.n && (isspace((unsigned char)s.p[i]) || s.p[i] == '/'))
        i++;
    return i;
}

/* One attribute from i on; returns where the next begins. */
static size_t read_attribute(struct span s, size_t i, struct span *name, struct span *value) {
    size_t from = i;
    i += i < s.n; /* a name may begin with "=" */
    while (i < s.n && is_name_char(s.p[i]))
        i++;
    *name = span_of(s.p + from, i - from);
    *value = span_of(NULL, 0);
    size_t j = i;
    while (j < s.n && isspace((unsigned char)s.p[j]))
        j++;
    if (j == s.n || s.p[j] != '=')
        return i;
    j++;
    while (j < s.n && isspace((unsigned char)s.p[j]))
        j++;
    char quote = j < s.n && (s.p[j] == '"' || s.p[j] == '\'') ? s.p[j] : '\0';
    from = quote ? j + 1 : j;
    i = from;
    while (i < s.n && (quote ? s.p[i] != quote : !isspace((unsigned char)s.p[i])))
        i++;
    *value = span_of(s.p + (from < s.n ? from : s.n), i > from ? i - from : 0);
    return i + (quote != '\0');
}

static bool find_attribute(const struct email_tag *t, const char *wanted, struct span *value) {
    struct span name;
    size_t at = skip_space(t->attributes, 0);
    for (size_t i = 0; i < ATTRIBUTES_MAX && at < t->attributes.n; i++) {
        at = skip_space(t->attributes, read_attribute(t->attributes, at, &name, value));
        if (span_ieq(name, wanted))
            return true;
    }
    return false;
}

struct span email_tag_attribute(const struct email_tag *t, const char *name) {
    struct span value;
    return find_attribute(t, name, &value) ? value : span_of(NULL, 0);
}

bool email_tag_has(const struct email_tag *t, const char *name) {
    struct span value;
    return find_attribute(t, name, &value);
}

/* --- tags ------------------------------------------------------------------------------------ */

/* Where the tag whose attributes begin at `at` ends: the place of its ">", or the end. */
static size_t find_tag_end(struct span s, size_t at) {
    char quote = '\0', before = '\0';
    for (; at < s.n; at++) {
        char c = s.p[at];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '>') {
            return at;
        } else if ((c == '"' || c == '\'') && before == '=') {
            quote = c;
        }
        if (!isspace((unsigned char)c))
            before = c;
    }
    return s.n;
}

static size_t find(struct span s, size_t at, const char *what) {
    const char *found = at < s.n ? memmem(s.p + at, s.n - at, what, strlen(what)) : NULL;
    return found ? (size_t)(found - s.p) : s.n;
}

/* After a comment, doctype or the like that begins at `at`. */
static size_t skip_comment(struct span s, size_t at) {
    if (span_starts(span_of(s.p + at, s.n - at), "<!--")) {
        if (span_starts(span_of(s.p + at, s.n - at), "<!-->"))
            return at + 5;
        size_t end = find(s, at + 4, "-->");
        return end < s.n ? end + 3 : s.n;
    }
    size_t end = find(s, at, ">");
    return end < s.n ? end + 1 : s.n;
}

/* After the end tag of a raw text element. */
static size_t skip_raw_text(struct span s, size_t at, struct span name) {
    for (at = find(s, at, "</"); at < s.n; at = find(s, at + 2, "</")) {
        if (s.n - at - 2 < name.n || strncasecmp(s.p + at + 2, name.p, name.n) != 0)
            continue;
        size_t after = at + 2 + name.n;
        if (after == s.n || !is_name_char(s.p[after])) {
            at = find(s, after, ">");
            return at < s.n ? at + 1 : s.n;
        }
    }
    return s.n;
}

static void read_tag(struct email_tokens *t, struct email_tag *tag) {
    struct span s = t->in;
    size_t at = t->at + 1;
    tag->is_end = s.p[at] == '/';
    at += tag->is_end;
    size_t from = at;
    while (at < s.n && is_name_char(s.p[at]))
        at++;
    tag->name = span_of(s.p + from, at - from);
    size_t end = find_tag_end(s, at);
    tag->attributes = span_of(s.p + at, end - at);
    tag->is_void = email_tag_is_one_of(
        tag, "area base br col embed hr img input link meta param source track wbr");
    t->at = end < s.n ? end + 1 : s.n;
    if (!tag->is_end &&
        email_tag_is_one_of(tag, "script style title xmp iframe noembed noframes textarea"))
        t->at = skip_raw_text(s, t->at, tag->name);
}

bool email_html_next(struct email_tokens *t, struct span *text, struct email_tag *tag) {
    struct span s = t->in;
    *tag = (struct email_tag){{NULL, 0}, {NULL, 0}, false, false};
    *text = span_of(s.p + t->at, 0);
    while (t->at < s.n) {
        const char *open = memchr(s.p + t->at, '<', s.n - t->at);
        size_t at = open ? (size_t)(open - s.p) : s.n;
        char next = at + 1 < s.n ? s.p[at + 1] : '\0';
        char after = at + 2 < s.n ? s.p[at + 2] : '\0';
        bool is_tag =
            isalpha((unsigned char)next) || (next == '/' && isalpha((unsigned char)after));
        bool is_comment = !is_tag && (next == '!' || next == '?' || next == '/');
        text->n += at - t->at;
        t->at = at;
        if (is_tag) {
            read_tag(t, tag);
            return true;
        }
        if (is_comment) {
            t->at = skip_comment(s, at);
            return true;
        }
        text->n += at < s.n; /* a "<" of the text */
        t->at += at < s.n;
    }
    return text->n > 0;
}

/* --- character references -------------------------------------------------------------------- */

struct entity {
    const char *name;
    unsigned point;
};

static size_t encode(unsigned c, char *p) {
    if (c < 0x80)
        return p[0] = (char)c, 1;
    if (c < 0x800)
        return p[0] = (char)(0xc0 | c >> 6), p[1] = (char)(0x80 | (c & 0x3f)), 2;
    if (c < 0x10000)
        return p[0] = (char)(0xe0 | c >> 12), p[1] = (char)(0x80 | (c >> 6 & 0x3f)),
               p[2] = (char)(0x80 | (c & 0x3f)), 3;
    return p[0] = (char)(0xf0 | c >> 18), p[1] = (char)(0x80 | (c >> 12 & 0x3f)),
           p[2] = (char)(0x80 | (c >> 6 & 0x3f)), p[3] = (char)(0x80 | (c & 0x3f)), 4;
}

/* The names that mails use; others stay as they are written. */
static unsigned named(struct span name) {
    static const struct entity list[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'},
        {"apos", '\''}, {"nbsp", 0xa0}, {"laquo", 0xab}, {"raquo", 0xbb}, {"mdash", 0x2014},
        {"ndash", 0x2013}, {"hellip", 0x2026}, {"lsquo", 0x2018}, {"rsquo", 0x2019},
        {"sbquo", 0x201a}, {"ldquo", 0x201c}, {"rdquo", 0x201d}, {"bdquo", 0x201e},
        {"bull", 0x2022}, {"middot", 0xb7}, {"copy", 0xa9}, {"reg", 0xae}, {"trade", 0x2122},
        {"euro", 0x20ac}, {"pound", 0xa3}, {"yen", 0xa5}, {"cent", 0xa2}, {"sect", 0xa7},
        {"para", 0xb6}, {"deg", 0xb0}, {"plusmn", 0xb1}, {"times", 0xd7}, {"divide", 0xf7},
        {"frac12", 0xbd}, {"frac14", 0xbc}, {"frac34", 0xbe}, {"sup2", 0xb2}, {"sup3", 0xb3},
        {"micro", 0xb5}, {"larr", 0x2190}, {"uarr", 0x2191}, {"rarr", 0x2192}, {"darr", 0x2193},
        {"harr", 0x2194}, {"check", 0x2713}, {"numero", 0x2116}, {"ensp", 0x2002}, {"emsp", 0x2003},
        {"thinsp", 0x2009}, {"zwnj", 0x200c}, {"zwj", 0x200d}, {"shy", 0xad}, {"lrm", 0x200e},
        {"rlm", 0x200f}, {"iexcl", 0xa1}, {"iquest", 0xbf}, {"szlig", 0xdf}, {"agrave", 0xe0},
        {"aacute", 0xe1}, {"acirc", 0xe2}, {"atilde", 0xe3}, {"auml", 0xe4}, {"aring", 0xe5},
        {"aelig", 0xe6}, {"ccedil", 0xe7}, {"egrave", 0xe8}, {"eacute", 0xe9}, {"ecirc", 0xea},
        {"euml", 0xeb}, {"igrave", 0xec}, {"iacute", 0xed}, {"icirc", 0xee}, {"iuml", 0xef},
        {"ntilde", 0xf1}, {"ograve", 0xf2}, {"oacute", 0xf3}, {"ocirc", 0xf4}, {"otilde", 0xf5},
        {"ouml", 0xf6}, {"oslash", 0xf8}, {"ugrave", 0xf9}, {"uacute", 0xfa}, {"ucirc", 0xfb},
        {"uuml", 0xfc}, {"yacute", 0xfd}, {"yuml", 0xff}, {"Agrave", 0xc0}, {"Aacute", 0xc1},
        {"Acirc", 0xc2}, {"Atilde", 0xc3}, {"Auml", 0xc4}, {"Aring", 0xc5}, {"AElig", 0xc6},
        {"Ccedil", 0xc7}, {"Egrave", 0xc8}, {"Eacute", 0xc9}, {"Ecirc", 0xca}, {"Euml", 0xcb},
        {"Iacute", 0xcd}, {"Ntilde", 0xd1}, {"Oacute", 0xd3}, {"Ocirc", 0xd4}, {"Ouml", 0xd6},
        {"Oslash", 0xd8}, {"Uacute", 0xda}, {"Ucirc", 0xdb}, {"Uuml", 0xdc}};
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (span_eq(name, list[i].name))
            return list[i].point;
    return 0;
}

static size_t numbered(struct span s, unsigned *point) {
    bool is_hex = s.n > 2 && (s.p[2] == 'x' || s.p[2] == 'X');
    size_t i = is_hex ? 3 : 2, from = i;
    unsigned c = 0;
    for (; i < s.n && i < ENTITY_MAX; i++) {
        unsigned char d = (unsigned char)s.p[i];
        if (!(is_hex ? isxdigit(d) : isdigit(d)))
            break;
        unsigned v = isdigit(d) ? d - 0x30u : (d | 0x20u) - 'a' + 10u;
        c = c > 0x110000 ? c : c * (is_hex ? 16 : 10) + v;
    }
    if (i == from)
        return 0;
    static const unsigned short windows[] = {0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020,
        0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d,
        0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e, 0x178};
    *point = c >= 0x80 && c < 0xa0                                            ? windows[c - 0x80]
             : c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)          ? 0xfffd
             : (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f ? 0
                                                                              : c;
    return i + (i < s.n && s.p[i] == ';');
}

size_t email_html_entity(struct span s, char *point, size_t *n_out) {
    unsigned c = 0;
    size_t used = 0;
    if (s.n < 3 || s.p[0] != '&')
        return 0;
    if (s.p[1] == '#') {
        used = numbered(s, &c);
    } else {
        size_t i = 1;
        while (i < s.n && i < ENTITY_MAX && isalnum((unsigned char)s.p[i]))
            i++;
        c = i < s.n && s.p[i] == ';' ? named(span_of(s.p + 1, i - 1)) : 0;
        used = c ? i + 1 : 0;
    }
    bool shows_nothing = c == 0 || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
                         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
                         c == 0xfeff || c == 0x34f;
    *n_out = used && !shows_nothing ? encode(c, point) : 0;
    return used;
}

void email_html_unescape(struct span s, struct buf *out) {
    for (size_t i = 0; i < s.n;) {
        char point[8];
        size_t n, used = email_html_entity(span_of(s.p + i, s.n - i), point, &n);
        bool shown = used ? n && (unsigned char)point[0] > 0x20
                          : (unsigned char)s.p[i] > 0x20 && s.p[i] != 0x7f;
        if (shown)
            buf_add(out, used ? point : s.p + i, used ? n : 1);
        i += used ? used : 1;
    }
}
