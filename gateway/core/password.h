/* password.h - which passwords are taken. Pure. */
#ifndef SB_CORE_PASSWORD_H
#define SB_CORE_PASSWORD_H

#include "base/err.h"

/* 10 to 128 characters; not the person's own name with a little around it, not one of those that
 * are tried first, not a run along the keyboard, not the same few characters again and again. No
 * rule asks for kinds of characters. 0, or -1 with the sentence for the person. */
int password_check(const char *password, const char *name, struct err *err);

#endif
