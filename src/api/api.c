/*
 * api/api.c: the server of the api: opens, drains, writes the access log.
 *
 * The happy path: api_open listens with the table of routes; each exchange that ends is one line in the
 * log: method, the route's pattern (never the query, which may hold a key), status, time, bytes, tenant.
 * Fails by: an address that cannot be bound. Invariant: handlers run only between api_open and api_drain.
 */
#include "api/api.h"

#include <inttypes.h>

#include "api/internal.h"
#include "base/asset.h"
#include "base/log.h"
#include "base/mem.h"

static void on_ended(const struct http_exchange *x, void *context)
{
    const struct api *a = context;
    const struct http_request *rq = http_request_of(x);
    const char *route = http_route_of(x);
    const char *tenant = http_label(x);
    double ms = (double)(loop_now_ns(a->loop) - rq->read_ns) / 1e6;
    log_info("api.request", "method=%.*s route=%s status=%d ms=%.1f bytes=%" PRIu64 " tenant=%s",
             STR_ARG(rq->method), route[0] != '\0' ? route : "-", http_answer_status(x), ms,
             http_answer_bytes(x), tenant[0] != '\0' ? tenant : "-");
}

/* The table, and one route for each file of the page: web/app.js is /app.js. */
static void make_routes(struct api *a)
{
    a->routes = mem_alloc((api_route_count + asset_count) * sizeof(a->routes[0]));
    memcpy(a->routes, api_routes, api_route_count * sizeof(a->routes[0]));
    a->route_count = api_route_count;
    for (size_t i = 0; i < asset_count; i++) {
        if (str_starts(str_from(assets[i].path), STR("web/")))
            a->routes[a->route_count++] = (struct http_route){.method = "GET",
                                                              .pattern = assets[i].path +
                                                                         strlen("web"),
                                                              .handler = on_page_file};
    }
}

int api_open(struct flow *f, const struct api_spec *spec, struct api **ret_api)
{
    const struct config *c = spec->config;
    struct api *a = mem_alloc(sizeof(*a));
    a->spec = *spec;
    a->loop = f->loop;
    a->begin_ms = loop_now_ms(f->loop);
    make_routes(a);
    struct http_server_spec server = {
        .host = c->host,
        .port = (int)c->port,
        .routes = a->routes,
        .route_count = a->route_count,
        .context = a,
        .before = cors_before,
        .after = on_ended,
        .connection_count_max = (size_t)c->connection_count_max,
        .header_bytes_max = (size_t)c->header_bytes_max,
        .body_bytes_max = (size_t)c->body_bytes_max,
        .unsent_bytes_high = (size_t)c->stream_buffer_bytes_max,
        .idle_timeout_ms = (uint32_t)c->idle_timeout_ms,
        .request_timeout_ms = (uint32_t)c->request_timeout_ms,
        .slow_reader_ms = (uint32_t)c->slow_reader_ms,
    };
    int r = http_server_open(f, &server, &a->server);
    if (r < 0) {
        mem_free(a->routes);
        mem_free(a);
        return r;
    }
    *ret_api = a;
    return 0;
}

int api_port(const struct api *a)
{
    return http_server_port(a->server);
}

void api_drain(struct flow *f, struct api *a, uint32_t drain_ms)
{
    http_server_drain(f, a->server, drain_ms);
}

void api_free(struct api *a)
{
    if (a == NULL)
        return;
    http_server_free(a->server);
    mem_free(a->routes);
    mem_free(a);
}
