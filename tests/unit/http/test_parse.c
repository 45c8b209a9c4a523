#include "unit/base/check.h"

#include "http/internal.h"

/* Targets, queries, and what clients say about gzip. */

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target;
        bool want;
        const char *path, *query;
    } rows[] = {
        {"GET", "/", true, "/", ""},
        {"GET", "/a?b=c?d", true, "/a", "b=c?d"},
        {"GET", "/a?", true, "/a", ""},
        {"GET", "/%41%2f%c3%A9", true, "/A/\xC3\xA9", ""},
        {"GET", "/a+b", true, "/a+b", ""},
        {"GET", "/../a/./b", true, "/../a/./b", ""},
        {"GET", "//a", true, "//a", ""},
        {"GET", "http://h/a?b", true, "/a", "b"},
        {"GET", "HTTPS://h:1?b", true, "/", "b"},
        {"GET", "http://", false, "", ""},
        {"GET", "http:///a", false, "", ""},
        {"GET", "ftp://h/a", false, "", ""},
        {"GET", "/%", false, "", ""},
        {"GET", "/%4", false, "", ""},
        {"GET", "/%4g", false, "", ""},
        {"GET", "/%00", false, "", ""},
        {"GET", "/a#b", false, "", ""},
        {"GET", "", false, "", ""},
        {"GET", "a", false, "", ""},
        {"GET", "*", false, "", ""},
        {"OPTIONS", "*", true, "*", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf path = BUF_INIT(0);
        struct str query;
        bool got = http_target_split(str_from(rows[i].method), str_from(rows[i].target), &path,
                                     &query);
        CHECK_I64(rows[i].target, got, rows[i].want);
        if (got) {
            CHECK_STR(rows[i].target, buf_view(&path), str_from(rows[i].path));
            CHECK_STR(rows[i].target, query, str_from(rows[i].query));
        }
        buf_done(&path);
    }
}

static void test_queries(void **state)
{
    (void)state;
    static const struct {
        const char *query, *name;
        bool want;
        const char *value;
    } rows[] = {
        {"a=1&b=2", "b", true, "2"}, {"a=1&a=2", "a", true, "1"},
        {"a", "a", true, ""},        {"a=", "a", true, ""},
        {"ab=1", "a", false, ""},    {"", "a", false, ""},
        {"&&a=1", "a", true, "1"},   {"a=b+c%2B%20d", "a", true, "b c+ d"},
        {"%61=1", "a", true, "1"},   {"a=100%", "a", true, "100%"},
        {"a=b=c", "a", true, "b=c"}, {"a=%EA%B0%80", "a", true, "\xEA\xB0\x80"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct http_request rq = {.query = str_from(rows[i].query)};
        struct str value = STR("");
        CHECK_I64(rows[i].query, http_query(&a, &rq, rows[i].name, &value), rows[i].want);
        CHECK_STR(rows[i].query, value, str_from(rows[i].value));
    }
    arena_done(&a);
}

static void test_encodings(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool want;
    } rows[] = {
        {"", false},           {"gzip", true},          {"br, gzip", true},
        {"GZIP", true},        {"gzip;q=0", false},     {"gzip;q=0.0", false},
        {"gzip;q=0.01", true}, {"gzip ; q=1", true},    {"*", true},
        {"*;q=0", false},      {"*, gzip;q=0", false},  {"x-gzip", true},
        {"gzipped", false},    {"identity", false},     {",", false},
        {";q=1", false},       {"deflate,,gzip", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_I64(rows[i].accept, http_accepts_gzip(str_from(rows[i].accept)), rows[i].want);
    assert_true(http_type_is_text("application/json; charset=utf-8"));
    assert_true(http_type_is_text("text/html"));
    assert_false(http_type_is_text("text/event-stream"));
    assert_false(http_type_is_text("image/png"));
    assert_false(http_type_is_text(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
