/*
 * Quotes and sentences. Linear in the texts; white space is folded on both sides before comparing, nothing
 * else: a quote that was reworded does not stand in its source.
 */
#include "base/quote.h"

enum { QUOTE_POINTS_MIN = 4 };

static struct str fold(struct arena *a, struct str s)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t len = 0;
    bool gap = false;
    for (size_t i = 0; i < s.len; i++) {
        bool is_space = s.ptr[i] == ' ' || (s.ptr[i] >= '\t' && s.ptr[i] <= '\r');
        if (is_space) {
            gap = len > 0;
            continue;
        }
        if (gap)
            out[len++] = ' ';
        gap = false;
        out[len++] = s.ptr[i];
    }
    return str_of(out, len);
}

bool quote_stands_in(struct arena *a, struct str source, struct str quote)
{
    struct str needle = fold(a, quote), whole = fold(a, source);
    if (str_code_points(needle) < QUOTE_POINTS_MIN)
        return needle.len > 0 && str_eq(needle, whole);
    return str_find(whole, needle, 0) != SIZE_MAX;
}

/* Bytes of a sentence end at `at`, 0 when there is none. A full stop ends one only before white space. */
static size_t end_at(struct str s, size_t at)
{
    char c = s.ptr[at];
    if (c == '\n')
        return 1;
    if (str_starts(str_sub(s, at, 3), STR("。")))
        return 3;
    if (c != '.' && c != '!' && c != '?')
        return 0;
    return at + 1 == s.len || s.ptr[at + 1] == ' ' || s.ptr[at + 1] == '\n' ? 1 : 0;
}

bool sentence_cut(struct str *rest, struct str *ret_sentence)
{
    while (rest->len) {
        size_t at = 0, end = 0;
        while (at < rest->len && end == 0) {
            end = end_at(*rest, at);
            at += end ? end : 1;
        }
        struct str sentence = str_trim(str_sub(*rest, 0, at));
        *rest = str_sub(*rest, at, rest->len);
        if (sentence.len) {
            *ret_sentence = sentence;
            return true;
        }
    }
    return false;
}
