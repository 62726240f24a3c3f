/* bitrix24_answer.h - what Bitrix24's REST answered. Pure. The status is not the result: an error
 * may come with 200, and an answer of several commands or messages has one for each. */
#ifndef SB_CONNECTORS_BITRIX24_BITRIX24_ANSWER_H
#define SB_CONNECTORS_BITRIX24_BITRIX24_ANSWER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/crm/crm_token.h"
#include "net/http_client.h"

struct bitrix24_answer {
    json_t *result;    /* a new reference; NULL exactly when err says why */
    struct err err;    /* ERR_TOO_MANY, ERR_AUTH, ERR_NOT_FOUND, ERR_UNAVAILABLE, ERR_INVALID,
                          ERR_DENIED, ERR_PROTOCOL */
    unsigned retry_ms; /* not before; 0 not said */
    int64_t reset_at;  /* operating_reset_at, s since 1970; 0 not said */
    bool expired;      /* the access token is over: a new one is to be had */
    bool over_rate;    /* nothing at all is answered for a moment */
    bool over_time;    /* this method only, until reset_at */
    bool no_line;      /* the open line, or our channel in it, is not active */
};
void bitrix24_answer_read(const struct http_answer *a, int64_t now_s, struct bitrix24_answer *out);

/* The result of one command of a batch: borrowed; NULL with err when it failed or is missing. */
const json_t *bitrix24_command_result(
    const json_t *batch, const char *name, struct bitrix24_answer *out);

/* imconnector.*: did each element succeed, n of them? 0, or -1 with err (ERR_INVALID) in the words
 * of the first that did not. */
int bitrix24_elements_check(const json_t *result, size_t n, struct err *err);

/* What the token server answered: 0, or -1 with err: ERR_AUTH, the application has to be connected
 * or paid for anew; others pass. */
int bitrix24_tokens_read(const struct http_answer *a, struct crm_tokens *out, struct err *err);

/* --- the portal's records, in the words of core/crm/crm_flow.h
 * ------------------------------------ */

/* crm.item.get: {"item":{..}} -> look()'s result. portal: "https://x.bitrix24.ru". NULL: it is no
 * contact. A new reference. */
json_t *bitrix24_card(const json_t *result, const char *portal);
/* Whom a batch of bitrix24_find_commands() found: ids, the surest first, each once, at most 50;
 * NULL with err. A new reference. */
json_t *bitrix24_found_ids(const json_t *batch, struct bitrix24_answer *out);
/* crm.item.list: {"items":[..]} -> find()'s result: all that each holds. A new reference. */
json_t *bitrix24_found(const json_t *result);
/* A page of crm.timeline.comment.list, newest first: what is ours of it (mark NULL: all) is put
 * before what out has of newer pages; what came twice, for people write meanwhile, is left out. The
 * number of comments on the page, and when the oldest of them was made (if it is told); -1: it is
 * no page. */
int bitrix24_comments(const json_t *result, const char *mark, json_t *out, int64_t *oldest_ms_out);
/* "17" of 17 and "17"; a new reference; NULL: it is no id. */
json_t *bitrix24_id(const json_t *id);

#endif
