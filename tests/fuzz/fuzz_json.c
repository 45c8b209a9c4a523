#include <assert.h>
#include <stdint.h>

#include "base/json.h"

/*
 * Foreign JSON: whatever is taken must survive every getter, be walked to its end, and come back the
 * same after being written and read again. Strings go through the writer too.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(struct json v, size_t depth)
{
    assert(depth <= 64);
    size_t count = 1;
    (void)json_i64(v, 0);
    (void)json_f64(v, 0);
    (void)json_is_int(v);
    assert(str_is_utf8(json_str(v)));
    for (struct json_iter it = json_iter(v); json_next(&it);) {
        assert(str_is_utf8(it.key));
        count += walk(it.value, depth + 1);
    }
    float floats[8];
    int n = json_floats(v, floats, 8);
    assert(n < 0 || (size_t)n == json_count(v));
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 0);
    struct str text = str_of(data, size);
    _cleanup_(buf_done) struct buf once = BUF_INIT(0);
    _cleanup_(buf_done) struct buf twice = BUF_INIT(0);
    struct json v, again;
    struct err err = {0};
    if (json_parse(&a, text, &v, &err) == 0) {
        size_t count = walk(v, 0);
        json_write(&once, v);
        int r = json_parse(&a, buf_view(&once), &again, &err);
        assert(r == 0 && walk(again, 0) == count);
        json_write(&twice, again);
        assert(str_eq(buf_view(&once), buf_view(&twice)));
    } else {
        assert(err.code == E_JSON && err.msg[0]);
    }
    buf_clear(&once);
    json_quote(&once, text);
    int r = json_parse(&a, buf_view(&once), &v, &err);
    assert(r == 0);
    assert(!str_is_utf8(text) || str_eq(json_str(v), text));
    arena_done(&a);
    return 0;
}
