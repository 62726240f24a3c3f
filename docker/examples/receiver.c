/* receiver.c - receives Switchboard's events; a file for each.
 *   cc -o receiver receiver.c -lmicrohttpd -lcrypto && WEBHOOK_SECRET=whsec_... ./receiver PORT
 * FOLDER */
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct receiver {
    int folder, key_n;
    unsigned char key[256];
};

struct bytes {
    size_t n;
    char p[1 << 20]; /* larger events than body_max do not come */
};

static const char *header(struct MHD_Connection *c, const char *name) {
    const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return value ? value : "";
}

/* Signed by our key, and not long ago? */
static bool is_good(const struct receiver *r, struct MHD_Connection *c, const struct bytes *b) {
    const char *id = header(c, "webhook-id"), *at = header(c, "webhook-timestamp");
    unsigned char mac[EVP_MAX_MD_SIZE];
    char head[300], ours[80] = "v1,", *all = malloc(sizeof head + b->n);
    if (!all)
        return false;
    size_t n = (size_t)snprintf(head, sizeof head, "%.200s.%.40s.", id, at);
    memcpy(memcpy(all, head, n) + n, b->p, b->n);
    HMAC(EVP_sha256(), r->key, r->key_n, (unsigned char *)all, n + b->n, mac, NULL);
    free(all);
    n = 3 + (size_t)EVP_EncodeBlock((unsigned char *)ours + 3, mac, 32);
    bool good = false;
    for (const char *s = header(c, "webhook-signature"); s; s = strchr(s, ' '), s = s ? s + 1 : s)
        good = (strcspn(s, " ") == n && CRYPTO_memcmp(s, ours, n) == 0) || good;
    return good && llabs((long long)time(NULL) - strtoll(at, NULL, 10)) <= 300;
}

/* On disk for good before anybody hears "yes"; the file's name is what remembers the event. */
static bool keep(const struct receiver *r, const char *id, const struct bytes *b) {
    char name[220], new_name[220];
    snprintf(name, sizeof name, "%.200s.json", id);
    snprintf(new_name, sizeof new_name, "%.200s.new", id);
    if (faccessat(r->folder, name, F_OK, 0) == 0)
        return true;
    int fd = openat(r->folder, new_name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool good = fd >= 0 && write(fd, b->p, b->n) == (ssize_t)b->n && fsync(fd) == 0;
    return close(fd) == 0 && good && renameat(r->folder, new_name, r->folder, name) == 0 &&
           fsync(r->folder) == 0;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *data, size_t *n, void **state) {
    struct bytes *b = *state;
    (void)url, (void)method, (void)version;
    if (!b)
        return (*state = calloc(1, sizeof *b)) ? MHD_YES : MHD_NO;
    if (*n) {
        size_t more = *n;
        *n = 0;
        if (more > sizeof b->p - b->n)
            return MHD_NO;
        memcpy(b->p + b->n, data, more);
        b->n += more;
        return MHD_YES;
    }
    unsigned status = !is_good(arg, c, b) ? 401 : keep(arg, header(c, "webhook-id"), b) ? 200 : 503;
    struct MHD_Response *empty = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_queue_response(c, status, empty);
    MHD_destroy_response(empty);
    return queued;
}

static void on_end(
    void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why) {
    (void)arg, (void)c, (void)why;
    free(*state);
}

int main(int argc, char **argv) {
    const char *secret = getenv("WEBHOOK_SECRET");
    struct receiver r = {.folder = argc == 3 ? open(argv[2], O_RDONLY | O_DIRECTORY) : -1};
    if (r.folder < 0 || !secret || strncmp(secret, "whsec_", 6) != 0 || strlen(secret) > 100)
        return 2;
    r.key_n = EVP_DecodeBlock(r.key, (const unsigned char *)secret + 6, (int)strlen(secret + 6));
    for (const char *s = strchr(secret, '='); s && *s; s++)
        r.key_n--;
    if (!MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)strtol(argv[1], NULL, 10),
            NULL, NULL, on_request, &r, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END))
        return 1;
    for (;;)
        pause();
}
