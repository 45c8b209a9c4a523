#include "unit/base/check.h"

#include "base/list.h"

/* The intrusive ring: order, removal while walking, nodes outside any list. */

struct item {
    int value;
    struct list node;
};

static void test_order_and_removal(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    struct item items[5];
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        list_push(&head, &items[i].node);
    }
    list_each_safe (pos, &head) {
        if (list_entry(pos, struct item, node)->value % 2)
            list_remove(pos);
    }
    int sum = 0;
    list_each (pos, &head) {
        sum = sum * 10 + list_entry(pos, struct item, node)->value;
    }
    assert_int_equal(sum, 24); /* 0, 2, 4 in order */
    assert_false(list_linked(&items[1].node));
    list_remove(&items[1].node);
    assert_ptr_equal(list_shift(&head), &items[0].node);
    assert_ptr_equal(list_shift(&head), &items[2].node);
    assert_ptr_equal(list_shift(&head), &items[4].node);
    assert_null(list_shift(&head));
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order_and_removal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
