/* whatsapp_who.c - whose dialogue: a person comes with a phone number, a business-scoped id, both,
 * or one today and the other tomorrow. What the platform names in one breath is one person: his
 * identities lead to one client. Source: WhatsApp Business Platform, "Business-scoped user ids". */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "connectors/whatsapp/whatsapp_phone.h"
#include "connectors/whatsapp/whatsapp_private.h"

const char *whatsapp_address(const struct whatsapp_person *p, char out[WHATSAPP_ADDRESS_SIZE]) {
    if (p->group[0])
        snprintf(out, WHATSAPP_ADDRESS_SIZE, WHATSAPP_GROUP "%s", p->group);
    else
        snprintf(out, WHATSAPP_ADDRESS_SIZE, "%s", p->bsuid[0] ? p->bsuid : p->phone);
    return out;
}

/* --- people who were seen before ------------------------------------------------------------- */

#define WAYS 8 /* so many people share a line; the oldest leaves */

static uint64_t *line_of(
    const struct whatsapp *w, const struct whatsapp_person *p, uint64_t *hash) {
    char all[WHATSAPP_PHONE_SIZE + 2 * WHATSAPP_BSUID_SIZE + 4];
    unsigned char out[crypto_shorthash_BYTES];
    int n = snprintf(all, sizeof all, "%s|%s|%s", p->phone, p->bsuid, p->parent);
    crypto_shorthash(out, (const unsigned char *)all, (unsigned long long)n, w->hash_key);
    memcpy(hash, out, sizeof *hash);
    *hash |= 1; /* 0 is nobody */
    return &w->known[(*hash >> 8 & (WHATSAPP_KNOWN / WAYS - 1)) * WAYS];
}

static bool is_in(const uint64_t *line, uint64_t hash) {
    for (int i = 0; i < WAYS; i++)
        if (line[i] == hash)
            return true;
    return false;
}

bool whatsapp_who_known(const struct whatsapp *w, const struct whatsapp_person *p) {
    uint64_t hash;
    const uint64_t *line = line_of(w, p, &hash);
    return p->group[0] || is_in(line, hash);
}

static void remember(struct whatsapp *w, const struct whatsapp_person *p) {
    uint64_t hash, *line = line_of(w, p, &hash);
    if (is_in(line, hash))
        return;
    memmove(line + 1, line, (WAYS - 1) * sizeof *line);
    line[0] = hash;
}

/* --- joining --------------------------------------------------------------------------------- */

struct joining {
    struct whatsapp *w;
    char address[WHATSAPP_ADDRESS_SIZE];
    char others[8][WHATSAPP_ADDRESS_SIZE];
    size_t n, at;
    whatsapp_who_fn fn;
    void *arg;
};

static void add(struct joining *j, const char *address) {
    if (*address && strcmp(address, j->address) != 0 && j->n < ARRAY_LEN(j->others))
        snprintf(j->others[j->n++], WHATSAPP_ADDRESS_SIZE, "%s", address);
}

static void add_person(struct joining *j, const struct whatsapp_person *p) {
    char twin[WHATSAPP_TWIN_SIZE];
    add(j, p->bsuid);
    add(j, p->phone);
    add(j, p->parent);
    if (whatsapp_phone_twin(p->phone, twin))
        add(j, twin);
}

static void join_next(void *arg);

static void on_joined(void *arg, const struct lookup_result *r, const struct err *err) {
    struct joining *j = arg;
    (void)r;
    if (err && err->code != ERR_NOT_FOUND && err->code != ERR_CONFLICT) {
        j->fn(j->arg, NULL, err);
        free(j);
        return;
    }
    join_next(j);
}

/* Who has this identity becomes, or joins, the client of the address. */
static void join_next(void *arg) {
    struct joining *j = arg;
    if (j->at == j->n) {
        j->fn(j->arg, j->address, NULL);
        free(j);
        return;
    }
    struct identity from = {WHATSAPP_KIND, j->others[j->at++], NULL, true};
    struct identity to = {WHATSAPP_KIND, j->address, NULL, true};
    connector_move(&j->w->base, &from, &to, on_joined, j);
}

