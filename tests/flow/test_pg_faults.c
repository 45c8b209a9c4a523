/*
 * What goes wrong: cancelled flows, killed backends, too few connections, and torture.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/rng.h"
#include "flow/pg_test.h"

static int64_t one_i64(struct flow *f, struct pg_pool *p, const char *sql)
{
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f, pg_once(f, p, 0, sql, PG_NO_ARGS, &r));
    return pg_i64(&r, 0, 0);
}

/* A child that runs one statement, in a transaction of its own or in one round trip. */
struct sleeper {
    struct pg_pool *pool;
    const char *sql;
    bool in_tx;
    int got, then;
    char said[256];
};

static int sleeper_flow(struct flow *f, void *arg)
{
    struct sleeper *s = arg;
    s->got = s->then = 1;
    if (!s->in_tx) {
        s->got = pg_once(f, s->pool, 0, s->sql, PG_NO_ARGS, NULL);
    } else {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, s->pool, 0, &tx));
        ok(f, pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL));
        s->got = pg_query(f, &tx, s->sql, PG_NO_ARGS, NULL);
        snprintf(s->said, sizeof(s->said), "%s", f->err.msg);
        s->then = pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL);
    }
    if (s->said[0] == '\0')
        snprintf(s->said, sizeof(s->said), "%s", f->err.msg);
    return 0;
}

/* Waits until the server runs a statement that contains pg_sleep; returns its backend. */
static int64_t wait_for_sleeper(struct flow *f, struct pg_pool *p)
{
    for (;;) {
        int64_t pid = one_i64(f, p,
                              "select coalesce(max(pid), 0) from pg_stat_activity where datname = "
                              "current_database() and wait_event = 'PgSleep'");
        if (pid)
            return pid;
        ok(f, flow_yield(f));
    }
}

static void kill_backend(struct flow *f, struct pg_pool *p, int64_t pid)
{
    _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
    ok(f,
       pg_once(f, p, 0, "select pg_terminate_backend($1::int4, 10000)", PG_ARGS(PG_I64(pid)), &r));
    assert_true(pg_bool(&r, 0, 0));
}

/* ---- cancel ---- */

static int cancel_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++) {
        struct sleeper s = {.pool = p, .sql = "select pg_sleep(600)", .in_tx = i % 2};
        _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
        ok(f, group_spawn(&g, "sleeper", sleeper_flow, &s));
        int64_t pid = wait_for_sleeper(f, p);
        group_cancel(&g);
        group_join(&g);
        assert_int_equal(s.got, -ECANCELED);
        assert_int_equal(s.then, s.in_tx ? -ECANCELED : 1);
        /* The same connection serves on: the statement was stopped, not the connection cut. */
        assert_int_equal(pg_pool_stats(p).open_count, 2);
        assert_int_equal(pg_pool_stats(p).idle_count, 2);
        _cleanup_(pg_result_done) struct pg_result r = PG_RESULT_INIT;
        ok(f, pg_once(f, p, 0,
                      "select state = 'idle' or pid = pg_backend_pid() from pg_stat_activity"
                      " where pid = $1::int4",
                      PG_ARGS(PG_I64(pid)), &r));
        assert_int_equal(r.row_count, 1);
        assert_true(pg_bool(&r, 0, 0));
    }
    return 0;
}

