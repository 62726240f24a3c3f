/* sections.h - every section that the configuration may have: the gateway's own, then one for each
 * connector and CRM of the registry. */
#ifndef SB_SECTIONS_H
#define SB_SECTIONS_H

#include "config/config.h"
#include "loop/loop.h"

#define SECTIONS_MAX 64

/* Fills types (SECTIONS_MAX), ended by a row without name. */
void sections_list(struct section_type *types);

/* Lets each connector, CRM and provider of the configuration look at its own settings, beyond what
 * their tables can say; nothing is started. Tells each that would not begin; how many. */
typedef void (*sections_fn)(
    void *arg, const char *section, const char *title, const struct err *err);
unsigned sections_try(
    const struct config *config, const struct env *env, sections_fn wrong, void *arg);

#endif
