/*
 * Upkeep and health of the database as a whole.
 *
 * Tables that grow for ever have a partition a month; store_upkeep makes those of this month and the next
 * two (migration 005), so once a day is more than enough. A month without one is no fault: its rows
 * go to the default partition. Both calls work as tenant 0, which sees no tenant's rows.
 */
#include "store/upkeep.h"

#include "store/rows.h"

int store_upkeep(struct flow *f, struct pg_pool *p)
{
    return pg_once(f, p, 0, "select deskstream.months_make()", PG_NO_ARGS, NULL);
}

int store_health(struct flow *f, struct pg_pool *p, struct str *ret_version)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, 0, "select current_setting('server_version')", PG_NO_ARGS, &row);
    if (r < 0)
        return r;
    *ret_version = row.row_count == 1 ? rows_text(&f->arena, &row, 0, 0) : STR("");
    return 0;
}

int store_is_fresh(struct flow *f, struct pg_pool *p, bool *ret_is_fresh)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, 0, "select to_regclass('deskstream.migrations') is null", PG_NO_ARGS,
                    &row);
    if (r >= 0)
        *ret_is_fresh = row.row_count == 1 && pg_bool(&row, 0, 0);
    return r;
}
