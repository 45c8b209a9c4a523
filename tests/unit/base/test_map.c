#include "unit/base/check.h"

#include <stdio.h>

#include "base/map.h"

/* The hash table: put, replace, take, growth, graves that do not fill it up, iteration. */

static void test_put_get_take(void **state)
{
    (void)state;
    _cleanup_(map_done) struct map m = {0};
    int one = 1, two = 2;
    assert_null(map_get(&m, STR("a")));
    assert_null(map_take(&m, STR("a")));
    char key[] = "key";
    map_put(&m, str_from(key), &one);
    key[0] = 'X'; /* keys are copies */
    assert_ptr_equal(map_get(&m, STR("key")), &one);
    map_put(&m, STR("key"), &two);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(map_get(&m, STR("key")), &two);
    map_put(&m, STR_NONE, &one);
    map_put(&m, str_of("a\0b", 3), &one);
    assert_null(map_get(&m, STR("a")));
    assert_ptr_equal(map_get(&m, STR("")), &one);
    assert_ptr_equal(map_take(&m, STR("key")), &two);
    assert_null(map_get(&m, STR("key")));
    assert_int_equal(m.count, 2);
}

static struct str name_of(char name[16], int i)
{
    return str_of(name, (size_t)snprintf(name, 16, "k%d", i));
}

static void test_growth(void **state)
{
    (void)state;
    _cleanup_(map_done) struct map m = {0};
    static int values[5000];
    char name[16];
    for (int i = 0; i < 5000; i++)
        map_put(&m, name_of(name, i), &values[i]);
    for (int i = 0; i < 5000; i += 2)
        assert_ptr_equal(map_take(&m, name_of(name, i)), &values[i]);
    assert_int_equal(m.count, 2500);
    for (int i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&m, name_of(name, i)), i % 2 ? &values[i] : NULL);
}

static void test_graves_do_not_grow_it(void **state)
{
    (void)state;
    _cleanup_(map_done) struct map m = {0};
    int value;
    char name[16];
    for (int i = 0; i < 100000; i++) {
        map_put(&m, name_of(name, i), &value);
        assert_ptr_equal(map_take(&m, name_of(name, i)), &value);
    }
    assert_int_equal(m.count, 0);
    assert_true(m.cap <= 32);
}

static void test_iteration_with_take(void **state)
{
    (void)state;
    _cleanup_(map_done) struct map m = {0};
    static int values[100];
    char name[16];
    for (int i = 0; i < 100; i++)
        map_put(&m, name_of(name, i), &values[i]);
    size_t at = 0;
    int seen = 0;
    struct str key;
    void *value;
    while (map_next(&m, &at, &key, &value)) {
        seen++;
        assert_ptr_equal(map_take(&m, key), value);
    }
    assert_int_equal(seen, 100);
    assert_int_equal(m.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_get_take),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_graves_do_not_grow_it),
        cmocka_unit_test(test_iteration_with_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
