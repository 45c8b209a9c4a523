#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/*
 * Borrowed text. Nothing here allocates, nothing needs a NUL at the end and nothing fails: bad UTF-8
 * is decoded as U+FFFD, one byte at a time.
 *
 * All UTF-8 questions are answered by sequence(), which knows RFC 3629 §4: the lead byte tells the
 * length and the range of the second byte (that range is what keeps out overlong forms, surrogates
 * and values over U+10FFFF); the others are 80..BF.
 *
 * Invariant: bytes past ptr+len are never read.
 */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool bytes_eq_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    return a.len == b.len && bytes_eq_nocase(a.ptr, b.ptr, a.len);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && bytes_eq_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool str_ends(struct str s, struct str suffix)
{
    if (suffix.len == 0)
        return true;
    return s.len >= suffix.len && memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0;
}

int str_cmp(struct str a, struct str b)
{
    size_t len = MIN(a.len, b.len);
    int r = len ? memcmp(a.ptr, b.ptr, len) : 0;
    return r ? r : (a.len > b.len) - (a.len < b.len);
}

size_t str_find(struct str s, struct str needle, size_t from)
{
    if (from > s.len)
        return SIZE_MAX;
    if (needle.len == 0)
        return from;
    if (s.len - from < needle.len)
        return SIZE_MAX;
    const char *at = memmem(s.ptr + from, s.len - from, needle.ptr, needle.len);
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

struct str str_sub(struct str s, size_t from, size_t len)
{
    from = MIN(from, s.len);
    return str_of(s.ptr ? s.ptr + from : NULL, MIN(len, s.len - from));
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_cut(struct str *rest, char sep, struct str *ret_head)
{
    if (rest->len == 0)
        return false;
    const char *at = memchr(rest->ptr, sep, rest->len);
    size_t head = at ? (size_t)(at - rest->ptr) : rest->len;
    *ret_head = str_of(rest->ptr, head);
    *rest = str_sub(*rest, head + (at ? 1 : 0), SIZE_MAX);
    return true;
}

bool str_to_i64(struct str s, int64_t *ret_value)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    size_t i = minus ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t value = 0; /* counted downwards: INT64_MIN has no positive twin */
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.ptr[i] - '0', &value))
            return false;
    }
    if (!minus && value == INT64_MIN)
        return false;
    *ret_value = minus ? value : -value;
    return true;
}

bool str_to_double(struct str s, double *ret_value)
{
    char text[128];
    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    /* strtod also knows blanks, hex, inf and nan. */
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] && strchr("+-.eE", s.ptr[i]))))
            return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    char *end = NULL;
    double value = strtod(text, &end);
    if (end != text + s.len || !isfinite(value))
        return false;
    *ret_value = value;
    return true;
}

/* Looks at the code point at the start of s (len > 0). Returns its length when it is whole and valid;
 * 0 when it is bad; minus its length when the bytes are a valid beginning that s cuts off. */
static int sequence(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    int need = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    unsigned char low = p[0] == 0xE0 ? 0xA0 : p[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = p[0] == 0xED ? 0x9F : p[0] == 0xF4 ? 0x8F : 0xBF;
    for (int i = 1; i < need; i++) {
        if ((size_t)i >= s.len)
            return -need;
        if (p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return need;
}

bool str_is_utf8(struct str s)
{
    while (s.len > 0) {
        uint64_t eight;
        if (s.len >= sizeof(eight)) {
            memcpy(&eight, s.ptr, sizeof(eight));
            if (!(eight & 0x8080808080808080u)) {
                s = str_of(s.ptr + sizeof(eight), s.len - sizeof(eight));
                continue;
            }
        }
        int n = sequence(s);
        if (n <= 0)
            return false;
        s = str_of(s.ptr + n, s.len - (size_t)n);
    }
    return true;
}

struct str str_cut_utf8(struct str s, size_t bytes_max)
{
    if (s.len <= bytes_max)
        return s;
    /* Back to a byte that begins something; when three steps find none it is no UTF-8 anyway. */
    size_t cut = bytes_max;
    for (int back = 0; back < 3 && cut > 0 && ((unsigned char)s.ptr[cut] & 0xC0) == 0x80; back++)
        cut--;
    if (((unsigned char)s.ptr[cut] & 0xC0) == 0x80)
        cut = bytes_max;
    return str_of(s.ptr, cut);
}

size_t str_utf8_tail(struct str s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        struct str tail = str_of(s.ptr + s.len - back, back);
        if (((unsigned char)tail.ptr[0] & 0xC0) == 0x80)
            continue;
        return sequence(tail) < 0 ? back : 0;
    }
    return 0;
}

size_t str_code_points(struct str s)
{
    size_t count = 0;
    uint32_t cp;
    for (size_t n = str_decode(s, &cp); n > 0; n = str_decode(s, &cp)) {
        s = str_of(s.ptr + n, s.len - n);
        count++;
    }
    return count;
}

size_t str_decode(struct str s, uint32_t *ret_code_point)
{
    if (s.len == 0)
        return 0;
    const unsigned char *p = (const unsigned char *)s.ptr;
    int n = sequence(s);
    switch (n) {
    case 1: *ret_code_point = p[0]; return 1;
    case 2: *ret_code_point = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F); return 2;
    case 3:
        *ret_code_point = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 |
                          (p[2] & 0x3F);
        return 3;
    case 4:
        *ret_code_point = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
                          (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
        return 4;
    default: *ret_code_point = 0xFFFD; return 1;
    }
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return hash;
}

bool str_eq_secret(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    volatile unsigned char differ = 0; /* volatile: no early exit by the optimiser */
    for (size_t i = 0; i < a.len; i++)
        differ |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    return differ == 0;
}
