/*
 * tests/flow/test_api.c: the routes against scripted services: exact bytes of both stream dialects, the old
 * JSON shapes and the 422 answers. The services' functions are defined here, so the linker takes these and
 * not the real ones; the server and the client are real, on loopback, in one loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "api/api.h"
#include "assist/access.h"
#include "assist/assist.h"
#include "assist/files.h"
#include "assist/picker.h"
#include "base/wall.h"
#include "net/web.h"
#include "support/torture.h"
#include "sync/sync.h"

/* ---- scripted services ---- */

int access_prove(struct flow *f, struct access *a, const struct access_claim *claim,
                 struct caller *ret_caller)
{
    (void)a;
    if (claim->domain.len == 0)
        return err_set(&f->err, E_INPUT, "no domain");
    if (!str_eq(claim->api_key, STR("demo")))
        return err_set(&f->err, E_AUTH, "wrong key");
    *ret_caller = (struct caller){.tenant_id = 1, .company = STR("demo"), .domain = claim->domain};
    return 0;
}

static int say(struct flow *f, struct sink *out, const char *event, const char *json)
{
    return sink_send(f, out, event, str_from(json));
}

int assist_ticket(struct flow *f, struct assist *a, const struct caller *who,
                  const struct ticket_help *help, struct sink *out)
{
    (void)a;
    (void)who;
    static const char *const events[][2] = {
        {"summary.delta", "{\"type\":\"summary.delta\",\"text\":\"a\"}"},
        {"summary", "{\"type\":\"summary\",\"text\":\"ab\",\"key_points\":[\"k\"]}"},
        {"similar_tickets", "{\"type\":\"similar_tickets\",\"items\":[{\"id\":7,\"subject\":\"s\","
                            "\"similarity\":0.5,\"symptom\":\"y\",\"url\":\"u\"}]}"},
        {"done", "{\"type\":\"done\",\"ok\":true,\"context_id\":\"ctx_1_2\",\"timings\":{}}"},
    };
    int r = say(f, out, "meta", "{\"type\":\"meta\",\"run_id\":\"r\"}");
    if (r >= 0 && help->ticket_id == 404)
        return err_set(&f->err, E_NOT_FOUND, "no ticket");
    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(events); i++)
        r = say(f, out, events[i][0], events[i][1]);
    return r;
}

int assist_question(struct flow *f, struct assist *a, const struct caller *who,
                    const struct question *q, struct sink *out)
{
    (void)a;
    (void)who;
    if (str_eq(q->text, STR("fail")))
        return err_set(&f->err, E_MODEL, "no words");
    int r = say(f, out, "answer.delta", "{\"type\":\"answer.delta\",\"text\":\"x\"}");
    if (r >= 0)
        r = say(f, out, "answer", "{\"type\":\"answer\",\"text\":\"x\",\"citations\":[]}");
    return r < 0 ? r : say(f, out, "done", "{\"type\":\"done\",\"ok\":true}");
}

int assist_reply(struct flow *f, struct assist *a, const struct caller *who,
                 const struct reply_wish *wish, struct sink *out)
{
    (void)a;
    (void)who;
    (void)wish;
    (void)out;
    return err_set(&f->err, E_INPUT, "unknown context");
}

int assist_health(struct flow *f, struct assist *a, struct assist_health *ret_health)
{
    (void)a;
    *ret_health = (struct assist_health){.vectors = E_VECTORS_AWAY};
    return flow_check(f);
}

int assist_tickets(struct flow *f, struct assist *a, const struct caller *who, int limit,
                   struct sink *out)
{
    (void)a;
    (void)who;
    (void)limit;
    return say(f, out, "tickets", "{\"type\":\"tickets\",\"tickets\":[]}");
}

