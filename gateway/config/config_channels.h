/* config_channels.h - the channels that admins add while the gateway runs: data_dir/channels.conf,
 * in the configuration's own syntax, read by config_read() after the main file. It is written here
 * only, as a whole, by one at a time. */
#ifndef SB_CONFIG_CONFIG_CHANNELS_H
#define SB_CONFIG_CONFIG_CHANNELS_H

#include <jansson.h>

#include "base/span.h"
#include "config/config.h"

enum channel_change_what { CHANNEL_ADD, CHANNEL_CHANGE, CHANNEL_REMOVE };

struct channel_change {
    enum channel_change_what what;
    const char *name, *connector; /* connector: for ADD */
    /* ADD, CHANGE: {"key": value}. A value is a text as in the file; also a number (INT, SIZE in
     * bytes), true or false (BOOL), a list of texts (LIST). null: the default again. "***" leaves a
     * secret as it is. */
    const json_t *settings;
};

/* Reads all anew, with the change done: the whole configuration as it will be, checked by the
 * tables, and the file's new content in text. NULL with err, whose sentence begins with the key
 * that is wrong: ERR_INVALID; ERR_NOT_FOUND no such channel; ERR_CONFLICT the name is taken, the
 * channel is of the main file, or the files cannot be read as they stand. */
struct config *config_channels_change(const struct config_source *from,
    const struct channel_change *change, struct buf *text, struct err *err);

/* Held from reading to writing; closing the descriptor gives it up. -1: ERR_CONFLICT, somebody else
 * has it, of whatever process. */
int config_channels_lock(const char *data_dir, struct err *err);

/* Replaces the file (mode 0600); it is on disk after this. Blocks. */
int config_channels_write(const char *data_dir, struct span text, struct err *err);

/* [{"key","type","required","default","secret","help","min"?,"max"?,"choices"?}], without those
 * that only the main file may set. A new reference. */
json_t *config_table_json(const struct setting *table);
/* {"key": value} as in force; of secrets null (none) or "***". A new reference. */
json_t *config_values_json(const struct settings *s);

#endif
