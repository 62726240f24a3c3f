/* telegram_text_parse.c - an agent's HTML as plain text and entities: a small tokenizer that takes
 * anything, one table of tags, a stack of bounded depth. It is no sanitizer: nothing of the HTML
 * survives but its text and the kinds of entities in the table. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"
#include "connectors/telegram/telegram_text_private.h"

#define DEPTH_MAX 64 /* tags that are open at once; deeper ones only keep their content */
#define NAME_MAX_BYTES 16
#define URL_MAX_BYTES 2048
#define LANGUAGE_MAX_BYTES 32

enum {
    LINE = 1,        /* stands on lines of its own */
    PARAGRAPH = 2,   /* and with an empty line around it */
    ITEM = 4,        /* begins with a bullet */
    DROP = 8,        /* its content is no text */
    FORMAT = 16,     /* is on the stack until its end tag */
    VERBATIM = 32,   /* white space counts, nothing is formatted in it */
    LINK = 64,       /* only with a safe address */
    IF_SPOILER = 128 /* only with that class */
};

struct element {
    const char *name;
    unsigned flags;
    const char *type; /* of the entity */
};

static const struct element elements[] = {{"b", FORMAT, "bold"}, {"strong", FORMAT, "bold"},
    {"i", FORMAT, "italic"}, {"em", FORMAT, "italic"}, {"u", FORMAT, "underline"},
    {"ins", FORMAT, "underline"}, {"s", FORMAT, "strikethrough"},
    {"strike", FORMAT, "strikethrough"}, {"del", FORMAT, "strikethrough"}, {"code", FORMAT, "code"},
    {"pre", FORMAT | VERBATIM | LINE, "pre"}, {"blockquote", FORMAT | LINE, "blockquote"},
    {"a", FORMAT | LINK, "text_link"}, {"span", FORMAT | IF_SPOILER, "spoiler"},
    {"tg-spoiler", FORMAT, "spoiler"}, {"br", 0, NULL}, {"p", PARAGRAPH, NULL}, {"div", LINE, NULL},
    {"li", LINE | ITEM, NULL}, {"ul", LINE, NULL}, {"ol", LINE, NULL}, {"tr", LINE, NULL},
    {"h1", PARAGRAPH, NULL}, {"h2", PARAGRAPH, NULL}, {"h3", PARAGRAPH, NULL},
    {"h4", PARAGRAPH, NULL}, {"h5", PARAGRAPH, NULL}, {"h6", PARAGRAPH, NULL},
    {"script", DROP, NULL}, {"style", DROP, NULL}, {"title", DROP, NULL}};

/* An entity of the text. */
struct found {
    const char *type;
    size_t from, to;      /* units; to is 0 while its tag is open */
    char *url, *language; /* NULL where there is none */
};

/* A tag that waits for its end. Its entity begins with the first text in it. */
struct opened {
    const struct element *element;
    const char *type; /* NULL: formats nothing */
    char *url, *language;
    size_t found; /* SIZE_MAX: none (yet) */
};

struct reader {
    struct buf text;
    size_t units;
    size_t breaks;      /* that tags ask for before the next text */
    size_t newlines;    /* that stand in the source there; tags go before */
    struct span spaces; /* that stand in the source there; dropped at a break */
    bool fresh;         /* a line begins: white space means nothing */
    bool bullet;
    struct opened stack[DEPTH_MAX];
    size_t depth, begun; /* the entities of stack[0..begun] have begun */
    struct found found[TELEGRAM_ENTITIES_MAX];
    size_t nfound;
};

/* --- text out
 * ---------------------------------------------------------------------------------------- */

static void add(struct reader *r, const char *p, size_t n) {
    for (size_t i = 0; i < n; i += telegram_char_bytes(p + i))
        r->units += telegram_char_units(p + i);
    buf_add(&r->text, p, n);
}

static void begin_entities(struct reader *r) {
    for (; r->begun < r->depth; r->begun++) {
        struct opened *o = &r->stack[r->begun];
        if (!o->type || r->nfound == TELEGRAM_ENTITIES_MAX)
            continue;
        o->found = r->nfound;
        r->found[r->nfound++] = (struct found){
            .type = o->type, .from = r->units, .url = o->url, .language = o->language};
        o->url = o->language = NULL;
    }
}

