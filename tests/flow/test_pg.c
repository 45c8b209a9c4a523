/*
 * Statements, values, tenants and errors against a real PostgreSQL.
 */
#include "flow/pg_test.h"

/* ---- values ---- */

static int values_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    ok(f, pg_begin(f, p, 7, &tx));
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    const struct str korean = STR("환불 요청 \xf0\x9f\x99\x82 'quoted' \\ back");
    const int64_t ids[] = {1, -5, INT64_MAX, INT64_MIN};
    const struct str texts[] = {STR("a,b"), STR("{\"x\"}"), STR(""), STR("NULL"),
                                STR("back\\slash 한글")};
    ok(f,
       pg_query(f, &tx,
                "select $1::bigint, $2::text, $3::float8, $4::bool, $5::bytea, $6::bigint[], "
                "$7::text[], $8::timestamptz, $9::text, current_setting('deskstream.tenant_id'), "
                "($10::jsonb)->>'k', $11::bigint[], $12::text[], $13::int4",
                PG_ARGS(PG_I64(INT64_MIN), PG_TEXT(korean), PG_F64(0.1), PG_BOOL(true),
                        PG_BYTES(STR("\0\1\xff")), PG_I64S(ids, 4), PG_TEXTS(texts, 5),
                        PG_TIME(1767225600123), PG_NULL(), PG_JSON(STR("{\"k\": \"v\"}")),
                        PG_I64S(NULL, 0), PG_TEXTS(NULL, 0), PG_I32(-3)),
                &r));
    assert_int_equal(r.row_count, 1);
    assert_true(pg_i64(&r, 0, 0) == INT64_MIN);
    assert_true(str_eq(pg_text(&r, 0, 1), korean));
    assert_true(pg_f64(&r, 0, 2) == 0.1);
    assert_true(pg_bool(&r, 0, 3));
    assert_true(str_eq(pg_text(&r, 0, 4), STR("\\x0001ff")));
    assert_true(str_eq(pg_text(&r, 0, 5), STR("{1,-5,9223372036854775807,-9223372036854775808}")));
    assert_true(str_eq(pg_text(&r, 0, 6),
                       STR("{\"a,b\",\"{\\\"x\\\"}\",\"\",\"NULL\",\"back\\\\slash 한글\"}")));
    assert_true(pg_time(&r, 0, 7) == 1767225600123);
    assert_true(pg_is_null(&r, 0, 8));
    assert_int_equal(pg_text(&r, 0, 8).len, 0);
    assert_true(pg_time(&r, 0, 8) == WALL_NONE);
    assert_true(str_eq(pg_text(&r, 0, 9), STR("7")));
    assert_true(str_eq(pg_text(&r, 0, 10), STR("v")));
    assert_true(str_eq(pg_text(&r, 0, 11), STR("{}")));
    assert_true(str_eq(pg_text(&r, 0, 12), STR("{}")));
    assert_int_equal(pg_i64(&r, 0, 13), -3);

    /* A second time over the same result: the first is released. No rows; times before 1970. */
    ok(f, pg_query(f, &tx, "select $1::timestamptz where $2", PG_ARGS(PG_TIME(-1), PG_BOOL(true)),
                   &r));
    assert_true(pg_time(&r, 0, 0) == -1);
    ok(f, pg_query(f, &tx, "select $1::timestamptz where $2",
                   PG_ARGS(PG_TIME(WALL_NONE), PG_BOOL(false)), &r));
    assert_int_equal(r.row_count, 0);

    struct buf big = BUF_INIT(0);
    for (size_t i = 0; i < (1 << 20) / 3; i++)
        buf_text(&big, "글");
    ok(f, pg_query(f, &tx, "select $1::text, length($1), octet_length($1)",
                   PG_ARGS(PG_TEXT(buf_view(&big))), &r));
    assert_true(str_eq(pg_text(&r, 0, 0), buf_view(&big)));
    assert_int_equal(pg_i64(&r, 0, 1), (1 << 20) / 3);
    buf_done(&big);

    /* What PostgreSQL's text cannot hold is replaced, in plain texts and within arrays. */
    const struct str bad = STR("a\0b\xff"
                               "c");
    ok(f, pg_query(f, &tx, "select $1::text, ($2::text[])[1]",
                   PG_ARGS(PG_TEXT(bad), PG_TEXTS(&bad, 1)), &r));
    assert_true(str_eq(pg_text(&r, 0, 0), STR("a\xef\xbf\xbd"
                                              "b\xef\xbf\xbd"
                                              "c")));
    assert_true(str_eq(pg_text(&r, 0, 1), STR("a\xef\xbf\xbd"
                                              "b\xef\xbf\xbd"
                                              "c")));
    ok(f, pg_commit(f, &tx));
    return 0;
}

