/* email_authres.c - "mx.org 1; spf=pass (comment) smtp.mailfrom=a@b; dkim=fail reason="x;y"". */
#include "connectors/email/email_authres.h"

#include <ctype.h>
#include <strings.h>

#include "base/mem.h"

#define VALUE_MAX 100

static size_t skip_quoted(struct span s, size_t i) {
    for (i++; i < s.n && s.p[i] != '"'; i++)
        i += s.p[i] == '\\';
    return i + 1;
}

static size_t skip_comment(struct span s, size_t i) {
    size_t depth = 0;
    for (; i < s.n; i++) {
        if (s.p[i] == '\\') {
            i++;
        } else if (s.p[i] == '(') {
            depth++;
        } else if (s.p[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return s.n;
}

static size_t skip_space(struct span s, size_t i) {
    while (i < s.n && (isspace((unsigned char)s.p[i]) || s.p[i] == '('))
        i = s.p[i] == '(' ? skip_comment(s, i) : i + 1;
    return i;
}

/* To after the next ';'. */
static size_t skip_clause(struct span s, size_t i) {
    while (i < s.n && s.p[i] != ';')
        i = s.p[i] == '"' ? skip_quoted(s, i) : s.p[i] == '(' ? skip_comment(s, i) : i + 1;
    return i < s.n ? i + 1 : s.n;
}

static struct span read_word(struct span s, size_t *i) {
    size_t from = *i;
    while (*i < s.n && (unsigned char)s.p[*i] > 0x20 && (unsigned char)s.p[*i] < 0x7f &&
           !strchr(";=()\"", s.p[*i]))
        ++*i;
    return span_of(s.p + from, *i - from);
}

/* The first result counts; of several signatures one is enough. */
static void add_result(json_t *o, struct span method, struct span result) {
    static const char *const methods[] = {"spf", "dkim", "dmarc"};
    char value[VALUE_MAX + 1];
    if (result.n == 0 || result.n > VALUE_MAX)
        return;
    for (size_t i = 0; i < result.n; i++)
        value[i] = (char)tolower((unsigned char)result.p[i]);
    value[result.n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (span_ieq(method, methods[i]) &&
            (!json_object_get(o, methods[i]) ||
                (strcmp(methods[i], "dkim") == 0 && strcmp(value, "pass") == 0)))
            json_object_set_new(o, methods[i], json_string(value));
}

json_t *email_authres(struct span s) {
    size_t i = skip_space(s, 0);
    struct span server = read_word(s, &i);
    if (server.n == 0 || server.n > 255 || (i < s.n && s.p[i] == '='))
        return NULL;
    json_t *o = json_pack("{s:s%}", "server", server.p, server.n);
    for (i = skip_clause(s, i); i < s.n; i = skip_clause(s, i)) {
        i = skip_space(s, i);
        struct span method = read_word(s, &i);
        const char *slash = method.n ? memchr(method.p, '/', method.n) : NULL;
        if (slash) /* "dkim/1" */
            method.n = (size_t)(slash - method.p);
        i = skip_space(s, i);
        if (i >= s.n || s.p[i] != '=')
            continue;
        i = skip_space(s, i + 1);
        add_result(o, method, read_word(s, &i));
    }
    return o;
}
