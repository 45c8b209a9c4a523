/* Cron expressions: fields, days, a simulated month, clocks put forward and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/cron.h"
#include "loop/zone_file.h"

static struct zone *zone_of(const char *name)
{
    struct zone *z = NULL;
    struct err err = {0};
    if (zone_load(name, &z, &err) < 0)
        fail_msg("%s", err.msg);
    return z;
}

static int64_t at_of(const char *text)
{
    int64_t at_ms;
    assert_true(wall_parse_iso(str_from(text), &at_ms));
    return at_ms;
}

/* The next three instants, in UTC. */
static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *zone, *after, *want[3];
    } rows[] = {
        {"0 1 * * *",
         "Asia/Seoul",
         "2024-03-14T15:59:59Z",
         {"2024-03-14T16:00:00Z", "2024-03-15T16:00:00Z", "2024-03-16T16:00:00Z"}},
        {"0 1 * * *", "Asia/Seoul", "2024-03-14T16:00:00Z", {"2024-03-15T16:00:00Z"}},
        {"  0\t1 * * * ",
         "Asia/Seoul",
         "2024-02-28T15:00:00Z",
         {"2024-02-28T16:00:00Z", "2024-02-29T16:00:00Z"}},
        {"*/15 * * * *",
         "UTC",
         "2024-01-01T00:00:00Z",
         {"2024-01-01T00:15:00Z", "2024-01-01T00:30:00Z", "2024-01-01T00:45:00Z"}},
        {"5/20 3 * * *",
         "UTC",
         "2024-01-01T00:00:00Z",
         {"2024-01-01T03:05:00Z", "2024-01-01T03:25:00Z", "2024-01-01T03:45:00Z"}},
        {"0 0 13 * fri",
         "UTC",
         "2024-09-01T00:00:00Z", /* either day counts */
         {"2024-09-06T00:00:00Z", "2024-09-13T00:00:00Z", "2024-09-20T00:00:00Z"}},
        {"0 0 */2 * fri",
         "UTC",
         "2024-09-01T00:00:00Z", /* a day that begins with * restricts too */
         {"2024-09-13T00:00:00Z", "2024-09-27T00:00:00Z", "2024-10-11T00:00:00Z"}},
        {"30 4 1,15 * *",
         "UTC",
         "2024-01-02T00:00:00Z",
         {"2024-01-15T04:30:00Z", "2024-02-01T04:30:00Z", "2024-02-15T04:30:00Z"}},
        {"0 12 * jan-mar MON",
         "UTC",
         "2024-03-24T00:00:00Z",
         {"2024-03-25T12:00:00Z", "2025-01-06T12:00:00Z"}},
        {"0 0 * * 7", "UTC", "2024-01-01T00:00:00Z", {"2024-01-07T00:00:00Z"}},
        {"0 0 * * fri-sun",
         "UTC",
         "2024-01-01T00:00:00Z",
         {"2024-01-05T00:00:00Z", "2024-01-06T00:00:00Z", "2024-01-07T00:00:00Z"}},
        {"0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
        {"@daily", "UTC", "2024-01-01T00:00:00Z", {"2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"}},
        {"@Hourly", "UTC", "2024-01-01T00:00:00Z", {"2024-01-01T01:00:00Z"}},
        {"@monthly", "Asia/Seoul", "2024-01-01T00:00:00Z", {"2024-01-31T15:00:00Z"}},
        {"@yearly", "UTC", "2024-01-01T00:00:00Z", {"2025-01-01T00:00:00Z"}},
        {"@weekly", "UTC", "2024-01-01T00:00:00Z", {"2024-01-07T00:00:00Z"}},
        /* New York 2024: 02:00 to 03:00 on March 10 does not exist, 01:00 to 02:00 on November 3 is twice. */
        {"30 2 * * *",
         "America/New_York",
         "2024-03-09T12:00:00Z",
         {"2024-03-10T07:00:00Z", "2024-03-11T06:30:00Z", "2024-03-12T06:30:00Z"}},
        {"0,30 2 * * *",
         "America/New_York",
         "2024-03-09T12:00:00Z",
         {"2024-03-10T07:00:00Z", "2024-03-11T06:00:00Z"}},
        {"30 1 * * *",
         "America/New_York",
         "2024-11-02T12:00:00Z",
         {"2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"}},
        {"30 * * * *",
         "America/New_York",
         "2024-11-03T04:45:00Z",
         {"2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z", "2024-11-03T07:30:00Z"}},
        {"30 * * * *",
         "America/New_York",
         "2024-03-10T06:00:00Z",
         {"2024-03-10T06:30:00Z", "2024-03-10T07:30:00Z"}},
        /* far ahead, by the rule at the file's end */
        {"30 2 * * *", "America/New_York", "2077-03-13T12:00:00Z", {"2077-03-14T07:00:00Z"}},
        {"30 2 * * *",
         "Australia/Lord_Howe",
         "2024-10-05T00:00:00Z", /* half an hour */
         {"2024-10-05T15:30:00Z", "2024-10-06T15:30:00Z"}},
        {"0 0 * * *",
         "America/Santiago",
         "2024-09-07T12:00:00Z", /* clocks change at midnight */
         {"2024-09-08T04:00:00Z", "2024-09-09T03:00:00Z"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct cron c;
        struct err err = {0};
        struct zone *z = zone_of(rows[i].zone);
        if (cron_parse(str_from(rows[i].cron), &c, &err) < 0)
            fail_msg("%s: %s", rows[i].cron, err.msg);
        int64_t at_ms = at_of(rows[i].after);
        for (size_t n = 0; n < 3 && rows[i].want[n] != NULL; n++) {
            assert_int_equal(cron_next(&c, z, at_ms, &at_ms), 0);
            struct buf text = BUF_INIT(0);
            wall_write(&text, at_ms);
            if (strcmp(text.ptr, rows[i].want[n]) != 0)
                fail_msg("%s in %s, %zu: %s, want %s", rows[i].cron, rows[i].zone, n, text.ptr,
                         rows[i].want[n]);
            buf_done(&text);
        }
        zone_free(z);
    }
}

static void test_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *cron, *want;
    } rows[] = {
        {"", "has 0 of the five fields"},      {"0 1 * *", "has 4 of the five fields"},
        {"0 1 * * * *", "more than the five"}, {"60 1 * * *", "\"60\" is no minute (0 to 59)"},
        {"0 24 * * *", "is no hour"},          {"0 0 0 * *", "is no day of month"},
        {"0 0 * 13 *", "is no month"},         {"0 0 * foo *", "is no month"},
        {"0 0 * * 8", "is no day of week"},    {"1,,2 * * * *", "is no minute"},
        {"1, * * * *", "is no minute"},        {"5-1 * * * *", "is no minute"},
        {"*/0 * * * *", "is no minute"},       {"*/-5 * * * *", "is no minute"},
        {"0 1 * * root", "is no day of week"}, {"@reboot", "has 1 of the five fields"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct cron c;
        struct err err = {0};
        int r = cron_parse(str_from(rows[i].cron), &c, &err);
        if (i == ARRAY_COUNT(rows) - 1) {
            assert_int_equal(r, E_INPUT);
            continue;
        }
        if (r != E_INPUT || strstr(err.msg, rows[i].want) == NULL)
            fail_msg("%s: %d \"%s\", want \"%s\"", rows[i].cron, r, err.msg, rows[i].want);
    }
    struct cron never;
    struct err err = {0};
    int64_t at_ms;
    struct zone *utc = zone_of("UTC");
    assert_int_equal(cron_parse(STR("0 0 30 2 *"), &never, &err), 0);
    assert_int_equal(cron_next(&never, utc, 0, &at_ms), E_NOT_FOUND);
    zone_free(utc);
}

/* `0 1 * * *` in Seoul, minute by minute through a month: fires 31 times, each at 01:00 of the clock. */
static void test_month(void **state)
{
    (void)state;
    struct cron c;
    struct err err = {0};
    struct zone *z = zone_of("Asia/Seoul");
    assert_int_equal(cron_parse(STR("0 1 * * *"), &c, &err), 0);
    int64_t from_ms = at_of("2026-11-30T15:00:00Z"), to_ms = at_of("2026-12-31T15:00:00Z"), due_ms;
    size_t fired = 0;
    assert_int_equal(cron_next(&c, z, from_ms - 1, &due_ms), 0);
    for (int64_t now_ms = from_ms; now_ms < to_ms; now_ms += 60000) {
        if (now_ms < due_ms)
            continue;
        struct wall_parts p = zone_split(z, now_ms);
        assert_int_equal(now_ms, due_ms);
        assert_int_equal(p.hour, 1);
        assert_int_equal(p.minute, 0);
        assert_int_equal(p.day, fired + 1);
        fired++;
        assert_int_equal(cron_next(&c, z, due_ms, &due_ms), 0);
    }
    assert_int_equal(fired, 31);
    zone_free(z);
}

/* A year of every zone that has rules: a daily time fires on each local day, once. */
static void test_every_day_once(void **state)
{
    (void)state;
    static const char *const zones[] = {"Asia/Seoul",       "America/New_York", "Europe/Dublin",
                                        "Australia/Sydney", "America/Santiago", "Africa/Casablanca",
                                        "Asia/Tehran",      "Pacific/Chatham",  "America/Havana"};
    static const char *const crons[] = {"30 0 * * *", "30 1 * * *", "30 2 * * *", "0 0 * * *"};
    for (size_t i = 0; i < ARRAY_COUNT(zones); i++) {
        struct zone *z = zone_of(zones[i]);
        for (size_t k = 0; k < ARRAY_COUNT(crons); k++) {
            struct cron c;
            struct err err = {0};
            assert_int_equal(cron_parse(str_from(crons[k]), &c, &err), 0);
            int64_t at_ms = at_of("2025-01-01T00:00:00Z");
            assert_int_equal(cron_next(&c, z, at_ms, &at_ms), 0);
            char day[11], next[11];
            zone_day(z, at_ms, 1, next);
            for (size_t n = 0; n < 730; n++) {
                assert_int_equal(cron_next(&c, z, at_ms, &at_ms), 0);
                zone_day(z, at_ms, 0, day);
                if (strcmp(day, next) != 0)
                    fail_msg("%s %s: fired on %s, want %s", zones[i], crons[k], day, next);
                zone_day(z, at_ms, 1, next);
            }
        }
        zone_free(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_month),
        cmocka_unit_test(test_every_day_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
