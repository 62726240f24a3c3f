/* peer_ip.h - addresses of who talks to us, the networks that the configuration names, and whom to
 * believe about a client behind a proxy. Pure. */
#ifndef SB_NET_PEER_IP_H
#define SB_NET_PEER_IP_H

#include <stdbool.h>

#include "base/err.h"
#include "base/span.h"

struct sockaddr;

/* IPv6, or IPv4 as ::ffff:a.b.c.d. */
struct peer_ip {
    unsigned char b[16];
};

#define PEER_IP_TEXT 46 /* with its NUL */

/* False (and all zeros) for a family that is neither IPv4 nor IPv6. */
bool peer_ip_from_sockaddr(const struct sockaddr *sa, struct peer_ip *out);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", each perhaps with ":port" ("[..]:port"). */
bool peer_ip_parse(struct span text, struct peer_ip *out);
char *peer_ip_format(const struct peer_ip *ip, char out[PEER_IP_TEXT]); /* returns out */
bool peer_ip_eq(const struct peer_ip *a, const struct peer_ip *b);
bool peer_ip_is_v4(const struct peer_ip *ip);
/* What counts as one for a ceiling: of IPv6 the /64, all of which one customer has. */
struct peer_ip peer_ip_group(const struct peer_ip *ip);

/* True for addresses of the public internet: not loopback, private, link-local, shared (100.64/10),
 * multicast, documentation, benchmarking, unspecified or reserved; addresses that carry an IPv4 one
 * inside (mapped, compatible, 6to4, Teredo, NAT64) are judged by it, or refused. */
bool peer_ip_is_public(const struct peer_ip *ip);

/* A list of networks. */
struct peer_net {
    struct peer_ip ip;
    unsigned bits; /* of 128 */
};
struct peer_nets {
    struct peer_net *nets;
    size_t n;
};

/* texts: NULL-ended, "10.0.0.0/8", "::1"; may be NULL. On -1 nothing is kept. */
int peer_nets_parse(const char *const *texts, struct peer_nets *out, struct err *err);
void peer_nets_free(struct peer_nets *nets);
bool peer_nets_have(const struct peer_nets *nets, const struct peer_ip *ip);

/* The client's address as the trusted proxies tell it: reads one X-Forwarded-For value from its
 * right end while *ip is trusted, and replaces *ip with what stands there. Give the values of
 * several header lines last line first. */
void peer_ip_unproxy(
    struct peer_ip *ip, struct span forwarded_for, const struct peer_nets *trusted);

#endif