int sync_run(struct flow *f, struct sync *s, const struct caller *who, const struct sync_wish *wish,
             struct sink *out, struct sync_result *ret_result)
{
    (void)s;
    (void)who;
    (void)out;
    *ret_result = (struct sync_result){.run_id = "w",
                                       .success = true,
                                       .synced_count = wish->limit,
                                       .finished_at = loop_wall_ms(f->loop)};
    return flow_check(f);
}

int sync_start(struct flow *f, struct sync *s, const struct caller *who,
               const struct sync_wish *wish, char ret_run_id[37])
{
    (void)s;
    (void)who;
    if (wish->kind == SYNC_KB)
        return err_set(&f->err, E_BUSY, "busy");
    snprintf(ret_run_id, 37, "b");
    return 0;
}

int sync_watch(struct flow *f, struct sync *s, const struct caller *who, struct sink *out)
{
    (void)s;
    (void)who;
    return say(f, out, "sync.done", "{\"run_id\":\"b\"}");
}

int sync_overview(struct flow *f, struct sync *s, const struct caller *who,
                  struct sync_overview *ret_overview)
{
    (void)s;
    (void)who;
    *ret_overview = (struct sync_overview){
        .last_ticket_at = WALL_NONE, .last_kb_at = 0, .kind_running = {[SYNC_KB] = true}};
    return flow_check(f);
}

int assist_search(struct flow *f, struct assist *a, const struct caller *who,
                  const struct search_wish *wish, struct sink *out)
{
    (void)a;
    (void)who;
    (void)wish;
    int r = say(f, out, "similar_tickets",
                "{\"items\":[{\"id\":7,\"subject\":\"s\",\"similarity\":0.5}]}");
    return r < 0 ? r
                 : say(f, out, "kb_documents",
                       "{\"items\":[{\"id\":8,\"title\":\"t\",\"similarity\":0.7}]}");
}

int assist_attachments(struct flow *f, struct assist *a, const struct caller *who,
                       int64_t ticket_id, int64_t only_id, struct attachment **ret_files,
                       size_t *ret_count)
{
    (void)a;
    (void)who;
    if (ticket_id == 429)
        return err_set(&f->err, E_RATE, "later");
    if (ticket_id == 500)
        return err_set(&f->err, E_UPSTREAM, "status 500");
    if (only_id == 404)
        return err_set(&f->err, E_NOT_FOUND, "no file");
    *ret_files = ARENA_ARRAY(&f->arena, 1, struct attachment);
    **ret_files = (struct attachment){
        .id = 9, .size = 7, .name = STR("n"), .url = STR("https://c/9")};
    *ret_count = 1;
    return flow_check(f);
}

int assist_attachment_read(struct flow *f, struct assist *a, const struct caller *who,
                           int64_t ticket_id, int64_t id, struct file_taker *to)
{
    struct attachment *file;
    size_t count;
    int r = assist_attachments(f, a, who, ticket_id, id, &file, &count);
    if (r >= 0)
        r = to->begin(f, to, file);
    if (r >= 0)
        r = to->piece(f, to, STR("by"));
    return r < 0 ? r : to->piece(f, to, STR("tes"));
}

/* ---- the rows ---- */

struct row {
    const char *method, *path, *body, *key;
    int status;
    const char *want; /* the whole body, or with a first '~' a part of it */
};

#define FAULT_QUERY                                                                                \
    "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\",\"query\"],\"msg\":\"Input should "  \
    "be "                                                                                          \
    "a valid string\",\"input\":5}]}"
#define BUSY "{\"detail\":\"KB sync already in progress\"}"

