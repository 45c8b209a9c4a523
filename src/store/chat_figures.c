/*
 * Numbers of a report: one statement a table of the workbook.
 *
 * The happy path: the spans to compare with are worked out here, their sums come in one statement; then
 * categories, days, keywords, most asked questions, reasons, hours and runs, each a small result.
 * Fails: as the database does; E_NOT_FOUND when the span holds nothing, told as the old system told it.
 * Invariant: every sum is over rows of the same span and state, so that in = classified + failed + pending in
 * each of them.
 */
#include "store/chat_figures.h"

#include <stdio.h>
#include <string.h>

#include "store/rows.h"

enum { SPANS_MAX = 16, KEYWORDS_MAX = 300, TOPS = 10, REASONS_MAX = 50, NEW_DAYS = 30 };

/* ---- spans ---- */

struct span {
    struct day from, to;
    unsigned against; /* 0: the report's own, else 1 + index of what it belongs to */
};
struct spans {
    struct span items[SPANS_MAX];
    size_t count;
};

static struct str text_of(struct arena *a, struct day d)
{
    char text[11];
    day_text(d, text);
    return arena_str(a, str_from(text));
}

static struct wall_parts parts_of(struct day d)
{
    return wall_split((int64_t)d.number * 86400000);
}

static struct day month_add(struct day d, int months, bool end)
{
    struct wall_parts p = parts_of(d);
    p.month += months + (end ? 1 : 0);
    p.day = end ? 0 : 1; /* day 0 is the last of the month before */
    return (struct day){(int32_t)(wall_join(&p) / 86400000)};
}

enum shape { SHAPE_DAY, SHAPE_WEEK, SHAPE_MONTH, SHAPE_RANGE };

static enum shape shape_of(const struct chat_figures_spec *s)
{
    struct day last = month_add(s->from, 0, true);
    if (s->from.number == s->to.number)
        return SHAPE_DAY;
    if (day_weekday(s->from) == 0 && s->to.number - s->from.number == 6)
        return SHAPE_WEEK;
    if (parts_of(s->from).day == 1 && s->to.number == last.number)
        return SHAPE_MONTH;
    return SHAPE_RANGE;
}

static void add_span(struct spans *spans, struct day from, struct day to, unsigned against)
{
    if (spans->count < SPANS_MAX)
        spans->items[spans->count++] = (struct span){from, to, against};
}

static struct span moved(const struct chat_figures_spec *s, enum shape shape, int by)
{
    if (shape == SHAPE_MONTH)
        return (struct span){month_add(s->from, by, false), month_add(s->from, by, true), 0};
    int days = s->to.number - s->from.number + 1;
    return (struct span){day_add(s->from, by * days), day_add(s->to, by * days), 0};
}

/* What the span is held against, and how each is called. */
static void make_spans(struct arena *a, const struct chat_figures_spec *s, struct spans *ret_spans,
                       struct chat_figures *figures)
{
    static const struct {
        const char *kind, *labels[CHAT_AGAINST_MAX];
        int same, mean; /* how far the same weekday (week, month) is; how many make the mean */
    } shapes[] = {
        [SHAPE_DAY] = {"일일", {"어제", "지난주 같은 요일", "최근 7일 평균"}, 7, 7},
        [SHAPE_WEEK] = {"주간", {"지난주", "4주 전", "최근 4주 평균"}, 4, 4},
        [SHAPE_MONTH] = {"월간", {"지난달", "작년 같은 달", "최근 3개월 평균"}, 12, 3},
        [SHAPE_RANGE] = {"기간", {"바로 앞 기간", NULL, NULL}, 0, 0},
    };
    enum shape shape = shape_of(s);
    figures->kind = str_from(shapes[shape].kind);
    add_span(ret_spans, s->from, s->to, 0);
    for (unsigned i = 0; i < CHAT_AGAINST_MAX && shapes[shape].labels[i] != NULL; i++) {
        figures->against_count = i + 1;
        figures->against[i].label = str_from(shapes[shape].labels[i]);
        int first = i == 0 ? 1 : i == 1 ? shapes[shape].same : 1;
        int last = i == 2 ? shapes[shape].mean : first;
        for (int by = first; by <= last; by++) {
            struct span span = moved(s, shape, -by);
            add_span(ret_spans, span.from, span.to, i + 1);
            if (by == first)
                figures->against[i].to = text_of(a, span.to);
            figures->against[i].from = text_of(a, span.from);
        }
    }
}

