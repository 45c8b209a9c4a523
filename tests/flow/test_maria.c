/*
 * db/maria against a real MariaDB: streams, values, errors, cancelling, TLS, and a server that goes away.
 * Needs TEST_MARIADB_URL; TEST_MARIADB_DIR for what only the server's own machine can do.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "db/maria.h"
#include "support/torture.h"

static const char *test_url, *test_dir;

#define OK(f, call)                                                                                \
    do {                                                                                           \
        int ok_got_ = (call);                                                                      \
        if (ok_got_ < 0 && torture_is_on())                                                        \
            return ok_got_;                                                                        \
        if (ok_got_ < 0)                                                                           \
            return torture_check_status(__FILE__, __LINE__, #call, ok_got_, 0, (f)->err.msg);      \
    } while (0)

static int open_url(struct flow *f, const char *text, uint32_t statement_ms, struct maria **ret)
{
    struct db_url *url = ARENA_NEW(&f->arena, struct db_url);
    int r = db_url_parse(&f->arena, str_from(text), url, &f->err);
    if (r < 0)
        return r;
    struct maria_spec spec = {url, 5000, statement_ms, 9 * 3600};
    return maria_open(f, &spec, ret);
}

static int open_test(struct flow *f, struct maria **ret)
{
    return open_url(f, test_url, 20000, ret);
}

/* The test's URL with another user, or with parameters added. */
static const char *url_with(struct flow *f, const char *login, const char *params)
{
    const char *at = strrchr(test_url, '@');
    if (login)
        return arena_printf(&f->arena, "mysql+pymysql://%s%s%s", login, at, params).ptr;
    return arena_printf(&f->arena, "%s%s", test_url, params).ptr;
}

static int one(struct flow *f, struct maria *m, const char *sql, struct str *ret)
{
    struct maria_row *rows;
    size_t n;
    int r = maria_query(f, m, str_from(sql));
    if (r >= 0)
        r = maria_fetch(f, m, &f->arena, 10, &rows, &n);
    if (r < 0)
        return r;
    if (n != 1)
        return err_set(&f->err, E_DB, "%zu rows", n);
    *ret = rows[0].columns[0];
    return 0;
}

static int query(struct flow *f, struct maria *m, const char *sql)
{
    return maria_query(f, m, str_from(sql));
}

/* ---- values and streams ---- */

static int values_flow(struct flow *f, void *arg)
{
    (void)arg;
    static const struct str texts[] = {
        STR(""),
        STR("plain"),
        STR("한글 😀"),
        STR("' \" \\ ` ; -- /* */ %"),
        STR("a\0b\n\r\x1a"),
        STR("\\'; drop"),
    };
    static const char *const modes[] = {"''", "'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'"};
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    FLOW_CHECK(strstr(maria_version(m), "MariaDB") != NULL);
    for (size_t k = 0; k < ARRAY_COUNT(modes); k++) {
        OK(f, query(f, m, arena_printf(&f->arena, "set session sql_mode = %s", modes[k]).ptr));
        for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
            _cleanup_(buf_done) struct buf sql = BUF_INIT(0);
            buf_text(&sql, "select ");
            maria_text(&sql, texts[i]);
            struct str got;
            OK(f, one(f, m, sql.ptr, &got));
            FLOW_CHECK(got.ptr != NULL && str_eq(got, texts[i]));
            struct maria_row *rows;
            size_t n;
            OK(f, maria_fetch(f, m, &f->arena, 1, &rows, &n)); /* the end */
            FLOW_CHECK(n == 0);
        }
    }
    struct str got;
    OK(f, one(f, m, "select cast(null as char)", &got));
    FLOW_CHECK(got.ptr == NULL);
    return 0;
}

static int stream_flow(struct flow *f, void *arg)
{
    (void)arg;
    const size_t want = torture_is_on() ? 700 : 200000;
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    OK(f,
       query(f, m,
             arena_printf(&f->arena, "select seq, repeat('x', 300) from seq_1_to_%zu", want).ptr));
    size_t count = 0;
    for (;;) {
        _cleanup_(arena_done) struct arena a;
        arena_init(&a, 0);
        struct maria_row *rows;
        size_t n;
        OK(f, maria_fetch(f, m, &a, 500, &rows, &n));
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            int64_t seq;
            FLOW_CHECK(str_to_i64(rows[i].columns[0], &seq) && seq == (int64_t)(count + i + 1));
            FLOW_CHECK(rows[i].columns[1].len == 300);
        }
        count += n;
        FLOW_CHECK(a.bytes_used < 4 * MARIA_FETCH_BYTES);
    }
    FLOW_CHECK(count == want);
    OK(f, query(f, m, "do 1")); /* the connection is good for more */
    return 0;
}

