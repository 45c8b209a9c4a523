/*
 * db/pg_result.c: values of a result, read from libpq's text format.
 *
 * Text, because it is the same for every type and because our statements return few and small
 * columns; times come as ISO 8601 in UTC since the connection sets DateStyle and TimeZone. A null
 * reads as 0, false, "" or WALL_NONE; a row or column that is not there is our mistake and asserts.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/wall.h"
#include "db/libpq.h"
#include "db/pg.h"

static const PGresult *native(const struct pg_result *r, int row, int column)
{
    const PGresult *res = (const PGresult *)r->native;
    assert(res && row >= 0 && row < PQntuples(res) && column >= 0 && column < PQnfields(res));
    return res;
}

void pg_result_done(struct pg_result *r)
{
    PQclear((PGresult *)TAKE(r->native));
    r->row_count = 0;
    r->affected = 0;
}

bool pg_is_null(const struct pg_result *r, int row, int column)
{
    return PQgetisnull(native(r, row, column), row, column);
}

struct str pg_text(const struct pg_result *r, int row, int column)
{
    const PGresult *res = native(r, row, column);
    return str_of(PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column));
}

int64_t pg_i64(const struct pg_result *r, int row, int column)
{
    return strtoll(PQgetvalue(native(r, row, column), row, column), NULL, 10);
}

double pg_f64(const struct pg_result *r, int row, int column)
{
    return strtod(PQgetvalue(native(r, row, column), row, column), NULL);
}

bool pg_bool(const struct pg_result *r, int row, int column)
{
    return PQgetvalue(native(r, row, column), row, column)[0] == 't';
}

int64_t pg_time(const struct pg_result *r, int row, int column)
{
    int64_t at_ms;
    return wall_parse_iso(pg_text(r, row, column), &at_ms) ? at_ms : WALL_NONE;
}
