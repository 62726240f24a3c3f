/* sections.h - every section that the configuration may have: the gateway's own, then one for each
 * connector and CRM of the registry. */
#ifndef SB_SECTIONS_H
#define SB_SECTIONS_H

#include "config/config.h"

#define SECTIONS_MAX 64

/* Fills types (SECTIONS_MAX), ended by a row without name. */
void sections_list(struct section_type *types);

#endif
