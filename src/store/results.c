/*
 * Results and contexts for readers. One row a (ticket, language, kind): a newer version replaces the older, so
 * the table is as large as the tickets that were looked at. Contexts of replies live for a day; each
 * put drops a few that are older, by index, so nothing has to sweep.
 */
#include "store/results.h"

#include "store/rows.h"

int results_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct result_key *key,
                struct result_value *ret_value)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        "select version, value::text, created_at from deskstream.results where tenant_id = $1 "
        "and ticket_id = $2 and language = $3 and kind = $4 and ($5 = '' or version = $5)",
        PG_ARGS(PG_I64(tenant_id), PG_I64(key->ticket_id), PG_TEXT(key->language),
                PG_TEXT(key->kind), PG_TEXT(key->version)),
        &row);
    if (r < 0)
        return r;
    if (row.row_count == 0)
        return err_set(&f->err, E_NOT_FOUND, "no %.*s of ticket %lld is kept", STR_ARG(key->kind),
                       (long long)key->ticket_id);
    ret_value->version = rows_text(&f->arena, &row, 0, 0);
    ret_value->text = rows_text(&f->arena, &row, 0, 1);
    ret_value->created_at = pg_time(&row, 0, 2);
    return 0;
}

int results_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, const struct result_key *key,
                struct str json)
{
    return pg_once(
        f, p, tenant_id,
        "insert into deskstream.results as t (tenant_id, ticket_id, language, kind, version, "
        "value) values ($1, $2, $3, $4, $5, $6::jsonb) on conflict (tenant_id, ticket_id, "
        "language, kind) do update set version = excluded.version, value = excluded.value, "
        "created_at = now()",
        PG_ARGS(PG_I64(tenant_id), PG_I64(key->ticket_id), PG_TEXT(key->language),
                PG_TEXT(key->kind), PG_TEXT(key->version),
                PG_TEXT(rows_json(&f->arena, json, "{}"))),
        NULL);
}

int results_drop(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t ticket_id)
{
    return pg_once(f, p, tenant_id,
                   "delete from deskstream.results where tenant_id = $1 and ticket_id = $2",
                   PG_ARGS(PG_I64(tenant_id), PG_I64(ticket_id)), NULL);
}

int contexts_put(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str id,
                 int64_t ticket_id, struct str json)
{
    return pg_once(
        f, p, tenant_id,
        "with old as (select id from deskstream.contexts where tenant_id = $1 and id <> $2 "
        "and created_at < now() - interval '1 day' order by created_at limit 20 "
        "for update skip locked), "
        "gone as (delete from deskstream.contexts c using old where c.tenant_id = $1 "
        "and c.id = old.id) "
        "insert into deskstream.contexts as t (tenant_id, id, ticket_id, value) "
        "values ($1, $2, $3, $4::jsonb) on conflict (tenant_id, id) do update set "
        "ticket_id = excluded.ticket_id, value = excluded.value, created_at = now()",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(id), PG_I64(ticket_id),
                PG_TEXT(rows_json(&f->arena, json, "{}"))),
        NULL);
}

int contexts_get(struct flow *f, struct pg_pool *p, int64_t tenant_id, struct str id,
                 int64_t ticket_id, struct context_value *ret_context)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r;
    if (id.len > 0)
        r = pg_once(f, p, tenant_id,
                    "select id, ticket_id, value::text, created_at from deskstream.contexts "
                    "where tenant_id = $1 and id = $2",
                    PG_ARGS(PG_I64(tenant_id), PG_TEXT(id)), &row);
    else
        r = pg_once(
            f, p, tenant_id,
            "select id, ticket_id, value::text, created_at from deskstream.contexts "
            "where tenant_id = $1 and ticket_id = $2 order by created_at desc, id desc limit 1",
            PG_ARGS(PG_I64(tenant_id), PG_I64(ticket_id)), &row);
    if (r < 0)
        return r;
    if (row.row_count == 0)
        return err_set(&f->err, E_NOT_FOUND, "there is no such context");
    ret_context->id = rows_text(&f->arena, &row, 0, 0);
    ret_context->ticket_id = pg_i64(&row, 0, 1);
    ret_context->text = rows_text(&f->arena, &row, 0, 2);
    ret_context->created_at = pg_time(&row, 0, 3);
    return 0;
}
