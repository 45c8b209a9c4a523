/*
 * Bench: our own rooms as a bare relay: HTTP server, router of models, CLOVA's client, SSE writer; no
 * database, no retrieval. What every assist stream is made of, alone, so that it can be compared with
 * relays that do nothing else.
 *
 *   relay PORT UPSTREAM_URL     POST / with the prompt as body -> text/event-stream
 *                               GET /stall: longest turn of the loop since the last such question, us
 *                               of CPU time, so that a busy machine does not blur it
 *
 * Fails as a handler does: before the first token with a status, after it by closing the stream.
 * Invariant: nothing here but glue; what is measured is the rooms'.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "http/server.h"
#include "http/sse.h"
#include "net/web.h"
#include "upstream/llm.h"

struct relay {
    int port;
    const char *url;
    struct llm *llm;
};

static int send_delta(struct flow *f, struct sse *s, struct str delta)
{
    _cleanup_(buf_done) struct buf out = BUF_INIT(0);
    struct jw w = JW_INIT(&out);
    jw_obj(&w, NULL);
    jw_text(&w, "type", "answer.delta");
    jw_str(&w, "text", delta);
    jw_end_obj(&w);
    return sse_send(f, s, "answer.delta", buf_view(&out));
}

static int on_post(struct flow *f, struct http_exchange *x, void *context)
{
    struct relay *relay = context;
    struct llm_message messages[] = {{.role = "user", .text = http_request_of(x)->body}};
    struct llm_spec spec = {
        .task = "bench", .messages = messages, .message_count = 1, .max_tokens = 100};
    _cleanup_(sse_done) struct sse sse = SSE_INIT;
    _cleanup_(llm_close) struct llm_stream s = LLM_STREAM_INIT;
    int r = llm_open(f, relay->llm, &spec, &s);
    if (r >= 0)
        r = sse_begin(f, &sse, x, SSE_FULL, 15000);
    struct str delta;
    while (r >= 0 && (r = llm_next(f, &s, &delta)) > 0)
        r = send_delta(f, &sse, delta);
    if (r >= 0)
        r = sse_send(f, &sse, "done", STR("{\"type\":\"done\"}"));
    return r < 0 ? r : sse_end(f, &sse);
}

static int on_stall(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    char text[32];
    int len = snprintf(text, sizeof(text), "%llu\n",
                       (unsigned long long)(loop_stall_take_cpu_ns(f->loop) / 1000));
    return http_answer(f, x, 200, "text/plain", str_of(text, (size_t)len));
}

static int serve(struct flow *f, struct relay *relay)
{
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/stall", .handler = on_stall},
        {.method = "POST", .pattern = "/{rest*}", .handler = on_post}};
    struct http_server_spec spec = {.host = "127.0.0.1",
                                    .port = relay->port,
                                    .routes = routes,
                                    .route_count = ARRAY_COUNT(routes),
                                    .context = relay};
    struct http_server *server;
    int r = http_server_open(f, &spec, &server);
    if (r < 0)
        return r;
    loop_stall_take_cpu_ns(f->loop); /* not the start of the program */
    const int signals[] = {SIGTERM, SIGINT};
    r = signal_wait(f, signals, 2);
    http_server_drain(f, server, 0);
    http_server_free(server);
    return r < 0 ? r : 0;
}

static int run(struct flow *f, void *arg)
{
    struct relay *relay = arg;
    struct web *web;
    int r = web_new(f->loop, &(struct web_spec){.connection_count_max = 4096}, &web, &f->err);
    if (r < 0)
        return r;
    relay->llm = llm_new(f->loop);
    struct clova_spec clova = {.web = web,
                               .base_url = relay->url,
                               .api_key = "nv-bench",
                               .model = "HCX-005",
                               .json_model = "HCX-007",
                               .per_minute = 1e9,
                               .tokens_per_minute = 1e12,
                               .first_token_ms = 60000,
                               .idle_ms = 60000};
    llm_add(relay->llm, clova_new(f->loop, &clova));
    r = serve(f, relay);
    llm_free(relay->llm);
    web_close_all(f, web);
    web_free(web);
    return r;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    struct relay relay = {.port = (int)strtol(argv[1], NULL, 10), .url = argv[2]};
    struct loop *l = loop_new(&(struct loop_spec){.flow_count_max = 4096, .measure_cpu = true});
    struct err err = {0};
    int r = loop_run(l, "relay", run, &relay, &err);
    if (r < 0)
        fprintf(stderr, "relay: %s\n", err.msg);
    loop_free(l);
    return r < 0;
}
