/*
 * The vector store in PostgreSQL: pgvector's halfvec, one row a vector, one partition for
 * each place of each tenant (migration 003).
 *
 * Up to exact_rows_max rows a partition is scanned whole: exact, and quick because rows lie inline. Past it
 * vectors_maintain builds an HNSW index on that partition, without stopping
 * writers; searches then set ef_search and a strict iterative scan. Which pgvector it is decides:
 *   below 0.8.3  VACUUM can spoil an HNSW index: none is built, all searches stay exact
 *   below 0.8.6  parallel builds can write out of bounds: built by one process (the table's
 *                parallel_workers, since a setting cannot go with CREATE INDEX CONCURRENTLY)
 * The tenant filter is the partition that deskstream.vectors_search names from the transaction's tenant;
 * writes go through the parent and name the tenant, and row-level security checks both.
 * Fails as db/ fails; E_CONFIG when the extension is missing.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "store/rows.h"
#include "store/vectors_home.h"

#define EF_MIN 100
#define INDEXES_AT_ONCE 64

struct pg_home {
    struct vectors v;
    struct pg_pool *pool;
    size_t exact_rows_max;
    int version; /* 0.8.3 is 803; 0: not read yet */
};

static const char *const tables[VECTOR_COLLECTION_COUNT] = {"vectors_tickets", "vectors_kb"};

static struct pg_home *home(struct vectors *v)
{
    return container_of(v, struct pg_home, v);
}

/* "0.8.3" -> 803. */
static int version_number(struct str text)
{
    int64_t parts[3] = {0, 0, 0};
    struct str part;
    for (size_t i = 0; i < 3 && str_cut(&text, '.', &part); i++) {
        if (!str_to_i64(part, &parts[i]))
            break;
    }
    return (int)(parts[0] * 10000 + parts[1] * 100 + parts[2]);
}

static int version_read(struct flow *f, struct pg_home *h, struct str *ret_text)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(f, h->pool, 0, "select extversion from pg_extension where extname = 'vector'",
                    PG_NO_ARGS, &row);
    if (r < 0)
        return r;
    if (row.row_count != 1)
        return err_set(&f->err, E_CONFIG, "the extension \"vector\" is missing in this database");
    *ret_text = rows_text(&f->arena, &row, 0, 0);
    h->version = version_number(*ret_text);
    return 0;
}

static int pg_prepare(struct flow *f, struct vectors *v)
{
    struct str text = STR_NONE;
    return version_read(f, home(v), &text);
}

/* ---- writing ---- */

/* One vector of one point: a row. */
struct row {
    const struct vector_point *point;
    int place;
};
struct batch {
    int64_t tenant_id;
    struct row *rows;
};

static void on_row(void *rows, size_t i, struct pg_arg *ret_args)
{
    const struct batch *b = rows;
    const struct row *r = &b->rows[i];
    ret_args[0] = PG_I64(b->tenant_id);
    ret_args[1] = PG_I64(r->place);
    ret_args[2] = PG_I64(r->point->item_id);
    ret_args[3] = PG_TIME(r->point->updated_at);
    ret_args[4] = PG_HALFVEC(r->point->vectors[r->place], EMBED_DIMENSIONS);
}

static int by_item(const void *a, const void *b)
{
    const struct vector_point *const *left = a, *const *right = b;
    if ((*left)->item_id != (*right)->item_id)
        return (*left)->item_id < (*right)->item_id ? -1 : 1;
    return *left < *right ? -1 : *left > *right; /* of two of one item the later goes last */
}

static const char *const upserts[VECTOR_COLLECTION_COUNT] = {
    "insert into deskstream.vectors_tickets (tenant_id, place, id, updated_at, vector) "
    "values ($1, $2, $3, $4, $5) on conflict (tenant_id, place, id) do update set "
    "updated_at = excluded.updated_at, vector = excluded.vector",
    "insert into deskstream.vectors_kb (tenant_id, place, id, updated_at, vector) "
    "values ($1, $2, $3, $4, $5) on conflict (tenant_id, place, id) do update set "
    "updated_at = excluded.updated_at, vector = excluded.vector",
};
/* Vectors that a point no longer has. */
static const char *const absents[VECTOR_COLLECTION_COUNT] = {
    "delete from deskstream.vectors_tickets v using unnest($2::bigint[], $3::bigint[]) as g(place, "
    "id) "
    "where v.tenant_id = $1 and v.place = g.place and v.id = g.id",
    "delete from deskstream.vectors_kb v using unnest($2::bigint[], $3::bigint[]) as g(place, id) "
    "where v.tenant_id = $1 and v.place = g.place and v.id = g.id",
};

/* An upsert replaces whole points: `present` rows to write, `places`/`ids` of vectors to drop. */
struct plan {
    struct row *present;
    int64_t *places, *ids;
    size_t present_count, absent_count;
};

