/*
 * Many rows: COPY in both formats, the same statement for each row, migrations.
 */
#include "flow/pg_test.h"

#include "db/migrate.h"

#define ROW_COUNT 10000

/* ---- COPY ---- */

struct copy_rows {
    char text[64];
    int64_t ids[2];
    struct str words[2];
    float vec[8];
    size_t bad_at; /* this row repeats id 0; SIZE_MAX: none */
    bool vectors;
};

static void make_copy_row(void *rows, size_t i, struct pg_arg *ret_args)
{
    struct copy_rows *c = rows;
    snprintf(c->text, sizeof(c->text), "row\t%zu\n한글 \\N \"x\"", i);
    c->ids[0] = (int64_t)i;
    c->ids[1] = -1;
    c->words[0] = STR("a,b{}");
    c->words[1] = STR("tab\tline\nback\\slash\"");
    for (size_t k = 0; k < ARRAY_COUNT(c->vec); k++)
        c->vec[k] = (float)(i % 100) / 64 + (float)k;
    ret_args[0] = PG_I64(i == c->bad_at ? 0 : (int64_t)i);
    ret_args[1] = i % 3 ? PG_TEXT(str_from(c->text)) : PG_NULL();
    ret_args[2] = PG_F64(0.5 * (double)i);
    ret_args[3] = PG_BOOL(i % 2);
    ret_args[4] = PG_BYTES(STR("\0\xff"));
    ret_args[5] = PG_I64S(c->ids, i % 5 ? 2 : 0);
    ret_args[6] = PG_TEXTS(c->words, i % 7 ? 2 : 0);
    ret_args[7] = PG_TIME(i % 11 ? 1767225600123 + (int64_t)i : WALL_NONE);
    ret_args[8] = PG_JSON(STR("{\"k\": [1, \"\\t\"]}"));
    ret_args[9] = PG_I32(-(int32_t)i);
    if (c->vectors)
        ret_args[10] = PG_HALFVEC(c->vec, ARRAY_COUNT(c->vec));
}

static const char columns[] =
    "id bigint primary key, body text, f double precision, b boolean, "
    "raw bytea, ids bigint[], words text[], at timestamptz, j jsonb, n integer";

static int copy_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    char sql[1024];
    struct copy_rows rows = {.bad_at = SIZE_MAX};
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, 0, "select to_regtype('halfvec') is not null", PG_NO_ARGS, &r));
    rows.vectors = pg_bool(&r, 0, 0);
    snprintf(sql, sizeof(sql), "create table one (%s%s); create table two (like one including all)",
             columns, rows.vectors ? ", v halfvec(8)" : "");
    ok(f, pg_script(f, p, sql));
    size_t count = rows.vectors ? 11 : 10;

    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    ok(f, pg_begin(f, p, 3, &tx));
    int64_t copied = 0;
    ok(f, pg_copy(f, &tx, "copy one from stdin (format binary)", ROW_COUNT, count, make_copy_row,
                  &rows, &copied));
    assert_int_equal(copied, ROW_COUNT);
    ok(f, pg_copy(f, &tx, "copy two from stdin", ROW_COUNT, count, make_copy_row, &rows, &copied));
    assert_int_equal(copied, ROW_COUNT);
    /* Both formats and bound parameters tell the server the same. */
    ok(f, pg_query(f, &tx, "select count(*) from (select * from one intersect select * from two) x",
                   PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), ROW_COUNT);
    snprintf(sql, sizeof(sql), "insert into two values ($1+%d,$2,$3,$4,$5,$6,$7,$8,$9,$10%s)", 0,
             rows.vectors ? ",$11" : "");
    ok(f, pg_query(f, &tx, "delete from two", PG_NO_ARGS, &r));
    assert_int_equal(r.affected, ROW_COUNT);
    int64_t affected = 0;
    ok(f, pg_each(f, &tx, sql, ROW_COUNT, count, make_copy_row, &rows, &affected));
    assert_int_equal(affected, ROW_COUNT);
    ok(f, pg_query(f, &tx, "select count(*) from (select * from one intersect select * from two) x",
                   PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), ROW_COUNT);
    ok(f, pg_query(f, &tx, "select current_setting('deskstream.tenant_id')", PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), 3);
    ok(f, pg_commit(f, &tx));

    /* No rows at all; a COPY that fails at once; one that fails in the middle; no COPY. */
    static const struct {
        const char *sql;
        size_t row_count;
        size_t bad_at;
        int want;
    } cases[] = {
        {"copy one from stdin (format binary)", 0, SIZE_MAX, 0},
        {"copy one from stdin", 0, SIZE_MAX, 0},
        {"copy nothing_like_that from stdin", 5, SIZE_MAX, E_DB},
        {"copy two (id) from stdin", 5, SIZE_MAX, E_DB},
        {"copy one from stdin (format binary)", ROW_COUNT, 5, E_DB_CONFLICT},
        {"copy one from stdin", ROW_COUNT, 5, E_DB_CONFLICT},
        {"select 1", 5, SIZE_MAX, E_DB},
        {"set search_path to public", 5, SIZE_MAX, E_DB},
        {"copy one to stdout", 5, SIZE_MAX, E_DB},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        rows.bad_at = cases[i].bad_at;
        ok(f, pg_begin(f, p, 0, &tx));
        int got = pg_copy(f, &tx, cases[i].sql, cases[i].row_count, count, make_copy_row, &rows,
                          &copied);
        if (got != cases[i].want && !(got == E_DB_AWAY && i == ARRAY_COUNT(cases) - 1))
            fail_msg("%s: %s: %s", cases[i].sql, err_name(got), f->err.msg);
        pg_end(&tx);
    }
    ok(f, pg_once(f, p, 0, "select count(*) from one", PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), ROW_COUNT);
    return 0;
}

