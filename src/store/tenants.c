/*
 * Tenants: found by company, made on first sight.
 *
 * The usual case is one indexed read. A new tenant's partitions are made in the transaction that makes
 * the row, so a tenant that can be seen can be written to. The table itself has no tenant (tenant 0).
 * Two processes that see a company first at the same time: the second waits on the first's row and then
 * finds it.
 */
#include "store/tenants.h"

#include "store/rows.h"

static void from_row(struct arena *a, const struct pg_result *r, int row, struct tenant *ret_tenant)
{
    ret_tenant->id = pg_i64(r, row, 0);
    ret_tenant->company = rows_text(a, r, row, 1);
    ret_tenant->domain = rows_text(a, r, row, 2);
}

int tenants_get_or_create(struct flow *f, struct pg_pool *p, struct str company, struct str domain,
                          struct tenant *ret_tenant)
{
    if (company.len == 0)
        return err_set(&f->err, E_INPUT, "a tenant needs a company");
    _cleanup_(pg_result_done) struct pg_result known = PG_RESULT_INIT;
    int r = pg_once(f, p, 0,
                    "select id, company, domain from deskstream.tenants where company = $1",
                    PG_ARGS(PG_TEXT(company)), &known);
    if (r < 0)
        return r;
    if (known.row_count == 1 && str_eq(pg_text(&known, 0, 2), domain)) {
        from_row(&f->arena, &known, 0, ret_tenant);
        return 0;
    }
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    r = pg_begin(f, p, 0, &tx);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result made = PG_RESULT_INIT;
    r = pg_query(f, &tx,
                 "insert into deskstream.tenants as t (company, domain) values ($1, $2) "
                 "on conflict (company) do update set domain = excluded.domain "
                 "returning id, company, domain, deskstream.partitions_make(id)",
                 PG_ARGS(PG_TEXT(company), PG_TEXT(domain)), &made);
    if (r < 0)
        return r;
    if (made.row_count != 1)
        return err_set(&f->err, E_DB, "tenant %.*s was not made", STR_ARG(company));
    from_row(&f->arena, &made, 0, ret_tenant);
    return pg_commit(f, &tx);
}

int tenants_all(struct flow *f, struct pg_pool *p, struct tenant **ret_tenants, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, 0, "select id, company, domain from deskstream.tenants order by id",
                    PG_NO_ARGS, &rows);
    if (r < 0)
        return r;
    struct tenant *tenants = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct tenant);
    for (int i = 0; i < rows.row_count; i++)
        from_row(&f->arena, &rows, i, &tenants[i]);
    *ret_tenants = tenants;
    *ret_count = (size_t)rows.row_count;
    return 0;
}
