/* sitechat_form.h - what a visitor says of himself in the form: his name and how to reach him. Only
 * his word: it proves nothing. Pure. */
#ifndef SB_SITECHAT_FORM_H
#define SB_SITECHAT_FORM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum form_field { FORM_NAME = 1 << 0, FORM_EMAIL = 1 << 1, FORM_PHONE = 1 << 2 };

/* A field of the setting "form": "email", or "email!" when nobody writes without it. The bit, and
 * whether it must be there. 0: no such field. */
unsigned form_field_read(const char *text, bool *must_out);
int form_field_check(const char *text, struct err *err);

/* The filled-in form ({"name","email","phone"} as sent, strings) as it is kept: names without
 * control characters, the e-mail's domain in lower case, the phone as E.164; empty ones left out. A
 * new object, or NULL with err, which begins with the key. */
json_t *form_clean(const json_t *form, struct err *err);

/* Of the fields in `must`, the first that neither the form nor the user has; NULL none. Both may be
 * NULL. */
const char *form_missing(unsigned must, const json_t *form, const json_t *user);

#endif
