#pragma once
/*
 * MySQL and MariaDB by libmariadb's non-blocking calls: one connection, one statement after the other, rows
 * as a stream.
 *
 *   _cleanup_(maria_closep) struct maria *m = NULL;
 *   r = maria_open(f, &spec, &m);
 *   r = maria_query(f, m, sql);                       // trusted text; values by maria_text, maria_i64
 *   while ((r = maria_fetch(f, m, &arena, limit, &rows, &n)) >= 0 && n > 0) ...
 *
 * Values never meet SQL as they are: maria_text writes a hexadecimal literal with its character set, which
 * means the same whatever the server's sql_mode and the connection's character set are.
 * Session: utf8mb4, strict mode without ANSI_QUOTES, the given zone, autocommit, no LOCAL INFILE, no
 * several statements in one text.
 * Errors: connection lost or refused, server going down -> E_DB_AWAY; deadlock, lock wait -> E_DB_RETRY;
 * duplicate -> E_DB_CONFLICT; statement's time is up -> -ETIMEDOUT; packet too large -> E_LIMIT; others E_DB
 * with the server's words. Names: libmariadb owns the prefix mysql_.
 * Cancelling closes the connection, so does leaving a stream before its end; an open transaction is rolled
 * back by the server then.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "db/db_url.h"
#include "loop/flow.h"

struct maria;
struct maria_spec {
    const struct db_url *url; /* query: unix_socket, ssl_ca, ssl_cert, ssl_key, ssl, ssl_mode,
                                 ssl_disabled, ssl_verify_cert, ssl_verify_identity,
                                 ssl_check_hostname; others are passed over */
    uint32_t connect_timeout_ms, statement_timeout_ms;
    int32_t zone_offset_s; /* of the session: what TIMESTAMP columns are shown in */
};
int maria_open(struct flow *f, const struct maria_spec *spec, struct maria **ret_maria)
    _must_check_;
/* Waits a moment, under a shield. NULL is fine. By the flow that opened it. */
void maria_close(struct maria *m);
static inline void maria_closep(struct maria **m)
{
    maria_close(*m);
}
/* "10.11.6-MariaDB"; borrowed. */
const char *maria_version(const struct maria *m);

/* A statement without rows, or one whose rows come by maria_fetch. `sql` is borrowed for the call. */
int maria_query(struct flow *f, struct maria *m, struct str sql) _must_check_;
int64_t maria_affected(const struct maria *m); /* rows of the last statement */
/* True when the last statement failed for a value that its column does not take (length, range, character
 * set, null): the transaction goes on, other rows may fit. */
bool maria_refused(const struct maria *m);

struct maria_row {
    const struct str *columns; /* a null has ptr NULL */
    size_t column_count;
};
/* The next rows: at most `count_max`, and about MARIA_FETCH_BYTES of them; *ret_count 0 at the end. They
 * live in `a`, which must not be touched meanwhile. */
enum { MARIA_FETCH_BYTES = 1048576 };
int maria_fetch(struct flow *f, struct maria *m, struct arena *a, size_t count_max,
                struct maria_row **ret_rows, size_t *ret_count) _must_check_;

/* Literals. */
void maria_text(struct buf *sql,
                struct str value); /* _utf8mb4 X'...': UTF-8; bad bytes become U+FFFD */
void maria_i64(struct buf *sql, int64_t value);
/* Of an address: why it cannot be used, or 0; without connecting. */
int maria_check_url(const struct db_url *u, struct err *err) _must_check_;
