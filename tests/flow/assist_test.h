#pragma once
/*
 * What the tests of assist/ share: a database with a few solved tickets and articles, and one in-process
 * server that plays Freshdesk, CLOVA's chat stream and its embeddings, with a knob for each way to fail.
 * What the model was sent and what the reader was told are kept for the checks.
 *
 *   tickets 2, 3 solved (2 with a cause)    article 11 public, 12 for agents only
 */
#include <errno.h>

#include "assist/assist.h"
#include "flow/store_test.h"
#include "http/server.h"
#include "net/web.h"
#include "store/articles.h"
#include "store/tenants.h"
#include "store/texts.h"
#include "store/tickets.h"
#include "store/vectors.h"
#include "support/client.h"
#include "support/vendor.h"

#define SECRET_NOTE "the-boss-says-refuse"
#define AGENT_ONLY "internal-discount-table"

enum task { TASK_SUMMARY, TASK_SOLUTIONS, TASK_ANSWER, TASK_REPLY, TASK_COUNT };
enum chat {
    CHAT_GOOD,
    CHAT_401,
    CHAT_404,
    CHAT_500,
    CHAT_CUT,
    CHAT_ERROR_EVENT,
    CHAT_GARBAGE,
    CHAT_HANG
};

static const char *const task_marks[TASK_COUNT] = {"Format: summary-v1", "Format: solutions-v1",
                                                   "Format: answer-v1", "Format: reply-v1"};

struct stage_spec {
    int ticket_status, talks_status, embed_status, me_status; /* 0: 200 */
    enum chat chat[TASK_COUNT];
    const char *ticket; /* NULL: the usual one */
    bool no_model;
    size_t leave_after; /* the reader leaves at this event; 0: never */
    uint64_t embed_ms, summary_ms;
};
struct stage {
    struct sink sink;
    struct stage_spec spec;
    struct pg_pool *pool;
    struct http_server *server;
    struct web *web;
    struct freshdesk *freshdesk;
    struct llm *llm;
    struct embedder *embedder;
    struct vectors *vectors;
    struct assist *assist;
    struct caller who;
    struct buf names;  /* of the events, each with a blank behind it */
    struct buf events; /* their JSON, one a line */
    struct buf asked;  /* what the model was sent */
    size_t event_count, asked_count, me_count;
};
typedef int stage_fn(struct flow *f, struct stage *s);

static int64_t stage_tenant_id;

static inline bool stage_said(const struct stage *s, const char *text)
{
    return str_find(buf_view(&s->events), str_from(text), 0) != SIZE_MAX;
}
static inline bool stage_asked(const struct stage *s, const char *text)
{
    return str_find(buf_view(&s->asked), str_from(text), 0) != SIZE_MAX;
}
static inline size_t stage_place(const struct stage *s, const char *name)
{
    char word[64];
    snprintf(word, sizeof(word), " %s ", name);
    return str_find(buf_view(&s->names), str_from(word), 0);
}
static inline bool stage_has(const struct stage *s, const char *name)
{
    return stage_place(s, name) != SIZE_MAX;
}

static int stage_send(struct flow *f, struct sink *sink, const char *event, struct str json)
{
    struct stage *s = container_of(sink, struct stage, sink);
    int r = flow_check(f);
    if (r < 0)
        return r;
    s->event_count++;
    if (s->spec.leave_after && s->event_count >= s->spec.leave_after)
        return err_set(&f->err, -ECANCELED, "the client has left");
    buf_printf(&s->names, " %s ", event);
    buf_str(&s->events, json);
    buf_byte(&s->events, '\n');
    return flow_yield(f); /* as a reader who is a little slow */
}

/* ---- the vendors ---- */

static const char ticket_usual[] =
    "{\"id\":1,\"subject\":\"Refund fails\",\"description_text\":\"The refund button shows E-77.\","
    "\"status\":2,\"priority\":1,\"updated_at\":\"2026-01-01T00:00:00Z\"}";
