/*
 * Chats in PostgreSQL: our own tables, or the old ones in somebody else's database.
 *
 * Every call is one transaction whose session zone is the batch's, so that a column with a zone and one
 * without mean the same local times (PostgreSQL manual 8.5.1.3). A day is grouped by the server and fetched
 * from a cursor, some hundred questions at a time. A foreign database gets a small pool of its own; ours
 * uses the app's, under the tenant's row-level security.
 * Fails as db/pg does: a missing table is E_DB with the server's words. A value that the table does not
 * take fails the whole write, since a failed statement ends a transaction here.
 * Invariant: grouping and comparing are by bytes (collate "C"), whatever the column's collation.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "store/chat_source_home.h"
#include "store/rows.h"

#define POOL_COUNT 2

int chat_source_pg_init(struct chat_source *s, struct err *err)
{
    _cleanup_(buf_done) struct buf conninfo = BUF_INIT(16384);
    db_url_conninfo(&s->url, &conninfo);
    struct pg_spec spec = {
        .url = conninfo.ptr,
        .connection_count_max = POOL_COUNT,
        .statement_timeout_ms = s->statement_timeout_ms,
        .connect_timeout_ms = s->connect_timeout_ms,
        .application_name = "deskstream",
        .search_path = "public",
    };
    int r = pg_pool_new(s->loop, &spec, &s->pool, err);
    s->pool_is_ours = r >= 0;
    return r;
}

static void pg_source_close(struct flow *f, struct chat_source *s)
{
    if (!s->pool_is_ours)
        return;
    pg_pool_close(f, s->pool);
    pg_pool_free(TAKE(s->pool));
}

static const char *sql_of(struct flow *f, const struct chat_source *s, const char *sql)
{
    return chat_sql(&f->arena, &s->names, '"', sql);
}

/* Begins a transaction in the batch's zone and with the batch's patience. */
static int begin(struct flow *f, struct chat_source *s, struct pg_tx *tx)
{
    int r = pg_begin(f, s->pool, s->tenant_id, tx);
    if (r < 0)
        return r;
    return pg_query(f, tx,
                    "select set_config('timezone', $1, true), "
                    "set_config('statement_timeout', $2, true)",
                    PG_ARGS(PG_TEXT(str_from(s->zone_name)),
                            PG_TEXT(arena_printf(&f->arena, "%" PRIu32, s->statement_timeout_ms))),
                    NULL);
}

/* ---- reading ---- */

static int pg_check(struct flow *f, struct chat_source *s, struct str *ret_note)
{
    static const char *const looks[] = {
        "select {input_text}::text, {created_at}::timestamptz, {chatting_pk} from {chats} limit 0",
        ("select {query_text}::text, {keyword}::text, {category_id}::bigint, "
         "{query_count}::bigint, "
         "{created_at}::timestamptz, {batch_created_at}::timestamptz from {keywords} limit 0"),
        "select {category_id}::bigint, {category_name}::text from {categories} limit 0",
    };
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = begin(f, s, &tx);
    for (size_t i = 0; i < ARRAY_COUNT(looks) && r >= 0; i++)
        r = pg_query(f, &tx, sql_of(f, s, looks[i]), PG_NO_ARGS, NULL);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    if (r >= 0)
        r = pg_query(f, &tx, "select current_setting('server_version')", PG_NO_ARGS, &row);
    if (r >= 0)
        *ret_note = arena_printf(&f->arena, "PostgreSQL %.*s, %s", STR_ARG(pg_text(&row, 0, 0)),
                                 s->label);
    return r < 0 ? r : pg_commit(f, &tx);
}

static int pg_size(struct flow *f, struct chat_source *s, struct day day, struct chat_day_size *ret)
{
    char from[24], to[24];
    chat_day_begin(day, from);
    chat_day_begin(day_add(day, 1), to);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = begin(f, s, &tx);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    if (r >= 0)
        r = pg_query(f, &tx,
                     sql_of(f, s,
                            "select coalesce(sum(n), 0)::bigint, count(*), "
                            "coalesce(sum(char_length(t)), 0)::bigint from (select "
                            "left(coalesce({input_text}::text, ''), {max}) collate \"C\" as t, "
                            "count(*) as n from {chats} where {created_at} >= $1 and "
                            "{created_at} < $2 group by 1) q"),
                     PG_ARGS(PG_TEXT(str_from(from)), PG_TEXT(str_from(to))), &row);
    if (r < 0)
        return r;
    *ret = (struct chat_day_size){pg_i64(&row, 0, 0), pg_i64(&row, 0, 1), pg_i64(&row, 0, 2)};
    return pg_commit(f, &tx);
}

/* The day's questions; $1 and $2 bound the day. */
static const char *each_sql(struct flow *f, const struct chat_source *s, enum chat_which which)
{
    _cleanup_(buf_done) struct buf b = BUF_INIT(0);
    buf_text(&b, "declare questions no scroll cursor for select t, count(*), "
                 "(extract(epoch from min(at)) * 1000)::bigint, "
                 "(extract(epoch from max(at)) * 1000)::bigint, bool_or(cut)");
    for (int i = 0; i < 24; i++)
        buf_printf(&b, ", count(*) filter (where hour = %d)", i);
    buf_text(&b, " from (select left(coalesce({input_text}::text, ''), {max}) collate \"C\" as t, "
                 "coalesce(char_length({input_text}::text), 0) > {max} as cut, "
                 "{created_at}::timestamptz as at, extract(hour from {created_at}::timestamp)::int "
                 "as hour from {chats} where {created_at} >= $1 and {created_at} < $2) q");
    if (which == CHATS_MISSING)
        buf_text(&b, " where not exists (select 1 from {keywords} k where k.{created_at} >= $1 "
                     "and k.{created_at} < $2 and "
                     "left(k.{query_text}::text, {max}) collate \"C\" = q.t)");
    buf_text(&b, " group by t");
    return sql_of(f, s, b.ptr);
}

