/* OpenAI-compatible servers against a scripted peer: how they differ and how they break. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/vendor.h"
#include "upstream/llm.h"

#define SSE "Content-Type: text/event-stream\r\n"
#define CHUNK(text)                                                                                \
    "data: "                                                                                       \
    "{\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"      \
    "\"" text "\"},\"finish_reason\":null}],\"usage\":null}\n\n"
#define FIRST                                                                                      \
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\n"
#define DONE "data: [DONE]\n\n"

static const struct llm_message question[] = {{"system", STR("s")}, {"user", STR("안녕?")}};

static struct llm_spec spec_of(void)
{
    return (struct llm_spec){.task = "answer",
                             .messages = question,
                             .message_count = 2,
                             .max_tokens = 100,
                             .temperature = 0.2};
}

struct row {
    const char *name;
    int want;
    const char *text;  /* what was read, also before a failure */
    int64_t prompt;    /* tokens; 0: estimated */
    size_t call_count; /* requests sent; 0: not looked at */
    const char *sent;  /* in the last request; NULL: not looked at */
    const char *base, *model;
    struct exchange talk[3];
};
static const struct row *row_now;

static int run_row(struct flow *f, struct vendor_case *vc)
{
    const struct row *row = row_now;
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    const struct llm_spec spec = spec_of();
    struct llm *m = llm_new(f->loop);
    const struct openai_spec os = {
        .web = vc->web,
        .base_url = arena_printf(&f->arena, "%s%s", vc->url, row->base ? row->base : "/v1").ptr,
        .api_key = "sk",
        .model = row->model ? row->model : "m",
        .per_minute = 60000,
        .tokens_per_minute = 1e9,
        .first_token_ms = 5000,
        .idle_ms = 4000,
    };
    llm_add(m, openai_new(f->loop, &os));
    struct llm_stream s = LLM_STREAM_INIT;
    struct str delta;
    int r = llm_open(f, m, &spec, &s);
    while (r >= 0 && (r = llm_next(f, &s, &delta)) > 0)
        buf_str(&out, delta);
    struct llm_usage usage = s.usage;
    llm_close(&s);
    llm_free(m);
    if (torture_is_on())
        return r == row->want ? 0 : MIN(r, 0);
    if (r != row->want)
        return torture_check_status(__FILE__, __LINE__, row->name, r, row->want, f->err.msg);
    FLOW_CHECK(str_eq(buf_view(&out), str_from(row->text)));
    if (row->call_count)
        FLOW_CHECK(vendor_seen(vc, "POST ") == row->call_count);
    if (row->sent)
        FLOW_CHECK(vendor_seen(vc, row->sent) == 1);
    if (row->want == 0 && row->prompt)
        FLOW_CHECK(usage.prompt_tokens == row->prompt && usage.completion_tokens == 4 &&
                   !usage.estimated);
    if (row->want == 0 && !row->prompt)
        FLOW_CHECK(usage.prompt_tokens > 0 && usage.completion_tokens > 0 && usage.estimated);
    return 0;
}

