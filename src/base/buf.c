#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/*
 * The one growing byte buffer. Memory doubles, so n appends cost O(n) together; the NUL after the
 * content is kept by grow() and by every function that moves `len`.
 *
 * Fails one way: an append that would pass bytes_max sets `failed` and adds nothing, and neither does
 * any append after it, so what is there is a true prefix of what was meant. buf_clear forgives.
 *
 * Invariant: ptr == NULL with len == cap == 0, or len < cap and ptr[len] == '\0'.
 */

#define BUF_BYTES_MIN 64

void buf_init(struct buf *b, size_t bytes_max)
{
    *b = (struct buf)BUF_INIT(bytes_max);
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    mem_free(b->ptr);
    buf_init(b, b->bytes_max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr)
        b->ptr[0] = '\0';
}

/* Makes room for `len` more bytes and the NUL. False, with `failed` set, past the cap. */
static bool grow(struct buf *b, size_t len)
{
    size_t need;
    if (b->failed || __builtin_add_overflow(b->len, len, &need) || need == SIZE_MAX ||
        (b->bytes_max && need > b->bytes_max)) {
        b->failed = true;
        return false;
    }
    need++;
    if (need <= b->cap)
        return true;
    size_t cap = MAX(b->cap, (size_t)BUF_BYTES_MIN / 2);
    cap = cap > SIZE_MAX / 2 ? need : MAX(cap * 2, need);
    if (b->bytes_max && b->bytes_max < SIZE_MAX)
        cap = MIN(cap, MAX(b->bytes_max + 1, need));
    b->ptr = mem_realloc(b->ptr, cap);
    b->cap = cap;
    b->ptr[b->len] = '\0';
    return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (!grow(b, len))
        return;
    if (len)
        memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.ptr, s.len);
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_byte(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_i64(struct buf *b, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[--at] = '-';
    buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    size_t room = b->cap - b->len; /* 0 only when nothing is there yet */
    int n = vsnprintf(room ? b->ptr + b->len : NULL, room, fmt, args);
    va_end(args);
    assert(n >= 0); /* a broken format is our mistake */
    if (!grow(b, (size_t)n)) {
        if (b->ptr)
            b->ptr[b->len] = '\0';
    } else {
        if ((size_t)n >= room)
            vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

char *buf_room(struct buf *b, size_t len)
{
    return grow(b, len) ? b->ptr + b->len : NULL;
}

void buf_used(struct buf *b, size_t len)
{
    assert(len == 0 || len < b->cap - b->len);
    b->len += len;
    if (b->ptr)
        b->ptr[b->len] = '\0';
}

void buf_drop(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0)
        return;
    memmove(b->ptr, b->ptr + len, b->len - len + 1);
    b->len -= len;
}

void buf_shrink(struct buf *b)
{
    if (b->len == 0) {
        mem_free(b->ptr);
        b->ptr = NULL;
        b->cap = 0;
        return;
    }
    if (b->cap / 4 < b->len + 1)
        return;
    b->cap = b->len + 1;
    b->ptr = mem_realloc(b->ptr, b->cap);
}

static bool unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_percent(struct buf *b, struct str s, const char *keep)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (unreserved(c) || (c && strchr(keep, c))) {
            buf_byte(b, (char)c);
        } else {
            char text[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
            buf_add(b, text, sizeof(text));
        }
    }
}

void buf_base64(struct buf *b, const void *bytes, size_t len)
{
    static const char *const digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = MIN(len - i, (size_t)3);
        uint32_t bits = (uint32_t)p[i] << 16;
        bits |= have > 1 ? (uint32_t)p[i + 1] << 8 : 0;
        bits |= have > 2 ? p[i + 2] : 0;
        char text[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
                        digits[bits & 63]};
        if (have < 3)
            text[3] = '=';
        if (have < 2)
            text[2] = '=';
        buf_add(b, text, sizeof(text));
    }
}

void buf_hex(struct buf *b, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++) {
        buf_byte(b, "0123456789abcdef"[p[i] >> 4]);
        buf_byte(b, "0123456789abcdef"[p[i] & 15]);
    }
}
