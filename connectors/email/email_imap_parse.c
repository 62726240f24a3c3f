/* email_imap_parse.c - see email_imap_parse.h. One byte at a time through a small machine, but
 * literals as they come. */
#include "connectors/email/email_imap_parse.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

#define WORD_MAX 64u /* bytes of a tag, number or name */
#define LITERAL_MAX ((uint64_t)1 << 48)

enum state {
    AT_TAG,
    AT_WORD, /* after "* " or a tag: a number, or a name */
    AT_NAME, /* after the number */
    IN_TEXT, /* of a status line, or of "+" */
    BETWEEN, /* tokens */
    IN_ATOM,
    IN_BRACKETS, /* of an atom: BODY[HEADER.FIELDS (FROM)] */
    IN_QUOTED,
    AFTER_SLASH,  /* in a quoted string */
    IN_SIZE,      /* {12} */
    IN_UNKNOWN,   /* the rest of an answer that nobody knows, but for its literals */
    AT_LINE_FEED, /* after CR: the line's end */
    AT_LITERAL,   /* after CR of {12} */
    IN_LITERAL,
    FAILED
};

enum size { SIZE_NONE, SIZE_OPEN, SIZE_DIGITS, SIZE_PLUS, SIZE_CLOSED }; /* of {12+} */

struct email_imap_parse {
    email_imap_event_fn fn;
    void *arg;
    enum state state;
    bool go_on;   /* the line began with + */
    bool status;  /* IN_TEXT of a status line */
    bool data;    /* DATA was told: END must come */
    bool unknown; /* after a literal IN_UNKNOWN again */
    bool has_number;
    enum size size;
    unsigned depth;
    uint64_t number, left; /* of the answer; of the literal */
    size_t answer_bytes;
    char tag[WORD_MAX + 1], word[WORD_MAX + 1];
    size_t word_n;
    struct buf token;
};

struct email_imap_parse *email_imap_parse_create(email_imap_event_fn fn, void *arg) {
    struct email_imap_parse *p = mem_zalloc(sizeof *p);
    p->fn = fn;
    p->arg = arg;
    buf_init(&p->token, EMAIL_IMAP_TOKEN_MAX);
    return p;
}

void email_imap_parse_free(struct email_imap_parse **p) {
    if (!*p)
        return;
    buf_free(&(*p)->token);
    free(*p);
    *p = NULL;
}

static int fail(struct err *err, const char *why) {
    return err_set(err, ERR_PROTOCOL, "the server's answer is malformed: %s", why);
}

/* --- telling --------------------------------------------------------------------------------- */

static int tell(struct email_imap_parse *p, enum email_imap_event_kind kind) {
    struct email_imap_event e = {.kind = kind, .depth = p->depth};
    return p->fn(p->arg, &e);
}

static int tell_token(struct email_imap_parse *p, enum email_imap_event_kind kind) {
    struct email_imap_event e = {
        .kind = kind, .text = span_of(buf_str(&p->token), p->token.n), .depth = p->depth};
    int rc = p->fn(p->arg, &e);
    buf_reset(&p->token);
    p->state = BETWEEN;
    return rc;
}

/* "[CODE args] text" is taken apart. */
static int tell_text(struct email_imap_parse *p) {
    struct span text = span_of(buf_str(&p->token), p->token.n);
    struct email_imap_event e = {.kind = p->go_on ? EMAIL_IMAP_GO_ON : EMAIL_IMAP_STATUS};
    if (p->status) {
        e.tag = span_str(p->tag);
        e.name = span_str(p->word);
        const char *end = text.n && text.p[0] == '[' ? memchr(text.p, ']', text.n) : NULL;
        if (end) {
            e.code = span_of(text.p + 1, (size_t)(end - text.p) - 1);
            text = span_of(end + 1, text.n - (size_t)(end - text.p) - 1);
            if (text.n && text.p[0] == ' ')
                text = span_of(text.p + 1, text.n - 1);
        }
    }
    e.text = text;
    return p->fn(p->arg, &e);
}

