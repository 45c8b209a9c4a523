#include "unit/base/check.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

/* The error table, its lookups, and messages that grow outside in. */

static void test_lookups(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *name, *text;
        int http;
        bool retry;
    } rows[] = {
        {E_RATE, "E_RATE", "a rate limit was reached", 429, true},
        {E_SCHEMA, "E_SCHEMA", "a field has the wrong type or value", 422, false},
        {E_DB_RETRY, "E_DB_RETRY", "the transaction must be run again", 503, true},
        {-ECANCELED, "ECANCELED", "Operation canceled", 499, false},
        {-ETIMEDOUT, "ETIMEDOUT", "Connection timed out", 504, true},
        {-ENOENT, "ENOENT", "No such file or directory", 500, false},
        {-ECONNRESET, "ECONNRESET", "Connection reset by peer", 500, true},
        {-4095, "EOF", "the peer closed the connection", 500, true},
        {-3999, "UNKNOWN", "unknown error", 500, false},
        {-99999, "UNKNOWN", "unknown error", 500, false},
        {INT32_MIN, "UNKNOWN", "unknown error", 500, false},
        {7, "UNKNOWN", "unknown error", 500, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CHECK_TEXT(rows[i].name, err_name(rows[i].code), rows[i].name);
        CHECK_TEXT(rows[i].name, err_text(rows[i].code), rows[i].text);
        CHECK_I64(rows[i].name, err_http(rows[i].code), rows[i].http);
        CHECK_I64(rows[i].name, err_retryable(rows[i].code), rows[i].retry);
    }
}

#define UNIQUE_(symbol, code, text, http, retry)                                                   \
    case code: return #symbol;
static const char *unique(int code) /* does not compile when two rows share a code */
{
    switch (code) {
        ERR_TABLE(UNIQUE_)
    default: return NULL;
    }
}

static void test_table_is_sane(void **state)
{
    (void)state;
#define SANE_(symbol, code, text, status, retry)                                                   \
    CHECK(#symbol, symbol <= -10000);                                                              \
    CHECK(#symbol, (status) >= 400 && (status) < 600);                                             \
    CHECK_TEXT(#symbol, unique(symbol), err_name(symbol));
    ERR_TABLE(SANE_)
}

static void test_set_and_wrap(void **state)
{
    (void)state;
    struct err e = {.http = 418};
    assert_int_equal(err_set(&e, E_UPSTREAM, "upstream %d", 502), E_UPSTREAM);
    assert_int_equal(e.http, 0);
    assert_int_equal(err_wrap(&e, E_MODEL, "page %d", 3), E_MODEL);
    assert_int_equal(err_wrap(&e, E_MODEL, "ticket 81"), E_MODEL);
    CHECK_TEXT("wrapped", e.msg, "ticket 81: page 3: upstream 502");
    assert_int_equal(e.code, E_MODEL);

    struct err empty = {0};
    err_wrap(&empty, E_RATE, "list");
    CHECK_TEXT("no message yet", empty.msg, "list: a rate limit was reached");

    err_set(&e, E_JSON, "again: %s", e.msg); /* its own text as an argument */
    CHECK_TEXT("aliased", e.msg, "again: ticket 81: page 3: upstream 502");

    assert_int_equal(err_set(NULL, E_JSON, "x"), E_JSON);
    assert_int_equal(err_wrap(NULL, E_JSON, "x"), E_JSON);
}

static void test_long_texts_are_cut_on_code_points(void **state)
{
    (void)state;
    for (size_t pad = 0; pad < 4; pad++) {
        char text[2000] = "";
        memset(text, 'a', pad);
        for (size_t at = pad; at < 1500; at += 3)
            memcpy(text + at, "\xED\x95\x9C", 3);
        struct err e = {0};
        err_set(&e, E_JSON, "%s", text);
        CHECK("set", str_is_utf8(str_from(e.msg)) && strlen(e.msg) > 250);
        err_wrap(&e, E_JSON, "%s", text);
        CHECK("wrap", str_is_utf8(str_from(e.msg)) && strlen(e.msg) > 250);
        err_set(&e, E_JSON, "%s", "inner");
        err_wrap(&e, E_JSON, "%.*s", 240, text);
        CHECK("prefix", str_is_utf8(str_from(e.msg)));
    }
}

static void test_public(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int set, code;
        bool shown;
    } rows[] = {
        {"an upstream's words", E_UPSTREAM, E_UPSTREAM, true},
        {"ours", E_INPUT, E_INPUT, true},
        {"too late", -ETIMEDOUT, -ETIMEDOUT, true},
        {"the database", E_DB, E_DB, false},
        {"its address", E_DB_AWAY, E_DB_AWAY, false},
        {"the vector store", E_VECTORS_AWAY, E_VECTORS_AWAY, false},
        {"the system", -ENOENT, -ENOENT, false},
        {"another error's text", E_INPUT, E_LIMIT, false},
        {"nothing set", 0, E_LIMIT, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct err e = {0};
        if (rows[i].set)
            err_set(&e, rows[i].set, "the text");
        CHECK_TEXT(rows[i].name, err_public(&e, rows[i].code),
                   rows[i].shown ? "the text" : err_text(rows[i].code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_table_is_sane),
        cmocka_unit_test(test_set_and_wrap),
        cmocka_unit_test(test_long_texts_are_cut_on_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