static void values_come_back_as_they_went(void **state)
{
    (void)state;
    pg_test_run(values_flow, NULL);
}

/* ---- half vectors ---- */

static int halfvec_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f,
       pg_once(f, p, 0, "select count(*) from pg_type where typname = 'halfvec'", PG_NO_ARGS, &r));
    if (pg_i64(&r, 0, 0) == 0) {
        print_message("skipped: no extension vector with halfvec\n");
        return 0;
    }
    const float v[] = {1, -0.5f, 0.1f, 65504, 6e-8f, 0};
    ok(f,
       pg_once(f, p, 0, "select $1::halfvec, $2::text::halfvec = $1::halfvec, $1::halfvec <=> $1",
               PG_ARGS(PG_HALFVEC(v, 6), PG_TEXT(STR("[1,-0.5,0.1,65504,6e-8,0]"))), &r));
    assert_true(str_starts(pg_text(&r, 0, 0), STR("[1,-0.5,0.099975586,65504,")));
    assert_true(pg_bool(&r, 0, 1)); /* our rounding is the server's */
    return 0;
}

static void half_vectors_are_bound_in_binary(void **state)
{
    (void)state;
    pg_test_run(halfvec_flow, NULL);
}

/* ---- transactions and tenants ---- */

static int64_t count_rows(struct flow *f, struct pg_pool *p, int64_t tenant_id)
{
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, tenant_id, "select count(*) from notes", PG_NO_ARGS, &r));
    return pg_i64(&r, 0, 0);
}

static int tenants_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    ok(f, pg_script(f, p,
                    "create table notes (tenant_id bigint not null, id bigint not null, body text,"
                    " primary key (tenant_id, id));"
                    "alter table notes enable row level security;"
                    "alter table notes force row level security;"
                    "create policy tenant on notes using"
                    " (tenant_id = current_setting('deskstream.tenant_id')::bigint)"));
    const char *insert = "insert into notes values ($1, $2, $3)";
    for (int64_t tenant = 1; tenant <= 2; tenant++) {
        struct pg_result r = PG_RESULT_INIT;
        ok(f, pg_once(f, p, tenant, insert, PG_ARGS(PG_I64(tenant), PG_I64(1), PG_NULL()), &r));
        assert_int_equal(r.affected, 1);
        pg_result_done(&r);
    }
    assert_int_equal(count_rows(f, p, 1), 1);
    assert_int_equal(count_rows(f, p, 2), 1);
    assert_int_equal(count_rows(f, p, 3), 0);
    assert_int_equal(count_rows(f, p, 0), 0);

    /* A row of somebody else is refused, and the connection is fine afterwards. */
    int r = pg_once(f, p, 1, insert, PG_ARGS(PG_I64(2), PG_I64(9), PG_NULL()), NULL);
    assert_int_equal(r, E_DB);
    assert_non_null(strstr(f->err.msg, "42501"));
    assert_int_equal(count_rows(f, p, 2), 1);

    /* Left without commit: nothing stays. A transaction without statements is nothing. */
    {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, p, 1, &tx));
        ok(f, pg_query(f, &tx, insert, PG_ARGS(PG_I64(1), PG_I64(2), PG_NULL()), NULL));
        ok(f, pg_query(f, &tx, insert, PG_ARGS(PG_I64(1), PG_I64(3), PG_NULL()), NULL));
    }
    {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, p, 1, &tx));
        ok(f, pg_commit(f, &tx));
    }
    assert_int_equal(count_rows(f, p, 1), 1);
    struct pg_stats s = pg_pool_stats(p);
    assert_int_equal(s.open_count, 1);
    assert_int_equal(s.idle_count, 1);
    return 0;
}