/* A stream that is left in the middle, a transaction that is left open. */
static int leave_flow(struct flow *f, void *arg)
{
    (void)arg;
    {
        _cleanup_(maria_closep) struct maria *m = NULL;
        OK(f, open_test(f, &m));
        OK(f, query(f, m, "create or replace table chats_left (n int) engine = innodb"));
        OK(f, query(f, m, "start transaction"));
        OK(f, query(f, m, "insert into chats_left values (1), (2)"));
        FLOW_CHECK(maria_affected(m) == 2);
        OK(f, query(f, m, "select repeat('x', 1000) from seq_1_to_100000"));
        struct maria_row *rows;
        size_t n;
        OK(f, maria_fetch(f, m, &f->arena, 10, &rows, &n));
        FLOW_CHECK(n == 10);
        FLOW_EXPECT(f, query(f, m, "do 1"), E_DB_AWAY); /* rows are still to come */
    }
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    struct str got;
    OK(f, one(f, m, "select count(*) from chats_left", &got));
    FLOW_CHECK(str_eq(got, STR("0")));
    return 0;
}

/* ---- errors ---- */

static int errors_flow(struct flow *f, void *arg)
{
    (void)arg;
    static const struct {
        const char *sql;
        int want;
        const char *says;
    } rows[] = {
        {"select * from chats_that_are_not", E_DB, "chats_that_are_not"},
        {"selec", E_DB, "syntax"},
        {"insert into chats_errors values (1, 'x')", E_DB_CONFLICT, "1062"},
        {"insert into chats_errors values (2, 'much too long')", E_DB, "1406"},
        {"insert into chats_errors values (2, _utf8mb4 X'F09F9880')", E_DB, "1366"},
        {"select 1; select 2", E_DB, "syntax"},
        {"load data local infile '/etc/passwd' into table chats_errors", E_DB, "MariaDB"},
    };
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    OK(f, query(f, m,
                "create or replace table chats_errors (n int primary key, t varchar(5) character "
                "set latin1)"));
    OK(f, query(f, m, "insert into chats_errors values (1, 'a')"));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        FLOW_EXPECT(f, query(f, m, rows[i].sql), rows[i].want);
        if (strstr(f->err.msg, rows[i].says) == NULL)
            return torture_check_failed(__FILE__, __LINE__, f->err.msg);
        FLOW_CHECK(maria_refused(m) == (i == 3 || i == 4));
    }
    OK(f, query(f, m, "do 1"));
    return 0;
}

