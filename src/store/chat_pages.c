/*
 * Questions of a span in pages, by a cursor.
 *
 * The happy path: DECLARE sorts once on the server; each FETCH is one round trip and one page in memory. Rows
 * are read with the categories' names of the spec, since a foreign table of categories is not ours to join.
 * Fails: as the database does; then the transaction is over and the pages end.
 * Invariant: strings of a page live as long as its result, until the next call.
 */
#include "base/mem.h"
#include "store/chat_figures.h"
#include "store/rows.h"

#define SELECT_DETAILS                                                                             \
    "select to_char(r.day, 'YYYY-MM-DD'), r.input_text, r.chat_count, "                            \
    "coalesce((select c.name from unnest($5::bigint[], $6::text[]) as c(id, name) "                \
    "where c.id = r.category_id limit 1), '#' || r.category_id, ''), "                             \
    "coalesce((select string_agg(w.k->>'keyword', ', ' order by w.place) from "                    \
    "jsonb_array_elements(r.keywords) with ordinality as w(k, place)), ''), "                      \
    "coalesce(r.confidence, -1), coalesce(r.quote, ''), coalesce(r.reason, ''), "                  \
    "coalesce(r.model, ''), (extract(epoch from r.first_at at time zone $4) * 1000)::bigint, "     \
    "(extract(epoch from r.last_at at time zone $4) * 1000)::bigint, r.state = 'failed' "          \
    "from deskstream.chat_results r where r.tenant_id = $1 and "                                   \
    "r.day between $2::date and $3::date "

static const char declare_all[] = "declare chat_pages no scroll cursor for " SELECT_DETAILS
                                  "and r.state <> 'pending' and $7::float8 > 0 and $8::bigint > 0 "
                                  "order by r.day, r.chat_count desc, r.text_hash";
static const char declare_doubts[] =
    "declare chat_pages no scroll cursor for " SELECT_DETAILS
    "and (r.state = 'failed' or (r.state = 'classified' and r.confidence < $7)) "
    "order by r.state = 'failed' desc, r.confidence, r.day, r.text_hash limit $8";

int chat_pages_open(struct flow *f, const struct chat_figures_spec *spec, enum chat_pages_of which,
                    struct chat_pages *ret_pages)
{
    char from[11], to[11];
    day_text(spec->from, from);
    day_text(spec->to, to);
    int64_t *ids = ARENA_ARRAY(&f->arena, spec->category_count + 1, int64_t);
    struct str *names = ARENA_ARRAY(&f->arena, spec->category_count + 1, struct str);
    for (size_t i = 0; i < spec->category_count; i++) {
        ids[i] = spec->categories[i].id;
        names[i] = spec->categories[i].name;
    }
    ret_pages->flow = f;
    int r = pg_begin(f, spec->pool, spec->tenant_id, &ret_pages->tx);
    if (r < 0)
        return r;
    return pg_query(f, &ret_pages->tx, which == CHAT_PAGES_ALL ? declare_all : declare_doubts,
                    PG_ARGS(PG_I64(spec->tenant_id), PG_TEXT(str_from(from)), PG_TEXT(str_from(to)),
                            PG_TEXT(str_from(spec->zone)), PG_I64S(ids, spec->category_count),
                            PG_TEXTS(names, spec->category_count),
                            PG_F64(CHAT_LOW_CONFIDENCE_PERCENT / 100.0), PG_I64(CHAT_DOUBTS_MAX)),
                    NULL);
}

static int64_t local_ms(const struct pg_result *r, int row, int column)
{
    return pg_is_null(r, row, column) ? WALL_NONE : pg_i64(r, row, column);
}

int chat_pages_next(struct flow *f, struct chat_pages *pages)
{
    pg_result_done(&pages->rows);
    pages->rows = (struct pg_result)PG_RESULT_INIT;
    int r = pg_query(f, &pages->tx, "fetch 500 from chat_pages", PG_NO_ARGS, &pages->rows);
    if (r < 0)
        return r;
    if (pages->room == NULL)
        pages->room = mem_alloc(CHAT_PAGE_ROWS * sizeof(*pages->room));
    pages->details = pages->room;
    int count = MIN(pages->rows.row_count, CHAT_PAGE_ROWS);
    const struct pg_result *rows = &pages->rows;
    for (int i = 0; i < count; i++)
        pages->room[i] = (struct chat_detail){
            .day = pg_text(rows, i, 0),
            .text = pg_text(rows, i, 1),
            .chat_count = pg_i64(rows, i, 2),
            .category = pg_text(rows, i, 3),
            .keywords = pg_text(rows, i, 4),
            .confidence = pg_f64(rows, i, 5),
            .quote = pg_text(rows, i, 6),
            .reason = pg_text(rows, i, 7),
            .model = pg_text(rows, i, 8),
            .first_at = local_ms(rows, i, 9),
            .last_at = local_ms(rows, i, 10),
            .failed = pg_bool(rows, i, 11),
        };
    return count;
}

void chat_pages_done(struct chat_pages *pages)
{
    pg_result_done(&pages->rows);
    pg_end(&pages->tx);
    mem_free(pages->room);
    pages->room = pages->details = NULL;
}
