/* bitrix24_card.c - contacts, and the lead or deal that a new one may bring. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/bitrix24/bitrix24_private.h"

/* One step whose result is to be told in other words. */
struct asking {
    struct bitrix24 *b;
    crm_step_fn fn;
    void *arg;
};

static struct asking *asking_create(struct crm *c, crm_step_fn fn, void *arg) {
    struct asking *a = mem_alloc(sizeof *a);
    *a = (struct asking){bitrix24_of(c), fn, arg};
    return a;
}

/* Takes result over. */
static void answer(struct asking *a, json_t *result, const struct err *err, unsigned retry_ms) {
    a->fn(a->arg, err ? NULL : result, err, retry_ms);
    json_decref(result);
    free(a);
}

static json_t *item_params(const char *card) {
    return json_pack(
        "{s:i,s:I}", "entityTypeId", BITRIX24_CONTACT, "id", (json_int_t)strtoll(card, NULL, 10));
}

/* --- one that we know ------------------------------------------------------------------------ */

static void on_item(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct asking *a = arg;
    struct err bad;
    json_t *card = err ? NULL : bitrix24_card(result, a->b->portal);
    if (!err && !card)
        err = (err_set(&bad, ERR_PROTOCOL, "Bitrix24 was asked for a contact and gave none"), &bad);
    answer(a, card, err, retry_ms);
}

void bitrix24_look(struct crm *c, const char *card, crm_step_fn fn, void *arg) {
    bitrix24_call_small(
        bitrix24_of(c), "crm.item.get", item_params(card), on_item, asking_create(c, fn, arg));
}

/* --- one that may be his --------------------------------------------------------------------- */

static void on_items(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    answer(arg, err ? NULL : bitrix24_found(result), err, retry_ms);
}

/* The search by numbers says whom it found, not by what: that is compared here. */
static void on_ids(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct asking *a = arg;
    struct bitrix24_answer said = {0};
    json_t *ids = err ? NULL : bitrix24_found_ids(result, &said);
    if (err || !ids) {
        answer(a, NULL, err ? err : &said.err, err ? retry_ms : said.retry_ms);
    } else if (json_array_size(ids) == 0) {
        answer(a, json_array(), NULL, 0);
    } else {
        bitrix24_call(a->b, "crm.item.list",
            json_pack("{s:i,s:{s:O},s:[s]}", "entityTypeId", BITRIX24_CONTACT, "filter", "@id", ids,
                "select", "*"),
            on_items, a);
    }
    json_decref(ids);
}

void bitrix24_find(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    bitrix24_call(bitrix24_of(c), "batch",
        json_pack("{s:i,s:o}", "halt", 0, "cmd", bitrix24_find_commands(who)), on_ids,
        asking_create(c, fn, arg));
}

/* --- a new one ------------------------------------------------------------------------------- */

static json_t *made(const struct asking *a, const json_t *result) {
    json_t *card = bitrix24_card(result, a->b->portal);
    return card ? card : json_object(); /* it did not say which */
}

static void on_created(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    answer(arg, err ? NULL : made(arg, result), err, retry_ms);
}

/* Without the lead or deal he is still a client, whose messages are to be delivered. */
static void on_both(void *arg, const json_t *result, const struct err *err, unsigned retry_ms) {
    struct asking *a = arg;
    struct bitrix24_answer said = {0};
    const json_t *contact = err ? NULL : bitrix24_command_result(result, "contact", &said);
    if (err || !contact) {
        answer(a, NULL, err ? err : &said.err, err ? retry_ms : said.retry_ms);
        return;
    }
    if (!bitrix24_command_result(result, "also", &said))
        LOG_WARN(a->b->flow.base.env->log, "bitrix24.no_lead",
            LOG_S("target", a->b->flow.base.target), LOG_E(&said.err));
    answer(a, made(a, contact), NULL, 0);
}

void bitrix24_create(struct crm *c, const struct crm_flow_who *who, crm_step_fn fn, void *arg) {
    struct bitrix24 *b = bitrix24_of(c);
    const struct bitrix24_making *m = &b->making;
    json_t *contact = json_pack(
        "{s:i,s:o}", "entityTypeId", BITRIX24_CONTACT, "fields", bitrix24_contact_fields(who, m));
    if (strcmp(m->also, "none") == 0) {
        bitrix24_call(b, "crm.item.add", contact, on_created, asking_create(c, fn, arg));
        return;
    }
    json_t *also = json_pack("{s:i,s:o}", "entityTypeId", strcmp(m->also, "lead") == 0 ? 1 : 2,
        "fields", bitrix24_also_fields(who, m));
    json_t *cmd =
        json_pack("{s:o,s:o}", "contact", bitrix24_command("crm.item.add", contact, ""), "also",
            bitrix24_command(
                "crm.item.add", also, "&fields[contactIds][0]=$result[contact][item][id]"));
    json_decref(contact);
    json_decref(also);
    bitrix24_call(b, "batch", json_pack("{s:i,s:o}", "halt", 1, "cmd", cmd), on_both,
        asking_create(c, fn, arg));
}

/* --- what is changed on it ------------------------------------------------------------------- */

/* crm.item.update only ever adds multifields. Another system's originId is left alone: our mark is
 * a messenger, then. */
void bitrix24_add(struct crm *c, const char *card, const struct crm_flow_who *who,
    const json_t *missing, crm_step_fn fn, void *arg) {
    json_t *params = item_params(card);
    (void)who;
    json_object_set_new(
        params, "fields", json_pack("{s:o}", "fm", bitrix24_multifields(missing, false)));
    bitrix24_call_small(bitrix24_of(c), "crm.item.update", params, fn, arg);
}

void bitrix24_assign(struct crm *c, const char *card, const char *user, crm_step_fn fn, void *arg) {
    json_t *params = item_params(card);
    json_object_set_new(
        params, "fields", json_pack("{s:I}", "assignedById", (json_int_t)strtoll(user, NULL, 10)));
    bitrix24_call_small(bitrix24_of(c), "crm.item.update", params, fn, arg);
}

void bitrix24_rename(struct crm *c, const char *card, const char *name, crm_step_fn fn, void *arg) {
    json_t *params = item_params(card);
    json_object_set_new(
        params, "fields", json_pack("{s:o,s:s}", "name", bitrix24_name(name), "lastName", ""));
    bitrix24_call_small(bitrix24_of(c), "crm.item.update", params, fn, arg);
}
