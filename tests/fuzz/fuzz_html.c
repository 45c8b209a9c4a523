#include <assert.h>
#include <stdint.h>

#include "base/html.h"

/*
 * Foreign HTML: the text is valid UTF-8 without control characters but line breaks, is not larger than
 * what bad bytes may grow to, neither begins nor ends with white space, and escaping it is undone by
 * reading it again, line breaks aside.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    html_to_text(&text, str_of(data, size));
    struct str s = buf_view(&text);
    assert(str_is_utf8(s));
    assert(s.len <= 3 * size);
    assert(str_trim(s).len == s.len);
    assert(str_find(s, STR("\n\n\n"), 0) == SIZE_MAX);
    for (size_t i = 0; i < s.len; i++)
        assert((unsigned char)s.ptr[i] >= 0x20 || s.ptr[i] == '\n');

    _cleanup_(buf_done) struct buf escaped = BUF_INIT(0);
    _cleanup_(buf_done) struct buf back = BUF_INIT(0);
    html_escape(&escaped, s);
    html_to_text(&back, buf_view(&escaped));
    size_t k = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\n' && s.ptr[i + 1] == '\n') /* a text never ends with a line break */
            continue;
        assert(k < back.len && back.ptr[k] == (s.ptr[i] == '\n' ? ' ' : s.ptr[i]));
        k++;
    }
    assert(k == back.len);
    return 0;
}