static const char talks_usual[] =
    "[{\"id\":101,\"ticket_id\":1,\"body_text\":\"It still fails\",\"incoming\":true,"
    "\"private\":false,\"created_at\":\"2026-01-01T00:00:00Z\",\"attachments\":[{\"id\":52,"
    "\"name\":\"b.log\",\"file_size\":9,\"attachment_url\":\"https://cdn.example/b\"},"
    "{\"id\":53,\"name\":\"c\",\"attachment_url\":\"https://x/\\r\\nSet-Cookie: a\"}]},"
    "{\"id\":102,\"ticket_id\":1,\"body_text\":\"" SECRET_NOTE "\",\"incoming\":false,"
    "\"private\":true,\"created_at\":\"2026-01-01T00:01:00Z\"}]";
static const char *const texts_usual[TASK_COUNT] = {
    "The customer cannot refund.\\n- error E-77\\nSentiment: negative\\nUrgency: high",
    ("## Clear the cache\\n- Clear the payment cache [1] <<clear the payment cache>>\\n"
     "- Made up [1] <<words that stand nowhere>>\\n- No source [9] <<clear the payment cache>>\\n"),
    "Clear the cache [1].", "Dear customer, please try again."};

static int tell_status(struct flow *f, struct http_exchange *x, int status, const char *body)
{
    return status ? http_answer_json(f, x, status, STR("{\"message\":\"told to fail\"}"))
                  : http_answer_json(f, x, 200, str_from(body));
}

static int tell_embedding(struct flow *f, struct http_exchange *x, const struct stage *s)
{
    if (s->spec.embed_ms)
        TRY(f, flow_sleep(f, s->spec.embed_ms));
    struct buf *out = arena_buf(&f->arena, 0);
    buf_text(out,
             "{\"status\":{\"code\":\"20000\"},\"result\":{\"inputTokens\":5,\"embedding\":[1");
    for (size_t i = 1; i < EMBED_DIMENSIONS; i++)
        buf_text(out, ",0");
    buf_text(out, "]}}");
    return tell_status(f, x, s->spec.embed_status, buf_view(out).ptr);
}

static int tell_piece(struct flow *f, struct http_exchange *x, const char *event, const char *text,
                      const char *rest)
{
    return http_stream_write(f, x,
                             arena_printf(&f->arena,
                                          "event: %s\ndata: {\"message\":{\"role\":\"assistant\","
                                          "\"content\":\"%s\"}%s}\n\n",
                                          event, text, rest));
}

static int tell_chat(struct flow *f, struct http_exchange *x, struct stage *s)
{
    struct str body = http_request_of(x)->body;
    size_t task = 0;
    while (task < TASK_COUNT && str_find(body, str_from(task_marks[task]), 0) == SIZE_MAX)
        task++;
    if (task == TASK_COUNT)
        return http_answer_json(f, x, 400, STR("{}"));
    buf_str(&s->asked, body);
    s->asked_count++;
    enum chat chat = s->spec.chat[task];
    if (chat == CHAT_401 || chat == CHAT_404 || chat == CHAT_500)
        return tell_status(f, x, chat == CHAT_401 ? 401 : chat == CHAT_404 ? 404 : 500, "");
    if (task == TASK_SUMMARY && s->spec.summary_ms)
        TRY(f, flow_sleep(f, s->spec.summary_ms));
    TRY(f, http_stream_begin(f, x, 200, "text/event-stream"));
    if (chat == CHAT_GARBAGE)
        return http_stream_write(f, x, STR("event: token\ndata: {]\n\n"));
    const char *text = texts_usual[task];
    TRY(f, tell_piece(f, x, "token", text, ""));
    if (chat == CHAT_HANG)
        return flow_sleep(f, 3600000);
    if (chat == CHAT_CUT)
        return 0;
    if (chat == CHAT_ERROR_EVENT)
        return http_stream_write(f, x,
                                 STR("event: error\ndata: {\"status\":{\"code\":\"50000\","
                                     "\"message\":\"broke\"}}\n\n"));
    return tell_piece(f, x, "result", text,
                      ",\"finishReason\":\"stop\",\"usage\":{\"promptTokens\":100,"
                      "\"completionTokens\":20}");
}

