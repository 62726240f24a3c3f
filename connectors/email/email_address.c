/* email_address.c - one address: what may stand in an envelope and in a header without harm. */
#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/email/email_compose.h"

#define ADDRESS_MAX 254u
#define LOCAL_MAX 64u
#define DOMAIN_INPUT_MAX 1000u /* in UTF-8, before it becomes A-labels */

static bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Also false for the controls beyond ASCII, and for line and paragraph separators: there are
 * programs to which these end a line. */
static bool is_visible(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i], next = i + 1 < n ? (unsigned char)s[i + 1] : 0;
        unsigned char third = i + 2 < n ? (unsigned char)s[i + 2] : 0;
        if (c <= ' ' || c == 0x7f || (c == 0xc2 && next <= 0xa0) ||
            (c == 0xe2 && next == 0x80 && (third == 0xa8 || third == 0xa9)))
            return false;
    }
    return utf8_is_valid(s, n);
}

/* dot-atom, or a quoted string without what an envelope cannot carry. */
static bool local_is_good(const char *s, size_t n) {
    bool quoted = n >= 2 && s[0] == '"' && s[n - 1] == '"';
    if (n == 0 || n > LOCAL_MAX || !is_visible(s, n) || memchr(s, '<', n) || memchr(s, '>', n))
        return false;
    for (size_t i = quoted; i < n - quoted; i++) {
        char c = s[i];
        if (c == '"')
            return false;
        if (quoted) {
            if (c == '\\' && ++i >= n - 1)
                return false;
        } else if (c == '.') {
            if (i == 0 || i == n - 1 || s[i - 1] == '.')
                return false;
        } else if (!is_alnum(c) && !((unsigned char)c & 0x80) &&
                   !strchr("!#$%&'*+-/=?^_`{|}~", c)) {
            return false;
        }
    }
    return true;
}

static bool domain_is_good(const char *s) {
    size_t n = strlen(s), label = 0;
    if (n == 0 || n > 253)
        return false;
    for (size_t i = 0; i <= n; i++) {
        if (i == n || s[i] == '.') {
            if (label == 0 || label > 63 || s[i - 1] == '-')
                return false;
            label = 0;
        } else if (!is_alnum(s[i]) && s[i] != '_' && (s[i] != '-' || label == 0)) {
            return false;
        } else {
            label++;
        }
    }
    return true;
}

static void lower(char *s) {
    for (; *s; s++)
        if (*s >= 'A' && *s <= 'Z')
            *s = (char)(*s - 'A' + 'a');
}

/* The domain as A-labels; NULL when it is none. */
static char *ascii_domain(const char *domain) {
    char *ascii = NULL, *out = NULL;
    size_t n = strlen(domain);
    if (n > DOMAIN_INPUT_MAX || !is_visible(domain, n) ||
        idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return NULL;
    if (domain_is_good(ascii)) {
        out = mem_strdup(ascii);
        lower(out);
    }
    idn2_free(ascii);
    return out;
}

char *email_address_check(const char *address, struct err *err) {
    const char *at = strrchr(address, '@');
    char *domain = NULL, *out = NULL;
    if (!at || !local_is_good(address, (size_t)(at - address))) {
        err_set(err, ERR_INVALID, "no e-mail address: the part before @ is malformed");
        return NULL;
    }
    domain = ascii_domain(at + 1);
    if (!domain) {
        err_set(err, ERR_INVALID, "no e-mail address: the part after @ is no domain");
        return NULL;
    }
    out = mem_printf("%.*s@%s", (int)(at - address), address, domain);
    free(domain);
    if (strlen(out) > ADDRESS_MAX) {
        free(out);
        err_set(err, ERR_INVALID, "no e-mail address: it is too long");
        return NULL;
    }
    return out;
}
