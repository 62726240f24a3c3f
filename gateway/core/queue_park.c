/* queue_park.c - when a queue's window is full, what can do nothing but wait for an earlier
 * delivery of its lane is left in the store ("parked"), so that those behind it are read. Only ids
 * are kept, in order; they are fetched ("picked") when their lane may go on.
 *
 * Of a lane, at any time: first what is an item, then the ids that were left, then what was not
 * read yet. A lane with ids either waits for the retry of its first entry, which has been tried
 * (for a CRM: its attempts are in the store), or is active; of active ones there are half a window
 * at most. So the next owner knows how many entries may have been begun (queue.c, is_unsure). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/queue.h"

#define PARK_MS 2000  /* a shorter wait is not worth it */
#define LOOK_MS 1000  /* so often it is looked for while nothing stirs, else each tick */
#define WENT_MS 10000 /* so long a delivery that went says that others may, too */
#define EXPLORE 20 /* without that, this part of a window is left a tick, to find one that goes */
#define TAIL 8     /* this part of a window may be one lane's, when others need it */
#define BATCH 16   /* of a lane, fetched at once */
#define LOOKS_MAX 1000 /* lanes looked at in a go */
#define SLOTS 2048     /* of a table: a power of two, well above the items of a queue */

/* Client, thread and messages of one person share a tag: that is the lane which keeps its order. */
bool queue_same_lane(const struct item *a, const struct item *b) {
    return memcmp(a->entry.subject + ID_TIME_LEN, b->entry.subject + ID_TIME_LEN, ID_TAG_LEN) == 0;
}

struct lane_key queue_key(const struct store_entry *e) {
    struct lane_key key = {.seq = strcmp(e->op, QUEUE_REST) == 0 ? e->seq : 0};
    memcpy(key.tag, e->subject + ID_TIME_LEN, ID_TAG_LEN);
    return key;
}

static struct lane_key main_key(const struct store_entry *e) {
    struct lane_key key = queue_key(e);
    key.seq = 0;
    return key;
}

bool queue_left(struct queue *q, const struct store_entry *e) {
    struct lane_key keys[] = {main_key(e), queue_key(e)};
    for (size_t i = 0; q->lanes.n && i < ARRAY_LEN(keys); i++) {
        struct lane *lane = lanes_find(&q->lanes, &keys[i]);
        if (lane && lane->n) {
            lane_insert(&q->lanes, lane, lane->n, e->id);
            return true;
        }
    }
    return false;
}

static void drop_if_empty(struct queue *q, struct lane *lane) {
    if (!lane->n && !lane->in_hand)
        lanes_drop(&q->lanes, lane);
}

void queue_lane_less(struct queue *q, struct lane *lane) {
    lane->in_hand--;
    drop_if_empty(q, lane);
}

/* --- leaving them ---------------------------------------------------------------------------- */

/* A lane among the items. */
struct slot {
    const struct item *first;
    unsigned n;
    bool parks, parks_tail;
};

/* A pass over the items. */
struct parking {
    int64_t now;
    bool full, tails;
    size_t left;    /* so many more lanes may be left */
    size_t nactive; /* lanes that will have ids and do not wait */
    struct slot slots[SLOTS];
};

static struct slot *slot_of(struct parking *p, const struct item *it, int64_t seq) {
    uint32_t hash = 2166136261u ^ (uint32_t)seq;
    for (size_t i = 0; i < ID_TAG_LEN; i++)
        hash = (hash ^ (unsigned char)it->entry.subject[ID_TIME_LEN + i]) * 16777619u;
    for (size_t at = hash & (SLOTS - 1);; at = (at + 1) & (SLOTS - 1)) {
        const struct item *first = p->slots[at].first;
        if (!first ||
            (queue_same_lane(first, it) && (first->is_rest ? first->entry.seq : 0) == seq))
            return &p->slots[at];
    }
}

static enum queue_health health_of(const struct queue *q) {
    return q->kind->health ? q->kind->health(q) : QUEUE_WELL;
}

static bool is_in_the_way(const struct queue *q) {
    return q->more && queue_is_full(q) && q->lanes.nids < QUEUE_LEFT_MAX;
}

static bool is_going(const struct queue *q, int64_t now) {
    return health_of(q) == QUEUE_WELL && now - q->went_ms < WENT_MS;
}

