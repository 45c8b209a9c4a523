/* Half characters, failures in all their shapes, JSON inside prose, prices, waiting times. */
#include "unit/base/check.h"

#include "base/arena.h"
#include "upstream/llm_vendor.h"
#include "upstream/reply.h"

/* Korean text cut into JSON strings at every pair of byte positions comes out whole. */
static void test_halves(void **state)
{
    (void)state;
    const struct str text = STR("각 a힣\xF0\x9F\x98\x80 끝");
    for (size_t i = 0; i <= text.len; i++)
        for (size_t j = i; j <= text.len; j++) {
            const struct str parts[] = {str_sub(text, 0, i), str_sub(text, i, j - i),
                                        str_sub(text, j, text.len - j)};
            struct buf held = BUF_INIT(0), out = BUF_INIT(0), all = BUF_INIT(0),
                       escaped = BUF_INIT(0);
            for (size_t k = 0; k < 3; k++) {
                buf_clear(&escaped);
                llm_data_escape(&escaped, parts[k]);
                CHECK("escaped is UTF-8", str_is_utf8(buf_view(&escaped)));
                llm_delta_add(&held, buf_view(&escaped));
                llm_delta_take(&held, &out, k == 2);
                CHECK("a delta is UTF-8", str_is_utf8(buf_view(&out)));
                buf_str(&all, buf_view(&out));
            }
            CHECK_STR("whole", buf_view(&all), text);
            CHECK_I64("nothing held", (int64_t)held.len, 0);
            buf_done(&held);
            buf_done(&out);
            buf_done(&all);
            buf_done(&escaped);
        }
}

static void test_broken(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } rows[] = {{"a\xEA\xB0", "a\xEF\xBF\xBD"},
                {"\xFFz", "\xEF\xBF\xBDz"},
                {"\xEA\xB0"
                 "b",
                 "\xEF\xBF\xBD"
                 "b"},
                {"\xEF\xBF\xBD", "\xEF\xBF\xBD"},
                {"", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf held = BUF_INIT(0), out = BUF_INIT(0);
        buf_text(&held, rows[i].in);
        llm_delta_take(&held, &out, true);
        CHECK_BUF(rows[i].in, &out, rows[i].want);
        buf_done(&held);
        buf_done(&out);
    }
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        bool is_error;
        const char *text;
        int code;
    } rows[] = {
        {"{\"error\":{\"message\":\"m\",\"code\":\"50000\"}}", true, "m", E_UPSTREAM},
        {"{\"error\":\"gone\"}", true, "gone", E_UPSTREAM},
        {"{\"error\":{\"message\":\"no money\",\"code\":\"insufficient_quota\"}}", true, "no money",
         E_UPSTREAM_DENIED},
        {"{\"error\":{\"message\":\"no money\",\"type\":\"insufficient_quota\",\"code\":null}}",
         true, "no money", E_UPSTREAM_DENIED},
        {"{\"status\":{\"code\":\"42901\",\"message\":\"Too many\"}}", true, "Too many", E_RATE},
        {"{\"status\":{\"code\":\"42902\",\"message\":\"Overload\"}}", true, "Overload",
         E_UPSTREAM_BUSY},
        {"{\"status\":{\"code\":42902,\"message\":\"Overload\"}}", true, "Overload",
         E_UPSTREAM_BUSY},
        {"{\"status\":{\"code\":\"40104\",\"message\":\"key\"}}", true, "key", E_UPSTREAM_AUTH},
        {"{\"status\":{\"code\":\"40003\",\"message\":\"long\"}}", true, "long", E_UPSTREAM_INPUT},
        {"{\"status\":{\"code\":\"50000\",\"message\":\"x\"}}", true, "x", E_UPSTREAM},
        {"{\"object\":\"error\",\"message\":\"flat\",\"code\":400}", true, "flat", E_UPSTREAM},
        {"{\"error_type\":\"t\",\"error_message\":\"venice\"}", true, "venice", E_UPSTREAM},
        {"{\"status\":{\"code\":\"20000\",\"message\":\"OK\"}}", false, "OK", 0},
        {"{\"error\":null,\"choices\":[]}", false, "", 0},
        {"{\"error\":false}", false, "", 0},
        {"{\"choices\":[{\"delta\":{}}]}", false, "", 0},
        {"[]", false, "", 0},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v;
        struct err err;
        CHECK_I64(rows[i].in, json_parse(&a, str_from(rows[i].in), &v, &err), 0);
        CHECK_I64(rows[i].in, llm_is_error(v), rows[i].is_error);
        CHECK_STR(rows[i].in, llm_error_text(v), str_from(rows[i].text));
        struct llm_try t = {.status = 0};
        if (rows[i].is_error)
            CHECK_I64(rows[i].in, llm_refuse(&t, &err, v), rows[i].code);
    }
    arena_done(&a);
}

