/* SQLSTATE to our codes, and connection strings taken apart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/pg_address.h"
#include "db/pg_error.h"

static void sqlstates(void **state)
{
    (void)state;
    static const struct {
        const char *state;
        int want;
    } rows[] = {
        {NULL, E_DB_AWAY},     {"", E_DB_AWAY},          {"08006", E_DB_AWAY},
        {"08P01", E_DB},       {"40001", E_DB_RETRY},    {"40P01", E_DB_RETRY},
        {"40003", E_DB_AWAY},  {"55P03", E_DB_RETRY},    {"25P03", E_DB_RETRY},
        {"26000", E_DB_RETRY}, {"23505", E_DB_CONFLICT}, {"23P01", E_DB_CONFLICT},
        {"23503", E_DB},       {"23502", E_DB},          {"57014", -ETIMEDOUT},
        {"57P01", E_DB_AWAY},  {"57P02", E_DB_AWAY},     {"57P03", E_DB_AWAY},
        {"57P05", E_DB_AWAY},  {"53300", E_DB_AWAY},     {"53100", E_DB_AWAY},
        {"58030", E_DB_AWAY},  {"42601", E_DB},          {"42501", E_DB},
        {"22P02", E_DB},       {"25P02", E_DB},          {"0A000", E_DB},
        {"XX000", E_DB},       {"P0001", E_DB},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (pg_error_code(rows[i].state) != rows[i].want)
            fail_msg("%s: %s, want %s", rows[i].state, err_name(pg_error_code(rows[i].state)),
                     err_name(rows[i].want));
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        size_t at;
        const char *host, *port; /* host NULL: there is none at this place */
    } rows[] = {
        {"postgresql://u:p@db.example:6000/x", 0, "db.example", "6000"},
        {"postgresql://u:p@db.example:6000/x", 1, NULL, NULL},
        {"postgresql://a,b:5433/x", 0, "a", ""},
        {"postgresql://a,b:5433/x", 1, "b", "5433"},
        {"host=a,b,c port=7", 2, "c", "7"},
        {"postgresql:///x?host=/var/run", 0, "/var/run", ""},
        {"postgresql://[::1]:5/x", 0, "::1", "5"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct pg_address a;
        struct err err;
        struct str host, port;
        assert_int_equal(pg_address_parse(&a, rows[i].url, "test", &err), 0);
        bool found = pg_address_at(&a, rows[i].at, &host, &port);
        if (found != (rows[i].host != NULL) || (found && (!str_eq(host, str_from(rows[i].host)) ||
                                                          !str_eq(port, str_from(rows[i].port)))))
            fail_msg("%s at %zu", rows[i].url, rows[i].at);
        pg_address_done(&a);
    }
    assert_true(pg_address_is_local(STR("/tmp")));
    assert_true(pg_address_is_local(STR("@abstract")));
    assert_true(pg_address_is_local(STR("")));
    assert_false(pg_address_is_local(STR("localhost")));
}

static void what_the_user_wrote_wins(void **state)
{
    (void)state;
    struct pg_address a;
    struct err err;
    assert_int_equal(
        pg_address_parse(&a, "application_name=mine client_encoding=LATIN1 gssencmode=prefer",
                         "ours", &err),
        0);
    int seen = 0;
    for (size_t i = 0; i < a.count; i++) {
        if (strcmp(a.keywords[i], "application_name") == 0)
            seen += strcmp(a.values[i], "mine") == 0;
        if (strcmp(a.keywords[i], "gssencmode") == 0)
            seen += strcmp(a.values[i], "prefer") == 0;
        if (strcmp(a.keywords[i], "client_encoding") == 0)
            seen += strcmp(a.values[i], "UTF8") == 0; /* but we only speak UTF-8 */
    }
    assert_int_equal(seen, 3);
    pg_address_done(&a);
    assert_int_equal(pg_address_parse(&a, "postgresql://u:geheim@[x", NULL, &err), E_CONFIG);
    assert_null(strstr(err.msg, "geheim"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlstates),
        cmocka_unit_test(addresses),
        cmocka_unit_test(what_the_user_wrote_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
