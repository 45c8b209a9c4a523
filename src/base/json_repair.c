#include "base/json.h"

/*
 * JSON that is nearly JSON.
 *
 * Vendors in other languages cut texts inside an emoji ("\ud83d"), pass on bytes that are no UTF-8, raw
 * control characters or a byte order mark. One such ticket would make its whole page unreadable, for ever.
 * Happy path: the text is strict JSON and nothing is copied. Else a copy is made in which every such place is
 * U+FFFD (or the escape that was meant), and that is parsed.
 * Fails with what the strict reading said, so that broken grammar is still refused.
 * Invariant: only what strict JSON forbids is changed; nothing outside of strings but the mark is dropped.
 */

#define REPLACEMENT "\xEF\xBF\xBD"

static bool hex4(struct str s, size_t at, uint32_t *ret_value)
{
    uint32_t value = 0;
    if (at + 4 > s.len)
        return false;
    for (size_t i = at; i < at + 4; i++) {
        char c = s.ptr[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        value = value * 16 + digit;
    }
    *ret_value = value;
    return true;
}

static bool is_low(struct str s, size_t at)
{
    uint32_t code;
    return at + 6 <= s.len && s.ptr[at] == '\\' && s.ptr[at + 1] == 'u' && hex4(s, at + 2, &code) &&
           code >= 0xDC00 && code <= 0xDFFF;
}

/* An escape at s[at], a backslash. Returns the bytes it takes. */
static size_t escape(struct buf *out, struct str s, size_t at)
{
    uint32_t code;
    size_t used = MIN((size_t)2, s.len - at);
    if (used == 2 && s.ptr[at + 1] == 'u' && hex4(s, at + 2, &code)) {
        bool is_high = code >= 0xD800 && code <= 0xDBFF;
        used = is_high && is_low(s, at + 6) ? 12 : 6;
        if (used == 6 && code >= 0xD800 && code <= 0xDFFF) { /* half of a pair */
            buf_text(out, REPLACEMENT);
            return used;
        }
    }
    buf_add(out, s.ptr + at, used);
    return used;
}

static void repair(struct buf *out, struct str s)
{
    bool in_string = false;
    size_t used;
    for (size_t at = str_starts(s, STR("\xEF\xBB\xBF")) ? 3 : 0; at < s.len; at += used) {
        unsigned char c = (unsigned char)s.ptr[at];
        used = 1;
        if (c >= 0x80) {
            uint32_t code;
            used = str_decode(str_sub(s, at, s.len), &code);
            if (used == 1)
                buf_text(out, REPLACEMENT);
            else
                buf_add(out, s.ptr + at, used);
        } else if (in_string && c == '\\') {
            used = escape(out, s, at);
        } else if (in_string && c < 0x20) {
            buf_printf(out, "\\u%04x", c);
        } else {
            in_string ^= c == '"';
            buf_byte(out, (char)c);
        }
    }
}

int json_parse_lax(struct arena *a, struct str text, struct json *ret_value, struct err *err)
{
    int r = json_parse(a, text, ret_value, err);
    if (r != E_JSON || text.len == 0)
        return r;
    struct err ignored;
    struct buf *repaired = arena_buf(a, 0);
    repair(repaired, text);
    bool same = str_eq(buf_view(repaired), text);
    return same || json_parse(a, buf_view(repaired), ret_value, &ignored) < 0 ? r : 0;
}