static void test_extract(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want; /* NULL: refused */
    } rows[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {" \n{\"a\":1}\n", "{\"a\":1}"},
        {"\xEF\xBB\xBF{\"a\":1}", "{\"a\":1}"},
        {"```json\n{\"a\":\"```\"}\n```", "{\"a\":\"```\"}"},
        {"```\n{\"a\":1}```", "{\"a\":1}"},
        {"\"{\\\"a\\\":1}\"", "{\"a\":1}"},
        {"\"\\\"{\\\\\\\"a\\\\\\\":1}\\\"\"", "{\"a\":1}"},
        {"다음은 결과입니다: {\"a\":{\"b\":2}} 감사합니다.", "{\"a\":{\"b\":2}}"},
        {"{\"a\":1", NULL},
        {"{\"a\":1}, {\"a\":2}", NULL},
        {"[1]", NULL},
        {"1", NULL},
        {"", NULL},
        {"죄송합니다", NULL},
        {"}{", NULL},
        {"```", NULL},
        {"\"x\"", NULL},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct json v = JSON_NONE;
        struct err err;
        int r = llm_json_extract(&a, str_from(rows[i].in), &v, &err);
        CHECK_I64(rows[i].in, r, rows[i].want ? 0 : E_MODEL);
        if (!rows[i].want)
            continue;
        struct buf out = BUF_INIT(0);
        json_write(&out, v);
        CHECK_BUF(rows[i].in, &out, rows[i].want);
        buf_done(&out);
    }
    arena_done(&a);
}

static void test_messages(void **state)
{
    (void)state;
    const struct llm_message messages[] = {{"user", STR("q")},
                                           {"system", STR("A")},
                                           {"system", STR("")},
                                           {"assistant", STR("x")},
                                           {"system", STR("B")}};
    struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    llm_messages_write(&w, messages, ARRAY_COUNT(messages));
    jw_end_obj(&w);
    CHECK_BUF("one system message, first", &out,
              "{\"messages\":[{\"role\":\"system\",\"content\":\"A\\n\\nB\"},{\"role\":\"user\","
              "\"content\":\"q\"},"
              "{\"role\":\"assistant\",\"content\":\"x\"}]}");
    buf_done(&out);
}

static void test_cut(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct buf text = BUF_INIT(0);
    for (int i = 0; i < 1000; i++)
        buf_text(&text, "가나다");
    struct llm_message messages[] = {
        {"system", buf_view(&text)}, {"user", buf_view(&text)}, {"user", STR("q")}};
    CHECK("cut", llm_messages_cut(&a, messages, 3));
    CHECK("system stays", messages[0].text.len == text.len);
    CHECK("about half is left",
          messages[1].text.len <= text.len / 2 + 16 && messages[1].text.len > text.len / 3);
    CHECK("whole characters", str_is_utf8(messages[1].text));
    struct llm_message brief[] = {{"user", STR("q")}};
    CHECK("nothing to cut", !llm_messages_cut(&a, brief, 1));
    buf_done(&text);
    arena_done(&a);
}

static void test_cost(void **state)
{
    (void)state;
    CHECK("HCX-005",
          llm_cost_krw("HCX-005", 2000, 1000) > 7.49 && llm_cost_krw("HCX-005", 2000, 1000) < 7.51);
    CHECK("unknown", llm_cost_krw("gpt-x", 2000, 1000) == 0);
    CHECK_I64("estimate", llm_token_estimate(STR("")), 1);
    CHECK_I64("estimate", llm_token_estimate(STR("가나다라")), 3);
    CHECK_TEXT("end_token", llm_finish_reason(STR("END_TOKEN")).ptr, "stop");
    CHECK_TEXT("odd", llm_finish_reason(STR("insufficient_system_resource")).ptr, "other");
}

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        double want; /* < 0: refused */
    } rows[] = {{"34", 34000},    {"1.5", 1500},   {"12ms", 12},    {"1s", 1000},
                {"6m0s", 360000}, {"1m2s", 62000}, {"1h", 3600000}, {" 2s ", 2000},
                {"0", 0},         {"", -1},        {"soon", -1},    {"1x", -1},
                {"-1", -1},       {"1m2", -1},     {"ms", -1},      {"2026-11-20T00:00:00Z", -1},
                {"1e9", -1}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double ms = -7;
        bool good = reply_duration(str_from(rows[i].in), &ms);
        CHECK_I64(rows[i].in, good, rows[i].want >= 0);
        if (good)
            CHECK_I64(rows[i].in, ms, rows[i].want);
    }
}

static void test_number(void **state)
{
    (void)state;
    struct web_header headers[] = {{STR("X-Ratelimit-Total"), STR("100.0")},
                                   {STR("a"), STR("90")},
                                   {STR("b"), STR("x")},
                                   {STR("c"), STR("-1")},
                                   {STR("d"), STR("")},
                                   {STR("e"), STR("nan")},
                                   {STR("f"), STR("inf")}};
    struct web_reply reply = {.headers = headers, .header_count = ARRAY_COUNT(headers)};
    static const struct {
        const char *name;
        double want;
    } rows[] = {{"x-ratelimit-TOTAL", 100},
                {"A", 90},
                {"b", -1},
                {"c", -1},
                {"d", -1},
                {"e", -1},
                {"f", -1},
                {"absent", -1}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        CHECK_I64(rows[i].name, reply_number(&reply, rows[i].name), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves),   cmocka_unit_test(test_broken),
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_extract),
        cmocka_unit_test(test_messages), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cost),     cmocka_unit_test(test_duration),
        cmocka_unit_test(test_number),
    };
    return cmocka_run_group_tests_name("upstream.llm_text", tests, NULL, NULL);
}
