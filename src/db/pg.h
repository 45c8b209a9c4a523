#pragma once
/*
 * PostgreSQL: a pool of non-blocking libpq connections, each a small machine; queries, pipelines,
 * transactions per tenant and COPY as suspending calls.
 *
 *   _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;             // rolls back unless committed
 *   r = pg_begin(f, pool, tenant_id, &tx);
 *   _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
 *   r = pg_query(f, &tx, "select id, subject from tickets where id = any($1)", PG_ARGS(PG_I64S(...)), &rows);
 *   for (int i = 0; i < rows.row_count; i++) id = pg_i64(&rows, i, 0);
 *   r = pg_commit(f, &tx);
 *
 * Every transaction sets the tenant (`deskstream.tenant_id`) for row-level security; tenant 0 is for
 * work that belongs to no tenant (migrations, queue) and sees only such tables.
 * Statements are prepared on first use per connection (by text) and pipelined in one round trip with
 * BEGIN and the tenant setting: pg_begin only leases a connection, BEGIN travels with the first
 * statement, and a transaction without statements costs nothing. After a failed or cancelled statement
 * the transaction is over: each later call on it fails, pg_end rolls back. Parameters are always bound, never pasted.
 * Errors by SQLSTATE: 08*, 57P0*, connection loss -> E_DB_AWAY; 40001, 40P01, 55P03 -> E_DB_RETRY; 23505,
 * 23P01 -> E_DB_CONFLICT; 57014 -> -ETIMEDOUT; others E_DB with the server's message.
 * A connection that is not idle outside a transaction at its return is closed, not pooled. After a server
 * restart dead connections are replaced, also for a transaction that has not sent its first statement;
 * a statement is never sent twice by this layer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "loop/flow.h"

struct pg_pool;
struct pg_conn;
struct pg_result_native;

struct pg_spec {
    const char *url;
    size_t connection_count_max;
    uint32_t statement_timeout_ms;
    uint32_t connect_timeout_ms; /* 0: 5,000 */
    const char *application_name;
    const char *search_path; /* NULL: "deskstream, public" */
};
int pg_pool_new(struct loop *l, const struct pg_spec *spec, struct pg_pool **ret_pool,
                struct err *err) _must_check_;         /* connects lazily */
void pg_pool_close(struct flow *f, struct pg_pool *p); /* every tx must have ended */
void pg_pool_free(struct pg_pool *p);

/* One bound parameter. Scalars, arrays, JSON and times go as text, so the statement's context chooses
 * the type (cast where there is none: $1::bigint). BYTES and HALFVEC go in binary: their context must
 * be bytea and halfvec ($1::halfvec). In texts, zero bytes (PostgreSQL's text has none) and bytes that
 * are not UTF-8 are sent as U+FFFD; a \\u0000 inside JSON is the caller's matter (jsonb refuses it). */
enum pg_kind {
    PG_KIND_NULL,
    PG_KIND_TEXT,
    PG_KIND_I64,
    PG_KIND_F64,
    PG_KIND_BOOL,
    PG_KIND_BYTES,
    PG_KIND_I64_ARRAY,
    PG_KIND_TEXT_ARRAY,
    PG_KIND_HALFVEC,
    PG_KIND_TIME,
    PG_KIND_JSON,
    PG_KIND_I32
};
struct pg_arg {
    enum pg_kind kind;
    struct str text; /* TEXT, JSON, BYTES */
    int64_t i64;     /* I64, I32, BOOL, TIME (unix ms; WALL_NONE is null) */
    double f64;
    const void *items; /* arrays: int64_t or struct str; HALFVEC: float */
    size_t item_count;
};
#define PG_NULL() ((struct pg_arg){.kind = PG_KIND_NULL})
#define PG_TEXT(s) ((struct pg_arg){.kind = PG_KIND_TEXT, .text = (s)})
#define PG_I64(v) ((struct pg_arg){.kind = PG_KIND_I64, .i64 = (v)})
#define PG_F64(v) ((struct pg_arg){.kind = PG_KIND_F64, .f64 = (v)})
#define PG_BOOL(v) ((struct pg_arg){.kind = PG_KIND_BOOL, .i64 = (v)})
#define PG_BYTES(s) ((struct pg_arg){.kind = PG_KIND_BYTES, .text = (s)})
/* TEXT that is null when its pointer is NULL; plain PG_TEXT makes that an empty text. */
#define PG_TEXT_OR_NULL(s)                                                                         \
    ((struct pg_arg){.kind = (s).ptr ? PG_KIND_TEXT : PG_KIND_NULL, .text = (s)})