static int end_line(struct email_imap_parse *p, struct err *err) {
    int rc = 0;
    if (p->data && p->depth)
        return fail(err, "a list has no end");
    if (p->data)
        rc = tell(p, EMAIL_IMAP_END);
    else if (p->go_on || p->status)
        rc = tell_text(p);
    buf_reset(&p->token);
    p->go_on = p->status = p->data = p->unknown = p->has_number = false;
    p->number = 0;
    p->answer_bytes = 0;
    p->word_n = 0;
    p->state = AT_TAG;
    return rc;
}

/* Takes as much of the bytes as belongs to it. */
static int take_literal(struct email_imap_parse *p, struct span *bytes) {
    size_t n = bytes->n < p->left ? bytes->n : (size_t)p->left;
    struct email_imap_event e = {
        .kind = EMAIL_IMAP_BYTES, .text = span_of(bytes->p, n), .depth = p->depth};
    *bytes = span_of(bytes->p + n, bytes->n - n);
    p->left -= n;
    if (n && p->fn(p->arg, &e) < 0)
        return -1;
    if (p->left)
        return 0;
    p->state = p->unknown ? IN_UNKNOWN : BETWEEN;
    return tell(p, EMAIL_IMAP_LITERAL_END);
}

/* --- one byte -------------------------------------------------------------------------------- */

static int add_word(struct email_imap_parse *p, char c, struct err *err) {
    if (p->word_n == WORD_MAX || (unsigned char)c <= 0x20 || (unsigned char)c >= 0x7f)
        return fail(err, "a line begins with no word");
    p->word[p->word_n++] = c;
    p->word[p->word_n] = '\0';
    return 0;
}

static bool is_status(const char *word) {
    static const char *const all[] = {"OK", "NO", "BAD", "BYE", "PREAUTH"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(word, all[i]) == 0)
            return true;
    return false;
}

/* Others are not taken apart: nobody asked for them, and who knows how they are written. */
static bool is_known(const char *word) {
    static const char *const all[] = {
        "FETCH", "SEARCH", "LIST", "CAPABILITY", "EXISTS", "EXPUNGE", "RECENT", "FLAGS"};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (strcmp(word, all[i]) == 0)
            return true;
    return false;
}

static int end_tag(struct email_imap_parse *p, struct err *err) {
    if (!p->word_n)
        return fail(err, "a line begins with no word");
    memcpy(p->tag, p->word, p->word_n + 1);
    p->go_on = strcmp(p->tag, "+") == 0;
    p->word_n = 0;
    p->word[0] = '\0';
    p->state = p->go_on ? IN_TEXT : AT_WORD;
    return 0;
}

static int end_number(struct email_imap_parse *p, struct err *err) {
    char *end;
    if (p->word_n > 10)
        return fail(err, "a number is too large");
    p->number = strtoull(p->word, &end, 10);
    p->has_number = true;
    p->word_n = 0;
    p->state = AT_NAME;
    return 0;
}

