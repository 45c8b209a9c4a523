/*
 * The statements that tickets and articles share but for the table they name.
 * Callers give whole statements of their own, constant texts; parameters are bound here.
 */
#include "store/item.h"

#include "store/rows.h"

int items_mark_synced(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                      const struct item_result *items, size_t count)
{
    if (count == 0)
        return 0;
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    struct str *hashes = ARENA_ARRAY(&f->arena, count, struct str);
    for (size_t i = 0; i < count; i++) {
        ids[i] = items[i].id;
        hashes[i] = rows_hex(&f->arena, items[i].hash, SHA256_BYTES);
    }
    return pg_once(f, p, tenant_id, sql,
                   PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count), PG_TEXTS(hashes, count)), NULL);
}

int items_mark_deleted(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                       const int64_t *ids, size_t count, int64_t *ret_marked)
{
    _cleanup_(pg_result_done) struct pg_result done = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id, sql, PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count)), &done);
    if (r < 0)
        return r;
    if (ret_marked != NULL)
        *ret_marked = done.affected;
    return 0;
}

int items_count(struct flow *f, struct pg_pool *p, int64_t tenant_id, const char *sql,
                int64_t *ret_count, int64_t *ret_updated_at)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id, sql, PG_ARGS(PG_I64(tenant_id)), &row);
    if (r < 0)
        return r;
    if (row.row_count != 1)
        return err_set(&f->err, E_DB, "a count without a row");
    if (ret_count != NULL)
        *ret_count = pg_i64(&row, 0, 0);
    if (ret_updated_at != NULL)
        *ret_updated_at = pg_time(&row, 0, 1);
    return 0;
}
