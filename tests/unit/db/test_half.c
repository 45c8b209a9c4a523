/* Half precision: all halves there and back, and rounding at every border. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "db/half.h"

static void every_half_survives(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float value = half_to_float((uint16_t)h);
        if ((h & 0x7c00) == 0x7c00 && (h & 0x3ff)) {
            assert_true(isnan(value));
            assert_int_equal(half_from_float(value) & 0x7e00, 0x7e00);
        } else if (half_from_float(value) != h) {
            fail_msg("%04x became %04x", h, half_from_float(value));
        }
    }
}

/* Between two neighbours: below the middle goes down, above it up, the middle to the even one. */
static void every_middle_goes_to_even(void **state)
{
    (void)state;
    for (uint16_t h = 0; h < 0x7bff; h++) {
        float low = half_to_float(h), high = half_to_float(h + 1);
        float middle = (low + high) / 2; /* exact: one bit more than a half has */
        uint16_t even = h % 2 ? h + 1 : h;
        if (half_from_float(middle) != even || half_from_float(nextafterf(middle, 0)) != h ||
            half_from_float(nextafterf(middle, INFINITY)) != h + 1 ||
            half_from_float(-middle) != (even | 0x8000))
            fail_msg("around %04x", h);
    }
}

static void borders(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float value;
        uint16_t want;
    } rows[] = {
        {"zero", 0.0f, 0x0000},
        {"minus zero", -0.0f, 0x8000},
        {"one", 1.0f, 0x3c00},
        {"minus two", -2.0f, 0xc000},
        {"largest", 65504.0f, 0x7bff},
        {"below the middle to infinity", 65519.996f, 0x7bff},
        {"the middle to infinity", 65520.0f, 0x7c00},
        {"far too large", 1e30f, 0x7c00},
        {"infinity", INFINITY, 0x7c00},
        {"minus infinity", -INFINITY, 0xfc00},
        {"smallest normal", 0x1p-14f, 0x0400},
        {"largest subnormal", 0x1.ff8p-15f, 0x03ff},
        {"rounds up to normal", 0x1.fffp-15f, 0x0400},
        {"smallest subnormal", 0x1p-24f, 0x0001},
        {"half of it", 0x1p-25f, 0x0000},
        {"a little more", 0x1.000002p-25f, 0x0001},
        {"one and a half", 0x1.8p-24f, 0x0002},
        {"subnormal float", 1e-40f, 0x0000},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (half_from_float(rows[i].value) != rows[i].want)
            fail_msg("%s: %04x, want %04x", rows[i].name, half_from_float(rows[i].value),
                     rows[i].want);
    assert_true(isnan(half_to_float(half_from_float(NAN))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(every_middle_goes_to_even),
        cmocka_unit_test(borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
