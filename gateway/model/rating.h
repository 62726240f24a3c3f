/* rating.h - what a client thinks of a talk that is over: the words in which he is asked, and
 * whether what he writes is a rating. Pure. */
#ifndef SB_MODEL_RATING_H
#define SB_MODEL_RATING_H

#include <jansson.h>
#include <stdbool.h>

#define RATING_MAX 5

/* body: message.h. 1..RATING_MAX: he says nothing but this digit (a button under the question says
 * its own); of a mail what is quoted and the signature do not count. 0: it is something else. */
int rating_score(const json_t *body);

/* Is he asked in Russian? locale: of his device ("ru-RU"), "" not known; talk: words of the
 * dialogue. */
bool rating_in_russian(const char *locale, const char *talk);

enum rating_words { RATING_QUESTION, RATING_THANKS };
const char *rating_words(enum rating_words which, bool russian);

/* The question as a message's body; with buttons where the channel shows them. A new reference. */
json_t *rating_question(const char *text, bool buttons);
/* What is said to his rating. A new reference. */
json_t *rating_thanks(const char *text);
/* The event that he rated the talk. A new reference. */
json_t *rating_event(int score);

#endif
