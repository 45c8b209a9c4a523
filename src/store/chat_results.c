/*
 * A day's questions on their way from pending to classified or failed.
 *
 *   take: what the source has -> pending, or known: classified before, for this model and this prompt
 *   settle: what the source no longer has -> gone
 *   pending -> answers_put -> classified | failed
 *
 * Questions come in arrays, one statement a batch. A text is known by the SHA-256 of its bytes as read;
 * what PostgreSQL's text cannot hold (NUL, bytes that are not UTF-8) is kept beside it in raw_text, so that
 * the write-back finds the very text again. Answers only reach questions of the same run: a run that was
 * taken over changes nothing any more. Fails as db/pg does. Invariant: the counts of a day are those of the
 * last reading; in = classified + failed + pending at any time.
 */
#include "store/chat_runs.h"

#include <assert.h>
#include <string.h>

#include "store/rows.h"

#define PENDING_BYTES_MAX 1048576
#define PENDING_COUNT_MAX 1000

static bool is_plain(struct str s)
{
    return str_is_utf8(s) && (s.len == 0 || memchr(s.ptr, '\0', s.len) == NULL);
}

static struct str hours_text(struct arena *a, const int32_t *hours)
{
    struct buf b = BUF_INIT(24 * 12 + 2);
    buf_byte(&b, '{');
    for (int i = 0; i < 24; i++)
        buf_printf(&b, "%s%d", i ? "," : "", hours[i]);
    buf_byte(&b, '}');
    struct str s = arena_str(a, buf_view(&b));
    buf_done(&b);
    return s;
}

static int take(struct flow *f, struct arena *a, struct chat_run_hold *h,
                const struct chat_question *q, size_t n)
{
    struct str *hashes = ARENA_ARRAY(a, n, struct str);
    struct str *texts = ARENA_ARRAY(a, n, struct str);
    struct str *raws = ARENA_ARRAY(a, n, struct str);
    struct str *hours = ARENA_ARRAY(a, n, struct str);
    int64_t *counts = ARENA_ARRAY(a, n, int64_t);
    int64_t *cuts = ARENA_ARRAY(a, n, int64_t);
    int64_t *firsts = ARENA_ARRAY(a, n, int64_t);
    int64_t *lasts = ARENA_ARRAY(a, n, int64_t);
    for (size_t i = 0; i < n; i++) {
        uint8_t digest[SHA256_BYTES];
        sha256(q[i].text, digest);
        hashes[i] = rows_hex(a, digest, sizeof(digest));
        texts[i] = q[i].text;
        raws[i] = is_plain(q[i].text) ? STR("")
                                      : rows_hex(a, (const uint8_t *)q[i].text.ptr, q[i].text.len);
        hours[i] = hours_text(a, q[i].by_hour);
        counts[i] = q[i].count;
        cuts[i] = q[i].cut;
        firsts[i] = q[i].first_at;
        lasts[i] = q[i].last_at;
    }
    char day[11];
    day_text(h->day, day);
    return pg_once(
        f, h->pool, h->tenant_id,
        "insert into deskstream.chat_results as r (tenant_id, day, text_hash, input_text, "
        "raw_text, cut, chat_count, first_at, last_at, hours, run_id) "
        "select $1, $2::date, decode(g.hash, 'hex'), g.text, decode(nullif(g.raw, ''), 'hex'), "
        "g.cut = 1, g.count, " SQL_TIME("g.first") ", " SQL_TIME(
            "g.last") ", g.hours::int[], $3 "
                      "from unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], "
                      "$9::bigint[], $10::bigint[], $11::text[]) "
                      "as g(hash, text, raw, cut, count, first, last, hours) "
                      "on conflict (tenant_id, day, text_hash) do update set "
                      "chat_count = excluded.chat_count, first_at = excluded.first_at, "
                      "last_at = excluded.last_at, hours = excluded.hours, run_id = "
                      "excluded.run_id, "
                      "state = case when r.state = 'classified' and r.wanted_model = $12 "
                      "and r.prompt_version = $13 then r.state else 'pending' end",
        PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day)), PG_I64(h->run_id),
                PG_TEXTS(hashes, n), PG_TEXTS(texts, n), PG_TEXTS(raws, n), PG_I64S(cuts, n),
                PG_I64S(counts, n), PG_I64S(firsts, n), PG_I64S(lasts, n), PG_TEXTS(hours, n),
                PG_TEXT(h->model), PG_TEXT(h->prompt_version)),
        NULL);
}

int chat_questions_take(struct flow *f, void *arg, const struct chat_question *questions,
                        size_t count)
{
    if (count == 0)
        return 0;
    _cleanup_(arena_done) struct arena a; /* a day has many batches: none may stay */
    arena_init(&a, 0);
    return take(f, &a, arg, questions, count);
}

