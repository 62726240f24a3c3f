/* totp.c - one-time codes of an authenticator, and recovery codes. */
#include "core/totp.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void base32(const unsigned char *bytes, size_t n, char *out) {
    unsigned bits = 0, have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | bytes[i]) & 0xffff;
        for (have += 8; have >= 5; have -= 5)
            *out++ = alphabet[bits >> (have - 5) & 31];
    }
    if (have)
        *out++ = alphabet[bits << (5 - have) & 31];
    *out = '\0';
}

long totp_base32_decode(const char *text, unsigned char *out, unsigned out_size) {
    unsigned bits = 0, have = 0, n = 0;
    for (; *text; text++) {
        const char *at = strchr(alphabet, *text);
        if (!at)
            return -1;
        bits = (bits << 5 | (unsigned)(at - alphabet)) & 0xffff;
        have += 5;
        if (have < 8)
            continue;
        have -= 8;
        if (n == out_size)
            return -1;
        out[n++] = (unsigned char)(bits >> have);
    }
    return (long)n;
}

void totp_secret(char out[TOTP_SECRET_SIZE]) {
    unsigned char key[TOTP_KEY_BYTES];
    randombytes_buf(key, sizeof key);
    base32(key, sizeof key, out);
    sodium_memzero(key, sizeof key);
}

void totp_recovery(char out[RECOVERY_SIZE]) {
    for (size_t i = 0; i < RECOVERY_SIZE - 1; i++) {
        char c = alphabet[randombytes_uniform(32)];
        out[i] = i == 5 ? '-' : c < 'A' ? c : (char)(c - 'A' + 'a');
    }
    out[RECOVERY_SIZE - 1] = '\0';
}

void totp_code(struct span key, int64_t step, unsigned digits, char *out) {
    static const uint32_t powers[] = {1000000, 10000000, 100000000};
    unsigned char counter[8], mac[20];
    for (int i = 0; i < 8; i++)
        counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
    crypto_hmac_sha1(key, span_of((const char *)counter, sizeof counter), mac);
    const unsigned char *at = mac + (mac[19] & 15);
    uint32_t number = ((uint32_t)at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
                      (uint32_t)at[3];
    snprintf(out, digits + 1, "%0*u", (int)digits, number % powers[digits - 6]);
    sodium_memzero(mac, sizeof mac);
}

int64_t totp_step_of(const char *secret, const char *code, int64_t now_ms) {
    unsigned char key[64];
    char expected[8];
    int64_t now = now_ms / TOTP_STEP_MS, found = -1;
    long n = totp_base32_decode(secret, key, sizeof key);
    if (n <= 0 || strlen(code) != 6)
        return -1;
    for (int64_t step = now - 1; step <= now + 1; step++) {
        totp_code(span_of((const char *)key, (size_t)n), step, 6, expected);
        if (crypto_equal(span_of(expected, 6), span_of(code, 6)))
            found = step;
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(expected, sizeof expected);
    return found;
}

bool totp_is_code(const char *typed, char out[16]) {
    size_t n = 0, digits = 0;
    for (; *typed; typed++) {
        char c = *typed;
        if (c == ' ' || c == '-')
            continue;
        if (n == 15) {
            out[0] = '\0';
            return false;
        }
        digits += c >= '0' && c <= '9';
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[n] = '\0';
    return n == 6 && digits == 6;
}

static void add_escaped(char *out, size_t size, const char *text) {
    for (size_t n = strlen(out); *text && n + 4 < size; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c);
        n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", c);
    }
}

char *totp_uri(const char *issuer, const char *name, const char *secret) {
    char who[400] = "", from[200] = "";
    add_escaped(from, sizeof from, issuer);
    add_escaped(who, sizeof who, name);
    return mem_printf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=6&period=30",
        from, who, secret, from);
}
