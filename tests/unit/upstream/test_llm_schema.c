/* Answers against JSON schemas, and schemas cut down to what CLOVA takes. */
#include "unit/base/check.h"

#include "base/arena.h"
#include "upstream/llm_vendor.h"

#define LABEL                                                                                      \
    "{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\",\"enum\":[\"login\","     \
    "\"pay\"]},"                                                                                   \
    "\"score\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1}},\"required\":[\"label\"]}"
#define STEPS                                                                                      \
    "{\"type\":\"object\",\"properties\":{\"steps\":{\"type\":\"array\",\"minItems\":1,"           \
    "\"maxItems\":2,"                                                                              \
    "\"items\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"minLength\":"  \
    "2},"                                                                                          \
    "\"source\":{\"type\":[\"integer\",\"null\"]}},\"required\":[\"text\",\"source\"]}}},"         \
    "\"required\":[\"steps\"],\"additionalProperties\":false}"
#define CHOICE                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"v\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":"      \
    "\"boolean\"}]},"                                                                              \
    "\"c\":{\"const\":3}}}"

static const struct {
    const char *schema, *value;
    bool want;
    const char *fault; /* a part of the told faults */
} rows[] = {
    {LABEL, "{\"label\":\"login\"}", true, ""},
    {LABEL, "{\"label\":\"login\",\"score\":0.5,\"more\":[]}", true, ""},
    {LABEL, "{\"label\":\"other\"}", false, "$.label: "},
    {LABEL, "{\"score\":0.5}", false, "$.label: 필수"},
    {LABEL, "{\"label\":null}", false, "$.label: "},
    {LABEL, "{\"label\":\"pay\",\"score\":\"0.5\"}", false, "$.score: 형식"},
    {LABEL, "{\"label\":\"pay\",\"score\":1.5}", false, "$.score: "},
    {LABEL, "{\"label\":\"pay\",\"score\":-1}", false, "$.score: "},
    {LABEL, "[]", false, "$: 형식"},
    {LABEL, "\"login\"", false, "$: 형식"},
    {STEPS, "{\"steps\":[{\"text\":\"ab\",\"source\":1}]}", true, ""},
    {STEPS, "{\"steps\":[{\"text\":\"가나\",\"source\":null}]}", true, ""},
    {STEPS, "{\"steps\":[{\"text\":\"ab\"}]}", true, ""}, /* may be null: may be missing */
    {STEPS, "{\"steps\":[{\"text\":\"가\",\"source\":null}]}", false, "$.steps[0].text: "},
    {STEPS, "{\"steps\":[{\"text\":\"ab\",\"source\":1.5}]}", false, "$.steps[0].source: "},
    {STEPS, "{\"steps\":[{\"text\":\"ab\"},{\"source\":1}]}", false, "$.steps[1].text: "},
    {STEPS, "{\"steps\":[]}", false, "$.steps: "},
    {STEPS, "{\"steps\":[{\"text\":\"ab\"},{\"text\":\"ab\"},{\"text\":\"ab\"}]}", false,
     "$.steps: "},
    {STEPS, "{\"steps\":[{\"text\":\"ab\"}],\"x\":1}", false, "$.x: "},
    {STEPS, "{}", false, "$.steps: "},
    {CHOICE, "{\"v\":\"a\",\"c\":3}", true, ""},
    {CHOICE, "{\"v\":true}", true, ""},
    {CHOICE, "{\"v\":1}", false, "$.v: "},
    {CHOICE, "{\"c\":4}", false, "$.c: "},
    {"", "{}", true, ""},
    {"", "[1]", false, "$: "},
    {"{\"type\":\"unheard-of\"}", "1", true, ""},
    {"not json", "{}", false, "$: "},
};

static void test_check(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct buf faults = BUF_INIT(4096);
        struct json v;
        struct err err;
        CHECK_I64(rows[i].value, json_parse(&a, str_from(rows[i].value), &v, &err), 0);
        bool good = llm_schema_check(str_from(rows[i].schema), v, &a, &faults);
        if (good != rows[i].want)
            fail_msg("row %zu %s: got %d, faults %s", i, rows[i].value, good, faults.ptr);
        CHECK(rows[i].value, good == (faults.len == 0));
        CHECK(rows[i].value, str_find(buf_view(&faults), str_from(rows[i].fault), 0) != SIZE_MAX);
        buf_done(&faults);
    }
    arena_done(&a);
}

static void test_reduce(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cuts[] = {
        {"{\"type\":\"object\",\"title\":\"x\",\"$schema\":\"y\",\"additionalProperties\":false}",
         "{\"type\":\"object\"}"},
        {"{\"type\":\"object\",\"properties\":{\"pattern\":{\"type\":\"string\",\"pattern\":\"a\","
         "\"minLength\":1},"
         "\"n\":{\"type\":[\"integer\",\"null\"],\"minimum\":1}},\"required\":[\"pattern\",\"n\"]}",
         "{\"type\":\"object\",\"properties\":{\"pattern\":{\"type\":\"string\"},\"n\":{\"type\":"
         "\"integer\","
         "\"minimum\":1}},\"required\":[\"pattern\"]}"},
        {"{\"type\":\"array\",\"items\":{\"enum\":[\"a\",null]},\"maxItems\":3}",
         "{\"type\":\"array\",\"maxItems\":3,\"items\":{\"enum\":[\"a\"]}}"},
        {"{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}",
         "{\"anyOf\":[{\"type\":\"string\"}]}"},
        {"{\"const\":3}", "{\"enum\":[3]}"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_COUNT(cuts); i++) {
        struct buf out = BUF_INIT(0);
        struct json v;
        struct err err;
        CHECK_I64(cuts[i].in, json_parse(&a, str_from(cuts[i].in), &v, &err), 0);
        llm_schema_reduce(&out, v);
        CHECK_BUF(cuts[i].in, &out, cuts[i].want);
        buf_done(&out);
    }
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_reduce)};
    return cmocka_run_group_tests_name("upstream.llm_schema", tests, NULL, NULL);
}
