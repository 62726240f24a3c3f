/* fold.h - text made comparable as people mean it: lower case, without accents, composed or not;
 * what is no letter and no digit only parts words. Pure. */
#ifndef SB_BASE_FOLD_H
#define SB_BASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FOLD_PAIRS 64 /* words of a set of pairs of bytes: 4096 bits */

/* " my card does not work ": one space between words, at the start and at the end. */
struct folded {
    char *p;
    size_t n;
    uint64_t pairs[FOLD_PAIRS]; /* which pairs of bytes stand in it: most words that are not in a
                                   text are known by that */
    unsigned cyrillic, latin;   /* letters */
};

/* At most the first FOLD_MAX bytes of s, which need not be valid UTF-8. fold_free() it. */
#define FOLD_MAX 16384
void fold_text(struct folded *f, const char *s, size_t n);
void fold_free(struct folded *f);

/* A word or a phrase to be looked for; "*" at its end: whatever the last word ends in. False when
 * there is no letter or digit in it. */
bool fold_pattern(struct folded *f, const char *s, size_t n);
bool fold_has(const struct folded *text, const struct folded *pattern);

#endif
