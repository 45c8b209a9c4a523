/*
 * What a run found, back to where the chats came from: a row per keyword and category, in the old shape.
 *
 * Pages of chat_results (by hash, so that none is missed or comes twice) become rows as the source asks for
 * them; all of it is one transaction over there, and afterwards the run is marked as written. Failed
 * questions get no row: `missing` shall find them. A category that the source's table does not name, and a
 * question without keywords, is written under what is known: the default category, the old word for
 * "other". Fails as the source and db/pg do; a failure leaves the source as it was.
 * Invariant: all rows of a question are in one page, and no two of them are equal.
 */
#include <string.h>

#include "base/json.h"
#include "store/chat_runs.h"
#include "store/rows.h"

/* Large pages: what a page replaces is found by one look through the day's rows over there. */
#define PAGE_COUNT 10000
#define PAGE_BYTES_MAX 4194304
#define ROWS_PER_QUESTION_MAX                                                                      \
    200 /* a model's answer is foreign: it may name anything any number of times */

struct writing {
    struct chat_run_hold *hold;
    const struct chat_category *categories;
    size_t category_count;
    int64_t default_category_id;
    struct arena arena;                   /* of the page */
    char after_hex[2 * SHA256_BYTES + 1]; /* the last hash; "": none yet */
};

static void writing_done(struct writing *w)
{
    arena_done(&w->arena);
}

static int64_t category_of(const struct writing *w, struct str name)
{
    for (size_t i = 0; i < w->category_count; i++)
        if (str_eq(w->categories[i].name, name))
            return w->categories[i].id;
    return w->default_category_id;
}

/* The rows of one question while they are gathered. */
struct gather {
    struct writing *w;
    struct chat_row *rows;
    size_t first, count, room;
};

static void row_add(struct gather *g, struct str text, struct str keyword, int64_t category,
                    int64_t count)
{
    if (category <= 0 || g->count - g->first >= ROWS_PER_QUESTION_MAX)
        return;
    for (size_t i = g->first; i < g->count; i++)
        if (g->rows[i].category_id == category && str_eq(g->rows[i].keyword, keyword))
            return;
    if (g->count == g->room) {
        size_t room = g->room ? 2 * g->room : 1024;
        g->rows = arena_resize(&g->w->arena, g->rows, g->room * sizeof(*g->rows),
                               room * sizeof(*g->rows));
        g->room = room;
    }
    g->rows[g->count++] = (struct chat_row){text, arena_str(&g->w->arena, keyword), category,
                                            count};
}

static int question_rows(struct flow *f, struct gather *g, const struct pg_result *page, int i)
{
    struct arena *a = &g->w->arena;
    _cleanup_(arena_done) struct arena scratch;
    arena_init(&scratch, 0);
    struct str text = pg_is_null(page, i, 2) ? arena_str(a, pg_text(page, i, 1))
                                             : rows_unhex(a, pg_text(page, i, 2));
    int64_t count = pg_i64(page, i, 3);
    int64_t main_category = pg_is_null(page, i, 5) ? g->w->default_category_id : pg_i64(page, i, 5);
    struct json keywords;
    int r = json_parse(&scratch, pg_text(page, i, 4), &keywords, &f->err);
    if (r < 0)
        return r;
    g->first = g->count;
    for (struct json_iter it = json_iter(keywords); json_next(&it);) {
        struct str keyword = json_str(json_get(it.value, "keyword"));
        struct json names = json_get(it.value, "categories");
        if (keyword.len == 0)
            continue;
        for (struct json_iter name = json_iter(names); json_next(&name);)
            row_add(g, text, keyword, category_of(g->w, json_str(name.value)), count);
        if (json_count(names) == 0)
            row_add(g, text, keyword, main_category, count);
    }
    if (g->count == g->first)
        row_add(g, text, STR("기타"), main_category, count);
    return 0;
}

/* A chat_rows_fn: the next page that gives rows. */
static int next_rows(struct flow *f, void *arg, const struct chat_row **ret_rows, size_t *ret_count)
{
    struct writing *w = arg;
    char day[11];
    day_text(w->hold->day, day);
    struct gather g = {.w = w};
    do {
        arena_reset(&w->arena);
        _cleanup_(pg_result_done) struct pg_result page = PG_RESULT_INIT;
        int r = pg_once(
            f, w->hold->pool, w->hold->tenant_id,
            "select encode(text_hash, 'hex'), input_text, encode(raw_text, 'hex'), chat_count, "
            "keywords::text, category_id from ("
            "  select text_hash, input_text, raw_text, chat_count, keywords, category_id, "
            "  octet_length(input_text) as size, "
            "  sum(octet_length(input_text)) over (order by text_hash) as total "
            "  from (select * from deskstream.chat_results "
            "    where tenant_id = $1 and day = $2::date and run_id = $3 "
            "    and state = 'classified' and text_hash > decode($4, 'hex') "
            "    order by text_hash limit $5) page) sized "
            "where total <= $6 or total = size order by text_hash",
            PG_ARGS(PG_I64(w->hold->tenant_id), PG_TEXT(str_from(day)), PG_I64(w->hold->run_id),
                    PG_TEXT(str_from(w->after_hex)), PG_I64(PAGE_COUNT), PG_I64(PAGE_BYTES_MAX)),
            &page);
        if (r < 0)
            return r;
        if (page.row_count == 0)
            break;
        g = (struct gather){.w = w};
        for (int i = 0; i < page.row_count; i++) {
            r = question_rows(f, &g, &page, i);
            if (r < 0)
                return r;
        }
        struct str last = str_sub(pg_text(&page, page.row_count - 1, 0), 0, 2 * SHA256_BYTES);
        memcpy(w->after_hex, last.ptr, last.len);
        w->after_hex[last.len] = '\0';
    } while (g.count == 0);
    *ret_rows = g.rows;
    *ret_count = g.count;
    return 0;
}

int chat_write_back(struct flow *f, struct chat_run_hold *h, struct chat_source *s,
                    int64_t default_category_id, struct chat_written *ret_written)
{
    struct chat_category *categories;
    _cleanup_(writing_done) struct writing w = {.hold = h,
                                                .default_category_id = default_category_id};
    arena_init(&w.arena, 0);
    int r = chat_source_categories(f, s, &categories, &w.category_count);
    if (r < 0)
        return r;
    w.categories = categories;
    r = chat_source_write(f, s, h->day, h->started_at, next_rows, &w, ret_written);
    if (r < 0)
        return r;
    return pg_once(f, h->pool, h->tenant_id,
                   "update deskstream.batch_runs set written_at = now(), heartbeat_at = now() "
                   "where tenant_id = $1 and run_id = $2",
                   PG_ARGS(PG_I64(h->tenant_id), PG_I64(h->run_id)), NULL);
}
