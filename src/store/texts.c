/*
 * Texts of items and the search over them.
 *
 * Rows are written through the partitioned parents, where row-level security checks the tenant. A search
 * reads the tenant's own partition, named in the statement, so that each connection plans it once:
 *
 *   query -> terms -> the rarest (deskstream.term_shares) -> rows of each, by the GIN index -> sum of weights
 *
 * A term weighs ln(1 + rows / rows that hold it), counted as it is read. Terms that are common count for
 * nothing beside rare ones and cost the most, so rare ones come first and reading stops at READS_MAX rows
 * or TERMS_READ_MAX terms, whichever is first; a query of common terms only reads its TERMS_READ_MIN rarest.
 * No row's terms are fetched: what matters of them is in the index. Terms of stored texts and of queries
 * are made by search_terms. Fails as db/ fails; a tenant that has no partition yet has no texts.
 */
#include "store/texts.h"

#include <inttypes.h>

#include "store/rows.h"

#define ITEMS_MAX 500
#define STORED_TERMS_MAX 400
#define QUERY_TERMS_MAX 40
#define QUERY_BYTES_MAX 4096
#define MORE_BYTES_MAX 8192
#define TERMS_READ_MAX 16
#define TERMS_READ_MIN 3
#define READS_MAX 1200

static const char *const tables[VECTOR_COLLECTION_COUNT] = {"ticket_texts", "kb_texts"};

static const char tickets_upsert_sql[] =
    "insert into deskstream.ticket_texts as t (tenant_id, id, symptom, cause, resolution, "
    "language, hash, "
    "terms) select $1, g.id, g.t0, g.t1, g.t2, g.language, decode(g.hash, 'hex'), "
    "g.terms::tsvector from "
    "unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) "
    "as g(id, t0, t1, t2, language, hash, terms) order by g.id "
    "on conflict (tenant_id, id) do update set symptom = excluded.symptom, cause = excluded.cause, "
    "resolution = excluded.resolution, language = excluded.language, hash = excluded.hash, "
    "terms = excluded.terms, updated_at = now()";
static const char kb_upsert_sql[] =
    "insert into deskstream.kb_texts as t (tenant_id, id, intent, procedure, language, hash, "
    "terms) "
    "select $1, g.id, g.t0, g.t1, g.language, decode(g.hash, 'hex'), g.terms::tsvector from "
    "unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) "
    "as g(id, t0, t1, t2, language, hash, terms) order by g.id "
    "on conflict (tenant_id, id) do update set intent = excluded.intent, "
    "procedure = excluded.procedure, language = excluded.language, hash = excluded.hash, "
    "terms = excluded.terms, updated_at = now()";

struct str texts_terms(struct arena *a, const struct item_texts *item)
{
    struct buf *all = arena_buf(a, 0);
    buf_str(all, item->title);
    for (size_t i = 0; i < VECTORS_PER_POINT_MAX; i++) {
        buf_byte(all, '\n');
        buf_str(all, item->texts[i]);
    }
    buf_byte(all, '\n');
    buf_str(all, str_cut_utf8(item->more, MORE_BYTES_MAX));
    return search_terms(a, buf_view(all), STORED_TERMS_MAX);
}

int texts_upsert(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                 const struct item_texts *items, size_t count)
{
    if (count == 0)
        return 0;
    if (count > ITEMS_MAX)
        return err_set(&f->err, E_LIMIT, "texts of %zu items in one batch", count);
    struct arena *a = &f->arena;
    int64_t *ids = ARENA_ARRAY(a, count, int64_t);
    struct str *columns[VECTORS_PER_POINT_MAX];
    for (size_t k = 0; k < VECTORS_PER_POINT_MAX; k++)
        columns[k] = ARENA_ARRAY(a, count, struct str);
    struct str *languages = ARENA_ARRAY(a, count, struct str);
    struct str *hashes = ARENA_ARRAY(a, count, struct str);
    struct str *terms = ARENA_ARRAY(a, count, struct str);
    for (size_t i = 0; i < count; i++) {
        ids[i] = items[i].id;
        for (size_t k = 0; k < VECTORS_PER_POINT_MAX; k++)
            columns[k][i] = items[i].texts[k];
        languages[i] = items[i].language;
        hashes[i] = rows_hex(a, items[i].hash, SHA256_BYTES);
        terms[i] = texts_terms(a, &items[i]);
    }
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, p, tenant_id, &tx);
    if (r < 0)
        return r;
    r = pg_query(f, &tx, c == VECTORS_TICKETS ? tickets_upsert_sql : kb_upsert_sql,
                 PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count), PG_TEXTS(columns[0], count),
                         PG_TEXTS(columns[1], count), PG_TEXTS(columns[2], count),
                         PG_TEXTS(languages, count), PG_TEXTS(hashes, count),
                         PG_TEXTS(terms, count)),
                 NULL);
    if (r >= 0)
        r = pg_query(f, &tx, "select deskstream.texts_written($1, $2)",
                     PG_ARGS(PG_TEXT(str_from(tables[c])), PG_I64((int64_t)count)), NULL);
    if (r < 0)
        return r;
    return pg_commit(f, &tx);
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

