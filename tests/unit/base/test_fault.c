#include "unit/base/check.h"

#include "base/err.h"
#include "base/fault.h"

/* The armed check fails once, the others pass. */

static void test_nth_fails_once(void **state)
{
    (void)state;
    for (uint64_t nth = 0; nth <= 4; nth++) {
        fault_arm(nth);
        for (uint64_t i = 1; i <= 3; i++)
            CHECK_I64("check", fault_check("test.site", E_DB_AWAY), i == nth ? E_DB_AWAY : 0);
        CHECK_I64("fired", fault_fired(), nth >= 1 && nth <= 3);
        CHECK_I64("count", fault_count(), 3);
    }
    fault_arm(0);
    assert_int_equal(fault_count(), 0);
    assert_false(fault_fired());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nth_fails_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
