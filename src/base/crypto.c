#include "base/crypto.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/buf.h"
#include "base/log.h"

/*
 * Hashes by OpenSSL 3, random bytes by getrandom(2): it never gives old or guessable bytes, is safe
 * after fork, and does not block once the machine has booted.
 *
 * OpenSSL's calls here fail only when memory is out or SHA-256 itself is missing from the library:
 * neither leaves us anything to do, so both are asserted.
 */

static void digest_all(EVP_MD_CTX *ctx, const void *bytes, size_t len)
{
    int ok = EVP_DigestUpdate(ctx, bytes, len);
    assert(ok == 1);
    (void)ok;
}

void sha256(struct str s, uint8_t ret_digest[SHA256_BYTES])
{
    unsigned char *r = SHA256((const unsigned char *)(s.ptr ? s.ptr : ""), s.len, ret_digest);
    assert(r);
    (void)r;
}

void sha256_parts(const struct str *parts, size_t part_count, uint8_t ret_digest[SHA256_BYTES])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert(ctx);
    int ok = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    assert(ok == 1);
    for (size_t i = 0; i < part_count; i++) {
        uint8_t len[8];
        for (size_t k = 0; k < sizeof(len); k++)
            len[k] = (uint8_t)((uint64_t)parts[i].len >> (56 - 8 * k));
        digest_all(ctx, len, sizeof(len));
        digest_all(ctx, parts[i].ptr ? parts[i].ptr : "", parts[i].len);
    }
    ok = EVP_DigestFinal_ex(ctx, ret_digest, NULL);
    assert(ok == 1);
    (void)ok;
    EVP_MD_CTX_free(ctx);
}

static void hex(const uint8_t *bytes, size_t len, char *ret_hex)
{
    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        ret_hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ret_hex[2 * len] = '\0';
}

void sha256_hex(struct str s, char ret_hex[2 * SHA256_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES];
    sha256(s, digest);
    hex(digest, sizeof(digest), ret_hex);
}

void hmac_sha256(struct str key, struct str message, uint8_t ret_digest[SHA256_BYTES])
{
    assert(key.len <= INT32_MAX);
    unsigned len = 0;
    unsigned char *r = HMAC(EVP_sha256(), key.ptr ? key.ptr : "", (int)key.len,
                            (const unsigned char *)(message.ptr ? message.ptr : ""), message.len,
                            ret_digest, &len);
    assert(r && len == SHA256_BYTES);
    (void)r;
}

void random_bytes(void *ret_bytes, size_t len)
{
    char *p = ret_bytes;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_error("crypto.random", "errno=%d", errno);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

/* RFC 9562 §4: version in the high half of octet 6, variant 10 in octet 8. */
static void uuid_text(uint8_t bytes[16], unsigned version, char ret_text[37])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3F) | 0x80);
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    char *to = ret_text;
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) {
        hex(bytes, groups[g], to);
        bytes += groups[g];
        to += 2 * groups[g];
        *to++ = '-';
    }
    ret_text[36] = '\0';
}

void uuid_v4(char ret_text[37])
{
    uint8_t bytes[16];
    random_bytes(bytes, sizeof(bytes));
    uuid_text(bytes, 4, ret_text);
}

void uuid_v5(const uint8_t space[16], struct str name, char ret_text[37])
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_add(&b, space, 16);
    buf_str(&b, name);
    uint8_t digest[SHA_DIGEST_LENGTH];
    unsigned char *r = SHA1((const unsigned char *)b.ptr, b.len, digest);
    assert(r);
    (void)r;
    uuid_text(digest, 5, ret_text); /* the first 16 of 20 bytes */
}