int texts_get_many(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                   const int64_t *ids, size_t count, struct item_texts **ret_items,
                   size_t *ret_count)
{
    struct arena *a = &f->arena;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id,
        c == VECTORS_TICKETS
            ? "select id, symptom, cause, resolution, language, encode(hash, 'hex') "
              "from deskstream.ticket_texts where tenant_id = $1 and id = any($2) order by id"
            : "select id, intent, procedure, '', language, encode(hash, 'hex') "
              "from deskstream.kb_texts where tenant_id = $1 and id = any($2) order by id",
        PG_ARGS(PG_I64(tenant_id), PG_I64S(ids, count)), &rows);
    if (r < 0)
        return r;
    struct item_texts *items = ARENA_ARRAY(a, (size_t)rows.row_count, struct item_texts);
    for (int i = 0; i < rows.row_count; i++) {
        items[i].id = pg_i64(&rows, i, 0);
        for (int k = 0; k < VECTORS_PER_POINT_MAX; k++)
            items[i].texts[k] = rows_text(a, &rows, i, 1 + k);
        items[i].language = rows_text(a, &rows, i, 4);
        struct str hex = pg_text(&rows, i, 5);
        for (size_t k = 0; k < SHA256_BYTES && 2 * k + 1 < hex.len; k++)
            items[i].hash[k] = (uint8_t)(nibble(hex.ptr[2 * k]) << 4 | nibble(hex.ptr[2 * k + 1]));
    }
    *ret_items = items;
    *ret_count = (size_t)rows.row_count;
    return 0;
}

/* The search of one tenant's partition; $1 terms, $2 excluded id, $3 limit. The tenant is an integer that we
 * hold, so it may stand in the text; a bound one would be no name of a table. */
static const char *search_sql(struct arena *a, int64_t tenant_id, const char *table)
{
    /* Sub-selects and no joins: a look-up for each term whatever the planner believes of the tables. */
    return arena_printf(a,
                        "with asked as materialized (" /* its look-ups are used twice */
                        "select q.term, coalesce((select s.share from deskstream.term_shares s "
                        "where s.tenant_id = %" PRId64 " and s.source = '%s' and s.term = q.term"
                        "), 0)::float8 as share, greatest(coalesce((select n.row_count "
                        "from deskstream.text_counts n where n.tenant_id = %" PRId64
                        " and n.source = '%s'"
                        "), 0), 100)::float8 as row_count from unnest($1::text[]) as q(term)"
                        "), ordered as ("
                        "select term, row_count, sum(share * row_count + 1) over w as reads, "
                        "row_number() over w as place from asked window w as (order by share, term)"
                        "), chosen as materialized ("
                        "select term::tsquery as query, row_count from ordered "
                        "where place <= %d and (reads <= %d or place <= %d)"
                        ") select h.id, sum(m.weight) as rank from chosen c cross join lateral ("
                        "select array_agg(t.id) as ids, "
                        "ln(1 + greatest(c.row_count, count(*)) / greatest(count(*), 1)) as weight "
                        "from deskstream.%s_t%" PRId64 " t where t.terms @@ c.query"
                        ") m cross join unnest(m.ids) as h(id) "
                        "where h.id <> $2 group by h.id order by rank desc, h.id limit $3",
                        tenant_id, table, tenant_id, table, TERMS_READ_MAX, READS_MAX,
                        TERMS_READ_MIN, table, tenant_id)
        .ptr;
}

int search_text(struct flow *f, struct pg_pool *p, int64_t tenant_id, enum vector_collection c,
                struct str query, int limit, int64_t exclude_id, struct text_hit **ret_hits,
                size_t *ret_count)
{
    struct arena *a = &f->arena;
    struct str rest = search_terms(a, str_cut_utf8(query, QUERY_BYTES_MAX), QUERY_TERMS_MAX);
    struct str *terms = ARENA_ARRAY(a, QUERY_TERMS_MAX, struct str);
    size_t term_count = 0;
    while (term_count < QUERY_TERMS_MAX && rest.len > 0 && str_cut(&rest, ' ', &terms[term_count]))
        term_count++;
    *ret_hits = NULL;
    *ret_count = 0;
    if (term_count == 0)
        return 0;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(
        f, p, tenant_id, search_sql(a, tenant_id, tables[c]),
        PG_ARGS(PG_TEXTS(terms, term_count), PG_I64(exclude_id), PG_I64(MIN(MAX(limit, 1), 200))),
        &rows);
    if (r < 0)
        return rows_of_none(f, p, tenant_id, tables[c], r);
    struct text_hit *hits = ARENA_ARRAY(a, (size_t)rows.row_count, struct text_hit);
    for (int i = 0; i < rows.row_count; i++)
        hits[i] = (struct text_hit){pg_i64(&rows, i, 0), pg_f64(&rows, i, 1)};
    *ret_hits = hits;
    *ret_count = (size_t)rows.row_count;
    return 0;
}