static const struct row rows[] = {
    /* checked before the caller is */
    {"POST", "/query", "{\"query\":5}", "wrong", 422, FAULT_QUERY},
    {"POST", "/v1/query", "{\"query\":5}", "wrong", 422, FAULT_QUERY},
    {"POST", "/query", "{\"query\":\"x\"}", "wrong", 401, "{\"detail\":\"wrong key\"}"},
    {"POST", "/query", "", "demo", 422,
     "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\","
     "\"input\":null}]}"},
    {"POST", "/query", "{x", "demo", 422, "~\"type\":\"json_invalid\",\"loc\":[\"body\",1]"},
    {"POST", "/query", "{\"query\":\"x\",\"top_k\":1.5}", "demo", 422, "~\"int_from_float\""},
    {"POST", "/query", "{\"query\":\"x\",\"type\":\"a\"}", "demo", 422, "~\"list_type\""},
    {"GET", "/init/1?include_summary=maybe", "", "demo", 422, "~\"bool_parsing\""},
    {"GET", "/init/99999999999999999999", "", "demo", 422, "~\"int_parsing_size\""},
    {"GET", "/init/0", "", "demo", 404, "~티켓 ID 0를 찾을 수 없습니다."},
    {"GET", "/init/404", "", "demo", 404, "{\"detail\":\"티켓 ID 404를 찾을 수 없습니다.\"}"},
    {"POST", "/generate_reply", "{}", "demo", 422, "~[\"body\",\"context_id\"]"},
    {"POST", "/generate_reply", "{\"context_id\":\"c\"}", "demo", 400,
     "~먼저 /init 엔드포인트를 호출해주세요."},
    {"POST", "/query", "{\"query\":\"fail\"}", "demo", 500,
     "{\"detail\":\"LLM 호출 중 오류가 발생했습니다: no words\"}"},
    /* sync */
    {"POST", "/api/sync/tickets?limit=0", "", "demo", 422,
     "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input "
     "should be greater than or equal to 1\",\"input\":\"0\",\"ctx\":{\"ge\":1}}]}"},
    {"POST", "/api/v1/sync/tickets?limit=501", "", "demo", 422, "~\"ctx\":{\"le\":500}"},
    {"POST", "/api/sync/tickets?since=invalid-date", "", "demo", 400,
     "{\"detail\":\"Invalid ISO timestamp format for 'since' parameter\"}"},
    {"POST", "/api/sync/kb", "", "demo", 409, BUSY},
    {"POST", "/api/sync/tickets", "", "demo", 200,
     "~{\"success\":true,\"items_synced\":0,\"last_sync_time\":\"2026-01-01T00:00:0"},
    {"POST", "/api/sync/tickets?limit=7&wait=true", "", "demo", 200, "~\"items_synced\":7,"},
    {"GET", "/api/sync/status", "", "demo", 200,
     "{\"last_ticket_sync\":null,\"last_kb_sync\":\"1970-01-01T00:00:00\",\"total_tickets\":"
     "0,"
     "\"total_kb_articles\":0,\"sync_in_progress\":false}"},
    {"GET", "/api/sync/events", "", "demo", 200,
     "data: {\"type\":\"sync.done\",\"run_id\":\"b\"}\n\n"},
    {"POST", "/ingest", "{\"data_types\":[\"tickets\"],\"max_tickets\":3}", "demo", 200,
     "~\"tickets_processed\":3,\"articles_processed\":0"},
    /* streams, byte by byte */
    {"GET", "/v1/tickets/1/assist", "", "demo", 200,
     "retry: 2000\nid: 1\nevent: meta\ndata: {\"type\":\"meta\",\"run_id\":\"r\"}\n\n"
     "id: 2\nevent: summary.delta\ndata: {\"type\":\"summary.delta\",\"text\":\"a\"}\n\n"
     "id: 3\nevent: summary\ndata: "
     "{\"type\":\"summary\",\"text\":\"ab\",\"key_points\":[\"k\"]}\n\n"
     "id: 4\nevent: similar_tickets\ndata: {\"type\":\"similar_tickets\",\"items\":[{\"id\":7,"
     "\"subject\":\"s\",\"similarity\":0.5,\"symptom\":\"y\",\"url\":\"u\"}]}\n\n"
     "id: 5\nevent: done\ndata: "
     "{\"type\":\"done\",\"ok\":true,\"context_id\":\"ctx_1_2\",\"timings\":{}}\n\n"},
    {"GET", "/v1/tickets/404/assist", "", "demo", 200,
     "~id: 2\nevent: error\ndata: {\"type\":\"error\",\"section\":\"run\",\"code\":\"E_NOT_FOUND\","
     "\"message\":\"티켓 ID 404를 찾을 수 없습니다.\",\"retryable\":false,\"status\":404}\n\n"},
    {"POST", "/v1/query", "{\"query\":\"fail\"}", "demo", 502, "{\"detail\":\"no words\"}"},
    {"GET", "/init/1/stream", "", "demo", 200,
     "~data: {\"type\":\"summary\",\"text\":\"ab\",\"key_points\":[\"k\"],\"content\":\"ab\","
     "\"ticket_id\":\"1\"}\n\n"},
    {"GET", "/init/1?stream=true", "", "demo", 200, "~\n\ndata: {\"type\":\"done\"}\n\n"},
    {"POST", "/query/stream", "{\"query\":\"fail\"}", "demo", 200,
     "~쿼리 처리 중 오류가 발생했습니다: no words"},
    {"POST", "/query", "{\"query\":\"x\",\"stream_response\":true}", "demo", 200,
     "~data: {\"type\":\"done\"}\n\ndata: [DONE]\n\n"},
    {"POST", "/api/query", "{\"query\":\"x\",\"stream_response\":true}", "demo", 200,
     "~data: {\"type\":\"answer_chunk\",\"text\":\"x\",\"content\":\"x\"}\n\n"},
    /* JSON shapes */
    {"GET", "/init/1", "", "demo", 200, "~\"context_id\":\"ctx_1_2\""},
    {"POST", "/init/1", "", "demo", 200,
     "~\"id\":\"7\",\"source_id\":\"7\",\"tenant_id\":\"demo\",\"platform\":\"freshdesk\","
     "\"platform_neutral_key\":\"demo:freshdesk:7\",\"title\":\"s\",\"subject\":\"s\""},
    {"GET", "/init/1", "", "demo", 200, "~\"sentiment\":\"중립적\""},
    /* searches and files */
    {"GET", "/similar_tickets/1", "", "demo", 200,
     "{\"ticket_id\":\"1\",\"similar_tickets\":[{\"id\":\"7\",\"title\":\"s\",\"issue\":\"y\","
     "\"solution\":"
     "\"\",\"ticket_summary\":\"y\",\"ticket_url\":\"u\",\"similarity_score\":0.500}]}"},
    {"GET", "/similar_tickets/404", "", "demo", 404, "~티켓 ID 404를 찾을 수 없습니다."},
    {"GET", "/related_docs/1", "", "demo", 200, "{\"ticket_id\":\"1\",\"related_documents\":[]}"},
    {"POST", "/search_query", "{\"query\":\"q\"}", "demo", 200,
     "~\"results\":[{\"id\":\"8\",\"title\":\"t\",\"content_summary\":\"\",\"source_type\":\"kb\""},
    {"POST", "/search_query", "{\"query\":\"q\",\"top_k\":1}", "demo", 200,
     "~\"total_results\":1,"},
    {"GET", "/attachments/9?ticket_id=1", "", "demo", 200,
     "{\"id\":9,\"name\":\"n\",\"content_type\":\"\",\"size\":7,\"download_url\":\"https://c/9\","
     "\"expires_at\":\"5분 후 만료\",\"ticket_id\":1,\"conversation_id\":null,\"platform\":"
     "\"freshdesk\",\"company_id\":\"demo\"}"},
    {"GET", "/attachments/9", "", "wrong", 400,
     "{\"detail\":\"첨부파일 위치 정보(ticket_id 또는 conversation_id)가 필요합니다\"}"},
    {"GET", "/attachments/404?ticket_id=1", "", "demo", 404,
     "{\"detail\":\"첨부파일을 찾을 수 없습니다\"}"},
    {"GET", "/attachments/9?ticket_id=429", "", "demo", 429, "{\"detail\":\"API 요청 한도 초과\"}"},
    {"GET", "/attachments?ticket_id=500", "", "demo", 502, "{\"detail\":\"Freshdesk 서버 오류\"}"},
    {"GET", "/attachments/bulk-urls?attachment_ids=3&ticket_id=429", "", "demo", 200,
     "{\"3\":{\"success\":false,\"error\":\"API 요청 한도 초과\"}}"},
    {"GET", "/attachments/bulk-urls?attachment_ids=3,9&ticket_id=1", "", "demo", 200,
     "~{\"3\":{\"success\":false,\"error\":\"첨부파일을 찾을 수 "
     "없습니다\"},\"9\":{\"success\":true,\"data\":"},
    {"GET", "/attachments/9/download?ticket_id=1", "", "demo", 200, "bytes"},
    {"GET", "/attachments/download/9?ticket_id=500", "", "demo", 502, "~Freshdesk 서버 오류"},
    {"POST", "/api/sync/kb?since=x", "", "demo", 409, BUSY},
    {"GET", "/health", "", "demo", 200, "~\"vectors\":{\"status\":\"unhealthy\""},
    {"GET", "/health/ready", "", "demo", 503, "~\"status\":\"not ready\""},
    {"GET", "/health/live", "", "demo", 200, "{\"status\":\"alive\"}"},
    {"GET", "/api/tickets?limit=3", "", "demo", 200, "{\"type\":\"tickets\",\"tickets\":[]}"},
    {"GET", "/debug/flows", "", "demo", 404, "{\"detail\":\"Not Found\"}"},
    {"GET", "/query", "", "demo", 405, "{\"detail\":\"Method Not Allowed\"}"},
};