static void a_tenant_sees_its_own_rows_only(void **state)
{
    (void)state;
    pg_test_run(tenants_flow, NULL);
}

/* ---- errors ---- */

static int errors_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    ok(f, pg_script(f, p, "create table things (id bigint primary key, n integer)"));
    const char *insert = "insert into things values ($1, $2)";
    ok(f, pg_once(f, p, 0, insert, PG_ARGS(PG_I64(1), PG_I64(0)), NULL));
    assert_int_equal(pg_once(f, p, 0, insert, PG_ARGS(PG_I64(1), PG_I64(0)), NULL), E_DB_CONFLICT);
    assert_int_equal(pg_once(f, p, 0, "select wrong", PG_NO_ARGS, NULL), E_DB);
    assert_int_equal(pg_once(f, p, 0, "select 1; select 2", PG_NO_ARGS, NULL), E_DB);

    /* After a failure the transaction is over, whatever is tried. */
    {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, p, 0, &tx));
        ok(f, pg_query(f, &tx, insert, PG_ARGS(PG_I64(2), PG_I64(0)), NULL));
        assert_int_equal(pg_query(f, &tx, insert, PG_ARGS(PG_I64(2), PG_I64(0)), NULL),
                         E_DB_CONFLICT);
        assert_int_equal(pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL), E_DB);
        assert_int_equal(pg_commit(f, &tx), E_DB);
    }
    /* A statement whose Parse was skipped in a failed pipeline is prepared the next time. */
    assert_int_equal(
        pg_once(f, p, 0, "select $1::int4 / $2::int4", PG_ARGS(PG_I64(1), PG_I64(0)), NULL), E_DB);
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, 0, "select $1::int4 / $2::int4", PG_ARGS(PG_I64(4), PG_I64(2)), &r));
    assert_int_equal(pg_i64(&r, 0, 0), 2);
    assert_int_equal(pg_pool_stats(p).connect_count, 2); /* one for the script, one for all of it */

    /* Deferred checks fail when it ends. */
    ok(f, pg_script(f, p,
                    "create table parts (id bigint primary key, of bigint references things"
                    " deferrable initially deferred)"));
    assert_int_equal(pg_once(f, p, 0, "insert into parts values (1, 99)", PG_NO_ARGS, NULL), E_DB);
    assert_non_null(strstr(f->err.msg, "23503"));
    ok(f, pg_once(f, p, 0, "insert into parts values (1, 1)", PG_NO_ARGS, NULL));
    return 0;
}

static void errors_have_codes_and_break_the_transaction(void **state)
{
    (void)state;
    pg_test_run(errors_flow, NULL);
}

static int serialization_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    ok(f, pg_script(f, p,
                    "create table seats (id bigint primary key, n bigint);"
                    "insert into seats values (1, 0)"));
    const char *serial = "set transaction isolation level repeatable read";
    _cleanup_(pg_end) struct pg_tx a = PG_TX_INIT;
    _cleanup_(pg_end) struct pg_tx b = PG_TX_INIT;
    ok(f, pg_begin(f, p, 0, &a));
    ok(f, pg_begin(f, p, 0, &b));
    /* The tenant's setting is a SELECT, so the level cannot be set any more: the server says so. */
    assert_int_equal(pg_query(f, &a, serial, PG_NO_ARGS, NULL), E_DB);
    pg_end(&a);
    pg_end(&b);

    ok(f, pg_begin(f, p, 0, &a));
    ok(f, pg_begin(f, p, 0, &b));
    ok(f, pg_query(f, &a, "select 1 from seats where id = 1 for update", PG_NO_ARGS, NULL));
    assert_int_equal(
        pg_query(f, &b, "select 1 from seats where id = 1 for update nowait", PG_NO_ARGS, NULL),
        E_DB_RETRY);
    return 0;
}

static void a_locked_row_asks_for_a_retry(void **state)
{
    (void)state;
    pg_test_run(serialization_flow, NULL);
}