/* Is there reason to believe that others can be delivered to? Then all that we tried are left; if
 * not, a few, until one that can be is found: all others would only be tried in vain, too. Where
 * the kind's health is known, that keeps us from trying. */
static size_t lanes_to_leave(const struct queue *q, int64_t now) {
    return q->kind->health || is_going(q, now) ? SIZE_MAX
                                               : q->core->options.delivery_window / EXPLORE + 1;
}

static bool can_only_wait(const struct item *it, int64_t now) {
    return it->state == ITEM_WAITING && it->not_before_ms > now + PARK_MS &&
           (it->entry.attempts > 0 || it->queue->kind != &crm_queue_kind);
}

static bool is_behind_parked(const struct item *it) {
    for (const struct item *i = it->queue->items; i != it; i = i->next)
        if (i->parks != ITEM_STAYS && queue_same_lane(i, it) && !i->is_rest &&
            i->entry.seq == it->entry.seq)
            return true;
    return false;
}

static bool is_tail(struct parking *p, struct slot *s, const struct item *it) {
    unsigned window = it->queue->core->options.delivery_window;
    if (!p->full || !p->tails || it->is_rest || it->state != ITEM_WAITING || s->n <= window / TAIL)
        return false;
    if (!s->parks_tail && p->left && ((it->lane && it->lane->active) || p->nactive < window / 2)) {
        s->parks_tail = true;
        p->left--;
        p->nactive++;
    }
    return s->parks_tail;
}

static enum item_parks judge(struct parking *p, const struct item *it) {
    bool is_rest = it->is_rest;
    struct slot *s = slot_of(p, it, is_rest ? it->entry.seq : 0);
    s->n++;
    if (!s->first) {
        s->first = it;
        s->parks =
            can_only_wait(it, p->now) && (it->picked || (p->full && (!it->tried || p->left)));
        p->left -= s->parks && !it->picked && it->tried;
        if (s->parks)
            return ITEM_PARKS_FIRST;
    }
    if (s->parks)
        return ITEM_PARKS_NEXT;
    if (is_rest && it->state == ITEM_WAITING && is_behind_parked(it))
        return ITEM_PARKS_REST;
    return is_tail(p, s, it) ? ITEM_PARKS_TAIL : ITEM_STAYS;
}

/* Puts its id before those of its lane that were left earlier. */
static void leave(struct queue *q, const struct item *it) {
    struct lane_key key =
        it->parks == ITEM_PARKS_REST ? main_key(&it->entry) : queue_key(&it->entry);
    struct lane *lane = lanes_find(&q->lanes, &key);
    if (!lane)
        lane = lanes_add(&q->lanes, &key);
    if (lane->round != q->round) {
        lane->round = q->round;
        lane->inserted = 0;
    }
    lane_insert(&q->lanes, lane, lane->inserted++, it->entry.id);
    if (it->parks == ITEM_PARKS_FIRST) {
        lane_set_active(&q->lanes, lane, false);
        lane->not_before_ms = it->not_before_ms;
        lane->batch = 1;
        lane->unsure = it->unsure;
        lane->echo_noted = it->echo_noted;
        lane->ill = it->ill;
        lane->wells = it->wells;
    } else if (it->parks == ITEM_PARKS_TAIL && !lane->active) {
        lane_set_active(&q->lanes, lane, true);
        lane->not_before_ms = 0;
        lane->batch = BATCH;
        lane->unsure = lane->echo_noted = lane->ill = false;
    }
}

void queue_park(struct queue *q) {
    struct parking p = {.now = clock_ms(), .full = is_in_the_way(q)};
    bool any = false;
    if (!q->token || !q->items || (!p.full && !q->npicked) ||
        (!q->stirred && p.now - q->parked_ms < LOOK_MS && p.now >= q->parked_ms))
        return;
    q->parked_ms = p.now;
    p.left = lanes_to_leave(q, p.now);
    p.tails = !q->kind->health || is_going(q, p.now);
    p.nactive = q->lanes.nactive;
    for (struct item *it = q->items; it; it = it->next) {
        it->parks = judge(&p, it);
        any |= it->parks != ITEM_STAYS;
    }
    q->stirred = any; /* one look need not leave all */
    if (!any)
        return;
    q->round++;
    for (struct item **at = &q->items; *at;) {
        if ((*at)->parks == ITEM_STAYS) {
            at = &(*at)->next;
            continue;
        }
        leave(q, *at);
        queue_remove(q, at);
    }
    for (struct item *it = q->items; it; it = it->next) {
        struct lane_key key = queue_key(&it->entry);
        if (!it->lane && (it->lane = lanes_find(&q->lanes, &key)))
            it->lane->in_hand++;
    }
}