static void question_from_row(const struct pg_result *rows, int i, struct chat_question *q)
{
    q->text = pg_text(rows, i, 0);
    q->count = pg_i64(rows, i, 1);
    q->first_at = pg_i64(rows, i, 2);
    q->last_at = pg_i64(rows, i, 3);
    q->cut = pg_bool(rows, i, 4);
    for (int h = 0; h < 24; h++)
        q->by_hour[h] = (int32_t)pg_i64(rows, i, 5 + h);
}

static int pg_each_question(struct flow *f, struct chat_source *s, struct day day,
                            enum chat_which which, chat_questions_fn *fn, void *arg)
{
    char from[24], to[24];
    chat_day_begin(day, from);
    chat_day_begin(day_add(day, 1), to);
    _cleanup_(mem_freep) struct chat_question *batch = mem_alloc(CHAT_BATCH_COUNT * sizeof(*batch));
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = begin(f, s, &tx);
    if (r >= 0)
        r = pg_query(f, &tx, each_sql(f, s, which),
                     PG_ARGS(PG_TEXT(str_from(from)), PG_TEXT(str_from(to))), NULL);
    while (r >= 0) {
        _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
        r = pg_query(f, &tx, "fetch 200 from questions", PG_NO_ARGS, &rows);
        if (r < 0)
            return r;
        if (rows.row_count == 0)
            return pg_commit(f, &tx);
        for (int i = 0; i < rows.row_count && i < CHAT_BATCH_COUNT; i++)
            question_from_row(&rows, i, &batch[i]);
        r = fn(f, arg, batch, (size_t)rows.row_count);
    }
    return r;
}

static int pg_categories(struct flow *f, struct chat_source *s, struct chat_category **ret,
                         size_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, s->pool, s->tenant_id,
                    sql_of(f, s,
                           "select {category_id}::bigint, {category_name}::text from {categories} "
                           "where {category_id} is not null and {category_name} is not null "
                           "order by 1"),
                    PG_NO_ARGS, &rows);
    if (r < 0)
        return r;
    *ret = ARENA_ARRAY(&f->arena, (size_t)rows.row_count, struct chat_category);
    for (int i = 0; i < rows.row_count; i++)
        (*ret)[i] = (struct chat_category){pg_i64(&rows, i, 0), rows_text(&f->arena, &rows, i, 1)};
    *ret_count = (size_t)rows.row_count;
    return 0;
}

/* ---- writing ---- */

static int pg_write_begin(struct flow *f, struct chat_writing *w)
{
    int r = begin(f, w->source, &w->tx);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    if (r >= 0)
        r = pg_query(f, &w->tx,
                     sql_of(f, w->source,
                            "select exists (select 1 from {keywords} where {created_at} >= $1 "
                            "and {created_at} < $2)"),
                     PG_ARGS(PG_TEXT(str_from(w->day)), PG_TEXT(str_from(w->next_day))), &row);
    if (r >= 0)
        w->has_rows = pg_bool(&row, 0, 0);
    return r;
}

static int pg_write_delete(struct flow *f, struct chat_writing *w, const struct str *texts,
                           size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    return pg_query(
        f, &w->tx,
        chat_sql(&a, &w->source->names, '"',
                 "delete from {keywords} where {created_at} >= $1 and {created_at} < $2 "
                 "and left({query_text}::text, {max}) collate \"C\" = any($3::text[])"),
        PG_ARGS(PG_TEXT(str_from(w->day)), PG_TEXT(str_from(w->next_day)), PG_TEXTS(texts, n)),
        NULL);
}

static int pg_write_insert(struct flow *f, struct chat_writing *w, const struct chat_row *rows,
                           size_t n)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    struct str *texts = ARENA_ARRAY(&a, n, struct str);
    struct str *keywords = ARENA_ARRAY(&a, n, struct str);
    int64_t *categories = ARENA_ARRAY(&a, n, int64_t);
    int64_t *counts = ARENA_ARRAY(&a, n, int64_t);
    for (size_t i = 0; i < n; i++) {
        texts[i] = rows[i].text;
        keywords[i] = chat_keyword_cut(rows[i].keyword);
        categories[i] = rows[i].category_id;
        counts[i] = rows[i].count;
    }
    int r = pg_query(
        f, &w->tx,
        chat_sql(&a, &w->source->names, '"',
                 "insert into {keywords} ({query_text}, {keyword}, {category_id}, {query_count}, "
                 "{created_at}, {batch_created_at}) select g.a, g.b, g.c, g.d, $5::timestamp, "
                 "$6::timestamp from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) "
                 "as g(a, b, c, d)"),
        PG_ARGS(PG_TEXTS(texts, n), PG_TEXTS(keywords, n), PG_I64S(categories, n),
                PG_I64S(counts, n), PG_TEXT(str_from(w->day)), PG_TEXT(str_from(w->started))),
        NULL);
    if (r >= 0)
        w->result.row_count += (int64_t)n;
    return r;
}

static int pg_write_commit(struct flow *f, struct chat_writing *w)
{
    return pg_commit(f, &w->tx);
}

static void pg_write_end(struct flow *f, struct chat_writing *w)
{
    (void)f;
    pg_end(&w->tx);
}

const struct chat_source_ops chat_source_pg = {
    .check = pg_check,
    .size = pg_size,
    .each = pg_each_question,
    .categories = pg_categories,
    .write_begin = pg_write_begin,
    .write_delete = pg_write_delete,
    .write_insert = pg_write_insert,
    .write_commit = pg_write_commit,
    .write_end = pg_write_end,
    .close = pg_source_close,
};