static void plan_make(struct arena *a, enum vector_collection c, const struct vector_point *points,
                      size_t count, struct plan *ret_plan)
{
    int place_count = c == VECTORS_TICKETS ? 3 : 2;
    const struct vector_point **sorted = ARENA_ARRAY(a, count, const struct vector_point *);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &points[i];
    qsort(sorted, count, sizeof(*sorted), by_item); /* writers of the same rows wait in one order */
    *ret_plan = (struct plan){
        .present = ARENA_ARRAY(a, count * VECTORS_PER_POINT_MAX, struct row),
        .places = ARENA_ARRAY(a, count * VECTORS_PER_POINT_MAX, int64_t),
        .ids = ARENA_ARRAY(a, count * VECTORS_PER_POINT_MAX, int64_t),
    };
    for (int place = 0; place < place_count; place++) {
        for (size_t i = 0; i < count; i++) {
            if (i + 1 < count && sorted[i + 1]->item_id == sorted[i]->item_id)
                continue; /* overtaken by the next */
            if (sorted[i]->vectors[place] != NULL) {
                ret_plan->present[ret_plan->present_count++] = (struct row){sorted[i], place};
            } else {
                ret_plan->places[ret_plan->absent_count] = place;
                ret_plan->ids[ret_plan->absent_count++] = sorted[i]->item_id;
            }
        }
    }
}

static int pg_upsert(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                     enum vector_collection c, const struct vector_point *points, size_t count)
{
    struct plan plan;
    plan_make(&f->arena, c, points, count, &plan);
    struct batch b = {t->id, plan.present};
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, home(v)->pool, t->id, &tx);
    if (r < 0)
        return r;
    r = pg_query(f, &tx, "select deskstream.partitions_make($1)", PG_ARGS(PG_I64(t->id)), NULL);
    if (r >= 0 && plan.absent_count > 0)
        r = pg_query(f, &tx, absents[c],
                     PG_ARGS(PG_I64(t->id), PG_I64S(plan.places, plan.absent_count),
                             PG_I64S(plan.ids, plan.absent_count)),
                     NULL);
    int64_t written;
    if (r >= 0 && plan.present_count > 0)
        r = pg_each(f, &tx, upserts[c], plan.present_count, 5, on_row, &b, &written);
    if (r < 0)
        return r;
    return pg_commit(f, &tx);
}

static int pg_remove(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                     enum vector_collection c, const int64_t *item_ids, size_t count)
{
    return pg_once(f, home(v)->pool, t->id,
                   c == VECTORS_TICKETS
                       ? "delete from deskstream.vectors_tickets where tenant_id = $1 "
                         "and place in (0, 1, 2) and id = any($2)"
                       : "delete from deskstream.vectors_kb where tenant_id = $1 "
                         "and place in (0, 1) and id = any($2)",
                   PG_ARGS(PG_I64(t->id), PG_I64S(item_ids, count)), NULL);
}

/* ---- reading ---- */

#define SEARCH_ARGS 6

static int pg_search(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                     enum vector_collection c, const struct vector_search *searches, size_t count,
                     struct vector_hits *ret_hits)
{
    struct pg_home *h = home(v);
    if (h->version == 0) {
        struct str text = STR_NONE;
        int r = version_read(f, h, &text);
        if (r < 0)
            return r;
    }
    struct pg_arg *args = ARENA_ARRAY(&f->arena, count * SEARCH_ARGS, struct pg_arg);
    struct buf *sql = arena_buf(&f->arena, 0);
    size_t row_max = 0;
    for (size_t i = 0; i < count; i++) {
        const struct vector_search *s = &searches[i];
        size_t n = i * SEARCH_ARGS;
        buf_printf(sql,
                   "%sselect %zu, id, score from deskstream.vectors_search($%zu, $%zu::int, "
                   "$%zu::halfvec, "
                   "$%zu, $%zu, $%zu)",
                   i > 0 ? " union all " : "", i, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6);
        args[n] = PG_TEXT(str_from(tables[c]));
        args[n + 1] = PG_I64(s->which);
        args[n + 2] = PG_HALFVEC(s->vector, EMBED_DIMENSIONS);
        args[n + 3] = PG_I64(s->exclude_id);
        args[n + 4] = PG_I64(s->limit);
        args[n + 5] = PG_I64(h->version < 803 ? 0 : MAX(EF_MIN, 2 * s->limit));
        row_max += (size_t)s->limit;
        ret_hits[i].hits = ARENA_ARRAY(&f->arena, (size_t)s->limit, struct vector_hit);
    }
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, h->pool, t->id, sql->ptr, (struct pg_args){args, count * SEARCH_ARGS},
                    &rows);
    if (r < 0)
        return r;
    if ((size_t)rows.row_count > row_max)
        return err_set(&f->err, E_DB, "vectors: more hits than were asked for");
    for (int row = 0; row < rows.row_count; row++) {
        size_t i = (size_t)pg_i64(&rows, row, 0);
        if (i >= count || ret_hits[i].count >= (size_t)searches[i].limit)
            return err_set(&f->err, E_DB, "vectors: more hits than were asked for");
        ret_hits[i].hits[ret_hits[i].count++] = (struct vector_hit){pg_i64(&rows, row, 1),
                                                                    pg_f64(&rows, row, 2)};
    }
    return 0;
}