static int refused_flow(struct flow *f, void *arg)
{
    (void)arg;
    static const struct {
        const char *url; /* NULL: the test's, with another login */
        const char *login;
        int want;
        const char *says;
    } rows[] = {
        {NULL, "reader:wrong", E_DB, "1045"},
        {NULL, "reader:reader", 0, ""},
        {NULL, "nobody", E_DB, "1045"},
        {"mysql://root@127.0.0.1:1/chats", NULL, E_DB_AWAY, "2002"},
        {"mysql://root@[::1]:1/chats", NULL, E_DB_AWAY, "2002"},
        {"mysql://root@no-such-host.invalid/chats", NULL, E_DB_AWAY, "no-such-host.invalid"},
        {"mysql://root@/chats?unix_socket=/no/such/socket", NULL, E_DB_AWAY, "2002"},
        {"mysql://root@/chats?unix_socket=socket", NULL, E_CONFIG, "unix_socket"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct maria *m = NULL;
        int r = open_url(f, rows[i].url ? rows[i].url : url_with(f, rows[i].login, ""), 5000, &m);
        maria_close(m);
        if (torture_is_on())
            continue;
        if (r != rows[i].want || (r < 0 && strstr(f->err.msg, rows[i].says) == NULL) ||
            strstr(f->err.msg, "wrong"))
            return torture_check_status(__FILE__, (int)i, "open", r, rows[i].want, f->err.msg);
    }
    return 0;
}

static int tls_flow(struct flow *f, void *arg)
{
    (void)arg;
    char at[32];
    snprintf(at, sizeof(at), "%s", strrchr(test_url, ':') + 1); /* PORT/chats?... */
    *strchr(at, '/') = '\0';
    const struct {
        const char *host, *params;
        int want;
        bool encrypted;
    } rows[] = {
        {"127.0.0.1", "ssl=true", 0, true},
        {"127.0.0.1", "ssl_mode=REQUIRED", 0, true},
        {"localhost", "ssl_ca=%s/ca.pem", 0, true},
        {"127.0.0.1", "ssl_ca=%s/ca.pem", E_DB, false},      /* not the name it bears */
        {"localhost", "ssl_ca=%s/data/ca.pem", E_DB, false}, /* no such file */
        {"localhost", "ssl_ca=/etc/ssl/certs/ca-certificates.crt", E_DB, false}, /* not its CA */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char params[300];
        const char *mark = strstr(rows[i].params, "%s");
        snprintf(params, sizeof(params), "%.*s%s%s",
                 mark ? (int)(mark - rows[i].params) : (int)strlen(rows[i].params), rows[i].params,
                 mark ? test_dir : "", mark ? mark + 2 : "");
        const char *url = arena_printf(&f->arena, "mysql://reader:reader@%s:%s/chats?%s",
                                       rows[i].host, at, params)
                              .ptr;
        _cleanup_(maria_closep) struct maria *m = NULL;
        int r = open_url(f, url, 5000, &m);
        struct str got = STR("");
        if (r >= 0)
            r = one(f, m,
                    "select variable_value from information_schema.session_status where "
                    "variable_name = 'ssl_cipher'",
                    &got);
        if (torture_is_on())
            return r;
        if (r != rows[i].want || (got.len > 0) != rows[i].encrypted)
            return torture_check_status(__FILE__, (int)i, params, r, rows[i].want, f->err.msg);
    }
    return 0;
}

static int socket_flow(struct flow *f, void *arg)
{
    (void)arg;
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f,
       open_url(
           f,
           arena_printf(&f->arena, "mysql://reader:reader@/chats?unix_socket=%s/s", test_dir).ptr,
           5000, &m));
    OK(f, query(f, m, "do 1"));
    return 0;
}

/* ---- cancelling and going away ---- */

struct sleeper {
    int got;
    bool fetching;
};

static int sleeper_flow(struct flow *f, void *arg)
{
    struct sleeper *s = arg;
    _cleanup_(maria_closep) struct maria *m = NULL;
    s->got = open_test(f, &m);
    if (s->got >= 0)
        s->got = query(f, m,
                       s->fetching ? "select seq, sleep(if(seq > 3, 600, 0)), repeat('x', "
                                     "70000) from seq_1_to_9"
                                   : "select sleep(600)");
    while (s->got >= 0) {
        struct maria_row *rows;
        size_t n;
        s->got = maria_fetch(f, m, &f->arena, 1, &rows, &n);
        if (s->got >= 0 && n == 0)
            break;
    }
    return 0;
}

/* Waits until the server runs a sleep of a connection younger than `*id`; its number. */
static int wait_for_sleep(struct flow *f, struct maria *m, int64_t *id)
{
    for (;;) {
        struct maria_row *rows;
        size_t n;
        OK(f,
           query(f, m,
                 arena_printf(&f->arena,
                              "select max(id) from information_schema.processlist where info "
                              "like 'select%%sleep(%%' and state = 'User sleep' and id > %" PRId64
                              " and id <> connection_id()",
                              *id)
                     .ptr));
        OK(f, maria_fetch(f, m, &f->arena, 2, &rows, &n));
        FLOW_CHECK(n == 1);
        bool found = rows[0].columns[0].ptr && str_to_i64(rows[0].columns[0], id);
        OK(f, maria_fetch(f, m, &f->arena, 2, &rows, &n));
        if (found)
            return 0;
        OK(f, flow_yield(f));
    }
}

