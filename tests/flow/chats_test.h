#pragma once
/*
 * The four homes of chats for tests: the same tables with the same rows in each, under names that are hard to
 * quote, and raw looks at what was written. MariaDB needs TEST_MARIADB_URL; the others TEST_DATABASE_URL.
 */
#include <sys/stat.h>

#include "db/maria.h"
#include "db/sqlite.h"
#include "flow/store_test.h"
#include "loop/zone_file.h"
#include "store/chat_source.h"
#include "store/chat_source_home.h"

enum chats_home { HOME_OWN, HOME_PG, HOME_SQLITE, HOME_MYSQL, HOME_COUNT };
static const char *const home_names[] = {"own", "postgresql", "sqlite", "mysql"};

static char home_urls[HOME_COUNT][4096];
static struct zone *chats_zone;
static const struct chat_names odd_names = {
    .chats = "chat tings",
    .keywords = "admin\"chat`keywords",
    .categories = "order",
    .input_text = "in`put\"text'; drop table x; --",
    .chatting_pk = "select",
    .created_at = "created at",
    .query_text = "질문",
    .keyword = "key word",
    .category_id = "group",
    .query_count = "count",
    .batch_created_at = "batch`created`at",
    .category_name = "name\\",
};

struct chats_case {
    enum chats_home home;
    struct pg_pool *pool;
};

static inline int64_t seoul(const char *local)
{
    int64_t at_ms = 0;
    if (!wall_parse_iso(str_from(local), &at_ms))
        abort();
    return at_ms - 9 * 3600 * 1000;
}

static inline struct chat_source_spec home_spec(const struct chats_case *c)
{
    return (struct chat_source_spec){
        .url = str_from(home_urls[c->home]),
        .names = odd_names,
        .zone = chats_zone,
        .zone_name = STR("Asia/Seoul"),
        .pool = c->pool,
        .tenant_id = 1,
        .connect_timeout_ms = 5000,
        .statement_timeout_ms = 20000,
    };
}

/* A source that lives as long as its flow. */
struct open_source {
    struct flow *f;
    struct chat_source *source;
};
static inline void open_source_done(struct open_source *o)
{
    if (o->source) {
        _cleanup_(shield_done) struct shield s = flow_shield(o->f, 20000);
        chat_source_close(o->f, o->source);
    }
}
static inline int open_home(struct flow *f, const struct chats_case *c, struct open_source *o)
{
    struct chat_source_spec spec = home_spec(c);
    o->f = f;
    return chat_source_new(f->loop, &spec, &o->source, &f->err);
}

/* ---- raw statements, {names} allowed ---- */

static inline const char *home_sql(struct arena *a, enum chats_home home, const char *sql)
{
    static const struct chat_names own = {
        .chats = "deskstream.chats",
        .keywords = "deskstream.chat_keywords",
        .categories = "deskstream.categories",
        .input_text = "input_text",
        .chatting_pk = "chat_id",
        .created_at = "created_at",
        .query_text = "query_text",
        .keyword = "keyword",
        .category_id = "category_id",
        .query_count = "query_count",
        .batch_created_at = "batch_created_at",
        .category_name = "name",
    };
    return chat_sql(a, home == HOME_OWN ? &own : &odd_names, home == HOME_MYSQL ? '`' : '"', sql);
}

/* Runs one statement; its rows as lines of "a|b" in the arena. */
static inline int raw(struct flow *f, const struct chats_case *c, const char *text,
                      struct str *ret_rows)
{
    const char *sql = home_sql(&f->arena, c->home, text);
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    int r = 0;
    size_t n = 0;
    if (c->home == HOME_MYSQL) {
        struct db_url url;
        r = db_url_parse(&f->arena, str_from(home_urls[HOME_MYSQL]), &url, &f->err);
        if (r < 0)
            return r;
        struct maria_spec spec = {&url, 5000, 20000, 9 * 3600};
        _cleanup_(maria_closep) struct maria *m = NULL;
        r = maria_open(f, &spec, &m);
        if (r >= 0)
            r = maria_query(f, m, str_from(sql));
        struct maria_row *rows;
        while (r >= 0 && (r = maria_fetch(f, m, &f->arena, 100, &rows, &n)) >= 0 && n > 0)
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < rows[i].column_count; k++)
                    buf_printf(&out, "%.*s%c", STR_ARG(rows[i].columns[k]),
                               k + 1 < rows[i].column_count ? '|' : '\n');
    } else if (c->home == HOME_SQLITE) {
        struct db_url url;
        r = db_url_parse(&f->arena, str_from(home_urls[HOME_SQLITE]), &url, &f->err);
        if (r < 0)
            return r;
        _cleanup_(sqlite_closep) struct sqlite *db = NULL;
        r = sqlite_open(f, url.database, false, 5000, &db);
        if (r >= 0)
            r = sqlite_query(f, db, str_from(sql), NULL, 0);
        struct sqlite_row *rows;
        while (r >= 0 && (r = sqlite_fetch(f, db, &f->arena, 100, &rows, &n)) >= 0 && n > 0)
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < rows[i].column_count; k++)
                    buf_printf(&out, "%.*s%c", STR_ARG(rows[i].columns[k]),
                               k + 1 < rows[i].column_count ? '|' : '\n');
    } else {
        _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
        r = pg_once(f, c->pool, 1, sql, PG_NO_ARGS, &rows);
        for (int i = 0; r >= 0 && i < rows.row_count; i++)
            buf_printf(&out, "%.*s\n", STR_ARG(pg_text(&rows, i, 0)));
    }
    if (r >= 0 && ret_rows)
        *ret_rows = arena_str(&f->arena, buf_view(&out));
    return r < 0 ? r : 0;
}

