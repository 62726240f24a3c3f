/* phone.h - telephone numbers as people and CRMs write them. Pure. E.164: "+", country and number,
 * at most 15 digits. */
#ifndef SB_MODEL_PHONE_H
#define SB_MODEL_PHONE_H

#include <stdbool.h>

#define PHONE_SIZE 20 /* of an E.164 number with its NUL */
#define PHONE_VARIANTS 5

/* What somebody wrote as E.164: digits of any script, brackets, spaces, hyphens, dots and slashes
 * between them; an extension (", ; # x ext доб") is cut off. Without "+": "00..." and the Russian
 * "810..." are international; country "RU" (or "KZ", the same numbers) also takes "8" and ten
 * digits, "7" and ten digits, and ten digits that begin with 9; any other country ("" none) takes
 * 11 digits or more as international. 0, or -1: no number that could be anybody's (fewer than 10
 * digits, more than 15). */
int phone_e164(const char *text, const char *country, char out[PHONE_SIZE]);

/* How a CRM may hold that number where nobody made it uniform: as it is, without "+", with "8"
 * (Russia), and its last ten digits. How many. */
unsigned phone_variants(const char *e164, char out[PHONE_VARIANTS][PHONE_SIZE]);

/* Are both the same number? False when one of them is none. */
bool phone_same(const char *a, const char *b, const char *country);

#endif
