/* SQLAlchemy's database addresses: every form that the old .env files may hold, and clear words for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/db_url.h"

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum db_url_kind kind;
        const char *user, *password, *host;
        int port;
        const char *database;
    } rows[] = {
        {"mysql+pymysql://user:pass@host:3306/db", DB_URL_MYSQL, "user", "pass", "host", 3306,
         "db"},
        {"mysql://host/db", DB_URL_MYSQL, "", "", "host", 0, "db"},
        {"mysql+mysqldb://u@h/db", DB_URL_MYSQL, "u", "", "h", 0, "db"},
        {"mariadb+mariadbconnector://u:@h/db", DB_URL_MYSQL, "u", "", "h", 0, "db"},
        {"MySQL+PyMySQL://u:p@h/db", DB_URL_MYSQL, "u", "p", "h", 0, "db"},
        {"mysql+pymysql://u:p%40ss%3Aw%2Frd%23%25@h:1/db", DB_URL_MYSQL, "u", "p@ss:w/rd#%", "h", 1,
         "db"},
        {"mysql+pymysql://u:%ED%95%9C+%20x@h/db", DB_URL_MYSQL, "u", "한+ x", "h", 0, "db"},
        {"mysql+pymysql://us%40er:a:b:c@h/db", DB_URL_MYSQL, "us@er", "a:b:c", "h", 0, "db"},
        {"mysql+pymysql://u:p@ss@h:3306/db", DB_URL_MYSQL, "u", "p@ss", "h", 3306, "db"},
        {"mysql+pymysql://u:a/b?c@h/db", DB_URL_MYSQL, "u", "a/b?c", "h", 0, "db"},
        {"mysql+pymysql://u:100%@h/db", DB_URL_MYSQL, "u", "100%", "h", 0, "db"},
        {"mysql+pymysql://u:p#x@h/db", DB_URL_MYSQL, "u", "p#x", "h", 0, "db"},
        {"mysql+pymysql://u:p@[::1]:3306/db", DB_URL_MYSQL, "u", "p", "::1", 3306, "db"},
        {"mysql+pymysql://[fe80::1%25eth0]/db", DB_URL_MYSQL, "", "", "fe80::1%25eth0", 0, "db"},
        {"mysql+pymysql://u:p@h:/db", DB_URL_MYSQL, "u", "p", "h", 0, "db"},
        {"mysql+pymysql://u:p@/db?unix_socket=/run/m.sock", DB_URL_MYSQL, "u", "p", "", 0, "db"},
        {" mysql://h/my%20db \n", DB_URL_MYSQL, "", "", "h", 0, "my%20db"},
        {"mysql://u@h/db?ssl_ca=/p@th", DB_URL_MYSQL, "u", "", "h", 0, "db"},
        {"mysql://h/db?ssl_ca=/p:a@th", DB_URL_MYSQL, "", "", "h", 0, "db"},
        {"postgresql+psycopg2://u:p@h:5432/db", DB_URL_POSTGRES, "u", "p", "h", 5432, "db"},
        {"postgres://u:p@h/db", DB_URL_POSTGRES, "u", "p", "h", 0, "db"},
        {"postgresql+asyncpg:///db", DB_URL_POSTGRES, "", "", "", 0, "db"},
        {"sqlite:///chats.db", DB_URL_SQLITE, "", "", "", 0, "chats.db"},
        {"sqlite:////var/lib/chats.db", DB_URL_SQLITE, "", "", "", 0, "/var/lib/chats.db"},
        {"sqlite+pysqlite:////a b/c.db", DB_URL_SQLITE, "", "", "", 0, "/a b/c.db"},
        {"sqlite:///file:/tmp/x.db?mode=ro&uri=true", DB_URL_SQLITE, "", "", "", 0, "/tmp/x.db"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct db_url u;
        struct err err = {0};
        if (db_url_parse(&a, str_from(rows[i].text), &u, &err) < 0)
            fail_msg("%s: %s", rows[i].text, err.msg);
        if (u.kind != rows[i].kind || strcmp(u.user, rows[i].user) ||
            strcmp(u.password, rows[i].password) || strcmp(u.host, rows[i].host) ||
            u.port != rows[i].port || strcmp(u.database, rows[i].database))
            fail_msg("%s: kind %d user %s password %s host %s port %d database %s", rows[i].text,
                     (int)u.kind, u.user, u.password, u.host, u.port, u.database);
        arena_done(&a);
    }
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "form"},
        {"secret", "form"},
        {"mysql:/u:secret@h/db", "form"},
        {"oracle://u:secret@h/db", "oracle is not supported"},
        {"se cret://h/db", "name of a database"},
        {"u:secret@h://x/db", "name of a database"},
        {"mysql://u:secret@h:99999/db", "port"},
        {"mysql://u:secret@h:33o6/db", "port"},
        {"mysql://u:se/cret/db", "port"},
        {"mysql://u:secret@h", "no database"},
        {"mysql://u:secret@h/", "no database"},
        {"mysql://u:secret@[::1/db", "not closed"},
        {"mysql://u:secret@[::1]x/db", "after the host"},
        {"mysql://u:secret%00@h/db", "control character"},
        {"mysql://u:secret%0a@h/db", "control character"},
        {"mysql://u:secret@h/db?a=%1b", "control character"},
        {"sqlite://", "no file"},
        {"sqlite:///:memory:", "no file"},
        {"sqlite://secret/db", "sqlite:///"},
        {"mysql://h/d?1&2&3&4&5&6&7&8&9&a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x",
         "too many parameters"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct db_url u;
        struct err err = {0};
        assert_int_equal(db_url_parse(&a, str_from(rows[i].text), &u, &err), E_CONFIG);
        if (strstr(err.msg, rows[i].says) == NULL || strstr(err.msg, "cret"))
            fail_msg("%s: %s", rows[i].text, err.msg);
        arena_done(&a);
    }
}

static void test_params(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct db_url u;
    struct err err = {0};
    assert_int_equal(
        db_url_parse(&a, STR("mysql://h/db?charset=utf8mb4&ssl=TRUE&x=a%26b+c&&empty&ssl_ca=%2Fca"),
                     &u, &err),
        0);
    assert_string_equal(db_url_param(&u, "charset"), "utf8mb4");
    assert_string_equal(db_url_param(&u, "x"), "a&b c");
    assert_string_equal(db_url_param(&u, "empty"), "");
    assert_string_equal(db_url_param(&u, "ssl_ca"), "/ca");
    assert_null(db_url_param(&u, "ssl_key"));
    assert_true(db_url_flag(&u, "ssl", false));
    assert_true(db_url_flag(&u, "none", true));
    assert_false(db_url_flag(&u, "charset", true));
    arena_done(&a);
}

static void test_conninfo(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"postgresql+psycopg2://u:it%27s%5C@h:5433/db",
         "host='h' port='5433' user='u' password='it\\'s\\\\' dbname='db'"},
        {"postgresql://u@/db?host=/run/pg&port=1", "host='/run/pg' port='1' user='u' dbname='db'"},
        {"postgresql:///db?dbname&host=", "dbname='db'"},
        {"postgresql+asyncpg://u@h/db?ssl=require&prepared_statement_cache_size=0",
         "host='h' user='u' dbname='db' sslmode='require'"},
        {"postgresql+pg8000://u@h/db?ssl=true&sslmode=verify-full",
         "host='h' user='u' dbname='db' sslmode='verify-full'"},
        {"postgresql://u@h/db?options=-c%20x%3D1&connect_timeout=3",
         "host='h' user='u' dbname='db' connect_timeout='3' options='-c x=1'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct arena a;
        arena_init(&a, 0);
        struct db_url u;
        struct err err = {0};
        struct buf out = BUF_INIT(0);
        assert_int_equal(db_url_parse(&a, str_from(rows[i].text), &u, &err), 0);
        db_url_conninfo(&u, &out);
        assert_string_equal(out.ptr, rows[i].want);
        buf_done(&out);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_conninfo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