/* Like TEXT and I64, but jsonb and integer columns where the difference counts: binary COPY. */
#define PG_JSON(s) ((struct pg_arg){.kind = PG_KIND_JSON, .text = (s)})
#define PG_I32(v) ((struct pg_arg){.kind = PG_KIND_I32, .i64 = (v)})
#define PG_TIME(ms) ((struct pg_arg){.kind = PG_KIND_TIME, .i64 = (ms)})
#define PG_I64S(p, n) ((struct pg_arg){.kind = PG_KIND_I64_ARRAY, .items = (p), .item_count = (n)})
#define PG_TEXTS(p, n)                                                                             \
    ((struct pg_arg){.kind = PG_KIND_TEXT_ARRAY, .items = (p), .item_count = (n)})
#define PG_HALFVEC(p, n) ((struct pg_arg){.kind = PG_KIND_HALFVEC, .items = (p), .item_count = (n)})

struct pg_args {
    const struct pg_arg *args;
    size_t count;
};
#define PG_ARGS(...)                                                                               \
    ((struct pg_args){(const struct pg_arg[]){__VA_ARGS__},                                        \
                      sizeof((const struct pg_arg[]){__VA_ARGS__}) / sizeof(struct pg_arg)})
#define PG_NO_ARGS ((struct pg_args){NULL, 0})

struct pg_result {
    struct pg_result_native *native;
    int row_count;
    int64_t affected; /* rows of INSERT/UPDATE/DELETE */
};
#define PG_RESULT_INIT                                                                             \
    {                                                                                              \
        .native = NULL                                                                             \
    }
void pg_result_done(struct pg_result *r);
bool pg_is_null(const struct pg_result *r, int row, int column);
int64_t pg_i64(const struct pg_result *r, int row, int column); /* 0 for null */
double pg_f64(const struct pg_result *r, int row, int column);
bool pg_bool(const struct pg_result *r, int row, int column);
struct str pg_text(const struct pg_result *r, int row, int column); /* borrowed from the result */
int64_t pg_time(const struct pg_result *r, int row, int column); /* timestamptz -> ms, WALL_NONE */

struct pg_tx {
    struct flow *flow;
    struct pg_pool *pool;
    struct pg_conn *conn;
    int64_t tenant_id;
    bool open;
};
#define PG_TX_INIT                                                                                 \
    {                                                                                              \
        .conn = NULL                                                                               \
    }
int pg_begin(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct pg_tx *ret_tx)
    _must_check_;
int pg_query(struct flow *f, struct pg_tx *tx, const char *sql, struct pg_args args,
             struct pg_result *ret_result) _must_check_; /* ret_result may be NULL */
int pg_commit(struct flow *f, struct pg_tx *tx) _must_check_;
void pg_end(struct pg_tx *tx); /* cleanup: rolls back under a shield when still open */

/* Begin, one statement, commit in one round trip. */
int pg_once(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
            struct pg_args args, struct pg_result *ret_result) _must_check_;

/* One round trip to the server and back, for health checks. */
int pg_ping(struct flow *f, struct pg_pool *p) _must_check_;

/* The same statement once per row, pipelined in one round trip; `make(i, args)` fills column_count args.
 * Stops at the first failing row (err names its index). Returns rows affected in *ret_affected. */
int pg_each(struct flow *f, struct pg_tx *tx, const char *sql, size_t row_count,
            size_t column_count, void (*make)(void *rows, size_t i, struct pg_arg *ret_args),
            void *rows, int64_t *ret_affected) _must_check_;
/* COPY ... FROM STDIN, rows made like pg_each. With (FORMAT binary), the faster one, columns must be
 * exactly bigint, integer (I32), double precision, boolean, text/varchar, bytea, jsonb (JSON), bigint[],
 * text[], halfvec, timestamptz; the text format takes whatever a text form is good for. */
int pg_copy(struct flow *f, struct pg_tx *tx, const char *sql, size_t row_count,
            size_t column_count, void (*make)(void *rows, size_t i, struct pg_arg *ret_args),
            void *rows, int64_t *ret_rows) _must_check_;
/* DDL or several statements in one string, outside of a transaction (CREATE INDEX CONCURRENTLY); simple
 * protocol, no statement timeout. Trusted text only. */
int pg_script(struct flow *f, struct pg_pool *p, const char *sql) _must_check_;
/* Several statements in one string inside the transaction (migrations). Trusted text only. */
int pg_script_in(struct flow *f, struct pg_tx *tx, const char *sql) _must_check_;

struct pg_stats {
    size_t open_count, idle_count, waiting_count, connection_count_max;
    uint64_t query_count, failed_count, connect_count;
};
struct pg_stats pg_pool_stats(const struct pg_pool *p);
