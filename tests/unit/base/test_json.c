#include "unit/base/check.h"

#include <math.h>

#include "base/json.h"

/* JSON: what is taken and what is refused, getters on anything, walking, and the streaming writer. */

static int parse(struct arena *a, const char *text, struct json *ret_value)
{
    struct err err = {0};
    int r = json_parse(a, str_from(text), ret_value, &err);
    CHECK(text, (r < 0) == (err.code == E_JSON && err.msg[0]));
    return r;
}

static void test_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want; /* want: as json_write gives it back */
    } rows[] = {
        {"null", "null"},
        {" \t\r\n{ \"a\" : [ 1 , -2 , true , false , null ] } ", "{\"a\":[1,-2,true,false,null]}"},
        {"\"\"", "\"\""},
        {"\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"é😀\\n/\""},
        {"\"한글\"", "\"한글\""},
        {"\"\\u0000\"", "\"\\u0000\""},
        {"[]", "[]"},
        {"{}", "{}"},
        {"18446744073709551615", "18446744073709551615"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"0.1", "0.1"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v;
        CHECK_I64(rows[i].in, parse(&a, rows[i].in, &v), 0);
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        json_write(&b, v);
        CHECK_BUF(rows[i].in, &b, rows[i].want);
    }
    arena_done(&a);
}

/* What peers send although strict JSON forbids it; what is broken stays broken. */
static void test_lax(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *want; /* NULL: refused */
    } rows[] = {
        {STR("{\"a\":1}"), "{\"a\":1}"},
        {STR("\xEF\xBB\xBF[1]"), "[1]"},
        {STR("\"a\\ud83d\""), "\"a\xEF\xBF\xBD\""},
        {STR("\"\\ude00b\""), "\"\xEF\xBF\xBD"
                              "b\""},
        {STR("\"\\ud83d\\ud83d\\ude00\""), "\"\xEF\xBF\xBD\xF0\x9F\x98\x80\""},
        {STR("\"\\ud83dx\\\\\\\"\""), "\"\xEF\xBF\xBDx\\\\\\\"\""},
        {STR("\"\\ud8"), NULL},
        {STR("\"\\ud83"), NULL},
        {STR("\"a\xff\xfe"
             "b\""),
         "\"a\xEF\xBF\xBD\xEF\xBF\xBD"
         "b\""},
        {STR("\"a\xEC\x95\""), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {STR("\"a\tb\nc\x01\""), "\"a\\tb\\nc\\u0001\""},
        {STR("\"\xEF\xBB\xBF\""), "\"\xEF\xBB\xBF\""},
        {STR("{\"a\":\"\xff\""), NULL},
        {STR("\xEF\xBB\xBF"), NULL},
        {STR("[1,]"), NULL},
        {STR("NaN"), NULL},
        {STR("{\x01}"), NULL},
        {STR("\"\\"), NULL},
        {STR(""), NULL},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v;
        struct err err = {0};
        int r = json_parse_lax(&a, rows[i].in, &v, &err);
        CHECK_I64(rows[i].in.ptr, r, rows[i].want ? 0 : E_JSON);
        if (r < 0)
            continue;
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        json_write(&b, v);
        CHECK_BUF(rows[i].in.ptr, &b, rows[i].want);
    }
    arena_done(&a);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":}",
        "{a:1}",
        "'a'",
        "[1] x",
        "[1][2]",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "1e999",
        "-1e999",
        "01",
        "+1",
        "1.",
        ".5",
        "0x1",
        "\"a",
        "\"\t\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "tru",
        "// c\n1",
        "/* c */ 1",
        "\xEF\xBB\xBF[]",
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v = {&a};
        CHECK_I64(rows[i], parse(&a, rows[i], &v), E_JSON);
        CHECK(rows[i], v.val == &a); /* outputs are written on success only */
    }
    struct json v;
    CHECK_I64("NUL after it", json_parse(&a, str_of("1\0", 2), &v, NULL), E_JSON);
    CHECK_I64("no bytes", json_parse(&a, STR_NONE, &v, NULL), E_JSON);
    arena_done(&a);
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        const char *open, *mid, *close;
        size_t depth;
        bool ok;
    } rows[] = {
        {"[", "", "]", 64, true},
        {"[", "", "]", 65, false},
        {"{\"a\":", "1", "}", 64, true},
        {"{\"a\":", "1", "}", 65, false},
        {"[1,[[]],", "2", "]", 62, true},
        {"[", "", "]", 100000, false},
        {"[{},", "\"[[[\"", "]", 64, false}, /* the {} in the innermost is level 65 */
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        for (size_t k = 0; k < rows[i].depth; k++)
            buf_text(&b, rows[i].open);
        buf_text(&b, rows[i].mid);
        for (size_t k = 0; k < rows[i].depth; k++)
            buf_text(&b, rows[i].close);
        struct json v;
        CHECK_I64(rows[i].open, json_parse(&a, buf_view(&b), &v, NULL), rows[i].ok ? 0 : E_JSON);
    }
    /* Many siblings are not depth. */
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_text(&b, "[[]");
    for (int k = 0; k < 1000; k++)
        buf_text(&b, ",[[]],{}");
    buf_text(&b, "]");
    struct json v;
    CHECK_I64("siblings", json_parse(&a, buf_view(&b), &v, NULL), 0);
    CHECK_I64("siblings", json_count(v), 2001);
    arena_done(&a);
}