static void a_cancelled_statement_is_stopped(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_test t = {.fn = cancel_flow, .spec = pg_test_spec(4)};
    t.spec.statement_timeout_ms = 0; /* only the cancel can end it in time */
    int r = pg_test_run_spec(&t, &err);
    if (r < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(t.stats.connect_count, 2);
}

/* ---- killed backends ---- */

static int kill_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    struct pg_pool *killer;
    struct pg_spec spec = pg_test_spec(1);
    ok(f, pg_pool_new(f->loop, &spec, &killer, &f->err));

    /* Idle, found at the lease: nothing was executed, so the next one does not notice. */
    int64_t pid = one_i64(f, p, "select pg_backend_pid()");
    kill_backend(f, killer, pid);
    assert_true(one_i64(f, p, "select pg_backend_pid()") != pid);

    /* Idle, found by the poll handle: it leaves the pool by itself. */
    kill_backend(f, killer, one_i64(f, p, "select pg_backend_pid()"));
    while (pg_pool_stats(p).open_count > 0) {
        one_i64(f, killer, "select 1");
        ok(f, flow_yield(f));
    }

    /* Leased, before the first statement and within the transaction. */
    for (int statements = 0; statements < 2; statements++) {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        pid = one_i64(f, p, "select pg_backend_pid()");
        ok(f, pg_begin(f, p, 0, &tx));
        for (int i = 0; i < statements; i++)
            ok(f, pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL));
        kill_backend(f, killer, pid);
        /* As long as nothing was executed the transaction moves to another connection. */
        int want = statements ? E_DB_AWAY : 0;
        assert_int_equal(pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL), want);
        assert_int_equal(pg_commit(f, &tx), want);
    }
    assert_true(one_i64(f, p, "select pg_backend_pid()") != pid);

    /* In the middle of a statement. */
    for (int i = 0; i < 2; i++) {
        struct sleeper s = {.pool = p, .sql = "select pg_sleep(600)", .in_tx = i};
        _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
        ok(f, group_spawn(&g, "sleeper", sleeper_flow, &s));
        kill_backend(f, killer, wait_for_sleeper(f, killer));
        ok(f, group_wait(f, &g));
        assert_int_equal(s.got, E_DB_AWAY);
        assert_non_null(strstr(s.said, "57P01")); /* the server's own words came through */
        assert_int_equal(s.then, i ? E_DB_AWAY : 1);
    }
    assert_int_equal(one_i64(f, p, "select 1"), 1);
    pg_pool_close(f, killer);
    pg_pool_free(killer);
    return 0;
}

static void killed_backends_are_replaced(void **state)
{
    (void)state;
    pg_test_run(kill_flow, NULL);
}

/* ---- limits in time, on the real clock ---- */

static int deadline_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    {
        _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
        ok(f, pg_begin(f, p, 0, &tx));
        _cleanup_(deadline_done) struct deadline d = deadline(f, 50);
        assert_int_equal(pg_query(f, &tx, "select pg_sleep(600)", PG_NO_ARGS, NULL), -ETIMEDOUT);
    }
    assert_int_equal(one_i64(f, p, "select 1"), 1);
    return 0;
}

static int silent_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    assert_int_equal(pg_once(f, p, 0, "select 1", PG_NO_ARGS, NULL), E_DB_AWAY);
    assert_non_null(strstr(f->err.msg, "in time"));
    return 0;
}

static void deadlines_hold(void **state)
{
    (void)state;
    struct err err = {0};
    struct pg_test t = {.fn = deadline_flow, .spec = pg_test_spec(2), .real_clock = true};
    int r = pg_test_run_spec(&t, &err);
    if (r < 0)
        fail_msg("%s", err.msg);

    /* The kernel accepts for a listener that never answers. */
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(here);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &len), 0);
    char url[64];
    snprintf(url, sizeof(url), "postgresql://u@127.0.0.1:%d/x", ntohs(here.sin_port));
    t = (struct pg_test){.fn = silent_flow, .spec = pg_test_spec(2), .real_clock = true};
    t.spec.url = url;
    t.spec.connect_timeout_ms = 50;
    r = pg_test_run_spec(&t, &err);
    close(fd);
    if (r < 0)
        fail_msg("%s", err.msg);
}

/* ---- the pool is too small ---- */

struct guest {
    struct pg_pool *pool;
    int *next;
    int place; /* when it was served; 0: never */
    int got;
    struct flow *flow;
};

static int guest_flow(struct flow *f, void *arg)
{
    struct guest *g = arg;
    g->flow = f;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    g->got = pg_begin(f, g->pool, 0, &tx);
    if (g->got < 0)
        return 0;
    g->place = ++*g->next;
    ok(f, pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL));
    /* With everything handed on in order nobody can get in between. */
    ok(f, pg_commit(f, &tx));
    return 0;
}

