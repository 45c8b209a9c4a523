#pragma once
/* Small helpers of the store's files: columns of a batch, values that travel as text. For store/ only. */
#include <stdint.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/json.h"
#include "db/pg.h"

/* Bytes as hex in the arena (columns of type bytea travel as text arrays of hex). */
struct str rows_hex(struct arena *a, const uint8_t *bytes, size_t len);
/* And back; `hex` is what PostgreSQL's encode(.., 'hex') gives. */
struct str rows_unhex(struct arena *a, struct str hex);
/* Tags as one text for string_to_array(.., chr(31)), and back. */
struct str rows_tags(struct arena *a, const struct str *tags, size_t count);
struct str *rows_untags(struct arena *a, struct str joined, size_t *ret_count);
/* JSON text that jsonb takes: every escaped NUL is dropped; empty gives `otherwise`. Borrowed when clean. */
struct str rows_json(struct arena *a, struct str text, const char *otherwise);
/* A value as such JSON text; `otherwise` when it is missing. */
struct str rows_json_value(struct arena *a, struct json v, const char *otherwise);
/* A column of a result, copied to the arena. */
struct str rows_text(struct arena *a, const struct pg_result *r, int row, int column);
/* Ids of column 0, in the arena. */
int64_t *rows_ids(struct arena *a, const struct pg_result *r);
/* What a failed search of a tenant's partition of `table` means: 0, no rows, when the tenant has none yet
 * (nothing was ever synced); else `status` with its f->err. */
int rows_of_none(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *table,
                 int status) _must_check_;

/* In SQL: milliseconds of a bigint column to timestamptz, WALL_NONE to null. */
#define SQL_TIME(ms) "to_timestamp(nullif(" ms ", -9223372036854775808) / 1000::float8)"
