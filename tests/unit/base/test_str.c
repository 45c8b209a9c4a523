#include "unit/base/check.h"

/* Borrowed text: comparison, cutting, numbers, UTF-8. Inputs are exact-size copies where reading past
 * the end would show. */

static void test_compare(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NONE, STR("")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_eq_nocase(STR("[a"), STR("{a"))); /* only letters fold */
    assert_true(str_starts(STR("abc"), STR("")));
    assert_true(str_starts_nocase(STR("Bearer x"), STR("bearer ")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("a.json"), STR(".json")));
    assert_false(str_ends(STR("n"), STR("on")));
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\x80"), STR("a")) > 0);
    assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
    assert_true(str_eq_secret(STR("token"), STR("token")));
    assert_false(str_eq_secret(STR("token"), STR("tokem")));
    assert_false(str_eq_secret(STR("token"), STR("toke")));
}

static void test_find_and_sub(void **state)
{
    (void)state;
    static const struct {
        const char *s, *needle;
        size_t from, want;
    } rows[] = {{"abcabc", "abc", 0, 0},        {"abcabc", "abc", 1, 3},
                {"abcabc", "abc", 4, SIZE_MAX}, {"abc", "", 3, 3},
                {"abc", "", 4, SIZE_MAX},       {"", "a", 0, SIZE_MAX},
                {"abc", "abcd", 0, SIZE_MAX}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_I64(rows[i].s, str_find(str_from(rows[i].s), str_from(rows[i].needle), rows[i].from),
                  rows[i].want);
    CHECK_STR("middle", str_sub(STR("abcdef"), 2, 3), STR("cde"));
    CHECK_STR("clamped", str_sub(STR("abc"), 2, SIZE_MAX), STR("c"));
    CHECK_STR("past", str_sub(STR("abc"), 9, 1), STR(""));
    CHECK_STR("trim", str_trim(STR(" \t\r\n a b \v\f")), STR("a b"));
    CHECK_STR("all blank", str_trim(STR("  ")), STR(""));
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {{"a,b", "a|b|"}, {"a,,b", "a||b|"}, {",a", "|a|"},
                {"a,", "a|"},    {"", ""},          {",", "|"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf got = BUF_INIT(0);
        struct str rest = str_from(rows[i].in), part;
        while (str_cut(&rest, ',', &part)) {
            buf_str(&got, part);
            buf_byte(&got, '|');
        }
        CHECK_BUF(rows[i].in, &got, rows[i].want);
    }
}

static void test_to_i64(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool ok;
        int64_t want;
    } rows[] = {{"0", true, 0},
                {"-0", true, 0},
                {"007", true, 7},
                {"9223372036854775807", true, INT64_MAX},
                {"-9223372036854775808", true, INT64_MIN},
                {"9223372036854775808", false, 0},
                {"-9223372036854775809", false, 0},
                {"99999999999999999999999", false, 0},
                {"", false, 0},
                {"-", false, 0},
                {"+1", false, 0},
                {" 1", false, 0},
                {"1 ", false, 0},
                {"1.0", false, 0},
                {"0x1", false, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t value = 42;
        bool ok = str_to_i64(str_from(rows[i].in), &value);
        CHECK_I64(rows[i].in, ok, rows[i].ok);
        CHECK_I64(rows[i].in, value, rows[i].ok ? rows[i].want : 42);
    }
}

static void test_to_double(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool ok;
        double want;
    } rows[] = {{"1.5", true, 1.5},  {"-2e3", true, -2000}, {"0", true, 0},    {".5", true, 0.5},
                {"", false, 0},      {"nan", false, 0},     {"inf", false, 0}, {"0x10", false, 0},
                {"1e999", false, 0}, {" 1", false, 0},      {"1e", false, 0},  {"1.2.3", false, 0},
                {"--1", false, 0}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double value = 42;
        bool ok = str_to_double(str_from(rows[i].in), &value);
        CHECK_I64(rows[i].in, ok, rows[i].ok);
        CHECK(rows[i].in, value == (rows[i].ok ? rows[i].want : 42));
    }
    char embedded[] = "1\0002";
    double value;
    assert_false(str_to_double(str_of(embedded, 3), &value));
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct str in;
        bool ok;
        size_t tail, points;
    } rows[] = {
        {"empty", {"", 0}, true, 0, 0},
        {"ascii over eight bytes", {"hello, world", 12}, true, 0, 12},
        {"korean", {"한글 ok", 9}, true, 0, 5},
        {"four bytes", {"\xF0\x9F\x98\x80", 4}, true, 0, 1},
        {"last code point", {"\xF4\x8F\xBF\xBF", 4}, true, 0, 1},
        {"over the last", {"\xF4\x90\x80\x80", 4}, false, 0, 4},
        {"overlong slash", {"\xC0\xAF", 2}, false, 0, 2},
        {"overlong in three", {"\xE0\x9F\xBF", 3}, false, 0, 3},
        {"surrogate", {"\xED\xA0\x80", 3}, false, 0, 3},
        {"cut after one of three", {"a\xED", 2}, false, 1, 2},
        {"cut after two of three", {"a\xED\x95", 3}, false, 2, 3},
        {"cut after three of four", {"\xF0\x9F\x98", 3}, false, 3, 3},
        {"bad second, not a tail", {"\xED\xA0", 2}, false, 0, 2},
        {"lone continuation", {"\x80", 1}, false, 0, 1},
        {"bad after eight", {"12345678\xFF", 9}, false, 0, 9},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CHECK_I64(rows[i].name, str_is_utf8(rows[i].in), rows[i].ok);
        CHECK_I64(rows[i].name, str_utf8_tail(rows[i].in), rows[i].tail);
        CHECK_I64(rows[i].name, str_code_points(rows[i].in), rows[i].points);
    }
}

static void test_decode(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t used;
        uint32_t want;
    } rows[] = {{"a", 1, 'a'},
                {"\xC3\xA9", 2, 0xE9},
                {"\xED\x95\x9C", 3, 0xD55C},
                {"\xF0\x9F\x98\x80", 4, 0x1F600},
                {"\xFF", 1, 0xFFFD},
                {"\xED\x95", 1, 0xFFFD}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint32_t cp = 0;
        CHECK_I64(rows[i].in, str_decode(str_from(rows[i].in), &cp), rows[i].used);
        CHECK_I64(rows[i].in, cp, rows[i].want);
    }
    uint32_t cp;
    assert_int_equal(str_decode(STR_NONE, &cp), 0);
}

static void test_cut_utf8(void **state)
{
    (void)state;
    struct str s = STR("한글"); /* 6 bytes */
    static const size_t want[] = {0, 0, 0, 3, 3, 3, 6, 6};
    for (size_t max = 0; max < ARRAY_COUNT(want); max++)
        assert_int_equal(str_cut_utf8(s, max).len, want[max]);
    assert_int_equal(str_cut_utf8(STR("\x80\x80\x80\x80\x80\x80"), 5).len, 5);
}

static void test_hash(void **state)
{
    (void)state;
    /* Published FNV-1a values. */
    assert_true(str_hash(STR_NONE) == 0xcbf29ce484222325u);
    assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cu);
    assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),   cmocka_unit_test(test_find_and_sub),
        cmocka_unit_test(test_cut),       cmocka_unit_test(test_to_i64),
        cmocka_unit_test(test_to_double), cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_decode),    cmocka_unit_test(test_cut_utf8),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