static int end_name(struct email_imap_parse *p, struct err *err) {
    bool untagged = strcmp(p->tag, "*") == 0;
    if (!p->word_n)
        return fail(err, "an answer has no name");
    if (untagged && p->state == AT_WORD && strspn(p->word, "0123456789") == p->word_n)
        return end_number(p, err);
    for (char *c = p->word; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    p->status = !p->has_number && is_status(p->word);
    if (p->status) {
        p->state = IN_TEXT;
        return 0;
    }
    if (!untagged)
        return fail(err, "a tagged answer has no status");
    struct email_imap_event e = {
        .kind = EMAIL_IMAP_DATA, .name = span_of(p->word, p->word_n), .number = p->number};
    p->data = true;
    p->depth = 0;
    p->unknown = !is_known(p->word);
    p->size = SIZE_NONE;
    p->state = p->unknown ? IN_UNKNOWN : BETWEEN;
    return p->fn(p->arg, &e);
}

static int at_word(struct email_imap_parse *p, char c, struct err *err) {
    if (c != ' ' && c != '\r' && c != '\n')
        return add_word(p, c, err);
    if (p->state == AT_TAG && !p->word_n && c != ' ') { /* an empty line */
        p->state = AT_LINE_FEED;
        return c == '\n' ? end_line(p, err) : 0;
    }
    int rc = p->state == AT_TAG ? end_tag(p, err) : end_name(p, err);
    if (rc < 0 || c == ' ')
        return rc;
    if (p->state == AT_WORD || p->state == AT_NAME)
        return fail(err, "a line ends after its first word");
    p->state = AT_LINE_FEED;
    return c == '\n' ? end_line(p, err) : 0;
}

static int in_text(struct email_imap_parse *p, char c, struct err *err) {
    if (c == '\n')
        return end_line(p, err);
    if (c == '\r')
        p->state = AT_LINE_FEED;
    else if (p->token.n < EMAIL_IMAP_TEXT_MAX)
        buf_add(&p->token, &c, 1);
    return 0;
}

static int add_token(struct email_imap_parse *p, char c, struct err *err) {
    return buf_add(&p->token, &c, 1) < 0 ? fail(err, "a word is too long") : 0;
}

static int open_or_close(struct email_imap_parse *p, char c, struct err *err) {
    if (c == '(') {
        if (p->depth == EMAIL_IMAP_DEPTH_MAX)
            return fail(err, "lists are nested too deep");
        p->depth++;
        return tell(p, EMAIL_IMAP_OPEN);
    }
    if (!p->depth)
        return fail(err, "a list ends that did not begin");
    int rc = tell(p, EMAIL_IMAP_CLOSE);
    p->depth--;
    return rc;
}

static int between(struct email_imap_parse *p, char c, struct err *err) {
    switch (c) {
    case ' ':
        return 0;
    case '\r':
        p->state = AT_LINE_FEED;
        return 0;
    case '\n':
        return end_line(p, err);
    case '(':
    case ')':
        return open_or_close(p, c, err);
    case '"':
        p->state = IN_QUOTED;
        return 0;
    case '{':
        p->state = IN_SIZE;
        p->size = SIZE_OPEN;
        p->left = 0;
        return 0;
    default:
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return fail(err, "a control character");
        p->state = c == '[' ? IN_BRACKETS : IN_ATOM;
        return add_token(p, c, err);
    }
}

static int in_atom(struct email_imap_parse *p, char c, struct err *err) {
    if (c == '{' && p->token.n == 1 && p->token.p[0] == '~') { /* ~{12}: binary */
        buf_reset(&p->token);
        return between(p, c, err);
    }
    if (c == ' ' || c == '(' || c == ')' || c == '{' || c == '\r' || c == '\n') {
        int rc = tell_token(p, EMAIL_IMAP_ATOM);
        return rc < 0 ? rc : between(p, c, err);
    }
    if ((unsigned char)c < 0x20 || c == '"' || c == 0x7f)
        return fail(err, "a character that no word has");
    if (c == '[')
        p->state = IN_BRACKETS;
    return add_token(p, c, err);
}

static int in_brackets(struct email_imap_parse *p, char c, struct err *err) {
    if ((unsigned char)c < 0x20)
        return fail(err, "a bracket has no end");
    if (c == ']')
        p->state = IN_ATOM;
    return add_token(p, c, err);
}

static int in_quoted(struct email_imap_parse *p, char c, struct err *err) {
    bool escaped = p->state == AFTER_SLASH;
    if (c == '\0' || c == '\r' || c == '\n')
        return fail(err, "a quoted string has no end");
    p->state = IN_QUOTED;
    if (c == '"' && !escaped)
        return tell_token(p, EMAIL_IMAP_QUOTED);
    if (c == '\\' && !escaped) {
        p->state = AFTER_SLASH;
        return 0;
    }
    return add_token(p, c, err);
}

/* False: it can be no size, or one that no literal has. */
static bool add_to_size(struct email_imap_parse *p, char c) {
    bool open = p->size == SIZE_OPEN || p->size == SIZE_DIGITS;
    if (open && c >= '0' && c <= '9') {
        p->left = p->left * 10 + (uint64_t)(c - '0');
        p->size = SIZE_DIGITS;
    } else if (p->size == SIZE_DIGITS && c == '+') {
        p->size = SIZE_PLUS;
    } else if ((p->size == SIZE_DIGITS || p->size == SIZE_PLUS) && c == '}') {
        p->size = SIZE_CLOSED;
    } else {
        return false;
    }
    return p->left <= LITERAL_MAX;
}

static int begin_literal(struct email_imap_parse *p) {
    struct email_imap_event e = {.kind = EMAIL_IMAP_LITERAL, .number = p->left, .depth = p->depth};
    struct span none = span_of("", 0);
    p->state = IN_LITERAL;
    p->size = SIZE_NONE;
    if (p->fn(p->arg, &e) < 0)
        return -1;
    return p->left ? 0 : take_literal(p, &none);
}

static int in_size(struct email_imap_parse *p, char c, struct err *err) {
    if (p->size == SIZE_CLOSED && c == '\n')
        return begin_literal(p);
    if (p->size == SIZE_CLOSED && c == '\r')
        p->state = AT_LITERAL;
    else if (!add_to_size(p, c))
        return fail(err, "the size of a literal");
    return 0;
}

/* What ends in {12} is followed by a literal here too. */
static int in_unknown(struct email_imap_parse *p, char c, struct err *err) {
    bool literal = p->size == SIZE_CLOSED;
    if (c == '\r') {
        p->state = literal ? AT_LITERAL : AT_LINE_FEED;
    } else if (c == '\n') {
        return literal ? begin_literal(p) : end_line(p, err);
    } else if (c == '{') {
        p->size = SIZE_OPEN;
        p->left = 0;
    } else if (!add_to_size(p, c)) {
        p->size = SIZE_NONE;
    }
    return 0;
}

static int at_line_feed(struct email_imap_parse *p, char c, struct err *err) {
    if (c != '\n')
        return fail(err, "a carriage return without a line feed");
    return p->state == AT_LITERAL ? begin_literal(p) : end_line(p, err);
}

static int take_byte(struct email_imap_parse *p, char c, struct err *err) {
    if (++p->answer_bytes > EMAIL_IMAP_ANSWER_MAX)
        return fail(err, "it is too long");
    switch (p->state) {
    case AT_TAG:
    case AT_WORD:
    case AT_NAME:
        return at_word(p, c, err);
    case IN_TEXT:
        return in_text(p, c, err);
    case BETWEEN:
        return between(p, c, err);
    case IN_ATOM:
        return in_atom(p, c, err);
    case IN_BRACKETS:
        return in_brackets(p, c, err);
    case IN_QUOTED:
    case AFTER_SLASH:
        return in_quoted(p, c, err);
    case IN_SIZE:
        return in_size(p, c, err);
    case IN_UNKNOWN:
        return in_unknown(p, c, err);
    case AT_LINE_FEED:
    case AT_LITERAL:
        return at_line_feed(p, c, err);
    case IN_LITERAL:
    case FAILED:
        break;
    }
    return fail(err, "it was before");
}

int email_imap_parse_feed(struct email_imap_parse *p, struct span bytes, struct err *err) {
    while (bytes.n) {
        int rc;
        if (p->state == IN_LITERAL) {
            rc = take_literal(p, &bytes);
        } else {
            char c = bytes.p[0];
            bytes = span_of(bytes.p + 1, bytes.n - 1);
            rc = take_byte(p, c, err);
        }
        if (rc < 0) {
            p->state = FAILED;
            return -1;
        }
    }
    return 0;
}
