/* Embeddings against a scripted peer: unit length, order, vectors that are none, texts that are too long. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/vendor.h"
#include "upstream/llm.h"

/* 1,024 numbers: 3 and 4 at two places, `rest` elsewhere. */
static const char *vector_text(struct arena *a, size_t three_at, size_t four_at, const char *rest,
                               size_t count)
{
    struct buf out = BUF_INIT(0);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%s%s", i ? "," : "", i == three_at ? "3" : i == four_at ? "4" : rest);
    const char *text = arena_text(a, buf_view(&out));
    buf_done(&out);
    return text;
}

static struct embedder *open_embedder(struct flow *f, struct vendor_case *vc, bool openai)
{
    const struct embedder_spec spec = {
        .web = vc->web,
        .base_url = openai ? arena_printf(&f->arena, "%s/v1", vc->url).ptr : vc->url,
        .api_key = "k",
        .model = "bge-m3",
        .openai = openai,
        .per_minute = 60000,
        .tokens_per_minute = 1e9,
    };
    return embedder_new(f->loop, &spec);
}

static bool is_unit(const float *v, size_t three_at, size_t four_at)
{
    return fabsf(v[three_at] - 0.6f) < 1e-6f && fabsf(v[four_at] - 0.8f) < 1e-6f;
}

/* ---- one text ---- */

struct row {
    const char *name;
    bool openai;
    const char *text;
    int want;
    size_t call_count;
    struct exchange talk[2];
};
static const struct row *row_now;

static int run_row(struct flow *f, struct vendor_case *vc)
{
    float *v = ARENA_ARRAY(&f->arena, EMBED_DIMENSIONS, float);
    struct embedder *e = open_embedder(f, vc, row_now->openai);
    int r = embed_text(f, e, PRIORITY_LIVE, str_from(row_now->text), v);
    embedder_free(e);
    if (torture_is_on())
        return r == row_now->want ? 0 : MIN(r, 0);
    if (r != row_now->want)
        return torture_check_status(__FILE__, __LINE__, row_now->name, r, row_now->want,
                                    f->err.msg);
    FLOW_CHECK(vendor_seen(vc, "POST ") == row_now->call_count);
    FLOW_CHECK(r < 0 ? v[0] == 0 : is_unit(v, 0, 1023));
    return 0;
}