static int stale_plan_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    ok(f, pg_script(f, p, "create table shape (a bigint); insert into shape values (1)"));
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, 0, "select * from shape", PG_NO_ARGS, &r));
    {
        _cleanup_(pg_end) struct pg_tx hold = PG_TX_INIT; /* so that the script takes another one */
        ok(f, pg_begin(f, p, 0, &hold));
        ok(f, pg_script(f, p, "alter table shape add column b bigint default 5"));
    }
    assert_int_equal(pg_once(f, p, 0, "select * from shape", PG_NO_ARGS, &r), E_DB_RETRY);
    ok(f, pg_once(f, p, 0, "select * from shape", PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 1), 5);
    return 0;
}

static void a_changed_table_costs_one_retry(void **state)
{
    (void)state;
    pg_test_run(stale_plan_flow, NULL);
}

static int many_statements_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 230; i++) {
            char sql[64];
            snprintf(sql, sizeof(sql), "select %d + $1::int4", i);
            ok(f, pg_once(f, p, 0, sql, PG_ARGS(PG_I64(1)), &r));
            assert_int_equal(pg_i64(&r, 0, 0), i + 1);
        }
    }
    ok(f, pg_once(f, p, 0, "select count(*) from pg_prepared_statements", PG_NO_ARGS, &r));
    assert_int_equal(pg_i64(&r, 0, 0), 201); /* 200 and the tenant's */
    assert_int_equal(pg_pool_stats(p).connect_count, 1);
    return 0;
}

static void old_prepared_statements_are_dropped(void **state)
{
    (void)state;
    pg_test_run(many_statements_flow, NULL);
}

/* ---- timeouts and connecting ---- */

static int timeout_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    assert_int_equal(pg_once(f, p, 0, "select pg_sleep(30)", PG_NO_ARGS, NULL), -ETIMEDOUT);
    ok(f, pg_once(f, p, 0, "select 1", PG_NO_ARGS, NULL));
    assert_int_equal(pg_pool_stats(p).connect_count, 1);
    return 0;
}

static void the_server_stops_long_statements(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_test t = {.fn = timeout_flow, .spec = pg_test_spec(2)};
    t.spec.statement_timeout_ms = 50;
    int r = pg_test_run_spec(&t, &err);
    if (r < 0)
        fail_msg("%s", err.msg);
}

static int away_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    assert_int_equal(pg_once(f, p, 0, "select 1", PG_NO_ARGS, NULL), E_DB_AWAY);
    assert_true(strlen(f->err.msg) > 10);
    assert_null(strstr(f->err.msg, "geheim"));
    assert_int_equal(pg_once(f, p, 0, "select 1", PG_NO_ARGS, NULL), E_DB_AWAY); /* resting */
    (void)arg;
    return 0;
}

static void a_server_that_is_away_is_told_at_once(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "postgresql://u:geheim@/x?host=/nonexistent",
        "postgresql://u:geheim@127.0.0.1:1/x",
        "postgresql://u:geheim@localhost:1,127.0.0.1:1/x",
        "postgresql://u:geheim@no-such-host.invalid/x",
        "host=/nonexistent,127.0.0.1 port=1 user=u password=geheim",
    };
    for (size_t i = 0; i < ARRAY_COUNT(urls); i++) {
        struct err err = {0};
        struct pg_test t = {.fn = away_flow, .spec = pg_test_spec(2)};
        t.spec.url = urls[i];
        int r = pg_test_run_spec(&t, &err);
        if (r < 0)
            fail_msg("%s: %s", urls[i], err.msg);
    }
    struct err err = {0};
    struct pg_test t = {.fn = away_flow, .spec = pg_test_spec(2)};
    t.spec.url = "postgresql://u:geheim@[broken/x";
    assert_int_equal(pg_test_run_spec(&t, &err), E_CONFIG);
    assert_null(strstr(err.msg, "geheim"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(half_vectors_are_bound_in_binary),
        cmocka_unit_test(a_tenant_sees_its_own_rows_only),
        cmocka_unit_test(errors_have_codes_and_break_the_transaction),
        cmocka_unit_test(a_locked_row_asks_for_a_retry),
        cmocka_unit_test(a_changed_table_costs_one_retry),
        cmocka_unit_test(old_prepared_statements_are_dropped),
        cmocka_unit_test(the_server_stops_long_statements),
        cmocka_unit_test(a_server_that_is_away_is_told_at_once),
    };
    return pg_test_main(tests);
}
