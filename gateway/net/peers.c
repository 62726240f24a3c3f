/* peers.c - open connections by address, in a hash table with chains. Knows no sockets. */
#include "net/peers.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"

#define BUCKETS 1024u

struct peer {
    struct peer *next;
    struct peer_ip ip;
    unsigned n;
};

struct peers {
    unsigned total, total_max, per_ip_max;
    bool destroyed;
    unsigned char key[crypto_shorthash_KEYBYTES]; /* strangers cannot aim at one bucket */
    struct peer *buckets[BUCKETS];
};

struct peers *peers_create(unsigned total_max, unsigned per_ip_max) {
    struct peers *p = mem_zalloc(sizeof *p);
    p->total_max = total_max;
    p->per_ip_max = per_ip_max;
    crypto_shorthash_keygen(p->key);
    return p;
}

static void peers_free(struct peers *p) {
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct peer *e = p->buckets[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    free(p);
}

void peers_destroy(struct peers **p) {
    if (*p && (*p)->total == 0)
        peers_free(*p);
    else if (*p)
        (*p)->destroyed = true;
    *p = NULL;
}

/* Where the entry of this group hangs, or would hang. */
static struct peer **find(const struct peers *p, const struct peer_ip *g) {
    unsigned char hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, g->b, sizeof g->b, p->key);
    struct peer **at = (struct peer **)&p->buckets[(hash[0] | (unsigned)hash[1] << 8) % BUCKETS];
    while (*at && !peer_ip_eq(&(*at)->ip, g))
        at = &(*at)->next;
    return at;
}

bool peers_enter(struct peers *p, const struct peer_ip *ip, bool by_ip, struct peer_ticket *out) {
    *out = (struct peer_ticket){0};
    if (p->total_max && p->total >= p->total_max)
        return false;
    if (by_ip) {
        struct peer_ip g = peer_ip_group(ip);
        struct peer **at = find(p, &g);
        if (*at && p->per_ip_max && (*at)->n >= p->per_ip_max)
            return false;
        if (!*at) {
            *at = mem_zalloc(sizeof **at);
            (*at)->ip = g;
        }
        (*at)->n++;
    }
    p->total++;
    *out = (struct peer_ticket){p, *ip, by_ip};
    return true;
}

void peers_leave(struct peer_ticket *ticket) {
    struct peers *p = ticket->peers;
    if (!p)
        return;
    ticket->peers = NULL;
    p->total--;
    if (ticket->by_ip) {
        struct peer_ip g = peer_ip_group(&ticket->ip);
        struct peer **at = find(p, &g), *e = *at;
        if (e && --e->n == 0) {
            *at = e->next;
            free(e);
        }
    }
    if (p->destroyed && p->total == 0)
        peers_free(p);
}

unsigned peers_total(const struct peers *p) {
    return p->total;
}

unsigned peers_of(const struct peers *p, const struct peer_ip *ip) {
    struct peer_ip g = peer_ip_group(ip);
    const struct peer *e = *find(p, &g);
    return e ? e->n : 0;
}