static int queue_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    bool *spoil = arg;
    struct guest guests[6];
    int next = 0;
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    ok(f, pg_begin(f, p, 0, &tx));
    ok(f, pg_query(f, &tx, "select 1", PG_NO_ARGS, NULL));
    for (int i = 0; i < 6; i++) {
        guests[i] = (struct guest){.pool = p, .next = &next};
        ok(f, group_spawn(&g, "guest", guest_flow, &guests[i]));
        ok(f, flow_yield(f));
    }
    assert_int_equal(pg_pool_stats(p).waiting_count, 6);
    flow_cancel(guests[2].flow);
    if (*spoil) /* then not a connection but the right to open one is handed on */
        assert_int_equal(pg_query(f, &tx, "select wrong; x", PG_NO_ARGS, NULL), E_DB);
    pg_end(&tx);
    flow_cancel(guests[0].flow); /* just after it was given the connection: it passes it on */
    ok(f, group_wait(f, &g));
    static const int want[] = {0, 1, 0, 2, 3, 4};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(guests[i].place, want[i]);
        assert_int_equal(guests[i].got, want[i] ? 0 : -ECANCELED);
    }
    assert_int_equal(pg_pool_stats(p).open_count, 1);
    return 0;
}

static void waiting_is_first_come_first_served(void **state)
{
    (void)state;
    for (int spoil = 0; spoil < 2; spoil++) {
        struct err err = {0};
        bool arg = spoil;
        struct pg_test t = {.fn = queue_flow, .arg = &arg, .spec = pg_test_spec(1)};
        int r = pg_test_run_spec(&t, &err);
        if (r < 0)
            fail_msg("%s", err.msg);
    }
}

/* ---- many at once, some cancelled anywhere ---- */

#define STORM_FLOW_COUNT 60

struct stormer {
    struct pg_pool *pool;
    struct rng rng;
    struct flow *flow; /* NULL: not begun or over */
    int done;          /* steps */
    int got;           /* of the last one */
};

static void make_row(void *rows, size_t i, struct pg_arg *ret_args)
{
    (void)rows;
    ret_args[0] = PG_I64((int64_t)i);
    ret_args[1] = PG_TEXT(STR("row"));
}

static int storm_step(struct flow *f, struct stormer *s)
{
    if (rng_below(&s->rng, 3) == 0)
        return pg_once(f, s->pool, 1, "select pg_sleep(0.001)", PG_NO_ARGS, NULL);
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    int r = pg_begin(f, s->pool, 1, &tx);
    if (r < 0)
        return r;
    r = pg_query(f, &tx, "create temporary table storm (id bigint, body text) on commit drop",
                 PG_NO_ARGS, NULL);
    if (r < 0)
        return r;
    if (rng_below(&s->rng, 2))
        r = pg_copy(f, &tx, "copy storm from stdin (format binary)", 2000, 2, make_row, NULL, NULL);
    else
        r = pg_each(f, &tx, "insert into pg_temp.storm values ($1, $2)", 300, 2, make_row, NULL,
                    NULL);
    if (r < 0)
        return r;
    return rng_below(&s->rng, 4) ? pg_commit(f, &tx) : 0;
}

static int stormer_flow(struct flow *f, void *arg)
{
    struct stormer *s = arg;
    s->flow = f;
    int r = 0;
    /* A statement prepared for a temporary table that is gone by now may ask for a retry. */
    for (int i = 0; i < 4 && (r >= 0 || r == E_DB_RETRY); i++, s->done++)
        r = storm_step(f, s);
    s->got = r;
    s->flow = NULL;
    if (r < 0 && r != -ECANCELED && r != E_DB_RETRY)
        fail_msg("%s: %s", err_name(r), f->err.msg);
    return 0;
}

static int storm_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    static struct stormer stormers[STORM_FLOW_COUNT];
    struct rng rng = {*(uint64_t *)arg};
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    for (size_t i = 0; i < STORM_FLOW_COUNT; i++) {
        stormers[i] = (struct stormer){.pool = p, .rng = {rng_next(&rng)}};
        ok(f, group_spawn(&g, "stormer", stormer_flow, &stormers[i]));
    }
    for (int i = 0; i < STORM_FLOW_COUNT / 2; i++) {
        for (uint64_t turns = rng_below(&rng, 40); turns > 0; turns--)
            ok(f, flow_yield(f));
        struct stormer *s = &stormers[rng_below(&rng, STORM_FLOW_COUNT)];
        if (s->flow)
            flow_cancel(s->flow);
    }
    ok(f, group_wait(f, &g));
    size_t whole = 0, cancelled = 0;
    for (size_t i = 0; i < STORM_FLOW_COUNT; i++) {
        whole += stormers[i].got == 0 && stormers[i].done == 4;
        cancelled += stormers[i].got == -ECANCELED;
    }
    assert_true(whole > 0 && cancelled > 0);
    struct pg_stats stats = pg_pool_stats(p);
    assert_true(stats.open_count <= 3 && stats.idle_count == stats.open_count);
    assert_int_equal(stats.waiting_count, 0);
    assert_int_equal(one_i64(f, p, "select 1"), 1);
    return 0;
}

