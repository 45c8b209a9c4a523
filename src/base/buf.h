#pragma once
/*
 * A growing byte buffer: capped at init, always NUL-ended, sticky `failed`, so that one appends
 * freely and checks once.
 *
 *   ptr          ptr+len     ptr+cap
 *   | content... | NUL, free |          len <= cap_max always; past it `failed` is set, nothing added
 *
 * Owns heap memory: buf_done. A zeroed struct buf is valid, empty and has no cap (SIZE_MAX).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/str.h"

struct buf {
    char *ptr; /* NULL until the first byte. */
    size_t len;
    size_t cap;
    size_t bytes_max; /* 0 means no cap. */
    bool failed;      /* An append did not fit; content is what fitted before it. */
};

#define BUF_INIT(max)                                                                              \
    {                                                                                              \
        .bytes_max = (max)                                                                         \
    }

void buf_init(struct buf *b, size_t bytes_max);
void buf_done(struct buf *b);  /* frees; the buffer is empty and usable again */
void buf_clear(struct buf *b); /* len 0, failed false; keeps memory */

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_text(struct buf *b, const char *text);
void buf_byte(struct buf *b, char c);
void buf_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
/* Room for `len` more bytes to write to directly, then buf_used(len really written). NULL past
 * the cap. Valid until the next call on b. */
char *buf_room(struct buf *b, size_t len);
void buf_used(struct buf *b, size_t len);
/* Drops `len` bytes from the front (moves the rest). */
void buf_drop(struct buf *b, size_t len);
/* Gives memory back when far more is held than used. */
void buf_shrink(struct buf *b);

/* Borrowed until the next call on b. */
static inline struct str buf_view(const struct buf *b)
{
    return (struct str){b->ptr ? b->ptr : "", b->len};
}

/* Appends s percent-encoded (RFC 3986 unreserved kept; also keeps `keep` bytes, may be ""). */
void buf_percent(struct buf *b, struct str s, const char *keep);
/* Appends base64 (RFC 4648 §4, padded). */
void buf_base64(struct buf *b, const void *bytes, size_t len);
void buf_hex(struct buf *b, const void *bytes, size_t len);
