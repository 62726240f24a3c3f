/* Receives Switchboard's events, a file for each: a CGI program of your web server.
 * cc -o receiver receiver.c -lsodium; its environment: WEBHOOK_SECRET=whsec_..., EVENTS=folder */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *given(const char *name) {
    return getenv(name) ? getenv(name) : "";
}

/* Signed by our key, and not long ago? */
static int is_good(const char *id, const char *at, const unsigned char *body, size_t n) {
    unsigned char key[256], mac[crypto_auth_hmacsha256_BYTES];
    char head[300], ours[64] = "v1,";
    const char *secret = given("WEBHOOK_SECRET"), *s = given("HTTP_WEBHOOK_SIGNATURE");
    size_t key_n, len;
    int good = 0, type = sodium_base64_VARIANT_ORIGINAL;
    if (strncmp(secret, "whsec_", 6) != 0 ||
        sodium_base642bin(
            key, sizeof key, secret + 6, strlen(secret + 6), NULL, &key_n, NULL, type) < 0 ||
        key_n < 24)
        return 0;
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_n);
    len = (size_t)snprintf(head, sizeof head, "%.200s.%.40s.", id, at);
    crypto_auth_hmacsha256_update(&state, (unsigned char *)head, len);
    crypto_auth_hmacsha256_update(&state, body, n);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(ours + 3, sizeof ours - 3, mac, sizeof mac, type);
    for (; *s; s += len + strspn(s + len, " ")) {
        len = strcspn(s, " ");
        good |= len == strlen(ours) && sodium_memcmp(s, ours, len) == 0;
    }
    return good && llabs(time(NULL) - strtoll(at, NULL, 10)) <= 300;
}

/* On disk for good before anybody hears "yes"; the name of the file is what remembers the event. */
static int keep(const char *id, const unsigned char *body, size_t n) {
    char new_name[220], name[220];
    snprintf(new_name, sizeof new_name, "%.200s.new", id);
    snprintf(name, sizeof name, "%.200s.json", id);
    if (chdir(given("EVENTS")) < 0)
        return 0;
    if (access(name, F_OK) == 0)
        return 1;
    int file = open(new_name, O_WRONLY | O_CREAT | O_TRUNC, 0600), place = open(".", O_RDONLY);
    return write(file, body, n) == (ssize_t)n && fsync(file) == 0 && rename(new_name, name) == 0 &&
           fsync(place) == 0;
}

int main(void) {
    static unsigned char body[1 << 20];
    const char *id = given("HTTP_WEBHOOK_ID"), *at = given("HTTP_WEBHOOK_TIMESTAMP");
    size_t due = strtoul(given("CONTENT_LENGTH"), NULL, 10);
    size_t n = fread(body, 1, due < sizeof body ? due : sizeof body, stdin);
    int status = !is_good(id, at, body, n) ? 401 : keep(id, body, n) ? 200 : 503;
    printf("Status: %d\r\nContent-Type: text/plain\r\n\r\n", status);
    return 0;
}