static int cancel_flow(struct flow *f, void *arg)
{
    (void)arg;
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    int64_t id = 0; /* they grow */
    for (int i = 0; i < 4; i++) {
        struct sleeper s = {.fetching = i % 2};
        _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
        OK(f, group_spawn(&g, "sleeper", sleeper_flow, &s));
        OK(f, wait_for_sleep(f, m, &id));
        if (i < 2)
            group_cancel(&g);
        else
            OK(f, query(f, m, arena_printf(&f->arena, "kill %" PRId64, id).ptr));
        if (i < 2)
            group_join(&g);
        else
            OK(f, group_wait(f, &g));
        FLOW_CHECK(s.got == (i < 2 ? -ECANCELED : E_DB_AWAY) || torture_is_on());
        /* A server goes on sleeping for a client that has left: not into the next round. */
        int killed = query(f, m, arena_printf(&f->arena, "kill %" PRId64, id).ptr);
        FLOW_CHECK(killed == 0 || killed == E_DB); /* E_DB: it has gone by itself */
    }
    return 0;
}

static int restart_flow(struct flow *f, void *arg)
{
    (void)arg;
    _cleanup_(maria_closep) struct maria *m = NULL;
    OK(f, open_test(f, &m));
    OK(f, query(f, m, "select seq, repeat('x', 1000) from seq_1_to_1000000"));
    struct maria_row *rows;
    size_t n;
    OK(f, maria_fetch(f, m, &f->arena, 100, &rows, &n));
    char command[300];
    snprintf(command, sizeof(command),
             "tests/mariadb/server.sh kill %s && "
             "tests/mariadb/server.sh start %s $(cat %s/port) >/dev/null",
             test_dir, test_dir, test_dir);
    FLOW_CHECK(system(command) == 0);
    int r = 0;
    for (n = 1; r >= 0 && n > 0;) {
        _cleanup_(arena_done) struct arena a;
        arena_init(&a, 0);
        r = maria_fetch(f, m, &a, 1000, &rows, &n);
    }
    FLOW_CHECK(r == E_DB_AWAY || torture_is_on());
    FLOW_EXPECT(f, query(f, m, "do 1"), E_DB_AWAY);
    _cleanup_(maria_closep) struct maria *next = NULL;
    OK(f, open_test(f, &next));
    OK(f, query(f, next, "do 1"));
    return 0;
}

/* ---- tests ---- */

static void values_travel_whole(void **state)
{
    (void)state;
    torture_run("values", values_flow, NULL);
}
static void rows_are_streamed(void **state)
{
    (void)state;
    torture_run("stream", stream_flow, NULL);
}
static void leaving_is_clean(void **state)
{
    (void)state;
    torture_run("leave", leave_flow, NULL);
}
static void errors_are_told(void **state)
{
    (void)state;
    torture_run("errors", errors_flow, NULL);
}
static void refusals_are_told(void **state)
{
    (void)state;
    torture_run("refused", refused_flow, NULL);
}
static void tls_is_verified(void **state)
{
    (void)state;
    if (test_dir == NULL)
        skip();
    torture_run("tls", tls_flow, NULL);
}
static void a_unix_socket_will_do(void **state)
{
    (void)state;
    if (test_dir == NULL)
        skip();
    torture_run("socket", socket_flow, NULL);
}
/* Not under torture: what they wait for is somebody else's doing. */
static void plain(const char *name, flow_fn *fn)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    struct err err = {0};
    int r = loop_run(l, name, fn, NULL, &err);
    loop_free(l);
    if (r < 0)
        fail_msg("%s: %s", err_name(r), err.msg);
}
static void what_runs_can_be_cancelled(void **state)
{
    (void)state;
    plain("cancel", cancel_flow);
}
static void a_restart_is_noticed(void **state)
{
    (void)state;
    if (test_dir == NULL)
        skip();
    plain("restart", restart_flow);
}

int main(void)
{
    test_url = getenv("TEST_MARIADB_URL");
    test_dir = getenv("TEST_MARIADB_DIR");
    if (test_url == NULL || test_url[0] == '\0') {
        puts("skipped: no TEST_MARIADB_URL\n1..1\nok 1 # SKIP no TEST_MARIADB_URL");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_travel_whole),   cmocka_unit_test(rows_are_streamed),
        cmocka_unit_test(leaving_is_clean),      cmocka_unit_test(errors_are_told),
        cmocka_unit_test(refusals_are_told),     cmocka_unit_test(tls_is_verified),
        cmocka_unit_test(a_unix_socket_will_do), cmocka_unit_test(what_runs_can_be_cancelled),
        cmocka_unit_test(a_restart_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