static void sum_from_row(const struct pg_result *row, struct chat_run_sum *ret)
{
    *ret = (struct chat_run_sum){
        .question_count = pg_i64(row, 0, 0),
        .chat_count = pg_i64(row, 0, 1),
        .classified_questions = pg_i64(row, 0, 2),
        .classified_chats = pg_i64(row, 0, 3),
        .failed_questions = pg_i64(row, 0, 4),
        .failed_chats = pg_i64(row, 0, 5),
        .pending_questions = pg_i64(row, 0, 6),
        .pending_chats = pg_i64(row, 0, 7),
    };
}

#define SQL_SUMS                                                                                   \
    "select count(*), coalesce(sum(chat_count), 0)::bigint, "                                      \
    "count(*) filter (where state = 'classified'), "                                               \
    "coalesce(sum(chat_count) filter (where state = 'classified'), 0)::bigint, "                   \
    "count(*) filter (where state = 'failed'), "                                                   \
    "coalesce(sum(chat_count) filter (where state = 'failed'), 0)::bigint, "                       \
    "count(*) filter (where state = 'pending'), "                                                  \
    "coalesce(sum(chat_count) filter (where state = 'pending'), 0)::bigint "                       \
    "from deskstream.chat_results where tenant_id = $1 and day = $2::date and run_id = $3"

int chat_run_sum(struct flow *f, struct chat_run_hold *h, struct chat_run_sum *ret_sum)
{
    char day[11];
    day_text(h->day, day);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, h->pool, h->tenant_id, SQL_SUMS,
                    PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day)), PG_I64(h->run_id)), &row);
    if (r < 0)
        return r;
    sum_from_row(&row, ret_sum);
    return 0;
}

int chat_questions_settle(struct flow *f, struct chat_run_hold *h, struct chat_run_sum *ret_sum)
{
    char day[11];
    day_text(h->day, day);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, h->pool, h->tenant_id, &tx);
    if (r >= 0 && h->kind == CHAT_RUN_BATCH)
        r = pg_query(f, &tx,
                     "delete from deskstream.chat_results where tenant_id = $1 and day = $2::date "
                     "and run_id <> $3",
                     PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day)), PG_I64(h->run_id)),
                     NULL);
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    if (r >= 0)
        r = pg_query(f, &tx, SQL_SUMS,
                     PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day)), PG_I64(h->run_id)),
                     &row);
    if (r >= 0)
        r = pg_query(
            f, &tx,
            "update deskstream.batch_runs set chat_count = $3, question_count = $4, "
            "classified_count = $5, heartbeat_at = now() where tenant_id = $1 and run_id = $2",
            PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->run_id), PG_I64(pg_i64(&row, 0, 1)),
                    PG_I64(pg_i64(&row, 0, 0)), PG_I64(pg_i64(&row, 0, 2))),
            NULL);
    if (r >= 0)
        r = pg_commit(f, &tx);
    if (r >= 0)
        sum_from_row(&row, ret_sum);
    return r;
}

int chat_questions_pending(struct flow *f, struct chat_run_hold *h, const uint8_t *after, int limit,
                           struct chat_pending **ret_items, size_t *ret_count)
{
    assert(limit > 0 && limit <= PENDING_COUNT_MAX);
    char day[11];
    day_text(h->day, day);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, h->pool, h->tenant_id,
        "select encode(text_hash, 'hex'), input_text, chat_count, cut from ("
        "  select text_hash, input_text, chat_count, cut, octet_length(input_text) as size, "
        "  sum(octet_length(input_text)) over (order by text_hash) as total from ("
        "    select text_hash, input_text, chat_count, cut from deskstream.chat_results "
        "    where tenant_id = $1 and day = $2::date and run_id = $3 and state = 'pending' "
        "    and text_hash > decode($4, 'hex') order by text_hash limit $5) page) sized "
        "where total <= $6 or total = size order by text_hash",
        PG_ARGS(PG_I64(h->tenant_id), PG_TEXT(str_from(day)), PG_I64(h->run_id),
                PG_TEXT(after ? rows_hex(&f->arena, after, SHA256_BYTES) : STR("")), PG_I64(limit),
                PG_I64(PENDING_BYTES_MAX)),
        &rows);
    if (r < 0)
        return r;
    struct chat_pending *items = ARENA_ARRAY(&f->arena, (size_t)rows.row_count,
                                             struct chat_pending);
    for (int i = 0; i < rows.row_count; i++) {
        struct str hash = rows_unhex(&f->arena, pg_text(&rows, i, 0));
        memcpy(items[i].hash, hash.ptr, MIN(hash.len, sizeof(items[i].hash)));
        items[i].text = rows_text(&f->arena, &rows, i, 1);
        items[i].count = pg_i64(&rows, i, 2);
        items[i].cut = pg_bool(&rows, i, 3);
    }
    *ret_items = items;
    *ret_count = (size_t)rows.row_count;
    return 0;
}