static void test_getters(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct json v;
    assert_int_equal(parse(&a,
                           "{\"s\":\"x\",\"i\":-5,\"r\":3.0,\"f\":3.5,\"big\":18446744073709551615,"
                           "\"huge\":1e300,\"b\":true,\"n\":null,\"o\":{\"k\":[{\"d\":\"deep\"}]},"
                           "\"d\":1,\"d\":2,\"txt\":\"12\",\"min\":-9223372036854775808,"
                           "\"edge\":9223372036854775808.0,\"\":7}",
                           &v),
                     0);
    static const struct {
        const char *key;
        bool is_int, is_num;
        int64_t i64; /* 42 when it is none */
        double f64;
    } rows[] = {
        {"s", false, false, 42, 42},   {"i", true, true, -5, -5},
        {"r", true, true, 3, 3},       {"f", false, true, 42, 3.5},
        {"b", false, false, 42, 42},   {"big", false, true, 42, 18446744073709551615.0},
        {"n", false, false, 42, 42},   {"huge", false, true, 42, 1e300},
        {"o", false, false, 42, 42},   {"missing", false, false, 42, 42},
        {"txt", false, false, 42, 42}, {"min", true, true, INT64_MIN, -0x1p63},
        {"d", true, true, 1, 1},       {"edge", false, true, 42, 0x1p63},
        {"", true, true, 7, 7},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json m = json_get(v, rows[i].key);
        CHECK_I64(rows[i].key, json_is_int(m), rows[i].is_int);
        CHECK_I64(rows[i].key, json_is_num(m), rows[i].is_num);
        CHECK_I64(rows[i].key, json_i64(m, 42), rows[i].i64);
        CHECK(rows[i].key, json_f64(m, 42) == rows[i].f64);
    }
    CHECK_STR("s", json_str(json_get(v, "s")), STR("x"));
    CHECK_STR("not a string", json_str(json_get(v, "i")), STR(""));
    assert_true(json_bool(json_get(v, "b"), false));
    assert_true(json_bool(json_get(v, "s"), true));
    assert_true(json_exists(json_get(v, "n")) && json_is_null(json_get(v, "n")));
    assert_true(!json_exists(json_get(v, "no")) && json_is_null(json_get(v, "no")));
    assert_true(json_is_obj(v) && json_is_arr(json_path(v, "o.k")) &&
                json_is_str(json_get(v, "s")));
    assert_true(json_is_bool(json_get(v, "b")));
    CHECK_STR("path", json_str(json_path(v, "o.k.0.d")), STR("deep"));
    assert_false(json_exists(json_path(v, "o.k.1.d")));
    assert_false(json_exists(json_path(v, "o.k.-1")));
    assert_false(json_exists(json_path(v, "o.k.x")));
    assert_false(json_exists(json_path(v, "s.x")));
    assert_false(json_exists(json_path(JSON_NONE, "a.b")));
    assert_false(json_exists(json_get(json_get(v, "s"), "x")));
    assert_int_equal(json_count(json_get(v, "s")), 0);
    assert_int_equal(json_count(JSON_NONE), 0);
    arena_done(&a);
}