static int ask(struct flow *f, struct web *w, int port, const struct row *row)
{
    struct arena *a = &f->arena;
    const struct web_header headers[] = {
        {STR("X-Freshdesk-Domain"), STR("demo")},
        {STR("X-Freshdesk-API-Key"), str_from(row->key)},
    };
    struct web_request rq = {
        .method = row->method,
        .url = arena_printf(a, "http://127.0.0.1:%d%s", port, row->path),
        .headers = headers,
        .header_count = ARRAY_COUNT(headers),
        .body = str_from(row->body),
    };
    struct web_reply reply;
    int r = web_fetch(f, w, &rq, &reply);
    if (r < 0 || torture_is_on())
        return r;
    bool part = row->want[0] == '~';
    struct str want = str_from(row->want + (part ? 1 : 0));
    bool good = part ? str_find(reply.body, want, 0) != SIZE_MAX : str_eq(reply.body, want);
    if (reply.status != row->status || !good)
        fprintf(stderr, "%s %s %s\n got %d %.*s\nwant %d %s\n", row->method, row->path, row->body,
                reply.status, STR_ARG(reply.body), row->status, row->want);
    FLOW_CHECK(reply.status == row->status && good);
    return 0;
}

static int rows_flow(struct flow *f, void *arg)
{
    (void)arg;
    struct config config = {.host = "127.0.0.1",
                            .allowed_origins = "*",
                            .admin_token = "",
                            .assist_timeout_ms = 60000,
                            .heartbeat_ms = 15000};
    struct api_spec spec = {.config = &config, .version = "test"};
    struct api *api = NULL;
    struct web *w = NULL;
    struct web_spec web = {.connection_count_max = 4};
    int r = api_open(f, &spec, &api);
    if (r < 0)
        return r;
    r = web_new(f->loop, &web, &w, &f->err);
    for (size_t i = 0; r >= 0 && i < ARRAY_COUNT(rows); i++)
        r = ask(f, w, api_port(api), &rows[i]);
    if (w != NULL)
        web_close_all(f, w);
    web_free(w);
    api_drain(f, api, 0);
    api_free(api);
    return r;
}

static void routes_answer_as_written(void **state)
{
    (void)state;
    torture_run("api.rows", rows_flow, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(routes_answer_as_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