static struct str number_text(struct arena *a, double value)
{
    return value < 0 ? STR("") : arena_printf(a, "%.4f", value);
}

struct answers {
    struct arena *arena;
    struct chat_run_hold *hold;
    const struct chat_answer *answers;
    struct str day;
};

static void answer_args(void *rows, size_t i, struct pg_arg *ret_args)
{
    struct answers *v = rows;
    const struct chat_answer *a = &v->answers[i];
    assert(!a->failed || a->reason.len > 0);
    const struct pg_arg args[] = {
        PG_I64(v->hold->tenant_id),
        PG_TEXT(v->day),
        PG_I64(v->hold->run_id),
        PG_TEXT(v->hold->model),
        PG_TEXT(v->hold->prompt_version),
        PG_TEXT(rows_hex(v->arena, a->hash, SHA256_BYTES)),
        PG_TEXT(a->failed ? STR("failed") : STR("classified")),
        PG_I64(a->category_id),
        PG_TEXT(rows_json(v->arena, a->keywords, "[]")),
        PG_TEXT(number_text(v->arena, a->confidence)),
        PG_TEXT(a->quote),
        PG_TEXT(a->reason),
        PG_I64(a->attempt_count),
        PG_TEXT(a->model.len > 0 ? a->model : v->hold->model),
    };
    memcpy(ret_args, args, sizeof(args));
}

/* One statement an answer, by the whole key, all in one round trip: joined to arrays of answers it would be
 * the planner's guess whether a day of a million is looked through for each call. */
static int answers_update(struct flow *f, struct pg_tx *tx, struct answers *v, size_t n)
{
    return pg_each(f, tx,
                   "update deskstream.chat_results set state = $7, "
                   "category_id = nullif($8::bigint, 0)::int, keywords = $9::jsonb, "
                   "confidence = nullif($10, '')::real, quote = nullif($11, ''), "
                   "reason = nullif($12, ''), attempt_count = $13, model = $14, "
                   "wanted_model = $4, prompt_version = $5, classified_at = now() "
                   "where tenant_id = $1 and day = $2::date and text_hash = decode($6, 'hex') "
                   "and run_id = $3",
                   n, 14, answer_args, v, NULL);
}

int chat_answers_put(struct flow *f, struct chat_run_hold *h, const struct chat_answer *answers,
                     size_t count, const struct chat_cost *cost)
{
    _cleanup_(arena_done) struct arena a;
    arena_init(&a, 0);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, h->pool, h->tenant_id, &tx);
    char day[11];
    day_text(h->day, day);
    struct answers v = {&a, h, answers, str_from(day)};
    if (r >= 0 && count > 0)
        r = answers_update(f, &tx, &v, count);
    if (r >= 0)
        r = pg_query(f, &tx,
                     "update deskstream.batch_runs set call_count = call_count + $3, "
                     "prompt_tokens = prompt_tokens + $4, "
                     "completion_tokens = completion_tokens + $5, cost_krw = cost_krw + $6, "
                     "heartbeat_at = now() where tenant_id = $1 and run_id = $2",
                     PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->run_id), PG_I64(cost->call_count),
                             PG_I64(cost->prompt_tokens), PG_I64(cost->completion_tokens),
                             PG_F64(cost->cost_krw)),
                     NULL);
    return r < 0 ? r : pg_commit(f, &tx);
}

int chat_categories_seed(struct flow *f, struct pg_pool *p, int64_t tenant_id,
                         const struct chat_category *categories, size_t count)
{
    if (count == 0)
        return 0;
    int64_t *ids = ARENA_ARRAY(&f->arena, count, int64_t);
    struct str *names = ARENA_ARRAY(&f->arena, count, struct str);
    for (size_t i = 0; i < count; i++) {
        ids[i] = categories[i].id;
        names[i] = categories[i].name;
    }
    return pg_once(f, p, tenant_id,
                   "insert into deskstream.categories (tenant_id, category_id, name, position) "
                   "select $1, g.id::int, g.name, g.place::int "
                   "from unnest($2::bigint[], $3::text[]) with ordinality as g(id, name, place) "
                   "where not exists (select 1 from deskstream.categories where tenant_id = $1) "
                   "on conflict do nothing",
                   PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count), PG_TEXTS(names, count)), NULL);
}
