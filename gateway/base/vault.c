/* vault.c - the key in data_dir, and what is sealed under it: XChaCha20-Poly1305 with a random
 * nonce in front. */
#include "base/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"

#define KEY_BYTES crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SECRET_MAX 4096

struct vault {
    unsigned char key[KEY_BYTES], marks[KEY_BYTES];
};

static int read_key(const char *path, unsigned char key[KEY_BYTES]) {
    unsigned char extra;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, key, KEY_BYTES), more = read(fd, &extra, 1);
    close(fd);
    if (n == (ssize_t)KEY_BYTES && more == 0)
        return 0;
    errno = EILSEQ; /* cut short or longer: not ours to replace */
    return -1;
}

static int write_key(const char *path, const unsigned char key[KEY_BYTES]) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    int rc = write(fd, key, KEY_BYTES) == (ssize_t)KEY_BYTES && fsync(fd) == 0 ? 0 : -1;
    return close(fd) == 0 ? rc : -1;
}

static int sync_folder(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* A whole key appears under its name at once, or somebody else's is there first. */
static int make_key(const char *data_dir, const char *path) {
    unsigned char fresh[KEY_BYTES];
    char *own = mem_printf("%s.%ld", path, (long)getpid());
    randombytes_buf(fresh, sizeof fresh);
    unlink(own);
    int rc = write_key(own, fresh);
    if (rc == 0 && link(own, path) < 0 && errno != EEXIST)
        rc = -1;
    int why = errno;
    unlink(own);
    if (rc == 0)
        rc = sync_folder(data_dir);
    else
        errno = why;
    sodium_memzero(fresh, sizeof fresh);
    free(own);
    return rc;
}

struct vault *vault_open(const char *data_dir, struct err *err) {
    char *path = mem_printf("%s/secret.key", data_dir);
    unsigned char key[KEY_BYTES];
    struct vault *v = NULL;
    int rc = read_key(path, key);
    if (rc < 0 && errno == ENOENT)
        rc = make_key(data_dir, path) < 0 ? -1 : read_key(path, key);
    if (rc < 0) {
        err_set(err, ERR_IO, "%s: %s", path,
            errno == EILSEQ ? "this is not a key of 32 bytes" : strerror(errno));
    } else {
        v = mem_zalloc(sizeof *v);
        crypto_hmac_sha256(span_of((const char *)key, sizeof key), span_str("seal"), v->key);
        crypto_hmac_sha256(span_of((const char *)key, sizeof key), span_str("mark"), v->marks);
    }
    sodium_memzero(key, sizeof key);
    free(path);
    return v;
}

void vault_close(struct vault **vp) {
    if (!*vp)
        return;
    sodium_memzero(*vp, sizeof **vp);
    free(*vp);
    *vp = NULL;
}

char *vault_seal(const struct vault *v, const char *about, const char *secret) {
    size_t n = strlen(secret);
    unsigned char *box = mem_alloc(NONCE_BYTES + n + TAG_BYTES);
    unsigned long long made = 0;
    randombytes_buf(box, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, &made,
        (const unsigned char *)secret, n, (const unsigned char *)about, strlen(about), NULL, box,
        v->key);
    char *text = crypto_base64url(box, NONCE_BYTES + (size_t)made);
    free(box);
    return text;
}

char *vault_unseal(const struct vault *v, const char *about, const char *sealed) {
    unsigned char box[NONCE_BYTES + SECRET_MAX + TAG_BYTES];
    unsigned long long n = 0;
    long size = crypto_base64url_decode(span_str(sealed), box, sizeof box);
    if (size < (long)(NONCE_BYTES + TAG_BYTES))
        return NULL;
    char *secret = mem_zalloc((size_t)size);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)secret, &n, NULL,
            box + NONCE_BYTES, (size_t)size - NONCE_BYTES, (const unsigned char *)about,
            strlen(about), box, v->key) == 0)
        return secret;
    free(secret);
    return NULL;
}

void vault_mark(const struct vault *v, const char *about, const char *text, char *out) {
    char *whole = mem_printf("%zu:%s:%s", strlen(about), about, text);
    crypto_hmac_sha256_hex(span_of((const char *)v->marks, sizeof v->marks), span_str(whole), out);
    sodium_memzero(whole, strlen(whole));
    free(whole);
}
