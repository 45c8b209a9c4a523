#include <assert.h>
#include <stdint.h>

#include "base/config.h"

/*
 * A .env file of any bytes: read whole, all values inside their bounds or a fault for each that is
 * not, every fault a line that begins with a name, and secrets masked when shown.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    _cleanup_(buf_done) struct buf faults = BUF_INIT(0);
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct config c;
    int r = config_read(&a, NULL, str_of(data, size), &c, &faults);
    assert((r == 0) == (faults.len == 0));
    assert(str_is_utf8(buf_view(&faults)));
    if (r == 0) {
        assert(c.port >= 0 && c.port <= 65535);
        assert(strlen(c.host) >= 1 && strlen(c.company_id) <= 128);
        for (size_t i = 0; i < CONFIG_ROW_COUNT; i++) {
            buf_clear(&out);
            config_show(&out, &c, &config_rows[i]);
            assert(str_is_utf8(buf_view(&out)));
            assert(config_rows[i].type != CONFIG_SECRET || out.len <= 8);
        }
    }
    struct str rest = buf_view(&faults), line;
    while (str_cut(&rest, '\n', &line)) {
        size_t colon = str_find(line, STR(": "), 0);
        assert(colon != SIZE_MAX && colon > 0);
        for (size_t i = 0; i < colon; i++)
            assert((line.ptr[i] >= 'A' && line.ptr[i] <= 'Z') || line.ptr[i] == '_');
    }
    arena_done(&a);
    return 0;
}
