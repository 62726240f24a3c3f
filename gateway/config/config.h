/* config.h - the configuration as a whole: reads the file (libConfuse syntax), applies --set,
 * checks everything against the tables, prints the commented sample.
 *
 *   listen = "127.0.0.1:8080"
 *   redis { url = "embedded" }
 *   sitechat "site" { origins = {"https://example.com"} }
 *
 * After it data_dir/channels.conf is read: the channels that admins added (config_channels.h).
 *
 * Every refusal says file:line, the key, what was expected and the nearest known key:
 *   conf/switchboard.conf:12: unknown key "wrokers"; did you mean "workers"?
 */
#ifndef SB_CONFIG_CONFIG_H
#define SB_CONFIG_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "config/setting.h"

enum section_kind {
    SECTION_PLAIN,   /* at most one, no title: redis { } ; name "" is the top level */
    SECTION_CHANNEL, /* any number, titled: sitechat "site" { } */
    SECTION_CRM,     /* any number, titled: cards "main" { } */
    SECTION_SIGN_IN  /* any number, titled: oidc "corp" { } */
};

struct section_type {
    const char *name; /* NULL ends the list */
    enum section_kind kind;
    const struct setting *table;
    const char *help;   /* a paragraph for the sample */
    const char *sample; /* title of the section shown in the sample; NULL: shown commented out */
};

struct config;

/* Where a configuration comes from, for reading it again. All borrowed. */
struct config_source {
    const char *path;
    const char *const *sets; /* --set, NULL-ended */
    const struct section_type *types;
};

/* Reads and checks. types is ended by a row without name and must outlive the config. sets is a
 * NULL-ended list of "key=value" ("redis.url=...", "sitechat.site.origins=a,b"). Returns NULL with
 * every problem found (one a line) in problems. */
struct config *config_read(const char *path, const char *const *sets,
    const struct section_type *types, struct buf *problems);
void config_destroy(struct config **c);

/* The section of a plain type (its defaults when the file does not have it); "" is the top level.
 */
const struct settings *config_section(const struct config *c, const char *name);

/* Titled sections, in the file's order: count, and the i-th with its type. */
size_t config_count(const struct config *c, enum section_kind kind);
const struct settings *config_at(
    const struct config *c, enum section_kind kind, size_t i, const struct section_type **type_out);

/* The channel of this name, with its type; NULL when there is none. */
const struct settings *config_channel(
    const struct config *c, const char *name, const struct section_type **type_out);
/* It is of data_dir/channels.conf. */
bool settings_is_added(const struct settings *s);

/* The complete commented sample, from the tables. */
void config_print_sample(const struct section_type *types, struct buf *out);

/* The configuration in force, secrets as "***". */
void config_print(const struct config *c, struct buf *out);

#endif
