/* gateway_settings.h - the tables of the gateway's own sections (all but connectors and CRMs). */
#ifndef SB_CONFIG_GATEWAY_SETTINGS_H
#define SB_CONFIG_GATEWAY_SETTINGS_H

#include "config/setting.h"

extern const struct setting gateway_settings[]; /* top level: listen, data_dir, workers, ... */
extern const struct setting redis_settings[];   /* redis { } */
extern const struct setting agents_settings[];  /* agents { } */
extern const struct setting media_settings[];   /* media { } */
extern const struct setting history_settings[]; /* history { } */
extern const struct setting reports_settings[]; /* reports { } */
extern const struct setting limits_settings[];  /* limits { } */
extern const struct setting oidc_settings[];    /* oidc "name" { } */

#endif
