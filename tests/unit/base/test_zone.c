/* Time zones: what real files say, clocks put forward and back, files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/zone_file.h"

static struct zone *zone_of(const char *name)
{
    struct zone *z = NULL;
    struct err err = {0};
    if (zone_load(name, &z, &err) < 0)
        fail_msg("%s", err.msg);
    return z;
}

static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *at;
        int want_s;
    } rows[] = {
        {"Asia/Seoul", "2024-03-15T00:00:00Z", 32400},
        {"Asia/Seoul", "1988-07-01T00:00:00Z", 36000}, /* the year of the games */
        {"Asia/Seoul", "2200-07-01T00:00:00Z", 32400},
        {"America/New_York", "2024-03-10T06:59:59Z", -18000},
        {"America/New_York", "2024-03-10T07:00:00Z", -14400},
        {"America/New_York", "2024-11-03T05:59:59Z", -14400},
        {"America/New_York", "2024-11-03T06:00:00Z", -18000},
        {"America/New_York", "2100-07-01T00:00:00Z", -14400},
        {"America/New_York", "2100-12-01T00:00:00Z", -18000},
        {"Australia/Sydney", "2100-01-01T00:00:00Z", 39600}, /* summer over the turn of the year */
        {"Europe/Dublin", "2100-01-01T00:00:00Z", 0}, /* its winter time is the daylight one */
        {"Europe/Dublin", "2100-07-01T00:00:00Z", 3600},
        {"Asia/Kathmandu", "2024-01-01T00:00:00Z", 20700},
        {"UTC", "2024-01-01T00:00:00Z", 0},
        {":Asia/Seoul", "2024-01-01T00:00:00Z", 32400},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct zone *z = zone_of(rows[i].zone);
        int64_t at_ms;
        assert_true(wall_parse_iso(str_from(rows[i].at), &at_ms));
        if (zone_offset_s(z, at_ms) != rows[i].want_s)
            fail_msg("%s at %s: %d, want %d", rows[i].zone, rows[i].at, zone_offset_s(z, at_ms),
                     rows[i].want_s);
        zone_free(z);
    }
}

static void test_clocks(void **state)
{
    (void)state;
    struct zone *z = zone_of("America/New_York");
    int64_t at_ms[2];
    struct wall_parts gap = {2024, 3, 10, 2, 30, 0, 0}, twice = {2024, 11, 3, 1, 30, 0, 0},
                      once = {2024, 7, 1, 12, 0, 0, 0};
    assert_int_equal(zone_instants(z, &gap, at_ms), 0);
    assert_int_equal(zone_join(z, &gap), INT64_C(1710054000000)); /* 07:00 UTC, the gap's end */
    assert_int_equal(zone_instants(z, &twice, at_ms), 2);
    assert_int_equal(at_ms[1] - at_ms[0], 3600 * 1000);
    assert_int_equal(zone_join(z, &twice), at_ms[0]);
    assert_int_equal(zone_instants(z, &once, at_ms), 1);
    struct wall_parts back = zone_split(z, at_ms[0]);
    assert_memory_equal(&back, &once, sizeof(once));
    assert_int_equal(zone_weekday(&once), 1);
    char day[11];
    zone_day(z, at_ms[0], -1, day);
    assert_string_equal(day, "2024-06-30");
    zone_day(z, at_ms[0], 31, day);
    assert_string_equal(day, "2024-08-01");
    zone_free(z);
}

static void test_wrong(void **state)
{
    (void)state;
    static const char *const names[] = {"Nowhere/City", "../../etc/passwd", "/etc/localtime",
                                        "Asia",         "Asia/Seoul\n",     "zone.tab"};
    struct zone *z;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        struct err err = {0};
        assert_int_equal(zone_load(names[i], &z, &err), E_CONFIG);
        assert_true(err.msg[0] != '\0');
    }
    /* Every prefix of a real file and every byte of it turned over: refused or read, never a crash. */
    FILE *f = fopen("/usr/share/zoneinfo/America/New_York", "rb");
    assert_non_null(f);
    static char bytes[8192];
    size_t len = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    for (size_t n = 0; n < len; n++) {
        struct err err = {0};
        assert_int_equal(zone_parse(str_of(bytes, n), &z, &err), E_INPUT);
        bytes[n] = (char)~bytes[n];
        if (zone_parse(str_of(bytes, len), &z, &err) >= 0) {
            zone_offset_s(z, INT64_C(1710054000000));
            zone_free(z);
        }
        bytes[n] = (char)~bytes[n];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
