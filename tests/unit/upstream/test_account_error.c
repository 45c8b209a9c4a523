/* What refused answers say: their text and the wait they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/wall.h"
#include "upstream/account.h"

struct text_row {
    const char *name, *type;
    struct str body;
    const char *want;
};
static const struct text_row text_rows[] = {
    {"openai", "application/json",
     STR("{\"error\":{\"message\":\"No such model\",\"code\":\"model_x\"}}"),
     "No such model (model_x)"},
    {"null code", "application/json", STR("{\"error\":{\"message\":\"m\",\"code\":null}}"), "m"},
    {"error text", "application/json", STR("{\"error\":\"too long\",\"error_type\":\"v\"}"),
     "too long"},
    {"clova", "application/json", STR("{\"status\":{\"code\":\"42901\",\"message\":\"Too many\"}}"),
     "Too many (42901)"},
    {"qdrant", "application/json", STR("{\"status\":{\"error\":\"Not found: x\"},\"time\":0}"),
     "Not found: x"},
    {"tei", "application/json", STR("{\"message\":\"busy\",\"code\":429,\"type\":\"overloaded\"}"),
     "busy"},
    {"venice", "application/json", STR("{\"error_message\":\"bad\",\"error_type\":\"t\"}"), "bad"},
    {"freshdesk a", "application/json",
     STR("{\"description\":\"Validation failed\",\"errors\":[{\"field\":\"page\",\"message\":\"too "
         "big\","
         "\"code\":\"invalid_value\"}]}"),
     "Validation failed: page too big (invalid_value)"},
    {"freshdesk b", "application/json",
     STR("{\"code\":\"invalid_credentials\",\"message\":\"You have to be logged in\"}"),
     "You have to be logged in (invalid_credentials)"},
    {"array", "application/json", STR("[{\"error\":{\"message\":\"m\"}}]"), "m"},
    {"html by type", "text/html; charset=utf-8", STR("Bad Gateway"), "an HTML page"},
    {"html by look", "", STR("  <!DOCTYPE html><html>502</html>"), "an HTML page"},
    {"text", "text/plain", STR("  upstream\r\n  timed out\n"), "upstream timed out"},
    {"json without text", "application/json", STR("{\"a\":1}"), "{\"a\":1}"},
    {"empty", "", STR(""), "no message"},
    {"blank", "", STR(" \r\n"), "no message"},
    {"bytes", "", STR("\xff\xfe\x01"), "3 bytes that are no text"},
    {"line break in message", "", STR("{\"message\":\"a\\nlevel=error b\"}"), "a level=error b"},
};

static void test_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(text_rows); i++) {
        const struct text_row *row = &text_rows[i];
        struct arena a;
        arena_init(&a, 0);
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        account_error_text(&a, str_from(row->type), row->body, &out);
        if (!str_eq(buf_view(&out), str_from(row->want)))
            fail_msg("row %s: got %s", row->name, out.ptr ? out.ptr : "");
        arena_done(&a);
    }
}

/* Long texts are cut on a character, also Hangul. */
static void test_long(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    _cleanup_(buf_done) struct buf body = BUF_INIT(0), out = BUF_INIT(0);
    for (int i = 0; i < 1000; i++)
        buf_text(&body, "\xEC\x95\x88");
    account_error_text(&a, STR(""), buf_view(&body), &out);
    assert_int_equal(out.len, 159);
    assert_true(str_is_utf8(buf_view(&out)));
    arena_done(&a);
}

struct wait_row {
    const char *name, *header, *value;
    int64_t want;
};
static const struct wait_row wait_rows[] = {
    {"none", "x", "1", -1},
    {"seconds", "Retry-After", "34", 34000},
    {"fraction", "retry-after", "1.5", 1500},
    {"zero", "retry-after", "0", 0},
    {"negative", "retry-after", "-3", 0},
    {"blank around", "retry-after", " 2 ", 2000},
    {"date", "retry-after", "Thu, 01 Jan 2026 00:00:30 GMT", 30000},
    {"date gone by", "retry-after", "Wed, 31 Dec 2025 23:59:30 GMT", 0},
    {"far away", "retry-after", "86400", 3600000},
    {"enormous", "retry-after", "1e300", 3600000},
    {"junk", "retry-after", "soon", -1},
    {"empty", "retry-after", "", -1},
    {"not a number", "retry-after", "nan", -1},
    {"ms", "retry-after-ms", "250", 250},
};

static void test_waits(void **state)
{
    (void)state;
    int64_t now_ms;
    assert_true(wall_parse_iso(STR("2026-01-01T00:00:00Z"), &now_ms));
    for (size_t i = 0; i < ARRAY_COUNT(wait_rows); i++) {
        const struct wait_row *row = &wait_rows[i];
        struct web_header h = {str_from(row->header), str_from(row->value)};
        struct web_reply reply = {.headers = &h, .header_count = 1};
        int64_t got = account_wait_ms(&reply, now_ms);
        if (got != row->want)
            fail_msg("row %s: got %lld", row->name, (long long)got);
    }
    struct web_header both[] = {{STR("Retry-After"), STR("9")}, {STR("Retry-After-Ms"), STR("80")}};
    assert_int_equal(
        account_wait_ms(&(struct web_reply){.headers = both, .header_count = 2}, now_ms), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
