#include "unit/base/check.h"

#include "base/arena.h"

/* Arenas: zeroed and aligned memory of all sizes, the soft cap, hooks in reverse order. */

static void test_objects(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    for (size_t size = 0; size < 20000; size = size * 3 / 2 + 1) {
        for (int again = 0; again < 8; again++) {
            char *p = arena_alloc(&a, size);
            assert_int_equal((uintptr_t)p % 16, 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xAA, size); /* a neighbour that overlaps would not be zero */
        }
    }
    assert_false(a.exceeded);
    arena_reset(&a);
    assert_int_equal(a.bytes_used, 0);
    assert_int_equal(*(char *)arena_alloc(&a, 1), 0);
    arena_done(&a);
    arena_done(&a);
    arena_done(NULL);
}

static void test_texts(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(arena_text(&a, STR_NONE), "");
    assert_string_equal(arena_text(&a, str_of("abcd", 2)), "ab");
    struct str s = arena_str(&a, STR("xyz"));
    assert_int_equal(s.ptr[s.len], '\0');
    CHECK_STR("printf", arena_printf(&a, "%d-%s", 7, "ok"), STR("7-ok"));
    assert_memory_equal(arena_copy(&a, "q\0r", 3), "q\0r", 3);
    int *items = ARENA_ARRAY(&a, 100, int);
    assert_int_equal(items[99], 0);
    buf_text(arena_buf(&a, 10), "freed with the arena");
    arena_done(&a);
}

static void test_resize(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 2}, {10, 5000}, {5000, 5001}, {5000, 300000}, {100, 50}};
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        char *before = arena_alloc(&a, 32);
        memset(before, 'b', 32);
        char *p = arena_alloc(&a, sizes[i][0]);
        memset(p, 'p', sizes[i][0]);
        char *after = arena_alloc(&a, 6000);
        memset(after, 'a', 6000);
        p = arena_resize(&a, p, sizes[i][0], sizes[i][1]);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t k = 0; k < MIN(sizes[i][0], sizes[i][1]); k++)
            assert_int_equal(p[k], 'p');
        memset(p, 'q', sizes[i][1]);
        assert_int_equal(before[31], 'b');
        assert_int_equal(after[0], 'a');
        assert_int_equal(after[5999], 'a');
    }
    assert_non_null(arena_resize(&a, NULL, 0, 10));
    arena_done(&a);
    /* The only block, then with neighbours on both sides. */
    char *p = arena_alloc(&a, 5000);
    p = arena_resize(&a, p, 5000, 90000);
    arena_alloc(&a, 6000);
    arena_alloc(&a, 10);
    p = arena_resize(&a, p, 90000, 900000);
    p[899999] = 'x';
    arena_done(&a);
}

static void test_cap_is_soft(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 1000);
    arena_alloc(&a, 1000);
    assert_false(a.exceeded);
    char *p = arena_alloc(&a, 1);
    assert_true(a.exceeded);
    *p = 'x';
    arena_reset(&a);
    assert_false(a.exceeded);
    assert_int_equal(a.bytes_max, 1000);
    arena_done(&a);
}

static struct {
    struct arena arena;
    char order[8];
} hooked;

static void on_done(void *arg)
{
    size_t len = strlen(hooked.order);
    hooked.order[len] = *(char *)arg;
    if (*(char *)arg == 'c') /* a hook may allocate and hook */
        arena_hook(&hooked.arena, on_done, arena_copy(&hooked.arena, "d", 2));
}

static void test_hooks_last_in_first_out(void **state)
{
    (void)state;
    arena_init(&hooked.arena, 0);
    arena_hook(&hooked.arena, on_done, arena_copy(&hooked.arena, "a", 2));
    arena_hook(&hooked.arena, on_done, arena_copy(&hooked.arena, "b", 2));
    arena_hook(&hooked.arena, on_done, arena_copy(&hooked.arena, "c", 2));
    arena_done(&hooked.arena);
    assert_string_equal(hooked.order, "cdba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_cap_is_soft),
        cmocka_unit_test(test_hooks_last_in_first_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
