#include "unit/base/check.h"

#include "base/wall.h"

/* Wall time. The ISO rows and their values are what Python 3.11's datetime.fromisoformat gives. */

static void test_parse_iso(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        int64_t want;
    } rows[] = {
        {"2024-01-01", 1704067200000},
        {"20240101", 1704067200000},
        {"2024-01-01T10:00", 1704103200000},
        {"2024-01-01T10", 1704103200000},
        {"2024-01-01 10:00:30", 1704103230000},
        {"20240101T100030", 1704103230000},
        {"2024-01-01T10:00:30.5", 1704103230500},
        {"2024-01-01T10:00:30,123456789", 1704103230123},
        {"2024-01-01T10:00:00Z", 1704103200000},
        {"2024-01-01T10:00:00+00:00", 1704103200000},
        {"2024-01-01T10:00:00+09:00", 1704070800000},
        {"2024-01-01T10:00:00-0330", 1704115800000},
        {"2024-01-01T10:00:00+09", 1704070800000},
        {"2024-01-01T10:00:00.000001+00:00:01", 1704103199000},
        {"2024-W01-1", 1704067200000},
        {"2024-W01", 1704067200000},
        {"2024W017", 1704585600000},
        {"2026-W53-5", 1798761600000},
        {"2024-02-29", 1709164800000},
        {"0001-01-01", -62135596800000},
        {"9999-12-31T23:59:59.999", 253402300799999},
        {"1969-12-31T23:59:59.999", -1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t at_ms = 0;
        CHECK(rows[i].in, wall_parse_iso(str_from(rows[i].in), &at_ms));
        CHECK_I64(rows[i].in, at_ms, rows[i].want);
    }
}

static void test_parse_iso_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "invalid-date",
        "1704067200",
        "1704067200000",
        "2024",
        "2024-01",
        "2024-01-01T10:00:00 09:00", /* an un-encoded + */
        "2024-01-01T",
        "2024-01-01T1",
        "2024-01-01T24:00",
        "2024-01-01T10:60",
        "2024-01-01T10:00:60",
        "2024-01-01T10:0000",
        "2024-01-01T1000:00",
        "2024-01-01T10:00:00.",
        "2024-01-01T10:00:00+",
        "2024-01-01T10:00:00+24:00",
        "2024-01-01T10:00:00ZZ",
        "2024-01-01Z",
        "2024-0101",
        "202401-01",
        "2023-02-29",
        "1900-02-29",
        "2024-00-01",
        "2024-13-01",
        "2024-01-32",
        "0000-01-01",
        "2024-W00-1",
        "2024-W53-1",
        "2024-W01-8",
        "2024-W01-0",
        "9999-W52-7",
        " 2024-01-01",
        "2024-01-01 ",
        "２０２４-01-01",
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t at_ms = 77;
        CHECK(rows[i], !wall_parse_iso(str_from(rows[i]), &at_ms));
        CHECK_I64(rows[i], at_ms, 77);
    }
}

static void test_every_day_round_trips(void **state)
{
    (void)state;
    int64_t first, last;
    assert_true(wall_parse_iso(STR("1599-12-31"), &first));
    assert_true(wall_parse_iso(STR("2401-01-01"), &last));
    struct wall_parts before = wall_split(first - 86400000);
    for (int64_t at = first; at <= last; at += 86400000) {
        struct wall_parts p = wall_split(at);
        assert_int_equal(wall_join(&p), at);
        bool next_day = p.day == before.day + 1 && p.month == before.month;
        bool next_month = p.day == 1 && p.month == before.month % 12 + 1 && before.day >= 28;
        assert_true(next_day || next_month);
        before = p;
    }
}

static void test_join_carries(void **state)
{
    (void)state;
    static const struct {
        const char *want;
        struct wall_parts in;
    } rows[] = {{"2025-02-01T00:00:00Z", {2024, 14, 1, 0, 0, 0, 0}},
                {"2023-12-31T00:00:00Z", {2024, 1, 0, 0, 0, 0, 0}},
                {"2023-11-29T23:59:59Z", {2024, 0, 0, 0, 0, -1, 0}},
                {"2024-03-01T00:00:01Z", {2024, 2, 29, 24, 0, 0, 1000}},
                {"2022-12-01T00:00:00Z", {2024, -12, 1, 0, 0, 0, 0}}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        wall_write(&b, wall_join(&rows[i].in));
        CHECK_BUF(rows[i].want, &b, rows[i].want);
    }
}

static void test_write(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *iso, *naive, *http;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {1795192980123, "2026-11-20T16:43:00Z", "2026-11-20T16:43:00.123000",
         "Fri, 20 Nov 2026 16:43:00 GMT"},
        {784111777000, "1994-11-06T08:49:37Z", "1994-11-06T08:49:37",
         "Sun, 06 Nov 1994 08:49:37 GMT"},
        {-1, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.999000", "Wed, 31 Dec 1969 23:59:59 GMT"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        _cleanup_(buf_done) struct buf b = BUF_INIT(0);
        wall_write(&b, rows[i].at_ms);
        CHECK_BUF(rows[i].iso, &b, rows[i].iso);
        buf_clear(&b);
        wall_write_naive(&b, rows[i].at_ms);
        CHECK_BUF(rows[i].iso, &b, rows[i].naive);
        buf_clear(&b);
        wall_write_http(&b, rows[i].at_ms);
        CHECK_BUF(rows[i].iso, &b, rows[i].http);
        int64_t back;
        CHECK(rows[i].http, wall_parse_http(buf_view(&b), &back));
        CHECK(rows[i].http, back <= rows[i].at_ms && back > rows[i].at_ms - 1000);
    }
}

static void test_parse_http_refuses(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Foo, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int64_t at_ms;
        CHECK(rows[i], !wall_parse_http(str_from(rows[i]), &at_ms));
    }
}

static void test_now(void **state)
{
    (void)state;
    assert_true(wall_now_ms() > 1700000000000); /* after this was written */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_iso),
        cmocka_unit_test(test_parse_iso_refuses),
        cmocka_unit_test(test_every_day_round_trips),
        cmocka_unit_test(test_join_carries),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_parse_http_refuses),
        cmocka_unit_test(test_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