static void test_iteration(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {
        {"[1,[2,3],{\"x\":4},5]", "0:=1 1:=[2,3] 2:={\"x\":4} 3:=5 "},
        {"{\"a\":[1,2],\"b\":{},\"c\":null}", "0:a=[1,2] 1:b={} 2:c=null "},
        {"[]", ""},
        {"{}", ""},
        {"7", ""},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v;
        CHECK_I64(rows[i].in, parse(&a, rows[i].in, &v), 0);
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        for (struct json_iter it = json_iter(v); json_next(&it);) {
            buf_printf(&b, "%zu:%.*s=", it.index, STR_ARG(it.key));
            json_write(&b, it.value);
            buf_byte(&b, ' ');
        }
        CHECK_BUF(rows[i].in, &b, rows[i].want);
    }
    struct json_iter none = json_iter(JSON_NONE);
    assert_false(json_next(&none));
    arena_done(&a);
}

static void test_floats(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int want;
    } rows[] = {
        {"[1,-0.5,2e-3]", 3}, {"[]", 0}, {"[1,\"2\",3]", -1}, {"[1,null]", -1}, {"[1,2,3,4]", -1},
        {"{\"a\":1}", -1},    {"1", -1}};
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v;
        float values[3] = {9, 9, 9};
        CHECK_I64(rows[i].in, parse(&a, rows[i].in, &v), 0);
        CHECK_I64(rows[i].in, json_floats(v, values, 3), rows[i].want);
        CHECK(rows[i].in, rows[i].want == 3 ? values[1] == -0.5F : values[0] == 9);
    }
    float one;
    assert_int_equal(json_floats(JSON_NONE, &one, 1), -1);
    arena_done(&a);
}

static void test_big_document(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    struct jw w = JW_INIT(&b);
    jw_arr(&w, NULL);
    for (int i = 0; i < 60000; i++)
        jw_i64(&w, NULL, i % 10);
    jw_end_arr(&w);
    struct arena a;
    arena_init(&a, 0);
    struct json v;
    assert_int_equal(json_parse(&a, buf_view(&b), &v, NULL), 0);
    assert_int_equal(json_count(v), 60000);
    int64_t sum = 0;
    for (struct json_iter it = json_iter(v); json_next(&it);)
        sum += json_i64(it.value, 0);
    assert_int_equal(sum, 270000);
    /* Sixteen bytes a value, the text, and room from growing: not a copy for every growth. */
    assert_in_range(a.bytes_used, 60000 * 16, 60000 * 40);
    arena_done(&a);
}

