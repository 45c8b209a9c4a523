#include "unit/base/check.h"

#include <string.h>

#include "base/mem.h"

/* Memory that cannot fail: zeroed, resizable, and the smallest sizes are real objects. */

static void test_alloc_is_zeroed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16, 4097};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        _cleanup_(mem_freep) char *p = mem_alloc(sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
    }
}

static void test_realloc_keeps_content(void **state)
{
    (void)state;
    _cleanup_(mem_freep) char *p = mem_strdup("abc");
    p = mem_realloc(p, 10000);
    assert_string_equal(p, "abc");
    p = mem_realloc(p, 4);
    assert_string_equal(p, "abc");
    mem_free(NULL);
}

static void test_take_moves(void **state)
{
    (void)state;
    char *from = mem_strdup("x");
    _cleanup_(mem_freep) char *to = TAKE(from);
    assert_null(from);
    assert_string_equal(to, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_is_zeroed),
        cmocka_unit_test(test_realloc_keeps_content),
        cmocka_unit_test(test_take_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
