/* Where runs begin, what they leave behind, and that it survives its text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/wall.h"
#include "sync/cursor.h"

#define NONE WALL_NONE

static void test_start(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t full_at, part_from, part_at;
        bool part_open;
        int64_t since;
        bool limited;
        int64_t want;
        bool resumed;
    } rows[] = {
        {"the first run", NONE, NONE, NONE, false, NONE, false, 0, false},
        {"goes on", 500, NONE, NONE, false, NONE, false, 500, true},
        {"a limit alone begins at the beginning", 500, NONE, NONE, false, NONE, true, 0, false},
        {"since", 500, NONE, NONE, false, 300, true, 300, false},
        {"since before 1970", 500, NONE, NONE, false, -9, false, 0, false},
        {"since behind what was left over", NONE, 200, 400, true, 300, true, 400, true},
        {"since where the other began", NONE, 200, 400, true, 200, true, 400, true},
        {"since before the other began", NONE, 200, 400, true, 100, true, 100, false},
        {"nothing was left over", NONE, 200, 400, false, 300, true, 300, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sync_cursor c = {.full_at = rows[i].full_at,
                                .part_from = rows[i].part_from,
                                .part_at = rows[i].part_at,
                                .part_open = rows[i].part_open};
        bool resumed;
        int64_t got = cursor_start(&c, rows[i].since, rows[i].limited, &resumed);
        if (got != rows[i].want || resumed != rows[i].resumed)
            print_error("row: %s\n", rows[i].name);
        assert_int_equal(got, rows[i].want);
        assert_int_equal(resumed, rows[i].resumed);
    }
}

static void test_walked(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sync_cursor before;
        int64_t start, at;
        bool has_since, ended;
        struct sync_cursor want;
    } rows[] = {
        {"from the beginning",
         {NONE, NONE, NONE, false, 0, 0},
         0,
         50,
         false,
         false,
         {50, NONE, NONE, false, 0, 0}},
        {"never back",
         {90, NONE, NONE, false, 0, 0},
         0,
         50,
         false,
         true,
         {90, NONE, NONE, false, 0, 0}},
        {"a part of its own",
         {50, NONE, NONE, false, 0, 0},
         70,
         80,
         true,
         false,
         {50, 70, 80, true, 0, 0}},
        {"the part ends", {50, 70, 80, true, 0, 0}, 80, 99, true, true, {50, 70, 99, false, 0, 0}},
        {"a part that joins the whole",
         {50, NONE, NONE, false, 0, 0},
         40,
         80,
         true,
         true,
         {80, 40, 80, false, 0, 0}},
        {"the whole reaches the part",
         {50, 70, 90, false, 0, 0},
         50,
         75,
         false,
         false,
         {90, 70, 90, false, 0, 0}},
        {"a position before the start",
         {NONE, NONE, NONE, false, 0, 0},
         60,
         10,
         true,
         false,
         {NONE, 60, 60, true, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct sync_cursor c = rows[i].before;
        cursor_walked(&c, rows[i].start, rows[i].at, rows[i].has_since, rows[i].ended);
        const struct sync_cursor *want = &rows[i].want;
        if (c.full_at != want->full_at || c.part_from != want->part_from ||
            c.part_at != want->part_at || c.part_open != want->part_open)
            fail_msg("%s: full %lld part %lld..%lld open %d", rows[i].name, (long long)c.full_at,
                     (long long)c.part_from, (long long)c.part_at, c.part_open);
    }
}

static void test_text(void **state)
{
    (void)state;
    struct arena a = {0};
    arena_init(&a, 0);
    const struct sync_cursor c = {.full_at = 5,
                                  .part_from = 7,
                                  .part_at = 9,
                                  .part_open = true,
                                  .gone_at = 11,
                                  .gone_full_at = NONE};
    struct str text = cursor_write(&a, &c, STR("salt"));
    struct sync_cursor got;
    cursor_read(&a, text, STR("salt"), &got);
    assert_int_equal(got.full_at, 5);
    assert_int_equal(got.part_from, 7);
    assert_int_equal(got.part_at, 9);
    assert_true(got.part_open);
    assert_int_equal(got.gone_at, 11);
    assert_int_equal(got.gone_full_at, NONE);
    cursor_read(&a, text, STR("other"), &got); /* other vectors: everything is due */
    assert_int_equal(got.full_at, NONE);
    assert_int_equal(got.part_at, NONE);
    assert_false(got.part_open);
    assert_int_equal(got.gone_at, 11);
    static const char *const bad[] = {"", "{", "[]", "7", "{\"salt\":3}", "{\"part_open\":true}"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        cursor_read(&a, str_from(bad[i]), STR(""), &got);
        if (got.full_at != NONE || got.part_open || got.gone_at != NONE)
            fail_msg("%s", bad[i]);
    }
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_walked),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
