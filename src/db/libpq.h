#pragma once
/* libpq, with its private struct tags out of our way: it calls its opaque connection and result
 * `struct pg_conn` and `struct pg_result`, names that are ours; one tag for both would let the compiler
 * take one for the other. Only the typedef'd names (PGconn, PGresult) are used here. For db/ only. */
#define pg_conn libpq_conn
#define pg_result libpq_result
#define pg_cancel libpq_cancel
#include <libpq-fe.h>
#undef pg_conn
#undef pg_result
#undef pg_cancel