static void test_one(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
#define CLOVA(v)                                                                                   \
    arena_printf(                                                                                  \
        &a, "{\"status\":{\"code\":\"20000\"},\"result\":{\"embedding\":[%s],\"inputTokens\":3}}", \
        v)                                                                                         \
        .ptr
#define OPENAI(v)                                                                                  \
    arena_printf(                                                                                  \
        &a, "{\"data\":[{\"index\":0,\"embedding\":[%s]}],\"usage\":{\"prompt_tokens\":3}}", v)    \
        .ptr
    const char *good = vector_text(&a, 0, 1023, "0", 1024);
    struct buf text = BUF_INIT(0);
    for (int i = 0; i < 30000; i++)
        buf_text(&text, "가나");
    const struct row rows[] = {
        {"native",
         false,
         "안녕",
         0,
         1,
         {{.want = "POST /v1/api-tools/embedding/v2 ",
           .want_body = "{\"text\":\"안녕\"}",
           .body = CLOVA(good)}}},
        {"compatible",
         true,
         "안녕",
         0,
         1,
         {{.want = "POST /v1/embeddings ",
           .want_body = "{\"model\":\"bge-m3\",\"encoding_format\":\"float\",\"input\":\"안녕\"}",
           .body = OPENAI(good)}}},
        {"empty", false, " \n", E_INPUT, 0, {{.body = "{}"}}},
        {"short vector",
         false,
         "a",
         E_PROTOCOL,
         1,
         {{.body = CLOVA(vector_text(&a, 0, 1, "0", 768))}}},
        {"long vector",
         false,
         "a",
         E_PROTOCOL,
         1,
         {{.body = CLOVA(vector_text(&a, 0, 1, "0", 1025))}}},
        {"zeros",
         false,
         "a",
         E_PROTOCOL,
         1,
         {{.body = CLOVA(vector_text(&a, 9999, 9999, "0", 1024))}}},
        {"no numbers",
         false,
         "a",
         E_PROTOCOL,
         1,
         {{.body = CLOVA(vector_text(&a, 0, 1, "null", 1024))}}},
        {"past float",
         false,
         "a",
         E_PROTOCOL,
         1,
         {{.body = CLOVA(vector_text(&a, 0, 1, "1e300", 1024))}}},
        {"base64",
         true,
         "a",
         E_PROTOCOL,
         1,
         {{.body = "{\"data\":[{\"index\":0,\"embedding\":\"AAAA\"}]}"}}},
        {"nothing", true, "a", E_PROTOCOL, 1, {{.body = "{\"data\":[]}"}}},
        {"error at 200",
         false,
         "a",
         E_RATE,
         1,
         {{.body = "{\"status\":{\"code\":\"42901\",\"message\":\"x\"}}"}}},
        {"bad key",
         false,
         "a",
         E_UPSTREAM_AUTH,
         1,
         {{.status = 401, .body = "{\"status\":{\"code\":\"40104\"}}"}}},
        {"tried again",
         false,
         "a",
         0,
         2,
         {{.status = 500, .body = "{\"status\":{\"code\":\"50000\"}}"}, {.body = CLOVA(good)}}},
        {"too long, halved",
         false,
         text.ptr,
         0,
         2,
         {{.status = 400, .body = "{\"status\":{\"code\":\"40003\",\"message\":\"long\"}}"},
          {.body = CLOVA(good)}}},
        {"too long elsewhere, halved",
         true,
         text.ptr,
         0,
         2,
         {{.status = 400,
           .body = "{\"error\":{\"message\":\"maximum context length is 8192 tokens\"}}"},
          {.body = OPENAI(good)}}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        row_now = &rows[i];
        vendor_run(rows[i].name, rows[i].talk, rows[i].talk[1].body ? 2 : 1, false, run_row);
    }
    buf_done(&text);
    arena_done(&a);
}

/* ---- several texts ---- */

static int batch(struct flow *f, struct vendor_case *vc)
{
    float *v = ARENA_ARRAY(&f->arena, 2 * EMBED_DIMENSIONS, float);
    const struct str texts[] = {STR("하나"), STR("둘")};
    struct embedder *e = open_embedder(f, vc, true);
    int r = embed_texts(f, e, PRIORITY_BULK, texts, 2, v);
    embedder_free(e);
    if (r < 0)
        return r;
    CALM_CHECK(vendor_seen(vc, "\"input\":[\"하나\",\"둘\"]") == 1);
    CALM_CHECK(is_unit(v, 0, 1) && is_unit(v + EMBED_DIMENSIONS, 2, 3));
    return 0;
}

static int arrays_refused(struct flow *f, struct vendor_case *vc)
{
    float *v = ARENA_ARRAY(&f->arena, 2 * EMBED_DIMENSIONS, float);
    const struct str texts[] = {STR("하나"), STR("둘")};
    struct embedder *e = open_embedder(f, vc, true);
    int r = embed_texts(f, e, PRIORITY_BULK, texts, 2, v);
    embedder_free(e);
    if (r < 0)
        return r;
    CALM_CHECK(vendor_seen(vc, "POST ") == 3);
    CALM_CHECK(is_unit(v, 0, 1) && is_unit(v + EMBED_DIMENSIONS, 2, 3));
    return 0;
}

static int parallel(struct flow *f, struct vendor_case *vc)
{
    enum { COUNT = 5 };
    float *v = ARENA_ARRAY(&f->arena, COUNT * EMBED_DIMENSIONS, float);
    const struct str texts[COUNT] = {STR("a"), STR("b"), STR("c"), STR("d"), STR("e")};
    struct embedder *e = open_embedder(f, vc, false);
    int r = embed_texts(f, e, PRIORITY_BULK, texts, COUNT, v);
    embedder_free(e);
    if (r < 0)
        return r;
    CALM_CHECK(vendor_seen(vc, "POST ") == COUNT);
    for (size_t i = 0; i < COUNT; i++)
        CALM_CHECK(is_unit(v + i * EMBED_DIMENSIONS, 5, 6));
    return 0;
}

static int one_fails(struct flow *f, struct vendor_case *vc)
{
    float *v = ARENA_ARRAY(&f->arena, 3 * EMBED_DIMENSIONS, float);
    const struct str texts[] = {STR("a"), STR("b"), STR("c")};
    struct embedder *e = open_embedder(f, vc, false);
    int r = embed_texts(f, e, PRIORITY_BULK, texts, 3, v);
    embedder_free(e);
    FLOW_EXPECT(f, r, E_UPSTREAM_AUTH);
    return 0;
}

static void test_several(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    const char *one = vector_text(&a, 0, 1, "0", 1024), *two = vector_text(&a, 2, 3, "0", 1024);
    const struct exchange together[] = {
        {.want_body = "}",
         .body = arena_printf(&a,
                              "{\"data\":[{\"index\":1,\"embedding\":[%s]},"
                              "{\"index\":0,\"embedding\":[%s]}]}",
                              two, one)
                     .ptr}};
    vendor_run("batch", together, 1, false, batch);
    const struct exchange singles[] = {
        {.want_body = "}",
         .status = 400,
         .body = "{\"error\":{\"message\":\"input must be a string\"}}"},
        {.want_body = "}", .body = OPENAI(one)},
        {.want_body = "}", .body = OPENAI(two)}};
    vendor_run("arrays refused", singles, 3, false, arrays_refused);
    const struct exchange each[] = {
        {.want_body = "}", .body = CLOVA(vector_text(&a, 5, 6, "0", 1024))}};
    vendor_run("parallel", each, 1, true, parallel);
    const struct exchange refused[] = {{.status = 401}};
    vendor_run("one fails", refused, 1, true, one_fails);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one), cmocka_unit_test(test_several)};
    return cmocka_run_group_tests_name("flow.embed", tests, NULL, NULL);
}
