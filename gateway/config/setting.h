/* setting.h - one table of settings a module. The same rows feed the configuration file, its
 * checks, the printed sample, `check-config`, the admin form and the docs. */
#ifndef SB_CONFIG_SETTING_H
#define SB_CONFIG_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum setting_type {
    SETTING_STRING,
    SETTING_BOOL,
    SETTING_INT,      /* min..max */
    SETTING_DURATION, /* "250ms" "10s" "5m" "2h" "8d"; stored in ms; min..max in ms */
    SETTING_SIZE,     /* "64K" "20M" "1G"; stored in bytes */
    SETTING_ENUM,     /* one of choices, "a|b|c" */
    SETTING_LIST      /* list of strings: {"a", "b"} */
};

struct setting {
    const char *key; /* NULL ends the table */
    enum setting_type type;
    const char *preset;  /* the default as written in the file; NULL: must be given */
    int64_t min, max;    /* INT, DURATION, SIZE; both 0: no limit */
    const char *choices; /* ENUM */
    bool secret;         /* never printed, never logged */
    bool file_only;      /* reaches files of this machine: not to be set over the network */
    bool sends_secrets;  /* where the secrets are sent: over the network it needs them again */
    const char *help;    /* one or two sentences, shown above the key in the sample */
    /* More checks than type and limits; value as text (NULL: none). */
    int (*check)(const char *value, struct err *err);
};

/* The values of one section, read by key. A key that is not in the section's table aborts (a bug
 * of ours, never of the user). */
struct settings;
const char *settings_title(const struct settings *s); /* "site" in sitechat "site" { } ; "" none */
const char *settings_str(const struct settings *s, const char *key);
bool settings_bool(const struct settings *s, const char *key);
int64_t settings_int(const struct settings *s, const char *key); /* INT, DURATION (ms), SIZE */
const char *const *settings_list(const struct settings *s, const char *key); /* NULL-ended */

#endif