/* ---- sums ---- */

#define SUM_COLUMNS                                                                                \
    "count(distinct r.day), count(r.day), coalesce(sum(r.chat_count), 0), "                        \
    "count(*) filter (where r.state = 'classified'), "                                             \
    "coalesce(sum(r.chat_count) filter (where r.state = 'classified'), 0), "                       \
    "count(*) filter (where r.state = 'failed'), "                                                 \
    "coalesce(sum(r.chat_count) filter (where r.state = 'failed'), 0), "                           \
    "count(*) filter (where r.state = 'pending'), "                                                \
    "coalesce(sum(r.chat_count) filter (where r.state = 'pending'), 0), "                          \
    "count(*) filter (where r.state = 'classified' and r.confidence < $5), "                       \
    "coalesce(sum(r.chat_count) filter (where r.state = 'classified' and r.category_id = $4), "    \
    "0), coalesce(avg(r.confidence) filter (where r.state = 'classified'), 0)"

static struct chat_sum read_sum(const struct pg_result *r, int row)
{
    return (struct chat_sum){
        .day_count = pg_i64(r, row, 1),
        .question_count = pg_i64(r, row, 2),
        .chat_count = pg_i64(r, row, 3),
        .classified_questions = pg_i64(r, row, 4),
        .classified_chats = pg_i64(r, row, 5),
        .failed_questions = pg_i64(r, row, 6),
        .failed_chats = pg_i64(r, row, 7),
        .pending_questions = pg_i64(r, row, 8),
        .pending_chats = pg_i64(r, row, 9),
        .low_questions = pg_i64(r, row, 10),
        .other_chats = pg_i64(r, row, 11),
        .confidence = pg_f64(r, row, 12),
        .keyword_count = pg_i64(r, row, 13),
    };
}

static void add_sum(struct chat_against *a, const struct chat_sum *s)
{
    if (s->day_count == 0)
        return;
    struct chat_sum *t = &a->sum;
    int64_t questions = t->classified_questions + s->classified_questions;
    if (questions > 0)
        t->confidence = (t->confidence * (double)t->classified_questions +
                         s->confidence * (double)s->classified_questions) /
                        (double)questions;
    t->day_count += s->day_count;
    t->question_count += s->question_count;
    t->chat_count += s->chat_count;
    t->classified_questions += s->classified_questions;
    t->classified_chats += s->classified_chats;
    t->failed_questions += s->failed_questions;
    t->failed_chats += s->failed_chats;
    t->pending_questions += s->pending_questions;
    t->pending_chats += s->pending_chats;
    t->low_questions += s->low_questions;
    t->other_chats += s->other_chats;
    t->keyword_count += s->keyword_count;
    a->span_count++;
}

static int get_sums(struct flow *f, struct pg_tx *tx, const struct chat_figures_spec *spec,
                    const struct spans *spans, struct chat_figures *figures)
{
    struct str from[SPANS_MAX], to[SPANS_MAX];
    for (size_t i = 0; i < spans->count; i++) {
        from[i] = text_of(&f->arena, spans->items[i].from);
        to[i] = text_of(&f->arena, spans->items[i].to);
    }
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, tx,
        "with s as (select * from unnest($2::text[]::date[], $3::text[]::date[]) "
        "with ordinality as s(first, last, place)) "
        "select s.place, " SUM_COLUMNS
        ", (select count(distinct k->>'keyword') from deskstream.chat_results q cross join "
        "jsonb_array_elements(q.keywords) k where q.tenant_id = $1 and q.day between min(s.first) "
        "and min(s.last) and q.state = 'classified') "
        "from s left join deskstream.chat_results r on r.tenant_id = $1 and "
        "r.day between s.first and s.last group by s.place order by s.place",
        PG_ARGS(PG_I64(spec->tenant_id), PG_TEXTS(from, spans->count), PG_TEXTS(to, spans->count),
                PG_I64(spec->default_category_id), PG_F64(CHAT_LOW_CONFIDENCE_PERCENT / 100.0)),
        &rows);
    if (r < 0)
        return r;
    for (int i = 0; i < rows.row_count && (size_t)i < spans->count; i++) {
        struct chat_sum sum = read_sum(&rows, i);
        unsigned against = spans->items[i].against;
        if (against == 0)
            figures->sum = sum;
        else
            add_sum(&figures->against[against - 1], &sum);
    }
    return 0;
}

