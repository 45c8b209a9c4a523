/* Qdrant's envelope and statuses against a scripted peer. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "store/vectors.h"
#include "support/vendor.h"
#include "upstream/qdrant.h"

struct row {
    const char *name;
    int want;
    size_t call_count;
    const char *result; /* as JSON */
    struct exchange talk[2];
};
static const struct row *row_now;

static int run_row(struct flow *f, struct vendor_case *vc)
{
    const struct row *row = row_now;
    const struct qdrant_spec spec = {.web = vc->web, .url = vc->url, .api_key = "secret"};
    struct qdrant *q = qdrant_new(f->loop, &spec);
    struct json result = JSON_NONE;
    int r = qdrant_call(f, q, PRIORITY_LIVE, "POST", STR("/collections/c/points/query"),
                        STR("{\"limit\":1}"), 2000, &result);
    qdrant_free(q);
    if (torture_is_on())
        return r == row->want ? 0 : MIN(r, 0);
    if (r != row->want)
        return torture_check_status(__FILE__, __LINE__, row->name, r, row->want, f->err.msg);
    FLOW_CHECK(vendor_seen(vc, "POST /collections/c/points/query HTTP") == row->call_count);
    FLOW_CHECK(vendor_seen(vc, "api-key: secret\r\n") == row->call_count);
    if (row->result) {
        _cleanup_(buf_done) struct buf out = BUF_INIT(0);
        json_write(&out, result);
        FLOW_CHECK(str_eq(buf_view(&out), str_from(row->result)));
    }
    return 0;
}

#define FAILED(text) "{\"status\":{\"error\":\"" text "\"},\"time\":0.1}"
static const struct row rows[] = {
    {"good",
     0,
     1,
     "{\"points\":[]}",
     {{.want_body = "{\"limit\":1}",
       .body = "{\"result\":{\"points\":[]},\"status\":\"ok\",\"time\":0.1}"}}},
    {"true",
     0,
     1,
     "true",
     {{.body = "{\"result\":true,\"status\":\"ok\",\"time\":0.1,\"usage\":null}"}}},
    {"completed",
     0,
     1,
     NULL,
     {{.body = "{\"result\":{\"operation_id\":1,\"status\":\"completed\"},\"status\":\"ok\"}"}}},
    {"queued",
     E_VECTORS_AWAY,
     1,
     NULL,
     {{.body = "{\"result\":{\"operation_id\":1,\"status\":\"wait_timeout\"},\"status\":\"ok\"}"}}},
    {"queued in a batch",
     E_VECTORS_AWAY,
     1,
     NULL,
     {{.body = "{\"result\":[{\"status\":\"completed\"},{\"status\":\"wait_timeout\"}],\"status\":"
               "\"ok\"}"}}},
    {"bad request",
     E_UPSTREAM_INPUT,
     1,
     NULL,
     {{.status = 400, .body = FAILED("Wrong input: Vector dimension")}}},
    {"bad field", E_UPSTREAM_INPUT, 1, NULL, {{.status = 422, .body = FAILED("Validation error")}}},
    {"no key",
     E_UPSTREAM_AUTH,
     1,
     NULL,
     {{.status = 401,
       .headers = "Content-Type: text/plain\r\n",
       .body = "Must provide an API key"}}},
    {"no right",
     E_UPSTREAM_DENIED,
     1,
     NULL,
     {{.status = 403,
       .headers = "Content-Type: text/plain\r\n",
       .body = "Global manage access is required"}}},
    {"absent",
     E_NOT_FOUND,
     1,
     NULL,
     {{.status = 404, .body = FAILED("Not found: Collection `c` doesn't exist!")}}},
    {"absent, nothing said", E_NOT_FOUND, 1, NULL, {{.status = 404}}},
    {"exists",
     E_BUSY,
     1,
     NULL,
     {{.status = 409, .body = FAILED("Collection `c` already exists!")}}},
    {"too much at once",
     E_LIMIT,
     1,
     NULL,
     {{.status = 429, .body = FAILED("Rate limiting exceeded")}}},
    {"waits as told",
     0,
     2,
     "1",
     {{.status = 429, .headers = "Retry-After: 2\r\n", .body = FAILED("Rate")},
      {.body = "{\"result\":1}"}}},
    {"shard away, then back",
     0,
     2,
     "1",
     {{.status = 503, .body = FAILED("busy")}, {.body = "{\"result\":1}"}}},
    {"shard away",
     E_VECTORS_AWAY,
     2,
     NULL,
     {{.status = 503, .body = FAILED("busy")}, {.status = 503, .body = FAILED("busy")}}},
    {"internal",
     E_VECTORS_AWAY,
     2,
     NULL,
     {{.status = 500, .body = FAILED("No space left on device")},
      {.status = 500, .body = FAILED("No space left on device")}}},
    {"internal, once",
     0,
     2,
     "1",
     {{.status = 500, .body = FAILED("panic")}, {.body = "{\"result\":1}"}}},
    {"quota", E_VECTORS_AWAY, 1, NULL, {{.status = 507, .body = FAILED("quota")}}},
    {"connection was dead", 0, 2, "1", {{.reset = true}, {.body = "{\"result\":1}"}}},
    {"dead twice", E_VECTORS_AWAY, 2, NULL, {{.reset = true}, {.reset = true}}},
    {"garbage", E_VECTORS_AWAY, 1, NULL, {{.body = "<html>"}}},
    {"no result", E_VECTORS_AWAY, 1, NULL, {{.body = "{\"status\":\"ok\"}"}}},
    {"silent", E_VECTORS_AWAY, 1, NULL, {{.silent = true}}},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct exchange *second = &rows[i].talk[1];
        row_now = &rows[i];
        vendor_run(rows[i].name, rows[i].talk,
                   second->body || second->status || second->reset ? 2 : 1, false, run_row);
    }
}

