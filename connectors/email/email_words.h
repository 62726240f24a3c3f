/* email_words.h - encoded words (RFC 2047) of headers put right before GMime decodes them. Pure. */
#ifndef SB_CONNECTORS_EMAIL_EMAIL_WORDS_H
#define SB_CONNECTORS_EMAIL_EMAIL_WORDS_H

#include <stdbool.h>

/* A copy in which neighbouring words of one charset are one word in UTF-8: senders cut characters
 * in two between words, pad each word's base64, and name wrong charsets (email_charset.h). What is
 * no encoded word stays as it is. *guessed as in email_charset_text(). The caller frees. */
char *email_words_join(const char *s, bool *guessed);

/* The text as encoded words of UTF-8 with a space between them. The caller frees. */
char *email_words_encode(const char *text);

#endif
