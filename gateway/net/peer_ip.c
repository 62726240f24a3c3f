/* peer_ip.c - addresses and networks. Counts nobody: see peers.c. */
#include "net/peer_ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct peer_ip *out, const void *four) {
    memcpy(out->b, mapped_prefix, 12);
    memcpy(out->b + 12, four, 4);
}

bool peer_ip_from_sockaddr(const struct sockaddr *sa, struct peer_ip *out) {
    memset(out, 0, sizeof *out);
    if (sa->sa_family == AF_INET)
        set_v4(out, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
    else if (sa->sa_family == AF_INET6)
        memcpy(out->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
    else
        return false;
    return true;
}

static bool is_port(struct span s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n <= 5;
}

bool peer_ip_parse(struct span text, struct peer_ip *out) {
    char copy[PEER_IP_TEXT];
    unsigned char four[4];
    if (text.n && text.p[0] == '[') {
        const char *end = memchr(text.p, ']', text.n);
        size_t n = end ? (size_t)(end - text.p) : 0;
        size_t rest = end ? text.n - n - 1 : 1;
        if (!end || (rest && (end[1] != ':' || !is_port(span_of(end + 2, rest - 1)))))
            return false;
        text = span_of(text.p + 1, n - 1);
    } else {
        const char *colon = memchr(text.p, ':', text.n);
        size_t n = colon ? (size_t)(colon - text.p) : text.n;
        if (colon && !memchr(colon + 1, ':', text.n - n - 1)) { /* a.b.c.d:port */
            if (!is_port(span_of(colon + 1, text.n - n - 1)))
                return false;
            text.n = n;
        }
    }
    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (inet_pton(AF_INET, copy, four) == 1) {
        set_v4(out, four);
        return true;
    }
    return inet_pton(AF_INET6, copy, out->b) == 1;
}

bool peer_ip_is_v4(const struct peer_ip *ip) {
    return memcmp(ip->b, mapped_prefix, 12) == 0;
}

char *peer_ip_format(const struct peer_ip *ip, char out[PEER_IP_TEXT]) {
    bool v4 = peer_ip_is_v4(ip);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->b + 12 : ip->b, out, PEER_IP_TEXT))
        out[0] = '\0';
    return out;
}

bool peer_ip_eq(const struct peer_ip *a, const struct peer_ip *b) {
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

struct peer_ip peer_ip_group(const struct peer_ip *ip) {
    struct peer_ip g = *ip;
    if (!peer_ip_is_v4(ip))
        memset(g.b + 8, 0, 8);
    return g;
}

/* --- networks -------------------------------------------------------------------------------- */

static bool in_net(const unsigned char *ip, const unsigned char *net, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(ip, net, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ net[whole]) & (0xff00u >> rest & 0xffu)) == 0;
}

static bool v4_is_public(const unsigned char *v4) {
    static const struct {
        unsigned char net[4];
        unsigned char bits;
    } closed[] = {{{0, 0, 0, 0}, 8}, {{10, 0, 0, 0}, 8}, {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
        {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12}, {{192, 0, 0, 0}, 24}, {{192, 0, 2, 0}, 24},
        {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15},
        {{198, 51, 100, 0}, 24}, {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 4}, {{240, 0, 0, 0}, 4}};
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (in_net(v4, closed[i].net, closed[i].bits))
            return false;
    return true;
}

/* Only 2000::/3 is given out; inside it, what is not for the open internet or hides an IPv4. */
static bool v6_is_public(const unsigned char *v6) {
    static const struct {
        unsigned char net[6];
        unsigned char bits;
    } closed[] = {{{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo, ORCHID, ... */
        {{0x20, 0x01, 0x0d, 0xb8}, 32},           /* documentation */
        {{0x20, 0x02}, 16},                       /* 6to4 */
        {{0x3f, 0xff, 0x00}, 20}};                /* documentation */
    if ((v6[0] & 0xe0) != 0x20)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(closed); i++)
        if (in_net(v6, closed[i].net, closed[i].bits))
            return false;
    return true;
}

bool peer_ip_is_public(const struct peer_ip *ip) {
    return peer_ip_is_v4(ip) ? v4_is_public(ip->b + 12) : v6_is_public(ip->b);
}

static int parse_net(const char *text, struct peer_net *out) {
    const char *slash = strchr(text, '/');
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    if (!peer_ip_parse(span_of(text, n), &out->ip))
        return -1;
    bool v4 = peer_ip_is_v4(&out->ip) && !memchr(text, ':', n);
    unsigned most = v4 ? 32 : 128, bits = most;
    if (slash) {
        char *end;
        long given = strtol(slash + 1, &end, 10);
        if (end == slash + 1 || *end || given < 0 || given > (long)most)
            return -1;
        bits = (unsigned)given;
    }
    out->bits = v4 ? 96 + bits : bits;
    return 0;
}

int peer_nets_parse(const char *const *texts, struct peer_nets *out, struct err *err) {
    size_t n = 0;
    while (texts && texts[n])
        n++;
    *out = (struct peer_nets){mem_zalloc(n * sizeof(struct peer_net)), n};
    for (size_t i = 0; i < n; i++)
        if (parse_net(texts[i], &out->nets[i]) < 0) {
            peer_nets_free(out);
            return err_set(err, ERR_INVALID, "\"%.60s\" is not an address or network", texts[i]);
        }
    return 0;
}

void peer_nets_free(struct peer_nets *nets) {
    free(nets->nets);
    *nets = (struct peer_nets){0};
}

bool peer_nets_have(const struct peer_nets *nets, const struct peer_ip *ip) {
    for (size_t i = 0; i < nets->n; i++)
        if (in_net(ip->b, nets->nets[i].ip.b, nets->nets[i].bits))
            return true;
    return false;
}

static struct span trim(struct span s) {
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = span_of(s.p + 1, s.n - 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

void peer_ip_unproxy(struct peer_ip *ip, struct span list, const struct peer_nets *trusted) {
    while (list.n && peer_nets_have(trusted, ip)) {
        const char *comma = memrchr(list.p, ',', list.n);
        size_t from = comma ? (size_t)(comma + 1 - list.p) : 0;
        struct peer_ip next;
        if (!peer_ip_parse(trim(span_of(list.p + from, list.n - from)), &next))
            return;
        *ip = next;
        list.n = comma ? from - 1 : 0;
    }
}