static int pg_count(struct flow *f, struct vectors *v, const struct vector_tenant *t,
                    enum vector_collection c, int64_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result row = PG_RESULT_INIT;
    int r = pg_once(
        f, home(v)->pool, t->id,
        c == VECTORS_TICKETS
            ? "select count(distinct id) from deskstream.vectors_tickets where tenant_id = $1"
            : "select count(distinct id) from deskstream.vectors_kb where tenant_id = $1",
        PG_ARGS(PG_I64(t->id)), &row);
    if (r < 0)
        return r;
    *ret_count = pg_i64(&row, 0, 0);
    return 0;
}

/* ---- indexes ---- */

/* Partitions past the limit without a sound HNSW index. An index that a broken build left behind (not valid)
 * is told, to be dropped first. */
static const char missing_sql[] =
    "select c.relname, c.relname || '_hnsw', exists (select 1 from pg_index i "
    "join pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid and x.relname = c.relname || "
    "'_hnsw') "
    "from pg_class c join pg_namespace s on s.oid = c.relnamespace and s.nspname = 'deskstream' "
    "where c.relkind = 'r' and c.relname ~ '^vectors_(tickets|kb)_t[0-9]+_[0-9]$' and c.reltuples "
    "> $1 "
    "and not exists (select 1 from pg_index i join pg_class x on x.oid = i.indexrelid "
    "where i.indrelid = c.oid and i.indisvalid and x.relname = c.relname || '_hnsw') "
    "order by c.relname limit $2";

static int index_build(struct flow *f, struct pg_home *h, struct str table, struct str index,
                       bool broken)
{
    struct arena *a = &f->arena;
    int r;
    if (h->version < 806) {
        r = pg_script(f, h->pool,
                      arena_printf(a, "alter table deskstream.%.*s set (parallel_workers = 0)",
                                   STR_ARG(table))
                          .ptr);
        if (r < 0)
            return r;
    }
    if (broken) {
        r = pg_script(
            f, h->pool,
            arena_printf(a, "drop index concurrently if exists deskstream.%.*s", STR_ARG(index))
                .ptr);
        if (r < 0)
            return r;
    }
    return pg_script(f, h->pool,
                     arena_printf(a,
                                  "create index concurrently %.*s on deskstream.%.*s using hnsw "
                                  "(vector halfvec_cosine_ops)",
                                  STR_ARG(index), STR_ARG(table))
                         .ptr);
}

static int pg_maintain(struct flow *f, struct vectors *v)
{
    struct pg_home *h = home(v);
    struct str text = STR_NONE;
    int r = version_read(f, h, &text);
    if (r < 0 || h->version < 803)
        return r;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    r = pg_once(f, h->pool, 0, missing_sql,
                PG_ARGS(PG_I64((int64_t)h->exact_rows_max), PG_I64(INDEXES_AT_ONCE)), &rows);
    for (int i = 0; r >= 0 && i < rows.row_count; i++)
        r = index_build(f, h, rows_text(&f->arena, &rows, i, 0), rows_text(&f->arena, &rows, i, 1),
                        pg_bool(&rows, i, 2));
    return r;
}

static int pg_health(struct flow *f, struct vectors *v, struct str *ret_note)
{
    struct pg_home *h = home(v);
    struct str text = STR_NONE;
    int r = version_read(f, h, &text);
    if (r < 0)
        return r;
    if (h->version < 803)
        *ret_note = arena_printf(&f->arena,
                                 "pgvector %.*s: exact search only, its HNSW index is not sound; "
                                 "0.8.6 or later is wanted",
                                 STR_ARG(text));
    else if (h->version < 806)
        *ret_note = arena_printf(
            &f->arena,
            "pgvector %.*s: indexes are built by one process; 0.8.6 or later is "
            "wanted",
            STR_ARG(text));
    return 0;
}

static void pg_free(struct vectors *v)
{
    mem_free(home(v));
}

static const struct vectors_ops pg_ops = {
    .home = "pgvector",
    .prepare = pg_prepare,
    .upsert = pg_upsert,
    .remove = pg_remove,
    .search = pg_search,
    .count = pg_count,
    .maintain = pg_maintain,
    .health = pg_health,
    .free = pg_free,
};

struct vectors *vectors_new_pg(struct loop *l, struct pg_pool *pool, size_t exact_rows_max)
{
    (void)l;
    struct pg_home *h = mem_alloc(sizeof(*h));
    h->v.ops = &pg_ops;
    h->pool = pool;
    h->exact_rows_max = exact_rows_max;
    return &h->v;
}