static void test_writer(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct json v;
    assert_int_equal(parse(&a, "{\"x\":[1]}", &v), 0);
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    struct jw w = JW_INIT(&b);
    jw_obj(&w, NULL);
    jw_text(&w, "t", "a\"b");
    jw_text(&w, "tn", NULL);
    jw_str(&w, "s", STR_NONE);
    jw_str_or_null(&w, "sn", STR_NONE);
    jw_str_or_null(&w, "sv", STR("v"));
    jw_fmt(&w, "f", "%d-%s", 5, "한\n");
    jw_i64(&w, "i", INT64_MIN);
    jw_bool(&w, "b", true);
    jw_null(&w, "n");
    jw_json(&w, "j", v);
    jw_json(&w, "jn", JSON_NONE);
    jw_raw(&w, "r", STR("[0]"));
    jw_arr(&w, "a");
    jw_obj(&w, NULL);
    jw_end_obj(&w);
    jw_arr(&w, NULL);
    jw_end_arr(&w);
    jw_i64(&w, NULL, 1);
    jw_end_arr(&w);
    jw_obj(&w, "o");
    jw_text(&w, "k\n", "v");
    jw_end_obj(&w);
    jw_end_obj(&w);
    CHECK_BUF("all kinds", &b,
              "{\"t\":\"a\\\"b\",\"tn\":null,\"s\":\"\",\"sn\":null,\"sv\":\"v\",\"f\":\"5-한\\n\","
              "\"i\":-9223372036854775808,\"b\":true,\"n\":null,\"j\":{\"x\":[1]},\"jn\":null,"
              "\"r\":[0],\"a\":[{},[],1],\"o\":{\"k\\n\":\"v\"}}");
    assert_int_equal(json_parse(&a, buf_view(&b), &v, NULL), 0);
    arena_done(&a);
}

static void test_writer_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        int decimals;
        const char *want;
    } rows[] = {{0.5, 2, "0.50"},
                {1.0 / 3, 4, "0.3333"},
                {2, 0, "2"},
                {NAN, 2, "null"},
                {INFINITY, -1, "null"},
                {0.1, -1, "0.1"},
                {1e300, -1, "1e+300"},
                {3, -1, "3"},
                {1.0 / 3, -1, "0.3333333333333333"},
                {0.05, 2, "0.05"},
                {-12.75, 1, "-12.8"},
                {-0.0, 1, "-0.0"},
                {0.5, 0, "0"},
                {4.9e-7, 6, "0.000000"},
                {999999999.9999996, 6, "1000000000.000000"},
                {-1e9, 1, "-1000000000.0"},
                {0.123456789, 9, "0.123456789"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        struct jw w = JW_INIT(&b);
        jw_f64(&w, NULL, rows[i].value, rows[i].decimals);
        CHECK_BUF(rows[i].want, &b, rows[i].want);
    }
}

static void test_writer_depth(void **state)
{
    (void)state;
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    struct jw w = JW_INIT(&b);
    for (int i = 0; i < 32; i++) {
        jw_arr(&w, NULL);
        jw_i64(&w, NULL, 1);
    }
    for (int i = 0; i < 32; i++)
        jw_end_arr(&w);
    assert_memory_equal(b.ptr, "[1,[1,[1,", 9);
    assert_int_equal(b.len, 32 * 3 + 31);
}

static void test_quote(void **state)
{
    (void)state;
    static const struct {
        struct str in;
        const char *want;
    } rows[] = {
        {{"a\"b\\c/", 6}, "\"a\\\"b\\\\c/\""},
        {{"\b\t\n\f\r", 5}, "\"\\b\\t\\n\\f\\r\""},
        {{"\0\x1f\x7f", 3}, "\"\\u0000\\u001f\x7f\""},
        {{"한글😀", 10}, "\"한글😀\""},
        {{"a\xff"
          "b",
          3},
         "\"a\xEF\xBF\xBD"
         "b\""},
        {{"\xED\x95", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xEF\xBF\xBD", 3}, "\"\xEF\xBF\xBD\""},
        {{NULL, 0}, "\"\""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        json_quote(&b, rows[i].in);
        CHECK_BUF(rows[i].want, &b, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),      cmocka_unit_test(test_lax),
        cmocka_unit_test(test_refuses),      cmocka_unit_test(test_depth),
        cmocka_unit_test(test_getters),      cmocka_unit_test(test_iteration),
        cmocka_unit_test(test_floats),       cmocka_unit_test(test_big_document),
        cmocka_unit_test(test_writer),       cmocka_unit_test(test_writer_numbers),
        cmocka_unit_test(test_writer_depth), cmocka_unit_test(test_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
