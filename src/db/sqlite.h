#pragma once
/*
 * SQLite files: every call that may touch the disk runs on a pool thread, one at a time.
 *
 *   _cleanup_(sqlite_closep) struct sqlite *db = NULL;
 *   r = sqlite_open(f, path, true, 5000, &db);                 // read-only
 *   r = sqlite_query(f, db, sql, SQLITE_ARGS(...));            // trusted text, values bound to ?1, ?2 ...
 *   while ((r = sqlite_fetch(f, db, &arena, 200, &rows, &n)) >= 0 && n > 0) ...
 *   r = sqlite_exec(f, db, sql, columns, rows, values);        // the same statement for many rows, one hop
 *
 * Read-only opening still reads a database in WAL mode (it needs its -shm file or the right to make it; on a
 * read-only file system it is opened as immutable). A locked database is waited for busy_ms.
 * Functions known to SQL besides SQLite's own, all of them taking NUL for a character like any other:
 * deskstream_hash(x), SHA-256 of the bytes; deskstream_left(x, n), the first n code points as a blob;
 * deskstream_is_longer(x, n), 1 when there are more.
 * Errors: locked -> E_DB_RETRY; cannot be opened, disk full or I/O -> E_DB_AWAY; corrupt, no database, no such
 * table -> E_DB with SQLite's words; interrupted -> -ECANCELED. Cancelling interrupts what runs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/flow.h"

struct sqlite;
int sqlite_open(struct flow *f, const char *path, bool read_only, uint32_t busy_ms,
                struct sqlite **ret_db) _must_check_;
/* Rolls back what is open. On the caller's thread: closing does not wait for anybody. NULL is fine. */
void sqlite_close(struct sqlite *db);
static inline void sqlite_closep(struct sqlite **db)
{
    sqlite_close(*db);
}
const char *sqlite_version(void);

struct sqlite_arg {
    bool is_text;
    struct str text; /* bound as text, borrowed for the call that takes it and the fetches after */
    int64_t i64;
};
#define SQLITE_ARG_TEXT(s) ((struct sqlite_arg){.is_text = true, .text = (s)})
#define SQLITE_ARG_I64(v) ((struct sqlite_arg){.i64 = (v)})

/* Begins a statement; what an earlier one had left to fetch is dropped. Statements without rows are done by
 * the first fetch, or by sqlite_exec. */
int sqlite_query(struct flow *f, struct sqlite *db, struct str sql, const struct sqlite_arg *args,
                 size_t arg_count) _must_check_;
struct sqlite_row {
    const struct str
        *columns; /* numbers as text; a null has ptr NULL; blobs and texts byte for byte */
    size_t column_count;
};
enum { SQLITE_FETCH_BYTES = 1048576 };
/* At most count_max rows and about SQLITE_FETCH_BYTES of them; 0 at the end. In `a`. */
int sqlite_fetch(struct flow *f, struct sqlite *db, struct arena *a, size_t count_max,
                 struct sqlite_row **ret_rows, size_t *ret_count) _must_check_;

/* Runs a statement once per row of `args` (row_count * column_count); stops at the first that fails. */
int sqlite_exec(struct flow *f, struct sqlite *db, struct str sql, size_t row_count,
                size_t column_count, const struct sqlite_arg *args) _must_check_;
