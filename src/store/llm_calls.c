/*
 * The audit of model calls: one row a call, in a partition a month. The prompt is kept as the messages were
 * sent, so that a call can be repeated.
 */
#include "store/llm_calls.h"

#include "store/rows.h"

int llm_calls_add(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                  const struct llm_record *record)
{
    struct buf *prompt = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(prompt);
    jw_arr(&w, NULL);
    for (size_t i = 0; i < record->message_count; i++) {
        jw_obj(&w, NULL);
        jw_text(&w, "role", record->messages[i].role);
        jw_str(&w, "content", record->messages[i].text);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    const struct llm_usage *u = &record->usage;
    return pg_once(
        f, p, tenant_id,
        "insert into deskstream.llm_calls (tenant_id, task, request_id, ticket_id, provider, "
        "model, prompt, "
        "sources, reply, finish_reason, error, prompt_tokens, completion_tokens, tokens_estimated, "
        "cost_krw, first_token_ms, total_ms) values ($1, $2, $3, nullif($4::bigint, 0), $5, $6, "
        "$7::jsonb, "
        "$8::jsonb, $9, $10, nullif($11, ''), $12, $13, $14, $15, nullif($16::int, 0), $17)",
        PG_ARGS(PG_I64(tenant_id), PG_TEXT(str_from(record->task)),
                PG_TEXT(str_from(f->request_id)), PG_I64(record->ticket_id),
                PG_TEXT(str_from(u->provider ? u->provider : "")),
                PG_TEXT(str_from(u->model ? u->model : "")),
                PG_TEXT(rows_json(&f->arena, buf_view(prompt), "[]")),
                PG_TEXT(rows_json(&f->arena, record->sources, "[]")), PG_TEXT(record->reply),
                PG_TEXT(u->finish_reason), PG_TEXT(record->error), PG_I64(u->prompt_tokens),
                PG_I64(u->completion_tokens), PG_BOOL(u->estimated), PG_F64(u->cost_krw),
                PG_I64((int64_t)(u->first_token_ns / 1000000)),
                PG_I64((int64_t)(u->total_ns / 1000000))),
        NULL);
}

int llm_calls_totals(struct flow *f, struct pg_pool *p, int64_t tenant_id, int64_t since,
                     struct llm_total **ret_totals, size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, p, tenant_id,
                    "select task, model, count(*), count(error), sum(prompt_tokens)::bigint, "
                    "sum(completion_tokens)::bigint, sum(cost_krw) from deskstream.llm_calls "
                    "where tenant_id = $1 and created_at >= coalesce($2::timestamptz, '-infinity') "
                    "group by task, model order by task, model",
                    PG_ARGS(PG_I64(tenant_id), PG_TIME(since)), &rows);
    if (r < 0)
        return r;
    struct llm_total *totals = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct llm_total);
    for (int i = 0; i < rows.row_count; i++)
        totals[i] = (struct llm_total){
            .task = rows_text(&f->arena, &rows, i, 0),
            .model = rows_text(&f->arena, &rows, i, 1),
            .call_count = pg_i64(&rows, i, 2),
            .failed_count = pg_i64(&rows, i, 3),
            .prompt_tokens = pg_i64(&rows, i, 4),
            .completion_tokens = pg_i64(&rows, i, 5),
            .cost_krw = pg_f64(&rows, i, 6),
        };
    *ret_totals = totals;
    *ret_count = (size_t)rows.row_count;
    return 0;
}
