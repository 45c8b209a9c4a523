#include "unit/base/check.h"

#include "base/crypto.h"

/* Hashes against published vectors; identifiers by their shape. */

static void check_hex(const char *row, const uint8_t *digest, const char *want)
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_hex(&b, digest, SHA256_BYTES);
    CHECK_BUF(row, &b, want);
}

static void test_sha256(void **state)
{
    (void)state;
    char hex[2 * SHA256_BYTES + 1];
    sha256_hex(STR("abc"), hex); /* FIPS 180-2 appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex(STR_NONE, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_parts_keep_their_borders(void **state)
{
    (void)state;
    uint8_t one[SHA256_BYTES], two[SHA256_BYTES], flat[SHA256_BYTES];
    sha256_parts((struct str[]){STR("ab"), STR("c")}, 2, one);
    sha256_parts((struct str[]){STR("a"), STR("bc")}, 2, two);
    assert_memory_not_equal(one, two, SHA256_BYTES);
    sha256_parts((struct str[]){STR("ab"), STR_NONE, STR("c")}, 3, two);
    assert_memory_not_equal(one, two, SHA256_BYTES);
    /* Lengths are eight bytes, big end first: the form is stored in databases. */
    sha256(STR("\0\0\0\0\0\0\0\2"
               "ab"
               "\0\0\0\0\0\0\0\1"
               "c"),
           flat);
    assert_memory_equal(one, flat, SHA256_BYTES);
}

static void test_hmac(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    /* RFC 4231 §4.3 */
    hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), digest);
    check_hex("rfc 4231", digest,
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    hmac_sha256(STR_NONE, STR_NONE, digest);
    check_hex("empty", digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_uuid(void **state)
{
    (void)state;
    static const uint8_t dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                    0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    char text[37];
    uuid_v5(dns, STR("www.example.com"), text); /* RFC 9562 A.4 */
    assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    char other[37];
    uuid_v4(text);
    uuid_v4(other);
    assert_string_not_equal(text, other);
    assert_int_equal(strlen(text), 36);
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        CHECK(text, dash ? text[i] == '-' : strchr("0123456789abcdef", text[i]) != NULL);
    }
    assert_int_equal(text[14], '4');
    assert_non_null(strchr("89ab", text[19]));
}

static void test_random(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    random_bytes(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256), cmocka_unit_test(test_parts_keep_their_borders),
        cmocka_unit_test(test_hmac),   cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