/* --- and fetching them ----------------------------------------------------------------------- */

struct picking {
    struct queue *queue;
    unsigned era;
    size_t n, nlanes;
    struct lane *lanes[STORE_PICK_MAX];
    char ids[STORE_PICK_MAX][STORE_ENTRY_SIZE];
};

static void take_picked(struct queue *q, struct lane *lane, const struct store_entry *e) {
    struct item *it = queue_take(q, e, true);
    it->not_before_ms = 0; /* we know better than the store */
    it->unsure = lane->unsure;
    it->echo_noted = lane->echo_noted;
    it->ill = lane->ill;
    it->wells = lane->wells;
    lane->unsure = lane->echo_noted = lane->ill = false;
    lane->wells = 0;
}

static void on_picked(
    void *arg, const struct store_entry *entries, size_t n, const struct err *err) {
    struct picking *p = arg;
    struct queue *q = p->queue;
    size_t id = 0, e = 0;
    bool ours = q->token && p->era == q->era;
    q->picking = false;
    for (size_t i = 0; ours && i < p->nlanes; i++) {
        struct lane *lane = p->lanes[i];
        size_t asked = lane->asked;
        lane->asked = 0;
        if (err)
            continue;
        for (size_t k = 0; k < asked; k++, id++)
            if (e < n && strcmp(entries[e].id, p->ids[id]) == 0)
                take_picked(q, lane, &entries[e++]);
        lane_take(&q->lanes, lane, asked);
        lane->batch = BATCH;
        drop_if_empty(q, lane);
    }
    free(p);
    queue_run(q);
}

static bool is_due(const struct queue *q, const struct lane *lane, int64_t now) {
    if (!lane->n || lane->in_hand || lane->asked || lane->not_before_ms > now ||
        (!lane->active && q->lanes.nactive >= q->core->options.delivery_window / 2))
        return false;
    if (!lane->key.seq)
        return true;
    struct lane_key key = lane->key;
    key.seq = 0;
    const struct lane *before = lanes_find(&q->lanes, &key);
    return !before || !before->n;
}

static void ask_for(struct picking *p, struct lane *lane, size_t room) {
    size_t n = lane->n < lane->batch ? lane->n : lane->batch;
    n = n < room ? n : room;
    for (size_t k = 0; k < n; k++)
        lane_id(lane, k, p->ids[p->n++]);
    lane->asked = n;
    p->lanes[p->nlanes++] = lane;
    lane_set_active(&p->queue->lanes, lane, true);
}

void queue_pick(struct queue *q) {
    size_t room = q->core->options.delivery_window / 2, looks = q->lanes.n;
    int64_t now = clock_ms();
    if (!looks || !q->token || q->picking || q->npicked >= room || q->core->draining ||
        !store_is_up(q->core->store) || health_of(q) == QUEUE_DOWN ||
        (q->kind == &crm_queue_kind && !owner_crm_allowed(q->core)))
        return;
    room -= q->npicked;
    room = room < STORE_PICK_MAX ? room : STORE_PICK_MAX;
    looks = looks < LOOKS_MAX ? looks : LOOKS_MAX;
    struct picking *p = mem_alloc(sizeof *p);
    p->queue = q;
    p->era = q->era;
    p->n = p->nlanes = 0;
    for (; looks > 0 && p->n < room; looks--) {
        struct lane *lane = q->lanes.all[q->hand++ % q->lanes.n];
        if (is_due(q, lane, now))
            ask_for(p, lane, room - p->n);
    }
    if (!p->n) {
        free(p);
        return;
    }
    q->picking = true;
    store_queue_pick(q->core->store, q->shard, q->name, (const char(*)[STORE_ENTRY_SIZE])p->ids,
        p->n, on_picked, p);
}
