/* email_ids.c - marks of ours, and the key by which a mail is known again. */
#include "connectors/email/email_ids.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/mem.h"

#define MAC_LEN 16 /* 80 bits in base 32 */
#define LOCAL_MAX 64u
#define SEQ_DIGITS 18 /* fits in 63 bits whatever they are */

/* --- marks ----------------------------------------------------------------------------------- */

static void lower(char *s) {
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

static void make_mac(const char *secret, const char *purpose, const char *channel,
    const struct email_mark *m, char out[MAC_LEN + 1]) {
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char h[32];
    char *text =
        mem_printf("email %s\n%s\n%s\n%lld", purpose, channel, m->thread, (long long)m->seq);
    crypto_hmac_sha256(span_str(secret), span_str(text), h);
    free(text);
    for (unsigned i = 0; i < MAC_LEN; i++) {
        unsigned bit = i * 5, two = (unsigned)h[bit / 8] << 8 | h[bit / 8 + 1];
        out[i] = digits[two >> (11 - bit % 8) & 31];
    }
    out[MAC_LEN] = '\0';
}

static bool mac_is_true(const char *secret, const char *purpose, const char *channel,
    const struct email_mark *m, const char *said) {
    char mac[MAC_LEN + 1], low[MAC_LEN + 1];
    memcpy(low, said, MAC_LEN);
    low[MAC_LEN] = '\0';
    lower(low);
    make_mac(secret, purpose, channel, m, mac);
    return crypto_equal(span_of(mac, MAC_LEN), span_of(low, MAC_LEN));
}

/* A thread's id in any case, as it is stored; false when p does not begin with one. */
static bool read_thread(const char *p, char out[ID_SIZE]) {
    for (size_t i = 0; i < ID_LEN; i++) {
        if (!isalnum((unsigned char)p[i]))
            return false;
        out[i] = (char)toupper((unsigned char)p[i]);
    }
    out[ID_LEN] = '\0';
    return id_is_valid(out);
}

char *email_message_id(
    const char *secret, const char *channel, const struct email_mark *m, const char *domain) {
    char mac[MAC_LEN + 1], thread[ID_SIZE];
    make_mac(secret, "message-id", channel, m, mac);
    memcpy(thread, m->thread, ID_SIZE);
    lower(thread);
    return mem_printf("sb.%s.%lld.%s@%s", thread, (long long)m->seq, mac, domain);
}

bool email_message_id_read(
    const char *secret, const char *channel, const char *id, struct email_mark *out) {
    struct email_mark m = {0};
    const char *p = id;
    size_t digits;
    if (strncasecmp(p, "sb.", 3) != 0 || !read_thread(p + 3, m.thread) || p[3 + ID_LEN] != '.')
        return false;
    p += 3 + ID_LEN + 1;
    digits = strspn(p, "0123456789");
    if (digits < 1 || digits > SEQ_DIGITS || (p[0] == '0' && digits > 1) || p[digits] != '.')
        return false;
    m.seq = strtoll(p, NULL, 10);
    p += digits + 1;
    if (strcspn(p, "@") != MAC_LEN || p[MAC_LEN] != '@' ||
        !mac_is_true(secret, "message-id", channel, &m, p))
        return false;
    *out = m;
    return true;
}

char *email_reply_address(
    const char *secret, const char *channel, const char *thread, const char *address) {
    struct email_mark m = {0};
    char mac[MAC_LEN + 1];
    const char *at = strrchr(address, '@');
    if (!at || at == address || !at[1] || address[0] == '"' || !id_is_valid(thread) ||
        (size_t)(at - address) + strlen("+sb--") + ID_LEN + MAC_LEN > LOCAL_MAX)
        return NULL;
    memcpy(m.thread, thread, ID_SIZE);
    make_mac(secret, "reply", channel, &m, mac);
    lower(m.thread);
    return mem_printf("%.*s+sb-%s-%s%s", (int)(at - address), address, m.thread, mac, at);
}

bool email_reply_address_read(const char *secret, const char *channel, const char *address,
    const char *own_address, struct email_mark *out) {
    struct email_mark m = {0};
    const char *own_at = strrchr(own_address, '@'), *p;
    size_t local = own_at ? (size_t)(own_at - own_address) : 0;
    if (!local || strncasecmp(address, own_address, local) != 0)
        return false;
    p = address + local;
    if (strncasecmp(p, "+sb-", 4) != 0 || !read_thread(p + 4, m.thread) || p[4 + ID_LEN] != '-')
        return false;
    p += 4 + ID_LEN + 1;
    if (strcspn(p, "@") != MAC_LEN || strcasecmp(p + MAC_LEN, own_at) != 0 ||
        !mac_is_true(secret, "reply", channel, &m, p))
        return false;
    *out = m;
    return true;
}

static bool read_check_mark(const char *text, struct email_mark *m, const char **mac) {
    size_t n = strlen("check.");
    if (strncasecmp(text, "check.", n) != 0 || !read_thread(text + n, m->thread) ||
        text[n + ID_LEN] != '.')
        return false;
    *mac = text + n + ID_LEN + 1;
    return strcspn(*mac, "@") == MAC_LEN;
}

char *email_check_mark(const char *key, const char *address, const char *nonce) {
    struct email_mark m = {0};
    char mac[MAC_LEN + 1];
    memcpy(m.thread, nonce, ID_SIZE);
    make_mac(key, "check", address, &m, mac);
    lower(m.thread);
    return mem_printf("check.%s.%s", m.thread, mac);
}

bool email_check_mark_may_be(const char *text) {
    struct email_mark m = {0};
    const char *mac;
    return read_check_mark(text, &m, &mac);
}

bool email_check_mark_is(const char *key, const char *address, const char *text) {
    struct email_mark m = {0};
    const char *mac;
    return read_check_mark(text, &m, &mac) && mac_is_true(key, "check", address, &m, mac);
}

/* --- the key of a mail ----------------------------------------------------------------------- */

enum place {
    IN_NAME,   /* at a header line's beginning, so far it may be Message-ID */
    IN_ID,     /* in the value of Message-ID */
    IN_ID_END, /* after its line break: it may go on */
    IN_OTHER,  /* in a line that does not matter */
    IN_BODY
};

struct email_key {
    struct crypto_sha256 *head, *id, *body;
    enum place place;
    size_t column; /* bytes of this line */
    size_t id_n;   /* bytes that count in the id */
    bool id_done;
};

struct email_key *email_key_begin(void) {
    struct email_key *k = mem_zalloc(sizeof *k);
    k->head = crypto_sha256_begin();
    k->id = crypto_sha256_begin();
    k->body = crypto_sha256_begin();
    return k;
}

static void add_id_byte(struct email_key *k, char c) {
    if ((unsigned char)c <= ' ' || c == '<' || c == '>')
        return;
    crypto_sha256_add(k->id, span_of(&c, 1));
    k->id_n++;
}

static void end_line(struct email_key *k) {
    if (k->column == 0)
        k->place = IN_BODY;
    else
        k->place = k->place == IN_ID ? IN_ID_END : IN_NAME;
    k->column = 0;
}

static void add_head_byte(struct email_key *k, char c) {
    static const char name[] = "message-id:";
    if (c == '\r')
        return;
    if (c == '\n') {
        if (k->place == IN_ID_END) /* an empty line */
            k->id_done = true;
        end_line(k);
        return;
    }
    if (k->place == IN_ID_END) {
        bool goes_on = c == ' ' || c == '\t';
        k->id_done = !goes_on && k->id_n > 0;
        k->place = goes_on ? IN_ID : IN_NAME;
    }
    if (k->place == IN_ID) {
        add_id_byte(k, c);
    } else if (k->place == IN_NAME) {
        if (k->id_done || tolower((unsigned char)c) != name[k->column])
            k->place = IN_OTHER;
        else if (!name[k->column + 1])
            k->place = IN_ID;
    }
    k->column++;
}

/* Whatever its line ends are. */
static void add_text(struct crypto_sha256 *to, const char *p, size_t n) {
    while (n) {
        const char *cr = memchr(p, '\r', n);
        size_t take = cr ? (size_t)(cr - p) : n;
        crypto_sha256_add(to, span_of(p, take));
        take += cr ? 1 : 0;
        p += take;
        n -= take;
    }
}

void email_key_add(struct email_key *k, struct span bytes) {
    size_t i = 0;
    while (i < bytes.n && k->place != IN_BODY)
        add_head_byte(k, bytes.p[i++]);
    add_text(k->head, bytes.p, i);
    add_text(k->body, bytes.p + i, bytes.n - i);
}

void email_key_end(struct email_key *k, char out[33]) {
    unsigned char key[32];
    char both[64];
    crypto_sha256_end(k->id_n ? &k->id : &k->head, (unsigned char *)both);
    crypto_sha256_end(&k->body, (unsigned char *)both + 32);
    crypto_sha256_end(&k->id, NULL);
    crypto_sha256_end(&k->head, NULL);
    crypto_sha256(span_of(both, sizeof both), key);
    sodium_bin2hex(out, 33, key, 16);
    free(k);
}
