/* CLOVA Studio against a scripted peer: streams, their faults at HTTP 200, objects by schema and by prompt. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/vendor.h"
#include "upstream/llm.h"

#define SSE "Content-Type: text/event-stream;charset=UTF-8\r\n"
#define TOKEN(text)                                                                                \
    "id: 1\nevent: token\ndata: {\"message\":{\"role\":\"assistant\",\"content\":\"" text          \
    "\"},\"finishReason\":null,\"usage\":null}\n\n"
#define RESULT(text)                                                                               \
    "id:2\nevent:result\ndata:{\"message\":{\"role\":\"assistant\",\"content\":\"" text            \
    "\"},\"finishReason\":\"stop\",\"created\":1,\"seed\":2,\"usage\":{\"promptTokens\":100,"      \
    "\"completionTokens\":20,\"totalTokens\":315}}\n\n"
#define SIGNAL "event:signal\ndata:{\"data\":\"[DONE]\"}\n\n"

static const struct llm_message question[] = {
    {"system", STR("친절하게")}, {"user", STR("안녕?")}, {"system", STR("짧게")}};

static struct llm_spec spec_of(void)
{
    return (struct llm_spec){.task = "answer",
                             .priority = PRIORITY_LIVE,
                             .messages = question,
                             .message_count = ARRAY_COUNT(question),
                             .max_tokens = 512,
                             .temperature = 0.5};
}

static struct llm *open_clova(struct flow *f, struct vendor_case *vc, const char *model,
                              const char *json_model)
{
    struct llm *m = llm_new(f->loop);
    const struct clova_spec spec = {
        .web = vc->web,
        .base_url = arena_printf(&f->arena, "%s/testapp/", vc->url).ptr,
        .api_key = "nv-key",
        .model = model,
        .json_model = json_model,
        .per_minute = 60000,
        .tokens_per_minute = 1e9,
        .first_token_ms = 5000,
        .idle_ms = 4000,
    };
    llm_add(m, clova_new(f->loop, &spec));
    return m;
}

static int read_all(struct flow *f, struct llm *m, struct buf *out, struct llm_usage *ret_usage)
{
    const struct llm_spec spec = spec_of();
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    struct str delta;
    int r = llm_open(f, m, &spec, &s);
    while (r >= 0 && (r = llm_next(f, &s, &delta)) > 0) {
        if (!str_is_utf8(delta))
            return torture_check_failed(__FILE__, __LINE__, "a delta is UTF-8");
        buf_str(out, delta);
    }
    *ret_usage = s.usage;
    return r;
}

#define CLOVA_CASE(name, fn, fresh, model, json_model, ...)                                        \
    static int name##_case(struct flow *f, struct vendor_case *vc)                                 \
    {                                                                                              \
        struct llm *m = open_clova(f, vc, model, json_model);                                      \
        int r = fn(f, vc, m);                                                                      \
        llm_free(m);                                                                               \
        return r;                                                                                  \
    }                                                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        static const struct exchange talk[] = {__VA_ARGS__};                                       \
        vendor_run(#name, talk, ARRAY_COUNT(talk), fresh, name##_case);                            \
    }

/* ---- streams that work ---- */

