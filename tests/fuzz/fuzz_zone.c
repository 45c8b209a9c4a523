#include <assert.h>
#include <stdint.h>

#include "base/zone.h"

/*
 * Time zone files: a taken one gives offsets of at most 26 hours, and what its clock shows leads back to
 * an instant that shows the same.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times_ms[] = {0, INT64_C(1710054000000), INT64_C(1730613600000),
                                       INT64_C(4102444800000), -INT64_C(2208988800000)};
    struct zone *z;
    struct err err = {0};
    if (zone_parse(str_of(data, size), &z, &err) < 0)
        return 0;
    for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
        int64_t at_ms[2];
        int32_t offset_s = zone_offset_s(z, times_ms[i]);
        assert(offset_s >= -26 * 3600 && offset_s <= 26 * 3600);
        struct wall_parts p = zone_split(z, times_ms[i]);
        size_t count = zone_instants(z, &p, at_ms);
        assert(count <= 2);
        for (size_t k = 0; k < count; k++) {
            struct wall_parts again = zone_split(z, at_ms[k]);
            assert(wall_join(&again) == wall_join(&p));
        }
        zone_join(z, &p);
    }
    zone_free(z);
    return 0;
}