static void join(struct whatsapp *w, const struct whatsapp_person *was,
    const struct whatsapp_person *p, whatsapp_who_fn fn, void *arg) {
    struct joining *j = mem_zalloc(sizeof *j);
    j->w = w;
    j->fn = fn;
    j->arg = arg;
    whatsapp_address(p, j->address);
    if (!p->group[0])
        add_person(j, p);
    if (was)
        add_person(j, was);
    loop_defer(w->base.env->loop, join_next, j);
}

void whatsapp_who(
    struct whatsapp *w, const struct whatsapp_person *p, whatsapp_who_fn fn, void *arg) {
    join(w, NULL, p, fn, arg);
}

void whatsapp_who_moved(struct whatsapp *w, const struct whatsapp_person *was,
    const struct whatsapp_person *p, whatsapp_who_fn fn, void *arg) {
    join(w, was, p, fn, arg);
}

/* --- the other identities of a client who is there now --------------------------------------- */

struct note {
    bool retire; /* it was his, and is not any more */
    const char *kind;
    char address[WHATSAPP_ADDRESS_SIZE];
};

struct noting {
    struct whatsapp *w;
    struct whatsapp_person p;
    char address[WHATSAPP_ADDRESS_SIZE];
    char *name;
    struct note notes[9];
    size_t n, at;
    core_done_fn fn;
    void *arg;
};

static void note_next(struct noting *k);

static void noting_end(struct noting *k, const struct err *err) {
    if (!err)
        remember(k->w, &k->p);
    k->fn(k->arg, err);
    free(k->name);
    free(k);
}

static void on_noted(void *arg, const struct err *err) {
    struct noting *k = arg;
    if (err && (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)) {
        noting_end(k, err);
        return;
    }
    if (err) /* another client has it: for a person to decide */
        LOG_INFO(k->w->base.env->log, "whatsapp.identity_taken",
            LOG_S("channel", k->w->base.channel), LOG_E(err));
    note_next(k);
}

static void note_next(struct noting *k) {
    if (k->at == k->n) {
        noting_end(k, NULL);
        return;
    }
    const struct note *n = &k->notes[k->at++];
    struct identity self = {WHATSAPP_KIND, k->address, k->name, true};
    struct identity other = {n->kind, n->address, k->name, true};
    if (n->retire)
        connector_retire(&k->w->base, &self, &other, on_noted, k);
    else
        connector_identify(&k->w->base, &self, &other, on_noted, k);
}

static void add_note(struct noting *k, bool retire, const char *kind, const char *address) {
    struct note *n = &k->notes[k->n];
    if (!*address || k->n == ARRAY_LEN(k->notes))
        return;
    *n = (struct note){.retire = retire, .kind = kind};
    snprintf(n->address, sizeof n->address, "%s%s", strcmp(kind, "phone") == 0 ? "+" : "", address);
    k->n++;
}

/* Another number always comes with another id; the same number written otherwise is no other one.
 */
static void add_former(struct noting *k, const struct whatsapp_person *was) {
    char twin[WHATSAPP_TWIN_SIZE];
    whatsapp_phone_twin(was->phone, twin);
    if (k->p.bsuid[0] && strcmp(was->bsuid, k->p.bsuid) != 0)
        add_note(k, true, WHATSAPP_KIND, was->bsuid);
    if (strcmp(was->phone, k->p.phone) == 0 || (twin[0] && strcmp(twin, k->p.phone) == 0))
        return;
    add_note(k, true, WHATSAPP_KIND, was->phone);
    add_note(k, true, WHATSAPP_KIND, twin);
    add_note(k, true, "phone", was->phone);
}

void whatsapp_who_stored(struct whatsapp *w, const struct whatsapp_person *was,
    const struct whatsapp_person *p, const char *name, core_done_fn fn, void *arg) {
    struct noting *k = mem_zalloc(sizeof *k);
    k->w = w;
    k->p = *p;
    k->name = mem_strdup(name);
    k->fn = fn;
    k->arg = arg;
    whatsapp_address(p, k->address);
    if (was) { /* and what he has now may have been a former one */
        add_former(k, was);
        add_note(k, false, WHATSAPP_KIND, k->address);
    }
    if (strcmp(p->bsuid, k->address) != 0)
        add_note(k, false, WHATSAPP_KIND, p->bsuid);
    if (strcmp(p->phone, k->address) != 0)
        add_note(k, false, WHATSAPP_KIND, p->phone);
    add_note(k, false, WHATSAPP_KIND, p->parent);
    add_note(k, false, "phone", p->phone);
    note_next(k);
}
