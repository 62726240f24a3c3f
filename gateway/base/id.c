/* id.c - ULIDs that name their shard. */
#include "base/id.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int digit(char c) {
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

void id_make(unsigned shard, char *out) {
    uint64_t ms = (uint64_t)clock_ms();
    unsigned char rnd[ID_LEN - ID_TIME_LEN - ID_SHARD_LEN];
    for (int i = ID_TIME_LEN - 1; i >= 0; i--, ms >>= 5)
        out[i] = alphabet[ms & 31];
    randombytes_buf(rnd, sizeof rnd);
    for (size_t i = 0; i < sizeof rnd; i++)
        out[ID_TIME_LEN + i] = alphabet[rnd[i] & 31];
    out[ID_LEN - 2] = alphabet[(shard >> 5) & 31];
    out[ID_LEN - 1] = alphabet[shard & 31];
    out[ID_LEN] = '\0';
}

bool id_is_valid(const char *id) {
    if (!id)
        return false;
    for (int i = 0; i < ID_LEN; i++)
        if (digit(id[i]) < 0)
            return false;
    return id[ID_LEN] == '\0' && id[0] <= '7';
}

unsigned id_shard(const char *id) {
    return (unsigned)(digit(id[ID_LEN - 2]) << 5 | digit(id[ID_LEN - 1]));
}

unsigned id_bucket(const char *id) {
    return (unsigned)(digit(id[ID_TIME_LEN]) << 5 | digit(id[ID_TIME_LEN + 1]));
}

int64_t id_time_ms(const char *id) {
    uint64_t ms = 0;
    for (int i = 0; i < ID_TIME_LEN; i++)
        ms = ms << 5 | (uint64_t)digit(id[i]);
    return (int64_t)ms;
}

unsigned id_hash_shard(const char *key, size_t n, unsigned shards) {
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)key[i]) * 16777619u;
    return h % shards;
}
