#pragma once
/* Borrowed text: a pointer and a length, not NUL-ended, never freed. Valid as long as whoever owns
 * the bytes says. Bytes are UTF-8 unless a function says otherwise. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macro.h"

struct str {
    const char *ptr; /* May be NULL when len is 0. */
    size_t len;      /* Bytes. */
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_from(const char *text) /* NULL gives an empty one */
{
    return (struct str){text, text ? strlen(text) : 0};
}
static inline struct str str_of(const void *ptr, size_t len)
{
    return (struct str){(const char *)ptr, len};
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII case only */
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
int str_cmp(struct str a, struct str b); /* bytewise, like memcmp then length */
/* Index of the first `needle` at or after `from`, or SIZE_MAX. */
size_t str_find(struct str s, struct str needle, size_t from);
struct str str_sub(struct str s, size_t from, size_t len); /* clamped to s */
struct str str_trim(struct str s);                         /* ASCII white space, both ends */

/* Cuts `rest` at the first `sep`: the part before goes to *ret_head, `rest` keeps what follows.
 * False (and nothing changed) when `rest` is used up; a separator at the very end makes no empty
 * last part.
 * struct str part; while (str_cut(&rest, ',', &part)) ... */
bool str_cut(struct str *rest, char sep, struct str *ret_head);

/* Whole string as a decimal number; false on empty, junk (blanks, '+'-signed integers, hex, inf, nan)
 * or overflow. Doubles: at most 127 bytes. */
bool str_to_i64(struct str s, int64_t *ret_value) _must_check_;
bool str_to_double(struct str s, double *ret_value) _must_check_;

/* True when the bytes are valid UTF-8 (RFC 3629: no surrogates, nothing over U+10FFFF). */
bool str_is_utf8(struct str s);
/* Longest prefix of at most `bytes_max` bytes that does not cut a code point in two. */
struct str str_cut_utf8(struct str s, size_t bytes_max);
/* How many bytes at the end of `s` begin a code point whose rest has not arrived yet (0..3). */
size_t str_utf8_tail(struct str s);
size_t str_code_points(struct str s);
/* Decodes one code point; returns bytes used (1..4) or 0 at the end; bad bytes give U+FFFD, 1. */
size_t str_decode(struct str s, uint32_t *ret_code_point);
/* FNV-1a, 64 bits: for hash tables and sampling, never for secrets. */
uint64_t str_hash(struct str s);
/* Equal without telling by its time where they differ. For secrets. */
bool str_eq_secret(struct str a, struct str b);
