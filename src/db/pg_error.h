#pragma once
/* What the server or libpq says, as one of our errors. For db/ only. */
#include <stdbool.h>

#include "base/err.h"
#include "db/libpq.h"

/* The one translation. `sqlstate`: five characters, or NULL when the server gave none (connection
 * trouble): E_DB_AWAY. */
int pg_error_code(const char *sqlstate);
/* From a failed result; sets *err to the server's primary message (never its detail line, which may
 * quote a row's values) and the SQLSTATE. */
int pg_error_result(const PGresult *res, struct err *err);
/* From a connection in trouble: E_DB_AWAY with libpq's text on one line. */
int pg_error_connection(const PGconn *pq, struct err *err);
/* A plan or prepared statement of this connection is no longer valid: the connection must go. */
bool pg_error_is_stale_plan(const PGresult *res);
