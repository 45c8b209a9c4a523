#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Writing JSON without a tree: each call appends to the buffer at once, the writer only knows how
 * deep it is and, one bit a level, whether a comma is due.
 *
 * Nothing fails here: the buffer's cap is the buffer's business (buf.failed), what cannot be said in
 * JSON becomes null, bytes that are no UTF-8 become U+FFFD. Output has no white space and no raw
 * control characters, so it fits one line of a log or of an event stream.
 *
 * Invariant: begins and ends are the caller's pairs; a missing end is seen by nobody, one too many
 * asserts.
 */

#define JW_DEPTH_MAX 32

static void begin(struct jw *w, const char *key)
{
    if (w->depth > 0) {
        uint32_t bit = UINT32_C(1) << (w->depth - 1);
        if (w->has_items & bit)
            buf_byte(w->out, ',');
        w->has_items |= bit;
    }
    if (key) {
        json_quote(w->out, str_from(key));
        buf_byte(w->out, ':');
    }
}

static void open(struct jw *w, const char *key, char bracket)
{
    begin(w, key);
    buf_byte(w->out, bracket);
    assert(w->depth < JW_DEPTH_MAX);
    w->depth++;
    w->has_items &= ~(UINT32_C(1) << (w->depth - 1));
}

static void shut(struct jw *w, char bracket)
{
    assert(w->depth > 0);
    w->depth--;
    buf_byte(w->out, bracket);
}

void jw_obj(struct jw *w, const char *key)
{
    open(w, key, '{');
}

void jw_arr(struct jw *w, const char *key)
{
    open(w, key, '[');
}

void jw_end_obj(struct jw *w)
{
    shut(w, '}');
}

void jw_end_arr(struct jw *w)
{
    shut(w, ']');
}

void jw_str(struct jw *w, const char *key, struct str value)
{
    begin(w, key);
    json_quote(w->out, value);
}

void jw_text(struct jw *w, const char *key, const char *value)
{
    begin(w, key);
    if (value)
        json_quote(w->out, str_from(value));
    else
        buf_text(w->out, "null");
}

void jw_fmt(struct jw *w, const char *key, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0); /* a broken format is our mistake */
    _cleanup_(buf_done) struct buf text = BUF_INIT(0);
    vsnprintf(buf_room(&text, (size_t)n), (size_t)n + 1, fmt, again);
    va_end(again);
    buf_used(&text, (size_t)n);
    jw_str(w, key, buf_view(&text));
}

void jw_i64(struct jw *w, const char *key, int64_t value)
{
    begin(w, key);
    buf_i64(w->out, value);
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
static void shortest(struct buf *out, double value)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    buf_text(out, text);
}

/* As printf's %.*f, but quick: a vector has a thousand numbers. False when it cannot. */
static bool fixed(struct buf *out, double value, int decimals)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    if (decimals >= (int)ARRAY_COUNT(powers) || fabs(value) >= 1e9)
        return false;
    uint64_t scaled = (uint64_t)llrint(fabs(value) * powers[decimals]);
    char digits[24];
    size_t at = sizeof(digits);
    for (int i = 0; i <= decimals || scaled > 0; i++) {
        if (i == decimals && i > 0)
            digits[--at] = '.';
        digits[--at] = (char)('0' + scaled % 10);
        scaled /= 10;
    }
    if (signbit(value))
        digits[--at] = '-';
    buf_add(out, digits + at, sizeof(digits) - at);
    return true;
}

void jw_f64(struct jw *w, const char *key, double value, int decimals)
{
    begin(w, key);
    if (!isfinite(value))
        buf_text(w->out, "null");
    else if (decimals >= 0 && fixed(w->out, value, decimals))
        return;
    else if (decimals < 0)
        shortest(w->out, value);
    else
        buf_printf(w->out, "%.*f", decimals, value);
}

void jw_bool(struct jw *w, const char *key, bool value)
{
    begin(w, key);
    buf_text(w->out, value ? "true" : "false");
}

void jw_null(struct jw *w, const char *key)
{
    begin(w, key);
    buf_text(w->out, "null");
}

void jw_json(struct jw *w, const char *key, struct json value)
{
    begin(w, key);
    json_write(w->out, value);
}

void jw_raw(struct jw *w, const char *key, struct str json)
{
    begin(w, key);
    buf_str(w->out, json);
}

void jw_str_or_null(struct jw *w, const char *key, struct str value)
{
    if (value.len)
        jw_str(w, key, value);
    else
        jw_null(w, key);
}

/* Bytes at the start of s that go into a JSON string as they are. */
static size_t plain_run(struct str s)
{
    size_t i = 0;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == '"' || c == '\\')
            break;
        uint32_t cp;
        size_t len = c < 0x80 ? 1 : str_decode(str_of(s.ptr + i, s.len - i), &cp);
        if (c >= 0x80 && len == 1)
            break; /* not UTF-8 */
        i += len;
    }
    return i;
}

static void quote_control(struct buf *out, unsigned char c)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\') {
        char text[2] = {'\\', (char)c};
        buf_add(out, text, sizeof(text));
    } else if (c < sizeof(letters) && letters[c]) {
        char text[2] = {'\\', letters[c]};
        buf_add(out, text, sizeof(text));
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

void json_quote(struct buf *out, struct str s)
{
    buf_byte(out, '"');
    while (s.len > 0) {
        size_t used = plain_run(s);
        if (used > 0) {
            buf_add(out, s.ptr, used);
        } else {
            if ((unsigned char)s.ptr[0] < 0x80)
                quote_control(out, (unsigned char)s.ptr[0]);
            else
                buf_text(out, "\xEF\xBF\xBD");
            used = 1;
        }
        s = str_of(s.ptr + used, s.len - used);
    }
    buf_byte(out, '"');
}
