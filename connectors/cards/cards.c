/* cards.c - the embedded CRM store as a CRM adapter: the model for others. It runs as any CRM
 * would: from its queue, at least once, idempotent by message id. */
#include "connectors/cards/cards.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_quick.h"
#include "base/mem.h"
#include "connectors/cards/cards_private.h"

struct cards {
    struct crm base; /* first: the core gives us a pointer to it */
    char *path;
    struct cards_lane *writes, *reads;
};

static const struct setting settings[] = {
    {.key = "file",
        .type = SETTING_STRING,
        .preset = "cards.db",
        .help = "The SQLite file, in data_dir unless it begins with /."},
    {0},
};

static struct cards *cards_of(struct crm *c) {
    return container_of(c, struct cards, base);
}

static int init(struct crm *c, const struct settings *s, const char *data_dir, struct err *err) {
    const char *file = settings_str(s, "file");
    (void)err;
    cards_of(c)->path = *file == '/' ? mem_strdup(file) : mem_printf("%s/%s", data_dir, file);
    return 0;
}

static int start(struct crm *c, struct err *err) {
    struct cards *k = cards_of(c);
    sqlite3 *db = cards_db_open(k->path, true, c->env->log, err);
    if (!db)
        return -1;
    k->writes = cards_lane_create(c->env->loop, db, true, cards_write);
    db = cards_db_open(k->path, false, c->env->log, err);
    if (!db)
        return -1;
    k->reads = cards_lane_create(c->env->loop, db, false, cards_read);
    return 0;
}

static char *copy(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return mem_strdup(s ? s : "");
}

static struct cards_call *call_create(struct crm *crm, enum cards_kind kind, void *arg) {
    struct cards_call *c = mem_zalloc(sizeof *c);
    c->crm = crm;
    c->kind = kind;
    c->arg = arg;
    return c;
}

static void ensure_card(
    struct crm *crm, const json_t *client, const char *known, crm_done_fn fn, void *arg) {
    (void)known; /* it finds what it made */
    struct cards_call *c = call_create(crm, CARDS_ENSURE, arg);
    c->done = fn;
    c->client = copy(client, "id");
    c->fields = json_deep_copy(client);
    cards_lane_add(cards_of(crm)->writes, c);
}

/* What is there is replaced: it need not look. But when asked to, it puts it where it belongs. */
static void attach(struct crm *crm, const struct crm_attach *a, crm_done_fn fn, void *arg) {
    const json_t *message = a->message;
    struct cards_call *c = call_create(crm, CARDS_ATTACH, arg);
    const char *at = json_string_value(json_object_get(message, "received_at"));
    c->done = fn;
    c->card = mem_strdup(a->card_id);
    c->message = copy(message, "id");
    c->thread = copy(message, "thread");
    c->client = copy(message, "client");
    c->text = copy(message, "text");
    c->seq = json_integer_value(json_object_get(message, "seq"));
    c->json = json_quick_dump(message);
    c->again = a->again;
    if (!at || clock_parse(at, &c->at) < 0)
        c->at = clock_ms();
    cards_lane_add(cards_of(crm)->writes, c);
}

static void merge(struct crm *crm, const char *from_client, const char *into_client, int64_t number,
    crm_done_fn fn, void *arg) {
    (void)number;
    struct cards_call *c = call_create(crm, CARDS_MERGE, arg);
    c->done = fn;
    c->client = mem_strdup(from_client);
    c->card = mem_strdup(into_client);
    cards_lane_add(cards_of(crm)->writes, c);
}

static void unmerge(struct crm *crm, const json_t *from_client, const char *into_client,
    int64_t number, crm_done_fn fn, void *arg) {
    (void)number;
    struct cards_call *c = call_create(crm, CARDS_UNMERGE, arg);
    c->done = fn;
    c->client = copy(from_client, "id");
    c->card = mem_strdup(into_client);
    c->fields = json_deep_copy(from_client);
    cards_lane_add(cards_of(crm)->writes, c);
}

static void erase(struct crm *crm, const char *client, crm_done_fn fn, void *arg) {
    struct cards_call *c = call_create(crm, CARDS_ERASE, arg);
    c->done = fn;
    c->client = mem_strdup(client);
    cards_lane_add(cards_of(crm)->writes, c);
}

static void update_card(
    struct crm *crm, const char *client, const json_t *fields, crm_done_fn fn, void *arg) {
    struct cards_call *c = call_create(crm, CARDS_UPDATE, arg);
    c->done = fn;
    c->client = mem_strdup(client);
    c->fields = json_deep_copy(fields);
    cards_lane_add(cards_of(crm)->writes, c);
}

static void search(
    struct crm *crm, const char *query, unsigned limit, crm_result_fn fn, void *arg) {
    struct cards_call *c = call_create(crm, CARDS_SEARCH, arg);
    c->answer = fn;
    c->query = mem_strdup(query);
    c->limit = limit;
    cards_lane_add(cards_of(crm)->reads, c);
}

static void history(struct crm *crm, const char *thread, int64_t before, unsigned limit,
    crm_result_fn fn, void *arg) {
    struct cards_call *c = call_create(crm, CARDS_HISTORY, arg);
    c->answer = fn;
    c->thread = mem_strdup(thread);
    c->seq = before;
    c->limit = limit;
    cards_lane_add(cards_of(crm)->reads, c);
}

static void card(
    struct crm *crm, const char *client, const char *card_id, crm_result_fn fn, void *arg) {
    (void)card_id; /* ours is found by the client */
    struct cards_call *c = call_create(crm, CARDS_CARD, arg);
    c->answer = fn;
    c->client = mem_strdup(client);
    cards_lane_add(cards_of(crm)->reads, c);
}

static void entries(struct crm *crm, const char *card_id, crm_result_fn fn, void *arg) {
    struct cards_call *c = call_create(crm, CARDS_ENTRIES, arg);
    c->answer = fn;
    c->card = mem_strdup(card_id);
    cards_lane_add(cards_of(crm)->reads, c);
}

static void stop(struct crm *c) {
    (void)c; /* what runs finishes; what waits is ended by finish() */
}

static void finish(struct crm *c) {
    struct cards *k = cards_of(c);
    cards_lane_destroy(&k->writes);
    cards_lane_destroy(&k->reads);
    free(k->path);
}

const struct crm_ops cards_crm = {
    .api = CRM_API,
    .name = "cards",
    .caps = CRM_SEARCH | CRM_HISTORY | CRM_ENTRIES,
    .size = sizeof(struct cards),
    .settings = settings,
    .help = "The embedded CRM store: a card for each client with the whole history, and full-text "
            "search. One SQLite file; it may run beside another CRM.",
    .init = init,
    .start = start,
    .ensure_card = ensure_card,
    .attach = attach,
    .merge = merge,
    .unmerge = unmerge,
    .erase = erase,
    .search = search,
    .history = history,
    .card = card,
    .entries = entries,
    .update_card = update_card,
    .stop = stop,
    .finish = finish,
};