static int good(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    int r = read_all(f, m, &out, &usage);
    if (r < 0)
        return r;
    CALM_CHECK(str_eq(buf_view(&out), STR("안녕하세요 😀")));
    CALM_CHECK(usage.prompt_tokens == 100 && usage.completion_tokens == 20 && !usage.estimated);
    CALM_CHECK(strcmp(usage.provider, "clova") == 0 && strcmp(usage.model, "HCX-005") == 0);
    CALM_CHECK(str_eq(usage.finish_reason, STR("stop")));
    CALM_CHECK(usage.cost_krw > 0.22 && usage.cost_krw < 0.23);
    CALM_CHECK(vendor_seen(vc, "POST /testapp/v3/chat-completions/HCX-005 HTTP/1.1\r\n") == 1);
    CALM_CHECK(vendor_seen(vc, "Authorization: Bearer nv-key\r\n") == 1);
    CALM_CHECK(vendor_seen(vc, "Accept: text/event-stream\r\n") == 1);
    CALM_CHECK(vendor_seen(vc, "X-NCP-CLOVASTUDIO-REQUEST-ID: ") == 1);
    CALM_CHECK(vendor_seen(vc, "\"maxTokens\":512") == 1 && vendor_seen(vc, "thinking") == 0);
    CALM_CHECK(vendor_seen(vc, "\"role\":\"system\"") == 1);
    return 0;
}
#define GOOD TOKEN("안녕") TOKEN("하세요 ") TOKEN("😀")
CLOVA_CASE(test_stream, good, false, "HCX-005", "",
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀") SIGNAL})
CLOVA_CASE(test_stream_split, good, false, "HCX-005", "",
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀"), .split = true})
CLOVA_CASE(
    test_stream_odd, good, false, "HCX-005", "",
    {.headers = SSE,
     .body =
         "\xEF\xBB\xBF: hello\r\n\r\nevent:signal\r\ndata:{\"data\":\"ping\"}\r\n\r\n"
         "event: token\r\ndata: {\"message\":{\"thinkingContent\":\"음\",\"content\":null}}\r\n\r\n"
         "event:token\r\ndata:{\"message\":\r\ndata:{\"content\":\"안녕하\"}}\r\n\r\ndata:\r\n\r\n"
         "event:unheard-of\rdata:{\"x\":1}\r\r" TOKEN("세요 😀") RESULT("안녕하세요 😀")})
/* Half a character in each event, as byte-fallback models send. */
CLOVA_CASE(test_stream_halves, good, false, "HCX-005", "",
           {.headers = SSE,
            .body = TOKEN("안\xEB") TOKEN("\x85\x95하세요 \xF0\x9F") TOKEN("\x98\x80") RESULT("")})
/* The result's text counts when nothing came before it; no blank line at the end. */
CLOVA_CASE(
    test_result_only, good, false, "HCX-005", "",
    {.headers = SSE,
     .body =
         "event:result\ndata:{\"message\":{\"content\":\"안녕하세요 😀\"},\"finishReason\":\"stop\","
         "\"usage\":{\"promptTokens\":100,\"completionTokens\":20}}",
     .cut = true})
CLOVA_CASE(
    test_not_streamed, good, false, "HCX-005", "",
    {.body =
         "{\"status\":{\"code\":\"20000\",\"message\":\"OK\"},\"result\":{\"message\":{\"content\":"
         "\"안녕하세요 😀\"},\"finishReason\":\"stop\",\"usage\":{\"promptTokens\":100,"
         "\"completionTokens\":20}}}"})

/* Half of a surrogate pair in each event: two marks instead of the emoji, but the answer goes on. */
static int half_pairs(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    (void)vc;
    int r = read_all(f, m, &out, &usage);
    if (r < 0)
        return r;
    CALM_CHECK(str_eq(buf_view(&out), STR("a\xEF\xBF\xBD\xEF\xBF\xBD"
                                          "b")));
    return 0;
}
CLOVA_CASE(test_half_pairs, half_pairs, false, "HCX-005", "",
           {.headers = SSE,
            .body = TOKEN("a\\ud83d") TOKEN("\\ude00") TOKEN("b") RESULT("a\\ud83d\\ude00b")})

/* Nothing is left, but all is back in a second: nobody waits for a whole window. */
static int back_soon(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    uint64_t begin_ms = loop_now_ms(f->loop);
    (void)vc;
    for (int i = 0; i < 2; i++) {
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        struct llm_usage usage;
        int r = read_all(f, m, &out, &usage);
        if (r < 0)
            return r;
    }
    uint64_t took_ms = loop_now_ms(f->loop) - begin_ms;
    CALM_CHECK(took_ms >= 900 && took_ms < 10000);
    return 0;
}
#define ALL_USED                                                                                   \
    SSE "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\n"                  \
        "x-ratelimit-reset-requests: 1s\r\n"
CLOVA_CASE(test_back_soon, back_soon, false, "HCX-005", "",
           {.headers = ALL_USED, .body = GOOD RESULT("안녕하세요 😀")},
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀")})

/* ---- before the first token: tried again; after it: never ---- */

static int good_after_two(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    int r = read_all(f, m, &out, &usage);
    if (r < 0)
        return r;
    CALM_CHECK(str_eq(buf_view(&out), STR("안녕하세요 😀")));
    CALM_CHECK(vendor_seen(vc, "POST ") == 3);
    return 0;
}
#define TRIED_AGAIN(name, ...)                                                                     \
    CLOVA_CASE(name, good_after_two, false, "HCX-005", "", __VA_ARGS__,                            \
               {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀")})
TRIED_AGAIN(
    test_server_errors,
    {.status = 500, .body = "{\"status\":{\"code\":\"50000\",\"message\":\"x\"}}"},
    {.status = 504, .headers = "Content-Type: text/html\r\n", .body = "<html>", .cut = true})
TRIED_AGAIN(test_overload,
            {.status = 429, .body = "{\"status\":{\"code\":\"42902\",\"message\":\"busy\"}}"},
            {.headers = SSE,
             .body = "event:error\ndata:{\"status\":{\"code\":\"42902\",\"message\":\"b\"}}\n\n",
             .cut = true})
TRIED_AGAIN(test_breaks, {.reset = true}, {.headers = SSE, .body = "event: token\n", .cut = true})
TRIED_AGAIN(test_ok_with_error, {.body = "{\"status\":{\"code\":\"50000\",\"message\":\"x\"}}"},
            {.headers = SSE,
             .body = "data:{\"status\":{\"code\":\"50000\",\"message\":\"x\"}}\n\n",
             .cut = true})

/* Context too long: the longest message loses its middle, once. */
static int too_long(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct buf text = BUF_INIT(0);
    for (int i = 0; i < 1000; i++)
        buf_text(&text, "가나다라");
    const struct llm_message messages[] = {{"user", arena_str(&f->arena, buf_view(&text))}};
    buf_done(&text);
    const struct llm_spec spec = {.messages = messages, .message_count = 1, .max_tokens = 9999};
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    FLOW_EXPECT(f, llm_open(f, m, &spec, &s), 0);
    CALM_CHECK(vendor_seen(vc, "\"maxTokens\":4096") == 2);
    CALM_CHECK(peer_received(vc->peer).len < 12000 + 6000 + 2000);
    return 0;
}
CLOVA_CASE(test_too_long, too_long, false, "HCX-005", "",
           {.want_body = "}",
            .status = 400,
            .body = "{\"status\":{\"code\":\"40003\",\"message\":\"Text too long\"}}"},
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀")})

CLOVA_CASE(test_too_long_event, too_long, false, "HCX-005", "",
           {.want_body = "}",
            .headers = SSE,
            .body = "event:error\ndata:{\"status\":{\"code\":\"40003\",\"message\":\"long\"}}\n\n",
            .cut = true},
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀")})

struct fault_row {
    const char *name;
    int want;
    const char *begun; /* what was read before the fault */
    struct exchange talk;
};
static const struct fault_row *fault_now;

static int fault(struct flow *f, struct vendor_case *vc)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    struct llm *m = open_clova(f, vc, "HCX-005", "");
    int r = read_all(f, m, &out, &usage);
    llm_free(m);
    if (torture_is_on())
        return r == fault_now->want ? 0 : MIN(r, 0);
    if (r != fault_now->want)
        return torture_check_status(__FILE__, __LINE__, fault_now->name, r, fault_now->want,
                                    f->err.msg);
    FLOW_CHECK(str_eq(buf_view(&out), str_from(fault_now->begun)));
    FLOW_CHECK(!strstr(f->err.msg, "nv-key"));
    if (out.len > 0) {
        FLOW_CHECK(vendor_seen(vc, "POST ") == 1); /* never after the first token */
        FLOW_CHECK(usage.estimated && usage.completion_tokens > 0);
    }
    return 0;
}

static const struct fault_row fault_rows[] = {
    {"half a stream", E_TRUNCATED, "안녕", {.headers = SSE, .body = TOKEN("안녕"), .cut = true}},
    {"signal without result",
     E_TRUNCATED,
     "안녕",
     {.headers = SSE, .body = TOKEN("안녕") SIGNAL, .cut = true}},
    {"error event",
     E_UPSTREAM,
     "안녕",
     {.headers = SSE,
      .body = TOKEN(
          "안녕") "event: error\ndata: {\"status\":{\"code\":\"50000\",\"message\":\"x\"}}\n\n"}},
    {"key told in an event",
     E_UPSTREAM_AUTH,
     "",
     {.headers = SSE,
      .body =
          "event: error\ndata: {\"status\":{\"code\":\"40104\",\"message\":\"bad nv-key\"}}\n\n"}},
    {"key told in a body",
     E_UPSTREAM_AUTH,
     "",
     {.status = 401, .body = "{\"status\":{\"code\":\"40104\",\"message\":\"bad nv%2Dkey\"}}"}},
    {"bare status",
     E_RATE,
     "안녕",
     {.headers = SSE,
      .body = TOKEN("안녕") "data:{\"status\":{\"code\":\"42901\",\"message\":\"x\"}}\n\n"}},
    {"garbage",
     E_PROTOCOL,
     "안녕",
     {.headers = SSE, .body = TOKEN("안녕") "event: token\ndata: <html>\n\n"}},
    {"bad key",
     E_UPSTREAM_AUTH,
     "",
     {.status = 401, .body = "{\"status\":{\"code\":\"40104\",\"message\":\"key\"}}"}},
    {"retired model",
     E_UPSTREAM_INPUT,
     "",
     {.status = 400, .body = "{\"status\":{\"code\":\"40082\",\"message\":\"retired\"}}"}},
    {"forbidden",
     E_UPSTREAM_DENIED,
     "",
     {.status = 403, .body = "{\"status\":{\"code\":\"40300\"}}"}},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fault_rows); i++) {
        fault_now = &fault_rows[i];
        vendor_run(fault_now->name, &fault_now->talk, 1, false, fault);
    }
}

/* ---- silence ---- */

static int silent(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    uint64_t start_ms = loop_now_ms(f->loop);
    (void)vc;
    FLOW_EXPECT(f, read_all(f, m, &out, &usage), E_UPSTREAM);
    CALM_CHECK(loop_now_ms(f->loop) - start_ms >= 15000); /* three rounds of 5 s */
    CALM_CHECK(out.len == 0);
    return 0;
}
CLOVA_CASE(test_silent, silent, true, "HCX-005", "", {.silent = true}, {.silent = true},
           {.silent = true})

/* The transport's own idle limit, after the first token. */
static int silent_inside(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct llm_usage usage;
    (void)vc;
    FLOW_EXPECT(f, read_all(f, m, &out, &usage), E_UPSTREAM);
    CALM_CHECK(str_eq(buf_view(&out), STR("안녕")));
    return 0;
}
CLOVA_CASE(test_silent_inside, silent_inside, false, "HCX-005", "",
           {.headers = SSE, .body = TOKEN("안녕"), .open = true})
/* The end mark came, the socket stays open: nobody waits for it. */
CLOVA_CASE(test_stays_open, good, false, "HCX-005", "",
           {.headers = SSE, .body = GOOD RESULT("안녕하세요 😀"), .open = true})

static int left(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    const struct llm_spec spec = spec_of();
    struct str delta;
    {
        _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
        FLOW_EXPECT(f, llm_open(f, m, &spec, &s), 0);
        FLOW_EXPECT(f, llm_next(f, &s, &delta), 1);
        CALM_CHECK(str_eq(delta, STR("안녕")));
        CALM_CHECK(s.usage.estimated && s.usage.prompt_tokens > 0);
    }
    if (!torture_is_on()) {
        FLOW_EXPECT(f, flow_sleep(f, 100), 0);
        FLOW_CHECK(peer_left(vc->peer) == 1); /* the model's work ends with its reader */
    }
    return 0;
}
CLOVA_CASE(test_left, left, false, "HCX-005", "",
           {.headers = SSE, .body = TOKEN("안녕") TOKEN("하세요"), .open = true})

/* ---- objects ---- */

#define SCHEMA                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\",\"enum\":[\"login\","     \
    "\"pay\"],"                                                                                    \
    "\"description\":\"d\"}},\"required\":[\"label\"],\"additionalProperties\":false}"
#define ANSWER(content, finish)                                                                    \
    "{\"status\":{\"code\":\"20000\",\"message\":\"OK\"},\"result\":{\"message\":{\"role\":"       \
    "\"assistant\",\"content\":\"" content "\"},\"finishReason\":\"" finish                        \
    "\",\"usage\":{\"promptTokens\":10,\"completionTokens\":5}}}"

static int object(struct flow *f, struct llm *m, struct llm_usage *ret_usage)
{
    struct llm_spec spec = spec_of();
    struct json v = JSON_NONE;
    spec.schema = STR(SCHEMA);
    int r = llm_json(f, m, &spec, &v, ret_usage);
    if (r < 0)
        return r;
    CALM_CHECK(str_eq(json_str(json_get(v, "label")), STR("pay")));
    return 0;
}

static int by_schema(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct llm_usage usage;
    FLOW_EXPECT(f, object(f, m, &usage), 0);
    CALM_CHECK(vendor_seen(vc, "POST /testapp/v3/chat-completions/HCX-007 ") == 1);
    CALM_CHECK(vendor_seen(vc, "\"maxCompletionTokens\":512") == 1);
    CALM_CHECK(vendor_seen(vc, "\"thinking\":{\"effort\":\"none\"}") == 1);
    CALM_CHECK(vendor_seen(
                   vc,
                   "\"schema\":{\"type\":\"object\",\"properties\":{\"label\":{\"type\":\"string\","
                   "\"enum\":[\"login\",\"pay\"]}},\"required\":[\"label\"]}") == 1);
    CALM_CHECK(strcmp(usage.model, "HCX-007") == 0 && usage.prompt_tokens == 10);
    return 0;
}
CLOVA_CASE(test_by_schema, by_schema, false, "HCX-005", "HCX-007",
           {.want_body = "}", .body = ANSWER("{\\n  \\\"label\\\": \\\"pay\\\"\\n}", "stop")})

static int asked_again(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct llm_usage usage;
    FLOW_EXPECT(f, object(f, m, &usage), 0);
    CALM_CHECK(vendor_seen(vc, "POST ") == 3);
    CALM_CHECK(vendor_seen(vc, "HCX-005 HTTP") == 3 && vendor_seen(vc, "responseFormat") == 0);
    CALM_CHECK(vendor_seen(vc, "$.label: 허용된 값이 아닙니다.") == 1);
    CALM_CHECK(usage.prompt_tokens == 30 && usage.completion_tokens == 15); /* all are paid for */
    return 0;
}
CLOVA_CASE(test_asked_again, asked_again, false, "HCX-005", "",
           {.want_body = "}", .body = ANSWER("네! 결제입니다", "stop")},
           {.want_body = "}", .body = ANSWER("{\\\"label\\\":\\\"refund\\\"}", "stop")},
           {.want_body = "}",
            .body = ANSWER("```json\\n{\\\"label\\\":\\\"pay\\\"}\\n```", "stop")})

static int given_up(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct llm_usage usage;
    FLOW_EXPECT(f, object(f, m, &usage), E_MODEL);
    CALM_CHECK(vendor_seen(vc, "POST ") == 3);
    return 0;
}
CLOVA_CASE(test_given_up, given_up, false, "HCX-005", "", {.body = ANSWER("몰라요", "stop")},
           {.body = ANSWER("[]", "stop")}, {.body = ANSWER("{\\\"label\\\":1}", "stop")})

static int cut_short(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct llm_usage usage;
    FLOW_EXPECT(f, object(f, m, &usage), 0);
    CALM_CHECK(vendor_seen(vc, "\"maxTokens\":512") == 1 &&
               vendor_seen(vc, "\"maxTokens\":1024") == 1);
    return 0;
}
CLOVA_CASE(test_cut_short, cut_short, false, "HCX-005", "",
           {.want_body = "}", .body = ANSWER("{\\\"label\\\":\\\"pay\\\"}", "length")},
           {.want_body = "}", .body = ANSWER("{\\\"label\\\":\\\"pay\\\"}", "stop")})

/* The schema or the model is refused: the plain way, with the chat model. */
static int schema_refused(struct flow *f, struct vendor_case *vc, struct llm *m)
{
    struct llm_usage usage;
    FLOW_EXPECT(f, object(f, m, &usage), 0);
    CALM_CHECK(vendor_seen(vc, "HCX-007 HTTP") == 1 && vendor_seen(vc, "HCX-005 HTTP") == 1);
    return 0;
}
CLOVA_CASE(test_schema_refused, schema_refused, false, "HCX-005", "HCX-007",
           {.want_body = "}",
            .status = 400,
            .body = "{\"status\":{\"code\":\"40055\",\"message\":\"schema\"}}"},
           {.want_body = "}", .body = ANSWER("{\\\"label\\\":\\\"pay\\\"}", "stop")})

/* ---- nobody to ask ---- */

static int nobody(struct flow *f, struct vendor_case *vc)
{
    struct llm *m = llm_new(f->loop);
    const struct llm_spec spec = spec_of();
    struct llm_stream s = LLM_STREAM_INIT;
    (void)vc;
    int r = llm_open(f, m, &spec, &s);
    llm_close(&s);
    llm_free(m);
    FLOW_EXPECT(f, r, E_CONFIG);
    return 0;
}
static void test_nobody(void **state)
{
    (void)state;
    static const struct exchange talk[] = {{.silent = true}};
    vendor_run("test_nobody", talk, 1, false, nobody);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream),         cmocka_unit_test(test_stream_split),
        cmocka_unit_test(test_stream_odd),     cmocka_unit_test(test_stream_halves),
        cmocka_unit_test(test_result_only),    cmocka_unit_test(test_not_streamed),
        cmocka_unit_test(test_half_pairs),     cmocka_unit_test(test_back_soon),
        cmocka_unit_test(test_too_long_event), cmocka_unit_test(test_server_errors),
        cmocka_unit_test(test_overload),       cmocka_unit_test(test_breaks),
        cmocka_unit_test(test_ok_with_error),  cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_faults),         cmocka_unit_test(test_silent),
        cmocka_unit_test(test_silent_inside),  cmocka_unit_test(test_stays_open),
        cmocka_unit_test(test_left),           cmocka_unit_test(test_by_schema),
        cmocka_unit_test(test_asked_again),    cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_cut_short),      cmocka_unit_test(test_schema_refused),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests_name("flow.clova", tests, NULL, NULL);
}
