#include <assert.h>
#include <stdint.h>

#include "base/wall.h"

/*
 * Times from peers: a taken ISO time lies within a day of the years 1 to 9999, and what we write of it
 * reads back as the same second; the same for HTTP dates.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t first = -62135596800000, last = 253402300799999, day = 86400000;
    struct str in = str_of(data, size);
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    int64_t at_ms, again;
    if (wall_parse_iso(in, &at_ms)) {
        assert(at_ms > first - day && at_ms < last + day);
        struct wall_parts p = wall_split(at_ms);
        assert(wall_join(&p) == at_ms);
        if (at_ms >= first && at_ms <= last) {
            wall_write(&b, at_ms);
            assert(wall_parse_iso(buf_view(&b), &again) && again == at_ms - p.ms);
            buf_clear(&b);
            wall_write_naive(&b, at_ms);
            assert(wall_parse_iso(buf_view(&b), &again) && again == at_ms);
        }
    }
    if (wall_parse_http(in, &at_ms)) {
        assert(at_ms >= first && at_ms <= last + 1000);
        buf_clear(&b);
        wall_write_http(&b, at_ms);
        assert(at_ms > last || (wall_parse_http(buf_view(&b), &again) && again == at_ms));
    }
    return 0;
}
