/* metrics.c - counters in shared memory, one slot a process. */
#include "base/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"

#define BUCKETS 16 /* upper bounds double from 100 us to 1.6 s, then 6.5 s.. , +Inf last */
#define LABEL_SIZE 48

static const struct {
    enum metric_kind kind;
    const char *name, *labels, *help;
} families[] = {
#define METRIC(id, kind, name, labels, help) {kind, name, labels, help},
#include "base/metrics_list.h"
#undef METRIC
};

static const uint64_t bounds_us[BUCKETS - 1] = {100, 250, 500, 1000, 2500, 5000, 10000, 25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

struct series {
    char label[LABEL_SIZE]; /* "" and used for the family without labels */
    int used;
    int64_t value; /* counter, gauge; histogram: count */
    uint64_t sum_us;
    uint64_t bucket[BUCKETS];
};

struct slot {
    uint64_t beat_ms;
    struct series series[METRIC_COUNT][METRICS_SERIES];
};

/* Between processes. Pages of slots are made when they are first looked at, so only those that were
 * taken are. */
struct shared {
    unsigned used; /* slots from the first that were ever taken: written by the master */
    struct slot slots[];
};

struct metrics {
    unsigned nslots;
    unsigned mine;
    bool *taken; /* the master's */
    size_t size;
    struct shared *shared;
};

struct metrics *metrics_create(unsigned slots) {
    struct metrics *m = mem_zalloc(sizeof *m);
    m->nslots = slots;
    m->taken = mem_zalloc(slots * sizeof *m->taken);
    m->size = sizeof *m->shared + slots * sizeof m->shared->slots[0];
    m->shared = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m->shared == MAP_FAILED)
        abort();
    m->shared->used = 1;
    return m;
}

void metrics_destroy(struct metrics **m) {
    if (!*m)
        return;
    munmap((*m)->shared, (*m)->size);
    free((*m)->taken);
    free(*m);
    *m = NULL;
}

unsigned metrics_take_slot(struct metrics *m) {
    unsigned slot = 0;
    while (slot < m->nslots && m->taken[slot])
        slot++;
    if (slot == m->nslots)
        abort(); /* the master forks no more than it made room for */
    m->taken[slot] = true;
    if (slot >= m->shared->used)
        __atomic_store_n(&m->shared->used, slot + 1, __ATOMIC_RELAXED);
    return slot;
}

void metrics_use_slot(struct metrics *m, unsigned slot) {
    m->mine = slot;
}

void metrics_beat(struct metrics *m) {
    __atomic_store_n(&m->shared->slots[m->mine].beat_ms, clock_mono_ms(), __ATOMIC_RELAXED);
}

uint64_t metrics_last_beat_ms(const struct metrics *m, unsigned slot) {
    return __atomic_load_n(&m->shared->slots[slot].beat_ms, __ATOMIC_RELAXED);
}

void metrics_drop_slot(struct metrics *m, unsigned slot) {
    m->taken[slot] = false;
    for (int id = 0; id < METRIC_COUNT; id++)
        for (int i = 0; families[id].kind == METRIC_GAUGE && i < METRICS_SERIES; i++)
            m->shared->slots[slot].series[id][i].value = 0;
}

/* The last series of a family collects what comes after it is full. */
static struct series *find(struct metrics *m, enum metric_id id, const char *label) {
    struct series *all = m->shared->slots[m->mine].series[id];
    if (!label)
        label = "";
    for (int i = 0; i < METRICS_SERIES; i++) {
        if (!all[i].used) {
            snprintf(all[i].label, LABEL_SIZE, "%s", i == METRICS_SERIES - 1 ? "other" : label);
            all[i].used = 1;
            return &all[i];
        }
        if (strncmp(all[i].label, label, LABEL_SIZE - 1) == 0)
            return &all[i];
    }
    return &all[METRICS_SERIES - 1];
}

void metrics_add(struct metrics *m, enum metric_id id, const char *label, int64_t n) {
    find(m, id, label)->value += n;
}

void metrics_set(struct metrics *m, enum metric_id id, const char *label, int64_t value) {
    find(m, id, label)->value = value;
}

int64_t metrics_own(const struct metrics *m, enum metric_id id) {
    const struct series *all = m->shared->slots[m->mine].series[id];
    int64_t n = 0;
    for (int i = 0; i < METRICS_SERIES && all[i].used; i++)
        n += all[i].value;
    return n;
}