static inline int64_t raw_count(struct flow *f, const struct chats_case *c, const char *sql)
{
    struct str rows = STR_NONE;
    int64_t n = -1;
    if (raw(f, c, sql, &rows) < 0 || !str_to_i64(str_trim(rows), &n))
        return -1;
    return n;
}

/* Makes the tables, empty. */
static inline int home_make(struct flow *f, const struct chats_case *c)
{
    static const char *const foreign[] = {
        "drop table if exists {chats}",
        "drop table if exists {keywords}",
        "drop table if exists {categories}",
    };
    static const char *const own[] = {
        "delete from {chats}",
        "delete from {keywords}",
        "delete from {categories}",
    };
    static const char *const make[HOME_COUNT][3] = {
        [HOME_PG] =
            {"create table {chats} ({chatting_pk} serial primary key, {input_text} text, "
             "{created_at} timestamp)",
             "create table {keywords} ({query_text} text, {keyword} varchar(100), {category_id} "
             "int, {query_count} int, {created_at} timestamp, {batch_created_at} timestamp)",
             "create table {categories} ({category_id} int, {category_name} varchar(100))"},
        [HOME_SQLITE] =
            {"create table {chats} ({chatting_pk} integer primary key, {input_text} text, "
             "{created_at} datetime)",
             "create table {keywords} ({query_text} text, {keyword} varchar(100), {category_id} "
             "int, {query_count} int, {created_at} datetime, {batch_created_at} datetime)",
             "create table {categories} ({category_id} int, {category_name} varchar(100))"},
        [HOME_MYSQL] =
            {"create table {chats} ({chatting_pk} int auto_increment primary key, {input_text} "
             "mediumtext, {created_at} datetime) default charset utf8mb4",
             "create table {keywords} ({query_text} mediumtext, {keyword} varchar(100), "
             "{category_id} int, {query_count} int, {created_at} datetime, {batch_created_at} "
             "datetime) default charset utf8mb4",
             "create table {categories} ({category_id} int, {category_name} varchar(100)) "
             "default charset utf8mb4"},
    };
    for (size_t i = 0; i < 3; i++) {
        FLOW_OK(f, raw(f, c, c->home == HOME_OWN ? own[i] : foreign[i], NULL));
        if (c->home != HOME_OWN)
            FLOW_OK(f, raw(f, c, make[c->home][i], NULL));
    }
    FLOW_OK(f,
            raw(f, c,
                "insert into {categories} ({category_id}, {category_name}) values (1, '학교폭력'), "
                "(2, '전학, 편입'), (11, '기타')",
                NULL));
    return 0;
}

struct test_chat {
    struct str text;   /* ptr NULL: null */
    const char *local; /* "2024-03-15 10:20:30" */
};

