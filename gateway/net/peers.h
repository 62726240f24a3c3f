/* peers.h - how many connections are open, all together and from each address. A ceiling against
 * one stranger taking all the places; IPv6 neighbours of one /64 count as one. */
#ifndef SB_NET_PEERS_H
#define SB_NET_PEERS_H

#include "net/peer_ip.h"

struct peers;

/* 0 means no ceiling. */
struct peers *peers_create(unsigned total_max, unsigned per_ip_max);
/* The memory goes when the last ticket has come back. */
void peers_destroy(struct peers **p);

/* What a counted connection holds, by value, until peers_leave(). */
struct peer_ticket {
    struct peers *peers; /* NULL: not counted */
    struct peer_ip ip;
    bool by_ip;
};

/* Counts a connection in: false when that would pass a ceiling (nothing is counted then). With
 * by_ip false only the total is counted (a trusted proxy). */
bool peers_enter(struct peers *p, const struct peer_ip *ip, bool by_ip, struct peer_ticket *out);
void peers_leave(struct peer_ticket *ticket); /* accepts one that is not counted */

unsigned peers_total(const struct peers *p);
unsigned peers_of(const struct peers *p, const struct peer_ip *ip);

#endif
