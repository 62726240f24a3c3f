/* value.h - reading single values of the configuration: durations, sizes, numbers. Pure. */
#ifndef SB_CONFIG_VALUE_H
#define SB_CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/setting.h"

int value_duration(const char *text, int64_t *ms_out); /* "250ms" "10s" "5m" "2h" "8d"; 0 or -1 */
int value_size(const char *text, int64_t *bytes_out);  /* "512" "64K" "20M" "1G"; 0 or -1 */

/* Checks text against the row's type, limits, choices and own check; numbers go to *number_out
 * (bools as 0 and 1). The sentence says what was expected. */
int value_check(const struct setting *row, const char *text, int64_t *number_out, struct err *err);

/* Steps of typing apart (Levenshtein), for "did you mean"; names longer than 63 count as far. */
size_t value_distance(const char *a, const char *b);

#endif
