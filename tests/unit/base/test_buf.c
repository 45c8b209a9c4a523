#include "unit/base/check.h"

/* The growing buffer: cap, sticky failure, NUL at the end, and the three encoders. */

static void test_append(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = {0};
    CHECK_STR("empty view", buf_view(&b), STR(""));
    buf_text(&b, "a");
    buf_byte(&b, 'b');
    buf_str(&b, STR("cd"));
    buf_add(&b, NULL, 0);
    buf_i64(&b, -12);
    buf_printf(&b, "%s=%d", "k", 5);
    CHECK_BUF("all", &b, "abcd-12k=5");
    assert_int_equal(b.ptr[b.len], '\0');
    buf_clear(&b);
    CHECK_BUF("cleared", &b, "");
    buf_i64(&b, INT64_MIN);
    buf_i64(&b, INT64_MAX);
    buf_i64(&b, 0);
    CHECK_BUF("extremes", &b, "-922337203685477580892233720368547758070");
}

static void test_printf_grows(void **state)
{
    (void)state;
    for (int len = 0; len < 200; len++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        buf_text(&b, "x");
        buf_printf(&b, "%*s|", len, "y");
        assert_int_equal(b.len, (len ? len : 1) + 2);
        assert_int_equal(b.ptr[b.len - 1], '|');
        assert_int_equal(b.ptr[b.len], '\0');
    }
}

static void test_cap_is_sticky(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(5);
    buf_text(&b, "abc");
    buf_text(&b, "def");
    assert_true(b.failed);
    CHECK_BUF("nothing of it", &b, "abc");
    buf_byte(&b, 'd');
    CHECK_BUF("nothing after it", &b, "abc");
    assert_null(buf_room(&b, 1));
    buf_clear(&b);
    buf_text(&b, "12345");
    assert_false(b.failed);
    buf_printf(&b, "%d", 6);
    assert_true(b.failed);
    CHECK_BUF("printf past the cap", &b, "12345");
    buf_clear(&b);
    buf_printf(&b, "%s", "1234567890");
    CHECK("printf over an empty one", b.failed && b.len == 0 && b.ptr[0] == '\0');
    buf_clear(&b);
    buf_add(&b, "", SIZE_MAX);
    assert_true(b.failed);
}

static void test_room_drop_shrink(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    memcpy(buf_room(&b, 5), "hello", 5);
    buf_used(&b, 5);
    CHECK_BUF("room", &b, "hello");
    buf_drop(&b, 2);
    CHECK_BUF("drop", &b, "llo");
    buf_room(&b, 100000);
    buf_used(&b, 0);
    buf_shrink(&b);
    CHECK("shrunk", b.cap == 4);
    CHECK_BUF("kept", &b, "llo");
    buf_byte(&b, '!');
    CHECK_BUF("grows again", &b, "llo!");
    buf_drop(&b, 4);
    buf_shrink(&b);
    assert_null(b.ptr);
    buf_drop(&b, 0);
    buf_done(NULL);
}

static void test_percent(void **state)
{
    (void)state;
    static const struct {
        const char *in, *keep, *want;
    } rows[] = {{"aZ09-._~", "", "aZ09-._~"},
                {"a b&c=d", "", "a%20b%26c%3Dd"},
                {"한", "", "%ED%95%9C"},
                {"/v1/x y", "/", "/v1/x%20y"},
                {"2024-01-01T00:00:00+09:00", ":", "2024-01-01T00:00:00%2B09:00"},
                {"", "/", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        buf_percent(&b, str_from(rows[i].in), rows[i].keep);
        CHECK_BUF(rows[i].in, &b, rows[i].want);
    }
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_percent(&b, str_of("\0", 1), "/");
    CHECK_BUF("NUL", &b, "%00");
}

static void test_base64_and_hex(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {/* RFC 4648 §10 */
                {"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"foobar", "Zm9vYmFy"},
                {"\xff\xfe\xfd", "//79"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        buf_base64(&b, rows[i].in, strlen(rows[i].in));
        CHECK_BUF(rows[i].in, &b, rows[i].want);
    }
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_hex(&b, "\x00\x9f\xff", 3);
    CHECK_BUF("hex", &b, "009fff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),        cmocka_unit_test(test_printf_grows),
        cmocka_unit_test(test_cap_is_sticky), cmocka_unit_test(test_room_drop_shrink),
        cmocka_unit_test(test_percent),       cmocka_unit_test(test_base64_and_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