static const struct row rows[] = {
    {"openai",
     0,
     "안녕!",
     9,
     1,
     "\"stream_options\":{\"include_usage\":true}",
     NULL,
     NULL,
     {{.want = "POST /v1/chat/completions ",
       .want_body = "}",
       .headers = SSE,
       .body = FIRST CHUNK("안녕") CHUNK("!") STOP USAGE DONE}}},
    {"byte by byte",
     0,
     "안녕!",
     9,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = FIRST CHUNK("안녕") CHUNK("!") STOP USAGE DONE, .split = true}}},
    {"a second answer",
     0,
     "안녕!",
     9,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE,
       .body = FIRST CHUNK(
           "안녕") "data: "
                   "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}}]}\n\n" CHUNK("!")
                       STOP USAGE DONE}}},
    {"usage beside choices, repeated",
     0,
     "안",
     9,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE,
       .body =
           "data: {\"choices\":[{\"delta\":{\"content\":\"안\"}}],\"usage\":{\"prompt_tokens\":9,"
           "\"completion_tokens\":2}}\n\ndata: "
           "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
           "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\n" DONE}}},
    {"pings, no blank line at the end",
     0,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE,
       .body = ": ping\n\n" CHUNK("a") "data:\n\n: ping\n\ndata: [DONE]\n",
       .cut = true}}},
    {"[DONE], then the socket stays open",
     0,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = CHUNK("a") DONE, .open = true}}},
    {"no [DONE]",
     0,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = CHUNK("a") STOP, .cut = true}}},
    {"no [DONE], stays open",
     0,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = CHUNK("a") STOP, .open = true}}},
    {"odd finish reason",
     0,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE,
       .body = CHUNK(
           "a") "data: "
                "{\"choices\":[{\"delta\":{},\"finish_reason\":\"insufficient\"}]}\n\n" DONE}}},
    {"not streamed",
     0,
     "a",
     9,
     1,
     NULL,
     NULL,
     NULL,
     {{.body =
           "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":"
           "{\"prompt_tokens\":9,\"completion_tokens\":4}}"}}},
    {"CLOVA's route takes no stream_options",
     0,
     "a",
     0,
     1,
     "\"stream\":true}",
     "/v1/openai",
     NULL,
     {{.want_body = "}", .headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"stream_options refused",
     0,
     "a",
     0,
     2,
     NULL,
     NULL,
     NULL,
     {{.want_body = "}",
       .status = 400,
       .body =
           "{\"error\":{\"message\":\"Unknown parameter: stream_options\",\"code\":\"40002\"}}"},
      {.want_body = "\"stream\":true}", .headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"max_tokens refused",
     0,
     "a",
     0,
     2,
     "\"max_completion_tokens\":100",
     NULL,
     NULL,
     {{.want_body = "}",
       .status = 400,
       .body = "{\"error\":{\"message\":\"'max_tokens' is not supported, use "
               "'max_completion_tokens'\"}}"},
      {.want_body = "}", .headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"reasoning models",
     0,
     "a",
     0,
     1,
     "\"max_completion_tokens\":100,\"stream\":true",
     NULL,
     "o3-mini",
     {{.want_body = "}", .headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"broken off",
     E_TRUNCATED,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = CHUNK("a"), .cut = true}}},
    {"nothing said, then good",
     0,
     "a",
     0,
     2,
     NULL,
     NULL,
     NULL, /* vllm #40986 */
     {{.headers = SSE, .body = DONE}, {.headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"empty chunk and close, then good",
     0,
     "a",
     0,
     2,
     NULL,
     NULL,
     NULL, /* Ollama's error on /v1 */
     {{.headers = SSE, .body = CHUNK(""), .cut = true},
      {.headers = SSE, .body = CHUNK("a") STOP DONE}}},
    {"error object",
     E_UPSTREAM,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE,
       .body = CHUNK("a") "data: {\"error\":{\"message\":\"x\",\"code\":500}}\n\n" DONE}}},
    {"error line",
     E_UPSTREAM,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL, /* llama.cpp of 2025 */
     {{.headers = SSE, .body = CHUNK("a") "error: {\"code\":500,\"message\":\"x\"}\n\n" DONE}}},
    {"error_message",
     E_UPSTREAM,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL, /* Venice */
     {{.headers = SSE,
       .body = CHUNK("a") "data: {\"error_type\":\"t\",\"error_message\":\"x\"}\n\n" DONE}}},
    {"garbage",
     E_PROTOCOL,
     "a",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.headers = SSE, .body = CHUNK("a") "data: {\"choi\n\n" DONE}}},
    {"quota is no rate",
     E_UPSTREAM_DENIED,
     "",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.status = 429,
       .body = "{\"error\":{\"message\":\"You exceeded your current "
               "quota\",\"type\":\"insufficient_quota\","
               "\"code\":\"insufficient_quota\"}}"}}},
    {"bad key",
     E_UPSTREAM_AUTH,
     "",
     0,
     1,
     NULL,
     NULL,
     NULL,
     {{.status = 401, .body = "{\"error\":{\"message\":\"no\",\"code\":\"invalid_api_key\"}}"}}},
    {"rate, then good",
     0,
     "a",
     0,
     2,
     NULL,
     NULL,
     NULL,
     {{.status = 429,
       .headers = "retry-after-ms: 200\r\nx-ratelimit-reset-requests: 1m2s\r\n",
       .body = "{\"error\":{\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}}"},
      {.headers = SSE, .body = CHUNK("a") STOP DONE}}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        size_t count = 0;
        while (count < ARRAY_COUNT(rows[i].talk) &&
               (count == 0 || rows[i].talk[count].body || rows[i].talk[count].status))
            count++;
        row_now = &rows[i];
        vendor_run(rows[i].name, rows[i].talk, count, false, run_row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests_name("flow.openai", tests, NULL, NULL);
}
