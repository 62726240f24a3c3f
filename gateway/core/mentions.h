/* mentions.h - whom a note calls by @name. Pure. */
#ifndef SB_CORE_MENTIONS_H
#define SB_CORE_MENTIONS_H

#include <jansson.h>

#define MENTIONS_MAX 10

/* The names of those of the agents (openapi "Agent") that stand in the text as @name, each once and
 * at most MENTIONS_MAX, as a new array. An @ inside of a word, as in an address, calls nobody. */
json_t *mentions_of(const char *text, const json_t *agents);

/* Such an array as names between spaces; the caller frees. */
char *mentions_line(const json_t *names);

#endif