/* What was put off until there is text after it. */
static void add_pending(struct reader *r) {
    size_t lines = r->breaks ? r->breaks : r->newlines;
    if (r->text.n) {
        for (size_t i = 0; i < lines; i++)
            add(r, "\n", 1);
        if (!lines)
            add(r, r->spaces.p, r->spaces.n);
    }
    if (r->bullet)
        add(r, "\xe2\x80\xa2 ", 4);
    r->breaks = r->newlines = 0;
    r->spaces = span_of(NULL, 0);
    r->fresh = r->bullet = false;
}

static void put(struct reader *r, const char *p, size_t n) {
    if (n == 0)
        return;
    add_pending(r);
    begin_entities(r);
    add(r, p, n);
}

static void put_break(struct reader *r, size_t lines, bool more) {
    size_t sum = more ? r->breaks + lines : lines;
    if (sum > r->breaks)
        r->breaks = sum;
    r->newlines = 0;
    r->spaces = span_of(NULL, 0);
    r->fresh = true;
}

/* A run of white space outside of <pre>. */
static void put_white(struct reader *r, const char *p, size_t n) {
    size_t newlines = 0, spaces = 0;
    for (size_t i = 0; i < n; i++)
        newlines += p[i] == '\n';
    while (spaces < n && (p[spaces] == ' ' || p[spaces] == '\t'))
        spaces++;
    if (r->fresh)
        return;
    r->newlines += newlines;
    if (r->newlines)
        r->spaces = span_of(NULL, 0);
    else if (!r->spaces.n)
        r->spaces = spaces ? span_of(p, spaces) : span_of(" ", 1);
}

/* --- the stack
 * --------------------------------------------------------------------------------------- */

static bool is_verbatim(const struct reader *r) {
    for (size_t i = 0; i < r->depth; i++)
        if (r->stack[i].element->flags & VERBATIM)
            return true;
    return false;
}

/* Telegram formats nothing within code, nor the same way twice. */
static bool is_useless(const struct reader *r, const char *type) {
    for (size_t i = 0; i < r->depth; i++) {
        const char *outer = r->stack[i].type;
        if (outer && (!strcmp(outer, type) || !strcmp(outer, "code") || !strcmp(outer, "pre")))
            return true;
    }
    return false;
}

static void pop(struct reader *r) {
    struct opened *o = &r->stack[--r->depth];
    if (o->found != SIZE_MAX)
        r->found[o->found].to = r->units;
    free(o->url);
    free(o->language);
    if (r->begun > r->depth)
        r->begun = r->depth;
}

static void close_tag(struct reader *r, const struct element *element) {
    size_t i = r->depth;
    while (i && r->stack[i - 1].element != element)
        i--;
    if (i)
        while (r->depth >= i)
            pop(r);
    if (element->flags & ITEM)
        r->bullet = false;
    if (element->flags & (LINE | PARAGRAPH))
        put_break(r, element->flags & PARAGRAPH ? 2 : 1, false);
}

/* --- references
 * -------------------------------------------------------------------------------------- */

static size_t put_point(char out[4], uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xffu) | c);
    return n;
}

