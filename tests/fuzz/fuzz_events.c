#include <assert.h>
#include <stdint.h>

#include "upstream/events.h"

/*
 * Server-sent events: any cut of the same bytes gives the same events, and nothing grows past its cap.
 * The first byte chooses the size of the pieces.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 512 };

static bool run(struct str input, size_t piece_len, struct buf *out)
{
    struct events_parser p;
    struct event e;
    int r = 0;
    events_init(&p, CAP);
    for (size_t at = 0; at < input.len && r >= 0; at += piece_len) {
        struct str piece = str_sub(input, at, piece_len);
        while ((r = events_next(&p, &piece, &e)) == 1) {
            assert(e.data.len <= CAP);
            buf_printf(out, "%zu:%zu:%zu;", e.name.len, e.data.len, e.id.len);
            buf_str(out, e.name);
            buf_str(out, e.data);
            buf_str(out, e.id);
        }
    }
    if (r >= 0 && events_finish(&p, &e) == 1)
        buf_str(out, e.data);
    events_done(&p);
    return r >= 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str input = str_of(data + 1, size - 1);
    struct buf whole = BUF_INIT(0), cut = BUF_INIT(0);
    bool is_good = run(input, input.len ? input.len : 1, &whole);
    bool is_good_cut = run(input, (size_t)data[0] % 16 + 1, &cut);
    assert(is_good == is_good_cut);
    assert(!is_good || str_eq(buf_view(&whole), buf_view(&cut)));
    buf_done(&whole);
    buf_done(&cut);
    return 0;
}