int64_t metrics_all(const struct metrics *m, enum metric_id id) {
    unsigned used = __atomic_load_n(&m->shared->used, __ATOMIC_RELAXED);
    int64_t n = 0;
    for (unsigned w = 0; w < used; w++)
        n += __atomic_load_n(&m->shared->slots[w].series[id][0].value, __ATOMIC_RELAXED);
    return n;
}

void metrics_observe_us(struct metrics *m, enum metric_id id, const char *label, uint64_t us) {
    struct series *s = find(m, id, label);
    int b = 0;
    while (b < BUCKETS - 1 && us > bounds_us[b])
        b++;
    s->bucket[b]++;
    s->sum_us += us;
    s->value++;
}

/* Writes {channel="site",result="ok"} (and le="..." when given), or nothing. */
static void print_labels(struct buf *out, const char *names, const char *values, const char *le) {
    char name[LABEL_SIZE * 2], value[LABEL_SIZE];
    const char *sep = "{";
    while (*names) {
        size_t n = strcspn(names, "|"), v = strcspn(values, "|");
        snprintf(name, sizeof name, "%.*s", (int)n, names);
        snprintf(value, sizeof value, "%.*s", (int)v, values);
        for (char *p = value; *p; p++)
            if (*p == '"' || *p == '\\' || *p == '\n')
                *p = '_';
        buf_addf(out, "%s%s=\"%s\"", sep, name, value);
        sep = ",";
        names += n + (names[n] == '|');
        values += v + (values[v] == '|');
    }
    if (le) {
        buf_addf(out, "%sle=\"%s\"", sep, le);
        sep = ",";
    }
    if (*sep == ',')
        buf_adds(out, "}");
}

static void print_histogram(struct buf *out, int id, const struct series *s) {
    uint64_t upto = 0;
    for (int b = 0; b < BUCKETS; b++) {
        char le[32] = "+Inf";
        upto += s->bucket[b];
        if (b < BUCKETS - 1)
            snprintf(le, sizeof le, "%g", (double)bounds_us[b] / 1e6);
        buf_addf(out, "%s_bucket", families[id].name);
        print_labels(out, families[id].labels, s->label, le);
        buf_addf(out, " %llu\n", (unsigned long long)upto);
    }
    buf_addf(out, "%s_sum", families[id].name);
    print_labels(out, families[id].labels, s->label, NULL);
    buf_addf(out, " %.6f\n%s_count", (double)s->sum_us / 1e6, families[id].name);
    print_labels(out, families[id].labels, s->label, NULL);
    buf_addf(out, " %llu\n", (unsigned long long)upto);
}

/* Adds the series of all slots that have the same label into sums[]; returns how many. */
static int collect(const struct metrics *m, int id, struct series *sums) {
    int n = 0;
    unsigned used = __atomic_load_n(&m->shared->used, __ATOMIC_RELAXED);
    for (unsigned w = 0; w < used; w++)
        for (int i = 0; i < METRICS_SERIES; i++) {
            const struct series *s = &m->shared->slots[w].series[id][i];
            int at = 0;
            if (!s->used)
                break;
            while (at < n && strcmp(sums[at].label, s->label) != 0)
                at++;
            if (at == n && n == METRICS_SERIES)
                at = METRICS_SERIES - 1;
            else if (at == n)
                sums[n++] = (struct series){.used = 1};
            memcpy(sums[at].label, s->label, LABEL_SIZE);
            sums[at].value += s->value;
            sums[at].sum_us += s->sum_us;
            for (int b = 0; b < BUCKETS; b++)
                sums[at].bucket[b] += s->bucket[b];
        }
    return n;
}

void metrics_print(const struct metrics *m, struct buf *out) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    struct series *sums = mem_alloc(METRICS_SERIES * sizeof *sums);
    for (int id = 0; id < METRIC_COUNT; id++) {
        int n = collect(m, id, sums);
        buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", families[id].name, families[id].help,
            families[id].name, kinds[families[id].kind]);
        for (int i = 0; i < n; i++) {
            if (families[id].kind == METRIC_HISTOGRAM) {
                print_histogram(out, id, &sums[i]);
                continue;
            }
            buf_adds(out, families[id].name);
            print_labels(out, families[id].labels, sums[i].label, NULL);
            buf_addf(out, " %lld\n", (long long)sums[i].value);
        }
    }
    free(sums);
}
