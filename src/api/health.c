/*
 * api/health.c: /health (what works, always 200), /health/live, /health/ready.
 *
 * The happy path: the assist service asks its parts side by side, each under a short deadline; the answer
 * is the union of the old shapes (legacy-contracts §1.10) and `components`.
 * Fails by: nothing for /health and /health/live; /health/ready is 503 while the schema is not made or
 * Postgres or the vector store are away. Invariant: no credentials are needed, no secret is told.
 */
#include <errno.h>

#include "api/internal.h"
#include "assist/assist.h"
#include "base/wall.h"

/* What is not ready is the database's doing, or the vector store's (too old, a foreign collection). */
static bool is_database(const struct err *why)
{
    return why->code == 0 || why->code == E_DB || why->code == E_DB_AWAY ||
           why->code == E_DB_RETRY || why->code == E_DB_CONFLICT;
}

static int check(struct flow *f, struct api *a, struct assist_health *h, struct err *why)
{
    int r = assist_health(f, a->spec.assist, h);
    if (r < 0)
        return r;
    bool ready = a->spec.ready == NULL || a->spec.ready(a->spec.context, why);
    if (!ready && is_database(why) && h->database >= 0)
        h->database = why->code < 0 ? why->code : E_DB_AWAY;
    if (!ready && !is_database(why) && h->vectors >= 0)
        h->vectors = why->code;
    return 0;
}

static void write_component(struct jw *w, const char *key, int status, double ms, struct str detail)
{
    jw_obj(w, key);
    jw_text(w, "status", status < 0 ? "unhealthy" : "healthy");
    if (ms > 0)
        jw_f64(w, "latency_ms", ms, 2);
    else
        jw_null(w, "latency_ms");
    if (detail.len > 0)
        jw_str(w, "detail", detail);
    else if (status < 0)
        jw_text(w, "detail", err_text(status));
    jw_end_obj(w);
}

static void write_components(struct jw *w, const struct assist_health *h, const struct err *why)
{
    jw_obj(w, "components");
    struct str text = str_from(why->msg);
    write_component(w, "postgres", h->database, h->database_ms,
                    h->database < 0 && is_database(why) ? text : STR(""));
    write_component(w, "vectors", h->vectors, h->vectors_ms,
                    h->vectors < 0 && !is_database(why) ? text : h->vectors_note);
    write_component(w, "llm", h->llm, 0, h->llm_providers);
    write_component(w, "freshdesk", h->freshdesk, 0, STR(""));
    jw_end_obj(w);
}

/* The services as the June and July servers named them. */
static void write_services(struct jw *w, const struct assist_health *h)
{
    jw_obj(w, "services");
    jw_obj(w, "qdrant");
    jw_text(w, "status", h->vectors < 0 ? "unhealthy" : "healthy");
    jw_bool(w, "connected", h->vectors >= 0);
    jw_bool(w, "collection_exists", h->vectors >= 0);
    jw_str(w, "home", h->vectors_home);
    if (h->vectors < 0)
        jw_text(w, "error", err_text(h->vectors));
    jw_end_obj(w);
    jw_obj(w, "llm_router");
    jw_text(w, "status", h->llm < 0 ? "unhealthy" : "healthy");
    jw_arr(w, "available_models");
    struct str rest = h->llm_providers, one;
    while (str_cut(&rest, ',', &one))
        jw_str(w, NULL, str_trim(one));
    jw_end_arr(w);
    jw_bool(w, "initialized", h->llm != E_CONFIG);
    jw_end_obj(w);
    jw_obj(w, "cache");
    jw_text(w, "status", "healthy");
    jw_raw(w, "info",
           STR("{\"main_cache_size\":0,\"main_cache_maxsize\":0,\"ticket_cache_size\":0,"
               "\"ticket_cache_maxsize\":0}"));
    jw_end_obj(w);
    jw_text(w, "vectordb", h->vectors < 0 ? "unhealthy" : "healthy");
    jw_text(w, "llm", h->llm < 0 ? "unhealthy" : "healthy");
    jw_end_obj(w);
}

int on_health(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct assist_health h = {0};
    struct err why = {0};
    uint64_t begin_ns = loop_now_ns(f->loop);
    int r = check(f, a, &h, &why);
    if (r == -ECANCELED)
        return r;
    if (r < 0)
        h = (struct assist_health){.database = r, .vectors = r, .llm = r, .freshdesk = r};
    bool good = h.database >= 0 && h.vectors >= 0 && h.llm >= 0 && h.freshdesk >= 0;
    struct buf *out = arena_buf(&f->arena, 0);
    _cleanup_(buf_done) struct buf now = BUF_INIT(64);
    wall_write(&now, loop_wall_ms(f->loop));
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_text(&w, "status", good ? "healthy" : h.database < 0 ? "unhealthy" : "degraded");
    jw_str(&w, "timestamp", buf_view(&now));
    jw_text(&w, "version", a->spec.version);
    jw_text(&w, "service", "deskstream");
    jw_text(&w, "platform", "freshdesk");
    jw_bool(&w, "sandbox", a->spec.config->sandbox);
    write_services(&w, &h);
    write_components(&w, &h, &why);
    jw_f64(&w, "response_time_ms", (double)(loop_now_ns(f->loop) - begin_ns) / 1e6, 2);
    jw_f64(&w, "uptime_seconds", (double)(loop_now_ms(f->loop) - a->begin_ms) / 1000, 1);
    jw_end_obj(&w);
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer_json(f, x, 200, buf_view(out));
}

int on_live(struct flow *f, struct http_exchange *x, void *context)
{
    (void)context;
    return http_answer_json(f, x, 200, STR("{\"status\":\"alive\"}"));
}

int on_ready(struct flow *f, struct http_exchange *x, void *context)
{
    struct api *a = context;
    struct assist_health h = {0};
    struct err why = {0};
    int r = check(f, a, &h, &why);
    if (r == -ECANCELED)
        return r;
    bool good = r >= 0 && h.database >= 0 && h.vectors >= 0;
    struct buf *out = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(out);
    jw_obj(&w, NULL);
    jw_text(&w, "status", good ? "ready" : "not ready");
    write_components(&w, &h, &why);
    if (!good)
        jw_text(&w, "detail", r < 0 ? err_text(r) : why.msg[0] ? why.msg : "a store is away");
    jw_end_obj(&w);
    http_set_header(x, "Cache-Control", STR("no-store"));
    return http_answer_json(f, x, good ? 200 : 503, buf_view(out));
}