/* ---- tables ---- */

struct ask {
    struct flow *f;
    struct pg_tx *tx;
    const struct chat_figures_spec *spec;
    struct chat_figures *figures;
    struct str before_from, before_to;
};

static int get_categories(struct ask *ask)
{
    struct flow *f = ask->f;
    const struct chat_figures_spec *spec = ask->spec;
    struct chat_figures *figures = ask->figures;
    int64_t *ids = ARENA_ARRAY(&f->arena, spec->category_count + 1, int64_t);
    struct str *names = ARENA_ARRAY(&f->arena, spec->category_count + 1, struct str);
    for (size_t i = 0; i < spec->category_count; i++) {
        ids[i] = spec->categories[i].id;
        names[i] = spec->categories[i].name;
    }
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "with c as (select * from unnest($4::bigint[], $5::text[]) with ordinality "
        "as c(id, name, place)), "
        "n as (select coalesce(category_id, 0) as id, count(*) as questions, sum(chat_count) as "
        "chats from deskstream.chat_results where tenant_id = $1 and day between $2::date and "
        "$3::date and state = 'classified' group by 1), "
        "k as (select coalesce(r.category_id, 0) as id, count(distinct k->>'keyword') as keywords "
        "from deskstream.chat_results r cross join jsonb_array_elements(r.keywords) k "
        "where r.tenant_id = $1 and r.day between $2::date and $3::date and r.state = 'classified' "
        "group by 1), "
        "b as (select coalesce(category_id, 0) as id, sum(chat_count) as chats from "
        "deskstream.chat_results where tenant_id = $1 and day between $6::date and $7::date and "
        "state = 'classified' group by 1) "
        "select coalesce(c.name, '#' || coalesce(c.id, n.id)), coalesce(n.questions, 0), "
        "coalesce(n.chats, 0), coalesce(k.keywords, 0), coalesce(b.chats, 0) "
        "from c full join n on n.id = c.id left join k on k.id = coalesce(c.id, n.id) "
        "left join b on b.id = coalesce(c.id, n.id) "
        "order by coalesce(n.questions, 0) desc, c.place nulls last, n.id",
        PG_ARGS(PG_I64(spec->tenant_id), PG_TEXT(figures->from), PG_TEXT(figures->to),
                PG_I64S(ids, spec->category_count), PG_TEXTS(names, spec->category_count),
                PG_TEXT(ask->before_from), PG_TEXT(ask->before_to)),
        &rows);
    if (r < 0)
        return r;
    figures->category_count = (size_t)rows.row_count;
    figures->categories = ARENA_ARRAY(&f->arena, figures->category_count + 1,
                                      struct chat_category_row);
    for (int i = 0; i < rows.row_count; i++)
        figures->categories[i] = (struct chat_category_row){
            rows_text(&f->arena, &rows, i, 0), pg_i64(&rows, i, 1), pg_i64(&rows, i, 2),
            pg_i64(&rows, i, 3), pg_i64(&rows, i, 4)};
    return 0;
}

