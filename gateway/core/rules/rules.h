/* rules.h - the engine of rules (model/rule.h): of each shard's events its owner holds each against
 * them, once, and does what they say. What is begun stands in Redis before it is done, and each of
 * its steps has a key, so that whoever goes on after a crash does it neither twice nor by halves.
 * Each step is an entry of the thread that says which rule it was, and why. */
#ifndef SB_CORE_RULES_H
#define SB_CORE_RULES_H

#include "core/core.h"

/* The card's responsible in a CRM, when he is an agent of ours; "" nobody. */
typedef void (*core_name_fn)(void *arg, const char *name, const struct err *err);
void core_responsible(struct core *core, const char *client, core_name_fn fn, void *arg);

/* A rule as it stands on the shelf "rules": {"rule":{..},"live","by","at"}; NULL, logged, when it
 * is none (any more). live: what was before does not count. */
struct rule;
struct rule *core_rule_of(struct core *core, const char *id, const json_t *thing);

#endif