static int stage_answer(struct flow *f, struct http_exchange *x, void *context)
{
    struct stage *s = context;
    struct str path = http_request_of(x)->path;
    if (str_eq(path, STR("/api/v2/tickets/1")))
        return tell_status(f, x, s->spec.ticket_status,
                           s->spec.ticket ? s->spec.ticket : ticket_usual);
    if (str_eq(path, STR("/api/v2/tickets/1/conversations")))
        return tell_status(f, x, s->spec.talks_status, talks_usual);
    if (str_eq(path, STR("/api/v2/agents/me"))) {
        s->me_count++;
        return tell_status(f, x, s->spec.me_status, "{\"id\":5}");
    }
    if (str_find(path, STR("/embedding/"), 0) != SIZE_MAX)
        return tell_embedding(f, x, s);
    if (str_find(path, STR("/chat-completions/"), 0) != SIZE_MAX)
        return tell_chat(f, x, s);
    return http_answer_json(f, x, 404, STR("{}"));
}

/* ---- putting it up ---- */

static inline void stage_done(struct flow *f, struct stage *s)
{
    assist_free(s->assist);
    vectors_free(s->vectors);
    embedder_free(s->embedder);
    llm_free(s->llm);
    freshdesk_free(s->freshdesk);
    web_close_all(f, s->web);
    web_free(s->web);
    http_server_free(s->server);
    pg_pool_close(f, s->pool);
    pg_pool_free(s->pool);
    buf_done(&s->names);
    buf_done(&s->events);
    buf_done(&s->asked);
}

static inline int stage_open(struct flow *f, struct stage *s)
{
    static const struct http_route routes[] = {
        {.method = "*", .pattern = "/{rest*}", .handler = stage_answer}};
    buf_init(&s->names, 0);
    buf_init(&s->events, 0);
    buf_init(&s->asked, 0);
    s->sink.send = stage_send;
    const struct pg_spec pg = pg_test_spec(6);
    TRY(f, pg_pool_new(f->loop, &pg, &s->pool, &f->err));
    const struct http_server_spec server = {.routes = routes, .route_count = 1, .context = s};
    TRY(f, http_server_open(f, &server, &s->server));
    TRY(f, web_new(f->loop, &(struct web_spec){0}, &s->web, &f->err));
    const char *base =
        arena_printf(&f->arena, "http://127.0.0.1:%d", http_server_port(s->server)).ptr;
    s->freshdesk = freshdesk_new(
        f->loop, &(struct freshdesk_spec){.web = s->web, .base_url = base, .per_minute = 60000});
    s->llm = llm_new(f->loop);
    const struct clova_spec clova = {.web = s->web,
                                     .base_url = base,
                                     .api_key = "nv-key",
                                     .model = "HCX-005",
                                     .json_model = "",
                                     .per_minute = 60000,
                                     .tokens_per_minute = 1e9,
                                     .first_token_ms = 60000,
                                     .idle_ms = 7200000};
    if (!s->spec.no_model)
        llm_add(s->llm, clova_new(f->loop, &clova));
    s->embedder = embedder_new(f->loop, &(struct embedder_spec){.web = s->web,
                                                                .base_url = base,
                                                                .api_key = "nv-key",
                                                                .per_minute = 60000,
                                                                .tokens_per_minute = 1e9});
    s->vectors = vectors_new_pg(f->loop, s->pool, 20000);
    s->assist = assist_new(f->loop, &(struct assist_spec){.pool = s->pool,
                                                          .vectors = s->vectors,
                                                          .freshdesk = s->freshdesk,
                                                          .llm = s->llm,
                                                          .embedder = s->embedder,
                                                          .language = "en"});
    s->who = (struct caller){.tenant_id = stage_tenant_id,
                             .company = STR("acme"),
                             .domain = STR("acme.freshdesk.com"),
                             .api_key = STR("agent-key")};
    return 0;
}

struct stage_run {
    struct stage_spec spec;
    stage_fn *fn;
};

static int stage_flow(struct flow *f, void *arg)
{
    const struct stage_run *run = arg;
    struct stage s = {.spec = run->spec};
    int r = stage_open(f, &s);
    if (r >= 0)
        r = run->fn(f, &s);
    stage_done(f, &s);
    return r;
}

#define STAGE_TEST(name, fn_, ...)                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        struct stage_run run = {.spec = {__VA_ARGS__}, .fn = fn_};                                 \
        torture_run(#name, stage_flow, &run);                                                      \
    }

/* ---- what is stored ---- */