static void copy_takes_every_kind_in_both_formats(void **state)
{
    (void)state;
    pg_test_run(copy_flow, NULL);
}

/* ---- each ---- */

struct each_rows {
    size_t bad_at;
    struct str fat; /* sent with every row */
};

static void make_each_row(void *rows, size_t i, struct pg_arg *ret_args)
{
    struct each_rows *e = rows;
    ret_args[0] = PG_I64(i == e->bad_at ? 0 : (int64_t)i);
    ret_args[1] = PG_TEXT(e->fat);
}

static int each_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    ok(f, pg_script(f, p, "create table lines (id bigint primary key, body text)"));
    struct each_rows rows = {.bad_at = 700};
    int64_t affected = -1;
    {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, p, 0, &tx));
        int r = pg_each(f, &tx, "insert into lines values ($1, $2)", 5000, 2, make_each_row, &rows,
                        &affected);
        assert_int_equal(r, E_DB_CONFLICT);
        assert_non_null(strstr(f->err.msg, "row 700"));
        assert_int_equal(affected, -1);
    }
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    ok(f, pg_begin(f, p, 0, &tx));
    ok(f,
       pg_each(f, &tx, "insert into lines values ($1, $2)", 0, 2, make_each_row, &rows, &affected));
    assert_int_equal(affected, 0);
    /* Large rows both ways: whoever does not read while it writes stands still for ever. */
    struct buf fat = BUF_INIT(0);
    for (int i = 0; i < 100000; i++)
        buf_byte(&fat, (char)('a' + i % 26));
    rows = (struct each_rows){.bad_at = SIZE_MAX, .fat = buf_view(&fat)};
    ok(f, pg_each(f, &tx, "select $1::bigint, $2::text || $2::text", 300, 2, make_each_row, &rows,
                  &affected));
    assert_int_equal(affected, 300);
    buf_done(&fat);
    ok(f, pg_commit(f, &tx));
    assert_int_equal(pg_pool_stats(p).connect_count, 2);
    return 0;
}

static void each_names_the_failing_row_and_never_jams(void **state)
{
    (void)state;
    pg_test_run(each_flow, NULL);
}

/* ---- migrations ---- */

static const struct migration first[] = {
    {1, "001-base", "create table deskstream.a (id bigint); insert into deskstream.a values (1)"},
    {2, "002-more", "create table deskstream.b (id bigint);\ncreate index on deskstream.b (id);"},
};
static const struct migration changed[] = {
    {1, "001-base", "create table deskstream.a (id bigint); insert into deskstream.a values (2)"},
    {2, "002-more", "create table deskstream.b (id bigint);\ncreate index on deskstream.b (id);"},
};
static const struct migration broken[] = {
    {1, "001-base", "create table deskstream.a (id bigint); insert into deskstream.a values (1)"},
    {2, "002-more", "create table deskstream.b (id bigint);\ncreate index on deskstream.b (id);"},
    {3, "003-broken", "create table deskstream.c (id bigint); select wrong"},
};

static int migrator(struct flow *f, void *arg)
{
    int applied = 0;
    int r = migrate_apply(f, arg, first, ARRAY_COUNT(first), &applied);
    return r < 0 ? r : 0;
}

static int migrate_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        for (int i = 0; i < 3; i++)
            ok(f, group_spawn(&g, "migrator", migrator, p));
        ok(f, group_wait(f, &g));
    }
    int applied = -1;
    ok(f, migrate_apply(f, p, first, ARRAY_COUNT(first), &applied));
    assert_int_equal(applied, 0);
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, 0, "select count(*) from deskstream.a", PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), 1);

    assert_int_equal(migrate_apply(f, p, changed, 2, &applied), E_DB);
    assert_non_null(strstr(f->err.msg, "001-base was changed"));
    assert_int_equal(migrate_apply(f, p, first, 1, &applied), E_DB);
    assert_non_null(strstr(f->err.msg, "newer program"));
    assert_int_equal(migrate_apply(f, p, broken, 3, &applied), E_DB);
    assert_non_null(strstr(f->err.msg, "003-broken"));
    ok(f, pg_once(f, p, 0, "select to_regclass('deskstream.c') is null", PG_NO_ARGS, &r));
    assert_true(pg_bool(&r, 0, 0));
    return 0;
}

static void migrations_run_once_whoever_comes_first(void **state)
{
    (void)state;
    pg_test_run(migrate_flow, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_every_kind_in_both_formats),
        cmocka_unit_test(each_names_the_failing_row_and_never_jams),
        cmocka_unit_test(migrations_run_once_whoever_comes_first),
    };
    return pg_test_main(tests);
}
