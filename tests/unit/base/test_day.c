#include "unit/base/check.h"

#include "base/day.h"
#include "loop/zone_file.h"

/* Days: texts and numbers both ways, weekdays, and where a day begins when midnight does not exist. */

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t number;
        int weekday; /* 0 = Monday */
    } rows[] = {
        {"1970-01-01", 0, 3},       {"1969-12-31", -1, 2},     {"2024-02-29", 19782, 3},
        {"2024-03-15", 19797, 4},   {"2000-01-01", 10957, 5},  {"2023-12-31", 19722, 6},
        {"2024-01-01", 19723, 0},   {"1900-03-01", -25508, 3}, {"0001-01-01", -719162, 0},
        {"9999-12-31", 2932896, 4},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct day d;
        char text[11];
        assert_true(day_parse(str_from(rows[i].text), &d));
        assert_int_equal(d.number, rows[i].number);
        day_text(d, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(day_weekday(d), rows[i].weekday);
    }
    static const char *const wrong[] = {"",           "2024-3-15",   "2024-02-30",  "2023-02-29",
                                        "2024-W01-1", "20240315",    "2024-03-15 ", "2024/03/15",
                                        "yesterday",  "2024-03-155", "2024-13-01",  "2024-00-10"};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        struct day d;
        if (day_parse(str_from(wrong[i]), &d))
            fail_msg("\"%s\" was taken for a day", wrong[i]);
    }
}

static void test_in_a_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *day, *start;
    } rows[] = {
        {"Asia/Seoul", "2024-03-15", "2024-03-14T15:00:00Z"},
        {"UTC", "2024-03-15", "2024-03-15T00:00:00Z"},
        {"America/New_York", "2024-03-10", "2024-03-10T05:00:00Z"},
        {"America/New_York", "2024-03-11", "2024-03-11T04:00:00Z"},
        {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, /* no midnight that day */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct zone *z = NULL;
        struct err err = {0};
        if (zone_load(rows[i].zone, &z, &err) < 0)
            fail_msg("%s", err.msg);
        struct day d;
        int64_t start;
        assert_true(day_parse(str_from(rows[i].day), &d));
        assert_true(wall_parse_iso(str_from(rows[i].start), &start));
        assert_true(day_start(z, d) == start);
        assert_int_equal(day_at(z, start).number, d.number);
        assert_int_equal(day_at(z, start - 1).number, day_add(d, -1).number);
        assert_int_equal(day_at(z, day_start(z, day_add(d, 1)) - 1).number, d.number);
        zone_free(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_in_a_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