/* ---- versions ---- */

struct version_row {
    const char *body;
    int want, major, minor;
};
static const struct version_row version_rows[] = {
    {"{\"title\":\"qdrant\",\"version\":\"1.16.0\"}", 0, 1, 16},
    {"{\"title\":\"qdrant\",\"version\":\"1.19.3-dev\"}", 0, 1, 19},
    {"{\"title\":\"qdrant\",\"version\":\"v2.0.1\"}", 0, 2, 0},
    {"{\"title\":\"qdrant\",\"version\":\"1.15.9\"}", E_CONFIG, 0, 0},
    {"{\"title\":\"qdrant\"}", E_VECTORS_AWAY, 0, 0},
    {"hello", E_VECTORS_AWAY, 0, 0},
};
static const struct version_row *version_now;

static int run_version(struct flow *f, struct vendor_case *vc)
{
    const struct qdrant_spec spec = {.web = vc->web, .url = vc->url};
    struct qdrant *q = qdrant_new(f->loop, &spec);
    int major = 0, minor = 0;
    int r = qdrant_version(f, q, &major, &minor);
    qdrant_free(q);
    FLOW_EXPECT(f, r, version_now->want);
    CALM_CHECK(major == version_now->major && minor == version_now->minor);
    CALM_CHECK(vendor_seen(vc, "api-key") == 0);
    return 0;
}

static void test_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(version_rows); i++) {
        version_now = &version_rows[i];
        const struct exchange talk = {.want = "GET / ", .body = version_now->body};
        vendor_run(version_now->body, &talk, 1, false, run_version);
    }
}

/* ---- limits of a managed cluster ---- */

static const struct vector_tenant tenant = {.id = 1, .company = STR("acme")};
static float numbers[EMBED_DIMENSIONS] = {1};

/* A strict mode that caps hnsw_ef: asked again without it, and never with it from then on. */
static int run_strict(struct flow *f, struct vendor_case *vc)
{
    const struct qdrant_spec spec = {.web = vc->web, .url = vc->url};
    struct qdrant *q = qdrant_new(f->loop, &spec);
    struct vectors *v = vectors_new_qdrant(f->loop, q);
    const struct vector_search search = {.vector = numbers, .limit = 5, .score_min = -1};
    int r = 0;
    for (int i = 0; r >= 0 && i < 2; i++) {
        struct vector_hits hits = {.count = 0};
        r = vectors_search(f, v, &tenant, VECTORS_TICKETS, &search, 1, &hits);
        if (r >= 0 && !torture_is_on())
            r = hits.count == 1 && hits.hits[0].item_id == 7 ? 0 : E_MODEL;
    }
    vectors_free(v);
    qdrant_free(q);
    if (r < 0)
        return r;
    CALM_CHECK(vendor_seen(vc, "hnsw_ef") == 1 && vendor_seen(vc, "/points/query/batch") == 3);
    return 0;
}
#define HIT                                                                                        \
    "{\"result\":[{\"points\":[{\"id\":7,\"score\":0.9,\"payload\":{\"ticket_id\":\"7\"}}]}]}"

/* A write that is more than the rate limit can ever hold goes in halves. */
static int run_halves(struct flow *f, struct vendor_case *vc)
{
    const struct qdrant_spec spec = {.web = vc->web, .url = vc->url};
    struct qdrant *q = qdrant_new(f->loop, &spec);
    struct vectors *v = vectors_new_qdrant(f->loop, q);
    struct vector_point points[4];
    for (int i = 0; i < 4; i++)
        points[i] = (struct vector_point){
            .item_id = i + 1, .vectors = {numbers}, .payload = STR("{}"), .updated_at = 1};
    int r = vectors_upsert(f, v, &tenant, VECTORS_TICKETS, points, 4);
    vectors_free(v);
    qdrant_free(q);
    if (r < 0)
        return r;
    CALM_CHECK(vendor_seen(vc, "PUT /collections/support_tickets/points?") == 3);
    CALM_CHECK(vendor_seen(vc, "\"ticket_id\":\"1\"") == 2 &&
               vendor_seen(vc, "\"ticket_id\":\"4\"") == 2);
    return 0;
}

static void test_managed(void **state)
{
    (void)state;
    static const struct exchange strict[] = {
        {.want_body = "hnsw_ef", .status = 400, .body = FAILED("Limit exceeded for hnsw_ef")},
        {.body = HIT},
        {.body = HIT}};
    static const struct exchange halves[] = {
        {.status = 429, .body = FAILED("Rate limiting exceeded")},
        {.body = "{\"result\":{\"status\":\"completed\"}}"},
        {.body = "{\"result\":{\"status\":\"completed\"}}"}};
    vendor_run("strict", strict, 3, false, run_strict);
    vendor_run("halves", halves, 3, false, run_halves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_managed),
                                       cmocka_unit_test(test_versions)};
    return cmocka_run_group_tests_name("flow.qdrant", tests, NULL, NULL);
}
