/* scripts.h - the Lua scripts of this folder as NUL-terminated text; made by the Makefile from
 * scripts/NAME.lua (with what it needs of _common.lua: link.awk) as script_NAME. */
#ifndef SB_STORE_SCRIPTS_H
#define SB_STORE_SCRIPTS_H

extern const char script_append[];
extern const char script_read[];
extern const char script_receipt[];
extern const char script_trail[];
extern const char script_lease[];
extern const char script_begin[];
extern const char script_finish[];
extern const char script_client[];
extern const char script_join[];
extern const char script_merge[];
extern const char script_carry[];
extern const char script_unmerge[];
extern const char script_settle[];
extern const char script_unjoin[];
extern const char script_meta[];
extern const char script_wake[];
extern const char script_writer[];
extern const char script_shelf[];
extern const char script_relabel_views[];
extern const char script_dead_retry[];
extern const char script_on_card[];
extern const char script_locate[];
extern const char script_amend[];
extern const char script_queues[];
extern const char script_pick[];
extern const char script_delivery[];
extern const char script_requeue[];
extern const char script_part[];
extern const char script_window_over[];
extern const char script_user_create[];
extern const char script_user_change[];
extern const char script_user_session[];
extern const char script_user_logout[];
extern const char script_user_sessions[];
extern const char script_user_revoke[];
extern const char script_user_factor[];
extern const char script_user_unvouch[];
extern const char script_guard[];
extern const char script_rate[];
extern const char script_media_claim[];
extern const char script_event[];
extern const char script_report[];
extern const char script_rules_records[];
extern const char script_rules_put[];
extern const char script_rules_waiting[];
extern const char script_turn[];
extern const char script_erase_begin[];
extern const char script_erase_thread[];
extern const char script_erase_log[];
extern const char script_erase_identity[];
extern const char script_erase_back[];
extern const char script_erase_client[];
extern const char script_erase_heard[];
extern const char script_erase_calls[];
extern const char script_audit[];
extern const char script_token[];
extern const char script_labels[];
extern const char script_relabel[];
extern const char script_ask[];
extern const char script_rated[];
extern const char script_suggest[];
extern const char script_dismiss[];
extern const char script_pause[];

#endif