static int get_days(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "select to_char(d.day, 'YYYY-MM-DD'), count(r.day), coalesce(sum(r.chat_count), 0), "
        "(select count(distinct k->>'keyword') from deskstream.chat_results q cross join "
        "jsonb_array_elements(q.keywords) k where q.tenant_id = $1 and q.day = d.day::date and "
        "q.state = 'classified'), coalesce(sum(r.chat_count) filter (where r.state = 'failed'), "
        "0), count(r.day) filter (where r.state = 'classified') "
        "from generate_series($2::date, $3::date, interval '1 day') as d(day) "
        "left join deskstream.chat_results r on r.tenant_id = $1 and r.day = d.day::date "
        "group by d.day order by d.day",
        PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->from), PG_TEXT(figures->to)), &rows);
    if (r < 0)
        return r;
    figures->day_count = (size_t)rows.row_count;
    figures->days = ARENA_ARRAY(&f->arena, figures->day_count + 1, struct chat_day_row);
    for (int i = 0; i < rows.row_count; i++)
        figures->days[i] = (struct chat_day_row){rows_text(&f->arena, &rows, i, 0),
                                                 pg_i64(&rows, i, 1),
                                                 pg_i64(&rows, i, 2),
                                                 pg_i64(&rows, i, 3),
                                                 pg_i64(&rows, i, 4),
                                                 pg_i64(&rows, i, 5)};
    return 0;
}

static struct str category_name(const struct chat_figures_spec *spec, int64_t id)
{
    for (size_t i = 0; i < spec->category_count; i++)
        if (spec->categories[i].id == id)
            return spec->categories[i].name;
    return STR_NONE;
}

static int get_keywords(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    struct str seen_from = text_of(&f->arena, day_add(ask->spec->from, -NEW_DAYS));
    struct str seen_to = text_of(&f->arena, day_add(ask->spec->from, -1));
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "with n as (select k->>'keyword' as word, count(distinct (r.day, r.text_hash)) as "
        "questions, sum(r.chat_count) as chats, mode() within group (order by r.category_id) as "
        "category from deskstream.chat_results r cross join jsonb_array_elements(r.keywords) k "
        "where r.tenant_id = $1 and r.day between $2::date and $3::date and "
        "r.state = 'classified' group by 1 order by chats desc, word limit $8), "
        "b as (select k->>'keyword' as word, sum(r.chat_count) as chats from "
        "deskstream.chat_results r cross join jsonb_array_elements(r.keywords) k "
        "where r.tenant_id = $1 and r.day between $4::date and $5::date and "
        "r.state = 'classified' and k->>'keyword' in (select word from n) group by 1), "
        "o as (select distinct k->>'keyword' as word from "
        "deskstream.chat_results r cross join jsonb_array_elements(r.keywords) k "
        "where r.tenant_id = $1 and r.day between $6::date and $7::date and "
        "r.state = 'classified' and k->>'keyword' in (select word from n)) "
        "select n.word, n.questions, n.chats, n.category, coalesce(b.chats, 0), "
        "o.word is null and exists (select 1 from deskstream.chat_results r where r.tenant_id = $1 "
        "and r.day between $6::date and $7::date) "
        "from n left join b on b.word = n.word left join o on o.word = n.word "
        "order by n.chats desc, n.word",
        PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->from), PG_TEXT(figures->to),
                PG_TEXT(ask->before_from), PG_TEXT(ask->before_to), PG_TEXT(seen_from),
                PG_TEXT(seen_to), PG_I64(KEYWORDS_MAX)),
        &rows);
    if (r < 0)
        return r;
    figures->keyword_count = (size_t)rows.row_count;
    figures->keywords = ARENA_ARRAY(&f->arena, figures->keyword_count + 1, struct chat_keyword_row);
    for (int i = 0; i < rows.row_count; i++)
        figures->keywords[i] = (struct chat_keyword_row){
            .keyword = rows_text(&f->arena, &rows, i, 0),
            .question_count = pg_i64(&rows, i, 1),
            .chat_count = pg_i64(&rows, i, 2),
            .category = category_name(ask->spec, pg_i64(&rows, i, 3)),
            .chats_before = pg_i64(&rows, i, 4),
            .is_new = pg_bool(&rows, i, 5),
        };
    return 0;
}

#define SQL_WORDS(column, most)                                                                    \
    "(select string_agg(w.k->>'keyword', ', ' order by w.place) from "                             \
    "jsonb_array_elements(" column ") with ordinality as w(k, place) where w.place <= " most ")"