static void a_storm_leaves_a_calm_pool(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct err err = {0};
        struct pg_test t = {.fn = storm_flow, .arg = &seed, .spec = pg_test_spec(3)};
        int r = pg_test_run_spec(&t, &err);
        if (r < 0)
            fail_msg("seed %" PRIu64 ": %s", seed, err.msg);
    }
}

/* ---- torture ---- */

/* A small use case: each call may fail. What it leaves is checked by torture_check. */
static int torture_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    int r = pg_once(f, p, 1, "insert into log values ('begun', $1)", PG_ARGS(PG_I64(1)), NULL);
    if (r < 0)
        return r;
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    r = pg_begin(f, p, 1, &tx);
    if (r < 0)
        return r;
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    r = pg_query(f, &tx, "select count(*) from left_side", PG_NO_ARGS, &rows);
    if (r < 0)
        return r;
    r = pg_each(f, &tx, "insert into left_side values ($1, $2)", 200, 2, make_row, NULL, NULL);
    if (r < 0)
        return r;
    r = pg_script_in(f, &tx, "select 1; select 2");
    if (r < 0)
        return r;
    r = pg_copy(f, &tx, "copy right_side from stdin (format binary)", 5000, 2, make_row, NULL,
                NULL);
    if (r < 0)
        return r;
    return pg_commit(f, &tx);
}

static int torture_check(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    int64_t left = one_i64(f, p, "select count(*) from left_side");
    int64_t right = one_i64(f, p, "select count(*) from right_side");
    assert_true((left == 0 && right == 0) || (left == 200 && right == 5000));
    assert_int_equal(one_i64(f, p,
                             "select count(*) from pg_stat_activity where datname ="
                             " current_database() and state like 'idle in transaction%'"),
                     0);
    return pg_script(f, p, "truncate left_side, right_side, log");
}

static int torture_tables(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    return pg_script(f, p,
                     "create table log (what text, n bigint);"
                     "create table left_side (id bigint primary key, body text);"
                     "create table right_side (id bigint primary key, body text)");
}

static void torture_leaves_all_or_nothing(void **state)
{
    (void)state;
    pg_test_run(torture_tables, NULL);
    for (uint64_t n = 1;; n++) {
        struct err err = {0};
        struct pg_test t = {.fn = torture_flow, .spec = pg_test_spec(2)};
        fault_arm(n);
        int r = pg_test_run_spec(&t, &err);
        bool fired = fault_fired();
        fault_arm(0);
        pg_test_run(torture_check, NULL);
        if (!fired) {
            assert_int_equal(r, 0);
            assert_true(n > 8);
            break;
        }
        assert_true(r < 0);
        assert_true(strlen(err.msg) > 0);
    }
    for (uint64_t n = 1;; n++) {
        struct err err = {0};
        struct pg_test t = {.fn = torture_flow, .spec = pg_test_spec(2), .cancel_at_wait = n};
        int r = pg_test_run_spec(&t, &err);
        pg_test_run(torture_check, NULL);
        if (t.wait_count < n) {
            assert_int_equal(r, 0);
            assert_true(n > 8);
            break;
        }
        assert_true(r == -ECANCELED || r == 0); /* 0: the cancel came while the pool was closing */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cancelled_statement_is_stopped),
        cmocka_unit_test(killed_backends_are_replaced),
        cmocka_unit_test(deadlines_hold),
        cmocka_unit_test(waiting_is_first_come_first_served),
        cmocka_unit_test(a_storm_leaves_a_calm_pool),
        cmocka_unit_test(torture_leaves_all_or_nothing),
    };
    return pg_test_main(tests);
}