/* Puts chats in, some hundred in one statement. */
static inline int home_put(struct flow *f, const struct chats_case *c,
                           const struct test_chat *chats, size_t n)
{
    for (size_t from = 0; from < n; from += 200) {
        _cleanup_(arena_done) struct arena a;
        arena_init(&a, 0);
        _cleanup_(buf_done) struct buf sql = BUF_INIT(0);
        buf_text(&sql, "insert into {chats} ({input_text}, {created_at}) values ");
        for (size_t i = from; i < n && i < from + 200; i++) {
            buf_text(&sql, i > from ? ",(" : "(");
            if (chats[i].text.ptr == NULL) {
                buf_text(&sql, "null");
            } else if (c->home == HOME_MYSQL) {
                maria_text(&sql, chats[i].text);
            } else if (c->home == HOME_SQLITE) {
                buf_text(&sql, "cast(x'");
                buf_hex(&sql, chats[i].text.ptr, chats[i].text.len);
                buf_text(&sql, "' as text)");
            } else {
                buf_text(&sql, "convert_from('\\x");
                buf_hex(&sql, chats[i].text.ptr, chats[i].text.len);
                buf_text(&sql, "', 'UTF8')");
            }
            buf_printf(&sql, ",'%s%s')", chats[i].local, c->home == HOME_OWN ? "+09" : "");
        }
        int r = raw(f, c, sql.ptr, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static char sqlite_path[64];

/* Group set-up: all migrations, the zone, the URLs that there are. */
static inline int chats_setup(void **state)
{
    int r = store_test_setup(state);
    struct err err = {0};
    if (zone_load("Asia/Seoul", &chats_zone, &err) < 0)
        return -1;
    const char *pg = strstr(pg_test_url, "://");
    snprintf(home_urls[HOME_PG], sizeof(home_urls[0]), "postgresql+psycopg2%s", pg);
    snprintf(sqlite_path, sizeof(sqlite_path), "/tmp/deskstream-chats-%d.db", (int)getpid());
    snprintf(home_urls[HOME_SQLITE], sizeof(home_urls[0]), "sqlite:///%s", sqlite_path);
    FILE *made = fopen(sqlite_path, "w");
    if (made)
        fclose(made);
    const char *maria = getenv("TEST_MARIADB_URL");
    snprintf(home_urls[HOME_MYSQL], sizeof(home_urls[0]), "%s", maria ? maria : "");
    return r;
}
static inline int chats_teardown(void **state)
{
    (void)state;
    zone_free(chats_zone);
    unlink(sqlite_path);
    char extra[80];
    snprintf(extra, sizeof(extra), "%s-journal", sqlite_path);
    unlink(extra);
    return 0;
}

typedef int chats_test_fn(struct flow *f, const struct chats_case *c);
struct chats_run {
    chats_test_fn *fn;
    enum chats_home home;
};
static inline int chats_test_flow(struct flow *f, void *arg)
{
    struct chats_run *run = arg;
    struct pg_spec spec = pg_test_spec(4);
    struct chats_case c = {.home = run->home};
    int r = pg_pool_new(f->loop, &spec, &c.pool, &f->err);
    if (r < 0)
        return r;
    r = run->fn(f, &c);
    pg_pool_close(f, c.pool);
    pg_pool_free(c.pool);
    return r;
}

/* Runs a test against one home, after `prepare`, which is not tortured; skips a home that is not there. */
static inline void chats_test(enum chats_home home, chats_test_fn *prepare, chats_test_fn *fn)
{
    if (home == HOME_MYSQL && home_urls[home][0] == '\0')
        skip();
    struct chats_run run = {prepare, home};
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    struct err err = {0};
    int r = loop_run(l, "prepare", chats_test_flow, &run, &err);
    loop_free(l);
    if (r < 0)
        fail_msg("%s: %s", err_name(r), err.msg);
    run.fn = fn;
    torture_run(home_names[home], chats_test_flow, &run);
}

/* main: a database of its own, the homes, the tests. */
#define chats_main(tests)                                                                          \
    ({                                                                                             \
        const char *url_ = getenv("TEST_DATABASE_URL");                                            \
        int failed_ = 0;                                                                           \
        if (url_ == NULL || url_[0] == '\0') {                                                     \
            puts("skipped: no TEST_DATABASE_URL\n1..1\nok 1 # SKIP no TEST_DATABASE_URL");         \
        } else {                                                                                   \
            char name_[64];                                                                        \
            snprintf(name_, sizeof(name_), "deskstream_test_%d", (int)getpid());                   \
            pg_test_admin("drop database if exists %s", name_);                                    \
            pg_test_admin("create database %s", name_);                                            \
            snprintf(pg_test_url, sizeof(pg_test_url), "%s%cdbname=%s", url_,                      \
                     strchr(url_, '?') ? '&' : '?', name_);                                        \
            failed_ = cmocka_run_group_tests(tests, chats_setup, chats_teardown);                  \
            pg_test_admin("drop database if exists %s with (force)", name_);                       \
        }                                                                                          \
        failed_;                                                                                   \
    })
