#pragma once
/* Hashes and random bytes, by OpenSSL. */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SHA256_BYTES 32

void sha256(struct str s, uint8_t ret_digest[SHA256_BYTES]);
/* Hash of several parts with their lengths mixed in, so that ("ab","c") differs from ("a","bc"). */
void sha256_parts(const struct str *parts, size_t part_count, uint8_t ret_digest[SHA256_BYTES]);
/* Lower-case hex, NUL-ended. */
void sha256_hex(struct str s, char ret_hex[2 * SHA256_BYTES + 1]);
void hmac_sha256(struct str key, struct str message, uint8_t ret_digest[SHA256_BYTES]);
/* Cryptographic random bytes; ends the process when the kernel gives none. */
void random_bytes(void *ret_bytes, size_t len);
/* UUIDv4 / UUIDv5 (RFC 9562), 36 characters and NUL. `space` is 16 bytes. */
void uuid_v4(char ret_text[37]);
void uuid_v5(const uint8_t space[16], struct str name, char ret_text[37]);