static inline int stage_seed_tickets(struct flow *f, struct pg_pool *p, struct vectors *v,
                                     const struct vector_tenant *tenant, const float *vector)
{
    static const char *const raw[] = {
        "{\"id\":1,\"subject\":\"Refund fails\",\"description_text\":\"stored copy E-77\","
        "\"status\":2,\"updated_at\":\"2026-01-01T00:00:00Z\"}",
        "{\"id\":2,\"subject\":\"Refund button broken\",\"status\":4,"
        "\"updated_at\":\"2025-12-01T00:00:00Z\"}",
        "{\"id\":3,\"subject\":\"Refund is slow\",\"status\":5,"
        "\"updated_at\":\"2025-11-01T00:00:00Z\"}"};
    for (size_t i = 0; i < ARRAY_COUNT(raw); i++) {
        struct json json;
        struct ticket t;
        TRY(f, json_parse(&f->arena, str_from(raw[i]), &json, &f->err));
        TRY(f, ticket_from_json(&f->arena, json, &t, &f->err));
        const struct conversation talk = {
            .id = 900 + t.id, .ticket_id = t.id, .body_text = STR(SECRET_NOTE), .is_private = true};
        const struct ticket_item item = {&t, &talk, 1, true};
        struct item_result result;
        TRY(f, tickets_upsert(f, p, tenant->id, STR("salt"), &item, 1, &result));
        const struct item_texts texts = {.id = t.id,
                                         .texts = {STR("the refund button shows E-77"),
                                                   STR("a stale payment cache"),
                                                   STR("clear the payment cache and log in again")},
                                         .title = t.subject};
        TRY(f, texts_upsert(f, p, tenant->id, VECTORS_TICKETS, &texts, 1));
        const struct vector_point point = {.item_id = t.id, .vectors = {vector, vector, vector}};
        TRY(f, vectors_upsert(f, v, tenant, VECTORS_TICKETS, &point, 1));
    }
    return 0;
}

static inline int stage_seed_articles(struct flow *f, struct pg_pool *p, struct vectors *v,
                                      const struct vector_tenant *tenant, const float *vector)
{
    const struct article articles[] = {
        {.id = 11,
         .title = STR("Refunds"),
         .description_text = STR("Open settings, clear the payment cache, refund again."),
         .status = 2,
         .visibility = 1,
         .json = JSON_NONE},
        {.id = 12,
         .title = STR("Refund rules"),
         .description_text = STR(AGENT_ONLY " for the refund button"),
         .status = 2,
         .visibility = 3,
         .json = JSON_NONE}};
    struct item_result results[ARRAY_COUNT(articles)];
    TRY(f,
        articles_upsert(f, p, tenant->id, STR("salt"), articles, ARRAY_COUNT(articles), results));
    for (size_t i = 0; i < ARRAY_COUNT(articles); i++) {
        const struct item_texts texts = {.id = articles[i].id,
                                         .texts = {articles[i].title, articles[i].description_text},
                                         .title = articles[i].title};
        TRY(f, texts_upsert(f, p, tenant->id, VECTORS_KB, &texts, 1));
        const struct vector_point point = {.item_id = articles[i].id, .vectors = {vector, vector}};
        TRY(f, vectors_upsert(f, v, tenant, VECTORS_KB, &point, 1));
    }
    return 0;
}

static int stage_seed(struct flow *f, struct pg_pool *p, void *arg)
{
    (void)arg;
    struct tenant tenant;
    float vector[EMBED_DIMENSIONS] = {1};
    TRY(f, tenants_get_or_create(f, p, STR("acme"), STR("acme.freshdesk.com"), &tenant));
    stage_tenant_id = tenant.id;
    struct vectors *v = vectors_new_pg(f->loop, p, 20000);
    const struct vector_tenant who = {tenant.id, STR("acme")};
    int r = vectors_prepare(f, v);
    if (r >= 0)
        r = stage_seed_tickets(f, p, v, &who, vector);
    if (r >= 0)
        r = stage_seed_articles(f, p, v, &who, vector);
    vectors_free(v);
    return r;
}

/* The first "test" of each program: every migration, then the rows. */
static void stage_setup(void **state)
{
    store_test_setup(state);
    pg_test_run(stage_seed, NULL);
}
