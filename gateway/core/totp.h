/* totp.h - one-time codes of an authenticator (RFC 6238: HMAC-SHA1, 30 seconds, 6 digits), and the
 * recovery codes beside them. Pure. */
#ifndef SB_CORE_TOTP_H
#define SB_CORE_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define TOTP_STEP_MS 30000
#define TOTP_KEY_BYTES 20
#define TOTP_SECRET_SIZE 33 /* 20 bytes in base32, with its NUL */
#define RECOVERY_CODES 10
#define RECOVERY_SIZE 12 /* "abcde-fghij", with its NUL: 50 bits */

/* A new secret, in base32 (RFC 4648 6, capitals). */
void totp_secret(char out[TOTP_SECRET_SIZE]);
void totp_recovery(char out[RECOVERY_SIZE]);

/* The code of a step, of 6 to 8 digits. out holds digits + 1 bytes. */
void totp_code(struct span key, int64_t step, unsigned digits, char *out);

/* The step (this one, the one before or the next) whose code this is; -1: none. secret: base32. All
 * three are compared, in constant time. */
int64_t totp_step_of(const char *secret, const char *code, int64_t now_ms);

/* What a person types, without spaces and dashes, in small letters: is it of 6 digits? Otherwise it
 * can only be a recovery code. out holds 16 bytes; false with "" when it can be neither. */
bool totp_is_code(const char *typed, char out[16]);

/* "otpauth://totp/..." for the authenticator's camera. The caller frees. */
char *totp_uri(const char *issuer, const char *name, const char *secret);

/* Bytes, or -1. */
long totp_base32_decode(const char *text, unsigned char *out, unsigned out_size);

#endif