static int get_tops(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "select left(t.text, 200), t.chats, coalesce(" SQL_WORDS(
            "t.keywords", "3") ", '') "
                               "from (select min(input_text) as text, sum(chat_count) as chats, "
                               "(array_agg(keywords order by day desc))[1] as keywords from "
                               "deskstream.chat_results "
                               "where tenant_id = $1 and day between $2::date and $3::date and "
                               "state <> 'pending' "
                               "group by text_hash order by chats desc, text_hash limit $4) t "
                               "order by t.chats desc, t.text",
        PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->from), PG_TEXT(figures->to),
                PG_I64(TOPS)),
        &rows);
    if (r < 0)
        return r;
    figures->top_count = (size_t)rows.row_count;
    figures->tops = ARENA_ARRAY(&f->arena, TOPS, struct chat_top_row);
    for (int i = 0; i < rows.row_count; i++)
        figures->tops[i] = (struct chat_top_row){rows_text(&f->arena, &rows, i, 0),
                                                 pg_i64(&rows, i, 1),
                                                 rows_text(&f->arena, &rows, i, 2)};
    return 0;
}

static int get_reasons(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "select coalesce(nullif(reason, ''), '사유가 남지 않음'), count(*), sum(chat_count) from "
        "deskstream.chat_results where tenant_id = $1 and day between $2::date and $3::date and "
        "state = 'failed' group by 1 order by 2 desc, 1 limit $4",
        PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->from), PG_TEXT(figures->to),
                PG_I64(REASONS_MAX)),
        &rows);
    if (r < 0)
        return r;
    figures->reason_count = (size_t)rows.row_count;
    figures->reasons = ARENA_ARRAY(&f->arena, REASONS_MAX, struct chat_reason_row);
    for (int i = 0; i < rows.row_count; i++)
        figures->reasons[i] = (struct chat_reason_row){rows_text(&f->arena, &rows, i, 0),
                                                       pg_i64(&rows, i, 1), pg_i64(&rows, i, 2)};
    return 0;
}

/* Of one day the week that ends with it, so that each weekday has a row. */
static int get_heat(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    bool one_day = ask->spec->from.number == ask->spec->to.number;
    figures->heat_from = one_day ? text_of(&f->arena, day_add(ask->spec->to, -6)) : figures->from;
    figures->heat_to = figures->to;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(
        f, ask->tx,
        "select extract(isodow from r.day)::int - 1, h.place - 1, sum(h.chats) from "
        "deskstream.chat_results r cross join unnest(r.hours) with ordinality as h(chats, place) "
        "where r.tenant_id = $1 and r.day between $2::date and $3::date and h.place <= 24 "
        "group by 1, 2",
        PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->heat_from),
                PG_TEXT(figures->heat_to)),
        &rows);
    if (r < 0)
        return r;
    for (int i = 0; i < rows.row_count; i++)
        figures->heat[pg_i64(&rows, i, 0) % 7][pg_i64(&rows, i, 1) % 24] = pg_i64(&rows, i, 2);
    return 0;
}

#define SQL_LOCAL_MS(time) "(extract(epoch from (" time ") at time zone $4) * 1000)::bigint"

static int64_t local_ms(const struct pg_result *r, int row, int column)
{
    return pg_is_null(r, row, column) ? WALL_NONE : pg_i64(r, row, column);
}

