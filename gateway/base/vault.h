/* vault.h - what must be kept but not be readable in Redis: sealed under a key that is in a file of
 * data_dir (secret.key, mode 0600) and nowhere else. Whoever has a copy of Redis alone has nothing.
 */
#ifndef SB_BASE_VAULT_H
#define SB_BASE_VAULT_H

#include "base/err.h"
#include "base/span.h"

struct vault;

/* Makes the key when there is none; of several processes that begin at once, all get the same. */
struct vault *vault_open(const char *data_dir, struct err *err);
void vault_close(struct vault **v);

/* Sealed text (base64url); about says what it is and whose, and must be the same to open it. The
 * caller frees it. */
char *vault_seal(const struct vault *v, const char *about, const char *secret);
/* What was sealed, for the caller to wipe and free; NULL when it was not sealed by this key, or is
 * about something else. */
char *vault_unseal(const struct vault *v, const char *about, const char *sealed);

/* A fingerprint that nobody can make, or try guesses against, without the key. out holds
 * CRYPTO_HEX_SIZE bytes. */
void vault_mark(const struct vault *v, const char *about, const char *text, char *out);

#endif
