#pragma once
/* Bound parameters, as libpq or COPY wants them. For db/ only. */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "db/pg.h"

#define PG_PARAM_COUNT_MAX 256

/* One statement's parameters; reused from statement to statement, so nothing is allocated in the
 * usual case. `values` point into `bytes` and are valid until the next encode. */
struct pg_params {
    struct buf bytes;
    size_t at[PG_PARAM_COUNT_MAX]; /* offsets in bytes, SIZE_MAX: null; `values` made from them */
    const char *values[PG_PARAM_COUNT_MAX];
    int lengths[PG_PARAM_COUNT_MAX];
    int formats[PG_PARAM_COUNT_MAX]; /* 0 text, 1 binary */
};
#define PG_PARAM_BYTES_MAX (256u << 20) /* of one statement, all parameters together */

/* E_LIMIT when over PG_PARAM_BYTES_MAX. */
int pg_params_encode(struct pg_params *p, const struct pg_arg *args, size_t count, struct err *err)
    _must_check_;

/* Appends `s` with every zero byte (PostgreSQL's text has none) and every byte that is not UTF-8
 * replaced by U+FFFD. One foreign byte must not fail a batch. */
void pg_text_clean(struct buf *out, struct str s);
/* Appends an array literal: {1,2} or {"a","b\"c"}; an empty one is {}. */
void pg_array_i64(struct buf *out, const int64_t *items, size_t count);
void pg_array_text(struct buf *out, const struct str *items, size_t count);

/* COPY. The head and tail of the stream are empty for the text format. */
void pg_copy_head(struct buf *out, bool binary);
void pg_copy_row(struct buf *out, bool binary, const struct pg_arg *args, size_t count);
void pg_copy_tail(struct buf *out, bool binary);
