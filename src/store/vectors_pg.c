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
 * The tenant filter of a search is the partition that search_sql names; writes go through the parent and
 * name the tenant; row-level security, by the transaction's tenant, checks both.
 * Fails as db/ fails; E_CONFIG when the extension is missing.
 */
#include <inttypes.h>
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

/* The parameter that binds this search's vector: searches for the same vector share one. */
static size_t vector_param(struct pg_arg *args, size_t *arg_count, const float *vector)
{
    for (size_t i = 0; i < *arg_count; i++) {
        if (args[i].kind == PG_KIND_HALFVEC && args[i].items == vector)
            return i + 1;
    }
    args[(*arg_count)++] = PG_HALFVEC(vector, EMBED_DIMENSIONS);
    return *arg_count;
}

/* All searches as one statement on the tenant's partitions by name: a connection plans it once, and the planner
 * sees single tables (an exact scan, or the HNSW index once there is one). The tenant is an integer that we
 * hold, so it may stand in the text; a bound one would be no name of a table. `args` has room for two each. */
static const char *search_sql(struct arena *a, int64_t tenant_id, enum vector_collection c,
                              const struct vector_search *searches, size_t count,
                              struct pg_arg *args, size_t *ret_arg_count)
{
    struct buf *sql = arena_buf(a, 0);
    for (size_t i = 0; i < count; i++) {
        const struct vector_search *s = &searches[i];
        size_t vector = vector_param(args, ret_arg_count, s->vector);
        args[(*ret_arg_count)++] = PG_I64(s->exclude_id);
        /* A distance a row: not one to sort by and one to show. */
        buf_printf(sql,
                   "%sselect %zu, n.id, (1 - n.distance)::float4 from ("
                   "select v.id, v.vector <=> $%zu::halfvec as distance "
                   "from deskstream.%s_t%" PRId64 "_%d v where v.id <> $%zu "
                   "order by v.vector <=> $%zu::halfvec limit %d) n",
                   i > 0 ? " union all " : "", i, vector, tables[c], tenant_id, s->which,
                   *ret_arg_count, vector, s->limit);
    }
    return sql->ptr;
}

/* Runs a search, with what an HNSW index wants to be told first where this pgvector's can be trusted. */
static int search_run(struct flow *f, struct pg_home *h, int64_t tenant_id, int limit_max,
                      const char *sql, struct pg_args args, struct pg_result *ret_rows)
{
    if (h->version < 803)
        return pg_once(f, h->pool, tenant_id, sql, args, ret_rows);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, h->pool, tenant_id, &tx);
    if (r < 0)
        return r;
    r = pg_query(f, &tx,
                 "select set_config('hnsw.ef_search', $1, true), "
                 "set_config('hnsw.iterative_scan', 'strict_order', true)",
                 PG_ARGS(PG_I64(MAX(EF_MIN, 2 * limit_max))), NULL);
    if (r >= 0)
        r = pg_query(f, &tx, sql, args, ret_rows);
    return r < 0 ? r : pg_commit(f, &tx);
}

static int take_hits(struct flow *f, const struct pg_result *rows,
                     const struct vector_search *searches, size_t count,
                     struct vector_hits *ret_hits)
{
    for (size_t i = 0; i < count; i++)
        ret_hits[i].hits = ARENA_ARRAY(&f->arena, (size_t)searches[i].limit, struct vector_hit);
    for (int row = 0; row < rows->row_count; row++) {
        size_t i = (size_t)pg_i64(rows, row, 0);
        if (i >= count || ret_hits[i].count >= (size_t)searches[i].limit)
            return err_set(&f->err, E_DB, "vectors: more hits than were asked for");
        ret_hits[i].hits[ret_hits[i].count++] = (struct vector_hit){pg_i64(rows, row, 1),
                                                                    pg_f64(rows, row, 2)};
    }
    return 0;
}

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
    struct pg_arg *args = ARENA_ARRAY(&f->arena, count * 2, struct pg_arg);
    size_t arg_count = 0;
    const char *sql = search_sql(&f->arena, t->id, c, searches, count, args, &arg_count);
    int limit_max = 0;
    for (size_t i = 0; i < count; i++)
        limit_max = MAX(limit_max, searches[i].limit);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = search_run(f, h, t->id, limit_max, sql, (struct pg_args){args, arg_count}, &rows);
    if (r < 0)
        return rows_of_none(f, h->pool, t->id, tables[c], r);
    return take_hits(f, &rows, searches, count, ret_hits);
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
