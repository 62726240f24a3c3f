/* utf8.h - checks on text that strangers send. */
#ifndef SB_BASE_UTF8_H
#define SB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool utf8_is_valid(const char *p, size_t n);

/* Number of code points in valid UTF-8. */
size_t utf8_length(const char *p, size_t n);

/* The longest prefix of at most max_points code points, in bytes. */
size_t utf8_prefix(const char *p, size_t n, size_t max_points);

/* True when text may be stored as a message: valid, no NUL and no control characters but
 * tab, line feed and carriage return. */
bool utf8_is_text(const char *p, size_t n);

/* True when nothing in it is a space of any kind, a control, or invisible. */
bool utf8_is_word(const char *p, size_t n);

/* Writes '?' over each byte of s that is not part of a well-formed character: what was cut at a
 * number of bytes ends in such. */
void utf8_repair(char *s);

/* Copies s without control and bidirectional-override characters (names shown in a list), cut to
 * max_points code points; bytes that are no UTF-8 become U+FFFD. The caller frees. */
char *utf8_clean_name(const char *s, size_t max_points);

#endif