static int get_runs(struct ask *ask)
{
    struct flow *f = ask->f;
    struct chat_figures *figures = ask->figures;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(f, ask->tx,
                     "select count(*), coalesce(sum(call_count), 0), coalesce(sum(prompt_tokens), "
                     "0), "
                     "coalesce(sum(completion_tokens), 0), coalesce(sum(cost_krw), "
                     "0), " SQL_LOCAL_MS("min(started_at)") ", " SQL_LOCAL_MS(
                         "max(finished_at)") ", "
                                             "coalesce((sum(extract(epoch from finished_at - "
                                             "started_at)) * 1000)::bigint, 0), "
                                             "coalesce((array_agg(model order by run_id desc))[1], "
                                             "''), "
                                             "coalesce((array_agg(prompt_version order by run_id "
                                             "desc))[1], ''), "
                                             "coalesce((array_agg(source order by run_id "
                                             "desc))[1], ''), " SQL_LOCAL_MS(
                                                 "now()") " "
                                                          "from deskstream.batch_runs where "
                                                          "tenant_id = $1 and day between $2::date "
                                                          "and $3::date",
                     PG_ARGS(PG_I64(ask->spec->tenant_id), PG_TEXT(figures->from),
                             PG_TEXT(figures->to), PG_TEXT(str_from(ask->spec->zone))),
                     &rows);
    if (r < 0)
        return r;
    if (rows.row_count != 1)
        return err_set(&f->err, E_DB, "the runs were not counted");
    figures->run_count = pg_i64(&rows, 0, 0);
    figures->call_count = pg_i64(&rows, 0, 1);
    figures->prompt_tokens = pg_i64(&rows, 0, 2);
    figures->completion_tokens = pg_i64(&rows, 0, 3);
    figures->cost_krw = pg_f64(&rows, 0, 4);
    figures->started_at = local_ms(&rows, 0, 5);
    figures->finished_at = local_ms(&rows, 0, 6);
    figures->busy_ms = pg_i64(&rows, 0, 7);
    figures->model = rows_text(&f->arena, &rows, 0, 8);
    figures->prompt_version = rows_text(&f->arena, &rows, 0, 9);
    figures->source = rows_text(&f->arena, &rows, 0, 10);
    figures->made_at = local_ms(&rows, 0, 11);
    return 0;
}

static int get_version(struct flow *f, struct pg_tx *tx, const struct chat_figures_spec *spec,
                       struct str *ret_version)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_query(f, tx,
                     "select md5(concat_ws(',', count(*), sum(chat_count), "
                     "count(*) filter (where state = 'failed'), "
                     "count(distinct reason) filter (where state = 'failed'), "
                     "extract(epoch from max(classified_at) filter (where state = 'classified')))) "
                     "from deskstream.chat_results "
                     "where tenant_id = $1 and day between $2::date and $3::date",
                     PG_ARGS(PG_I64(spec->tenant_id), PG_TEXT(text_of(&f->arena, spec->from)),
                             PG_TEXT(text_of(&f->arena, spec->to))),
                     &rows);
    if (r < 0)
        return r;
    *ret_version = rows.row_count == 1 ? rows_text(&f->arena, &rows, 0, 0) : STR_NONE;
    return 0;
}

int chat_figures_version(struct flow *f, const struct chat_figures_spec *spec,
                         struct str *ret_version)
{
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, spec->pool, spec->tenant_id, &tx);
    if (r >= 0)
        r = get_version(f, &tx, spec, ret_version);
    return r < 0 ? r : pg_commit(f, &tx);
}

int chat_figures_get(struct flow *f, const struct chat_figures_spec *spec,
                     struct chat_figures *ret_figures)
{
    static int (*const parts[])(struct ask * ask) = {
        get_categories, get_days, get_keywords, get_tops, get_reasons, get_heat, get_runs};
    struct chat_figures figures = {.zone = str_from(spec->zone)};
    struct spans spans = {.count = 0};
    figures.from = text_of(&f->arena, spec->from);
    figures.to = text_of(&f->arena, spec->to);
    make_spans(&f->arena, spec, &spans, &figures);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, spec->pool, spec->tenant_id, &tx);
    if (r >= 0)
        r = get_sums(f, &tx, spec, &spans, &figures);
    if (r < 0)
        return r;
    if (figures.sum.classified_questions + figures.sum.failed_questions == 0)
        return err_set(&f->err, E_NOT_FOUND, "해당 기간(%.*s ~ %.*s)에 분류된 데이터가 없습니다.",
                       STR_ARG(figures.from), STR_ARG(figures.to));
    struct ask ask = {.f = f,
                      .tx = &tx,
                      .spec = spec,
                      .figures = &figures,
                      .before_from = figures.against[0].from,
                      .before_to = figures.against[0].to};
    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(parts); i++)
        r = parts[i](&ask);
    if (r >= 0)
        r = get_version(f, &tx, spec, &figures.version);
    if (r >= 0)
        r = pg_commit(f, &tx);
    if (r >= 0)
        *ret_figures = figures;
    return r;
}
