/*
 * api/metrics.c: GET /metrics in Prometheus' text format 0.0.4.
 *
 * The happy path: what the api counted itself (exchanges, streams, runs, tokens, the loop, log lines),
 * then what only the app knows (pool, upstream accounts and buckets), appended by its function.
 * Fails by: nothing. Invariant: no tenant's name or domain beyond an account's own label; no secret.
 * Old names (legacy-contracts §1.10) are given where there is such a number.
 */
#include <inttypes.h>

#include "api/internal.h"
#include "base/log.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    buf_printf(out, "%s %.17g\n", name, value);
}

static void write_http(struct buf *out, const struct api *a)
{
    static const char *const classes[] = {"broken", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct http_stats s = http_server_stats(a->server);
    head(out, "deskstream_http_requests_total", "counter", "Exchanges by class of status.");
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++)
        buf_printf(out, "deskstream_http_requests_total{class=\"%s\"} %" PRIu64 "\n", classes[i],
                   s.status_count[i]);
    one(out, "deskstream_http_connections_open", "gauge", "Client connections.",
        (double)s.connection_count);
    one(out, "deskstream_http_exchanges_open", "gauge", "Requests being answered.",
        (double)s.exchange_count);
    one(out, "deskstream_streams_open", "gauge", "Streamed answers under way.",
        (double)s.stream_count);
}

static void write_runs(struct buf *out, const struct api_counts *c)
{
    static const char *const kinds[] = {
        [RUN_TICKET] = "ticket", [RUN_QUESTION] = "question", [RUN_REPLY] = "reply"};
    head(out, "deskstream_runs_total", "counter",
         "Tickets opened, questions and drafts asked for.");
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        buf_printf(out, "deskstream_runs_total{kind=\"%s\"} %" PRIu64 "\n", kinds[i], c->runs[i]);
    head(out, "deskstream_runs_failed_total", "counter", "Of them, ended by an error.");
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
        buf_printf(out, "deskstream_runs_failed_total{kind=\"%s\"} %" PRIu64 "\n", kinds[i],
                   c->failed[i]);
    one(out, "deskstream_section_errors_total", "counter", "Sections that failed alone.",
        (double)c->section_errors);
    head(out, "deskstream_llm_tokens_total", "counter", "Tokens of language models.");
    buf_printf(out, "deskstream_llm_tokens_total{kind=\"prompt\"} %" PRId64 "\n", c->prompt_tokens);
    buf_printf(out, "deskstream_llm_tokens_total{kind=\"completion\"} %" PRId64 "\n",
               c->completion_tokens);
    one(out, "deskstream_llm_calls_total", "counter", "Calls of language models.",
        (double)c->model_calls);
    one(out, "deskstream_llm_cost_krw_total", "counter", "Cost by the price table, in won.",
        c->cost_krw);
    one(out, "tickets_processed_total", "counter", "Tickets opened (old name).",
        (double)c->runs[RUN_TICKET]);
}

static void write_process(struct buf *out, const struct api *a)
{
    one(out, "deskstream_flows", "gauge", "Flows alive.", (double)loop_flow_count(a->loop));
    one(out, "deskstream_loop_stall_seconds", "gauge",
        "Longest turn of the loop since the last scrape.",
        (double)loop_stall_take_ns(a->loop) / 1e9);
    one(out, "deskstream_uptime_seconds", "gauge", "Since start.",
        (double)(loop_now_ms(a->loop) - a->begin_ms) / 1000);
    head(out, "deskstream_log_lines_total", "counter", "Log lines by level.");
    for (int level = LOG_DEBUG; level <= LOG_ERROR; level++)
        buf_printf(out, "deskstream_log_lines_total{level=\"%s\"} %" PRIu64 "\n",
                   log_level_name((enum log_level)level), log_count((enum log_level)level));
}

int on_metrics(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct buf *out = arena_buf(&f->arena, 0);
    write_http(out, a);
    write_runs(out, &a->counts);
    write_process(out, a);
    if (a->spec.metrics != NULL)
        a->spec.metrics(a->spec.context, out);
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer(f, x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(out));
}
