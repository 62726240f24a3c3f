/* config_private.h - what the files of this folder share. */
#ifndef SB_CONFIG_CONFIG_PRIVATE_H
#define SB_CONFIG_CONFIG_PRIVATE_H

#include "config/config.h"

struct value {
    char *text;  /* as written; NULL not set */
    char **list; /* LIST: NULL-ended */
    int64_t number;
};

struct settings {
    const struct section_type *type;
    char *title;
    struct value *values; /* by row of the table */
    bool added;           /* of data_dir/channels.conf */
};

struct config {
    const struct section_type *types;
    struct settings **sections;
    size_t n;
};

/* A new section with every row unset. */
struct settings *settings_create(const struct section_type *type, const char *title);
void settings_free(struct settings *s);
/* Sets row i from text (a list: separated by commas) or from items. 0, or -1 with err. */
int settings_set(struct settings *s, size_t i, const char *text, struct err *err);
int settings_set_list(struct settings *s, size_t i, char *const *items, size_t n, struct err *err);
void settings_unset(struct settings *s, size_t i);
/* Index of the key in the table, or -1. */
long settings_row(const struct section_type *type, const char *key);
/* The nearest known key, or NULL when none is near. */
const char *settings_nearest(const struct section_type *type, const char *key);

/* config_file.c: reads the file into c; problems are added. 0 or -1. */
int config_file_read(struct config *c, const char *path, struct buf *problems);

/* As config_read(); change, where there is one, may alter what the files say before the defaults
 * are filled in. It returns -1 when the reading shall end: then NULL, without problems. */
typedef int (*config_change_fn)(struct config *c, void *arg);
struct config *config_read_changed(
    const struct config_source *from, config_change_fn change, void *arg, struct buf *problems);

/* config_channels.c: "data_dir/channels.conf" (the caller frees), and what is in it added to c; 0
 * or -1. No such file: 0. */
char *config_channels_path(const char *data_dir);
int config_channels_read(struct config *c, const char *data_dir, struct buf *problems);

/* config_print.c: the added channels as their file has them, only with the keys that were set. */
void config_print_added(const struct config *c, struct buf *out);

struct settings *config_add(struct config *c, const struct section_type *type, const char *title);
void config_remove(struct config *c, struct settings *s);
/* Is this a good title of a section? */
bool config_title_is_good(const char *title);
const struct section_type *config_type(const struct section_type *types, const char *name);

#endif