/* "&amp;" or "&#x41;" at p: its bytes in out, and how long it is; 0 when it is none. */
static size_t read_reference(const char *p, char out[4], size_t *n_out) {
    static const struct {
        const char *name, *text;
    } named[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""},
        {"&nbsp;", "\xc2\xa0"}, {"&apos;", "'"}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        if (strncmp(p, named[i].name, strlen(named[i].name)) == 0) {
            *n_out = strlen(named[i].text);
            memcpy(out, named[i].text, *n_out);
            return strlen(named[i].name);
        }
    if (p[1] != '#')
        return 0;
    bool hex = p[2] == 'x' || p[2] == 'X';
    const char *digits = p + (hex ? 3 : 2);
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (n < 1 || n > 8 || digits[n] != ';')
        return 0;
    unsigned long c = strtoul(digits, NULL, hex ? 16 : 10);
    bool bad = (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
               (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff;
    *n_out = put_point(out, bad ? 0xfffd : (uint32_t)c);
    return (size_t)(digits - p) + n + 1;
}

/* An attribute's value as text, or NULL when it is longer than max. */
static char *attribute_text(struct span v, size_t max) {
    struct buf b;
    char out[4];
    size_t n, used;
    buf_init(&b, max);
    for (size_t i = 0; i < v.n; i += used) {
        used = v.p[i] == '&' ? read_reference(v.p + i, out, &n) : 0;
        if (used && i + used <= v.n)
            buf_add(&b, out, n);
        else
            buf_add(&b, v.p + i, used = 1);
    }
    bool good = !b.failed && b.n > 0;
    for (size_t i = 0; good && i < b.n; i++)
        good = (unsigned char)b.p[i] > 0x20 && b.p[i] != 0x7f;
    char *text = good ? buf_take(&b) : NULL;
    buf_free(&b);
    return text;
}

/* --- tags
 * -------------------------------------------------------------------------------------------- */

struct tag {
    const struct element *element; /* NULL: not known */
    bool closes;
    struct span href, class_;
};

static bool is_white(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const struct element *find_element(struct span name) {
    for (size_t i = 0; i < ARRAY_LEN(elements); i++)
        if (span_ieq(name, elements[i].name))
            return &elements[i];
    return NULL;
}

/* The value after "=", with or without quotes. Returns where it ends. */
static const char *read_value(const char *p, struct span *out) {
    char quote = *p == '"' || *p == '\'' ? *p : '\0';
    const char *from = quote ? p + 1 : p;
    for (p = from; *p && (quote ? *p != quote : !is_white(*p) && *p != '>'); p++)
        ;
    *out = span_of(from, (size_t)(p - from));
    return p + (quote && *p);
}

/* Attributes up to and with ">". Returns what is after it, or NULL when there is no end. */
static const char *read_attributes(const char *p, struct tag *tag) {
    for (;;) {
        while (is_white(*p) || *p == '/')
            p++;
        if (!*p)
            return NULL;
        if (*p == '>')
            return p + 1;
        const char *from = p;
        do
            p++;
        while (*p && !is_white(*p) && *p != '=' && *p != '>' && *p != '/');
        struct span name = span_of(from, (size_t)(p - from)), value = {0};
        while (is_white(*p))
            p++;
        if (*p == '=') {
            for (p++; is_white(*p); p++)
                ;
            p = read_value(p, &value);
        }
        if (span_ieq(name, "href") && !tag->href.p)
            tag->href = value;
        else if (span_ieq(name, "class") && !tag->class_.p)
            tag->class_ = value;
    }
}

/* A word of a list of classes. */
static bool has_class(struct span classes, const char *word) {
    for (size_t i = 0, n; i < classes.n; i += n + 1) {
        for (n = 0; i + n < classes.n && !is_white(classes.p[i + n]); n++)
            ;
        if (span_eq(span_of(classes.p + i, n), word))
            return true;
    }
    return false;
}

/* <pre><code class="language-x">: the language belongs to the pre. */
static void take_language(struct reader *r, const struct tag *tag) {
    static const char prefix[] = "language-";
    struct opened *outer = r->depth ? &r->stack[r->depth - 1] : NULL;
    if (!outer || !(outer->element->flags & VERBATIM) || outer->found != SIZE_MAX ||
        outer->language || !span_starts(tag->class_, prefix))
        return;
    size_t skip = sizeof prefix - 1;
    outer->language =
        attribute_text(span_of(tag->class_.p + skip, tag->class_.n - skip), LANGUAGE_MAX_BYTES);
}

static void open_format(struct reader *r, const struct tag *tag) {
    const struct element *e = tag->element;
    struct opened o = {.element = e, .type = e->type, .found = SIZE_MAX};
    if (r->depth == DEPTH_MAX)
        return;
    if (strcmp(e->type, "code") == 0)
        take_language(r, tag);
    if ((e->flags & IF_SPOILER) && !has_class(tag->class_, "spoiler") &&
        !has_class(tag->class_, "tg-spoiler"))
        o.type = NULL;
    if (o.type && is_useless(r, o.type))
        o.type = NULL;
    if (o.type && (e->flags & LINK)) {
        o.url = attribute_text(tag->href, URL_MAX_BYTES);
        if (!o.url || !telegram_is_safe_link(o.url))
            o.type = NULL;
    }
    r->stack[r->depth++] = o;
}

/* After the content of an element that is no text, or at the end. */
static const char *skip_content(const char *p, const struct element *e) {
    size_t n = strlen(e->name);
    for (; (p = strstr(p, "</")); p += 2)
        if (strncasecmp(p + 2, e->name, n) == 0 && !is_letter(p[2 + n])) {
            const char *end = strchr(p, '>');
            return end ? end + 1 : "";
        }
    return "";
}

static const char *open_tag(struct reader *r, const char *p, const struct tag *tag) {
    const struct element *e = tag->element;
    if (strcmp(e->name, "br") == 0)
        put_break(r, 1, true);
    if (e->flags & (LINE | PARAGRAPH))
        put_break(r, e->flags & PARAGRAPH ? 2 : 1, false);
    if (e->flags & ITEM)
        r->bullet = true;
    if (e->flags & FORMAT)
        open_format(r, tag);
    if (e->flags & VERBATIM)
        return p + (*p == '\n'); /* the first line break of <pre> is not its own */
    return e->flags & DROP ? skip_content(p, e) : p;
}

/* At "<": what stands after the tag or comment; NULL when it is just that character. */
static const char *read_tag(struct reader *r, const char *p) {
    struct tag tag = {.closes = p[1] == '/'};
    const char *name = p + 1 + tag.closes, *end;
    if (strncmp(p, "<!--", 4) == 0) {
        end = strstr(p + 4, "-->");
        return end ? end + 3 : "";
    }
    if (p[1] == '!' || p[1] == '?') {
        end = strchr(p, '>');
        return end ? end + 1 : "";
    }
    if (!is_letter(*name))
        return NULL;
    size_t n = 1;
    while (name[n] && !is_white(name[n]) && name[n] != '>' && name[n] != '/')
        n++;
    tag.element = n < NAME_MAX_BYTES ? find_element(span_of(name, n)) : NULL;
    end = read_attributes(name + n, &tag);
    if (!end)
        return "";
    if (tag.element && tag.closes)
        close_tag(r, tag.element);
    else if (tag.element)
        return open_tag(r, end, &tag);
    return end;
}

/* --- all of it
 * --------------------------------------------------------------------------------------- */

/* Text up to the next tag, reference or change of white space. Returns where it ends. */
static const char *read_text(struct reader *r, const char *p, bool verbatim) {
    const char *from = p;
    if (!verbatim && is_white(*p)) {
        while (is_white(*p))
            p++;
        put_white(r, from, (size_t)(p - from));
        return p;
    }
    if ((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t')
        return p + 1;
    do
        p++;
    while (*p && *p != '<' && *p != '&' && *p != 0x7f &&
           ((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t') && (verbatim || !is_white(*p)));
    put(r, from, (size_t)(p - from));
    return p;
}

static void read_html(struct reader *r, const char *p) {
    while (*p) {
        char out[4];
        size_t n, used;
        const char *next = NULL;
        if (*p == '<')
            next = read_tag(r, p);
        if (!next && *p == '&' && (used = read_reference(p, out, &n)) > 0) {
            put(r, out, n);
            next = p + used;
        }
        if (!next && *p == 0x7f)
            next = p + 1;
        p = next ? next : read_text(r, p, is_verbatim(r));
    }
    while (r->depth)
        pop(r);
}

static json_t *entity_json(struct found *f) {
    json_t *e = json_pack("{s:s,s:I,s:I}", "type", f->type, "offset", (json_int_t)f->from, "length",
        (json_int_t)(f->to - f->from));
    if (f->url)
        json_object_set_new(e, "url", json_string(f->url));
    if (f->language)
        json_object_set_new(e, "language", json_string(f->language));
    free(f->url);
    free(f->language);
    return e;
}

char *telegram_from_html(const char *html, json_t **entities_out) {
    struct reader *r = mem_zalloc(sizeof *r);
    buf_init(&r->text, 2 * strlen(html) + 16);
    r->fresh = true;
    read_html(r, html);
    *entities_out = json_array();
    for (size_t i = 0; i < r->nfound; i++)
        json_array_append_new(*entities_out, entity_json(&r->found[i]));
    char *text = buf_take(&r->text);
    free(r);
    return text;
}
