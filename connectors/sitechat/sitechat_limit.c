/* sitechat_limit.c - token buckets in sets of eight, least recently used out first. */
#include "connectors/sitechat/sitechat_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "net/peer_ip.h"

#define WAYS 8

struct bucket {
    uint64_t key; /* 0: free */
    uint64_t at_ms;
    double left;
};

struct limit {
    size_t sets;
    double per_ms, burst;
    char salt[CRYPTO_TOKEN_SIZE]; /* so that nobody can choose keys that collide */
    struct bucket buckets[];
};

struct limit *limit_create(size_t keys, double amount, uint64_t per_ms, double burst) {
    size_t sets = (keys + WAYS - 1) / WAYS;
    struct limit *l = mem_zalloc(sizeof *l + sets * WAYS * sizeof l->buckets[0]);
    l->sets = sets;
    l->per_ms = amount / (double)per_ms;
    l->burst = burst;
    crypto_token(l->salt);
    return l;
}

void limit_destroy(struct limit **l) {
    free(*l);
    *l = NULL;
}

static uint64_t hash(const struct limit *l, const char *key) {
    unsigned char mac[32];
    uint64_t h;
    crypto_hmac_sha256(span_of(l->salt, sizeof l->salt), span_str(key), mac);
    memcpy(&h, mac, sizeof h);
    return h ? h : 1;
}

static struct bucket *find(struct limit *l, uint64_t key) {
    struct bucket *set = &l->buckets[(key % l->sets) * WAYS], *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].key == 0 || (oldest->key && set[i].at_ms < oldest->at_ms))
            oldest = &set[i];
    }
    *oldest = (struct bucket){0};
    return oldest;
}

uint64_t limit_take(struct limit *l, const char *key, double cost, uint64_t now_ms) {
    uint64_t h = hash(l, key);
    struct bucket *b = find(l, h);
    if (b->key == 0)
        *b = (struct bucket){h, now_ms, l->burst};
    if (now_ms > b->at_ms)
        b->left += (double)(now_ms - b->at_ms) * l->per_ms;
    if (b->left > l->burst)
        b->left = l->burst;
    b->at_ms = now_ms;
    if (b->left >= cost) {
        b->left -= cost;
        return 0;
    }
    double wait = (cost - b->left) / l->per_ms;
    return wait > 86400e3 ? 86400000 : (uint64_t)wait + 1;
}

const char *limit_peer_key(const char *peer, char *out) {
    struct peer_ip ip;
    if (!peer_ip_parse(span_str(peer), &ip) || peer_ip_is_v4(&ip)) {
        snprintf(out, LIMIT_PEER_SIZE, "%s", peer);
        return out;
    }
    memset(ip.b + 8, 0, 8);
    return peer_ip_format(&ip, out);
}

bool limit_peer_is_local(const char *peer) {
    return strcmp(peer, "::1") == 0 || strncmp(peer, "127.", 4) == 0;
}
