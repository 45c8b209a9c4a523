/*
 * The store against a real PostgreSQL: content and its hashes, texts and their search, runs and who holds them,
 * results, contexts, embeddings, the audit. Each test works for a tenant of its own.
 */
#include "flow/store_test.h"

#include <math.h>

#include "base/rng.h"
#include "store/articles.h"
#include "store/embedding_cache.h"
#include "store/llm_calls.h"
#include "store/results.h"
#include "store/sync_runs.h"
#include "store/tenants.h"
#include "store/texts.h"
#include "store/tickets.h"
#include "store/upkeep.h"

/* A fresh tenant, also in each round of torture. */
static int tenant_new(struct flow *f, struct pg_pool *p, struct tenant *ret_tenant)
{
    static int number;
    struct str company = arena_printf(&f->arena, "acme%d", number++);
    return tenants_get_or_create(f, p, company, STR("acme.freshdesk.com"), ret_tenant);
}

#define TENANT(f, p)                                                                               \
    struct tenant tenant;                                                                          \
    FLOW_OK(f, tenant_new(f, p, &tenant));                                                         \
    const int64_t t = tenant.id

/* ---- tenants ---- */

static int on_tenants(struct flow *f, struct pg_pool *p)
{
    struct tenant a, b, *all;
    size_t count;
    FLOW_OK(f, tenants_get_or_create(f, p, STR("one"), STR("one.freshdesk.com"), &a));
    FLOW_OK(f, tenants_get_or_create(f, p, STR("two"), STR("two.freshdesk.com"), &b));
    FLOW_CHECK(a.id > 0 && b.id > 0 && a.id != b.id);
    int64_t id = a.id;
    FLOW_OK(f, tenants_get_or_create(f, p, STR("one"), STR("one.freshdesk.com"), &a));
    FLOW_CHECK(a.id == id && str_eq(a.company, STR("one")));
    FLOW_OK(f, tenants_get_or_create(f, p, STR("one"), STR("new.freshdesk.com"), &a));
    FLOW_CHECK(a.id == id && str_eq(a.domain, STR("new.freshdesk.com")));
    FLOW_EXPECT(f, tenants_get_or_create(f, p, STR_NONE, STR("x"), &a), E_INPUT);
    FLOW_OK(f, tenants_all(f, p, &all, &count));
    FLOW_CHECK(count >= 2);
    return 0;
}

/* ---- tickets ---- */

static int ticket_make(struct flow *f, const char *text, struct ticket *ret_ticket)
{
    struct json v;
    int r = json_parse(&f->arena, str_from(text), &v, &f->err);
    return r < 0 ? r : ticket_from_json(&f->arena, v, ret_ticket, &f->err);
}

static const char ticket_7[] =
    "{\"id\":7,\"subject\":\"환불이 \\u0000안돼요\",\"description_text\":\"결제 "
    "오류\",\"status\":2,"
    "\"priority\":1,\"tags\":[\"vip\",\"two words\"],\"created_at\":\"2026-01-02T03:04:05Z\","
    "\"updated_at\":\"2026-02-03T04:05:06Z\",\"type\":\"Question\"}";
static const char ticket_8[] = "{\"id\":8,\"subject\":\"Login "
                               "fails\",\"description_text\":\"E-401\",\"status\":4,\"priority\":4,"
                               "\"updated_at\":\"2026-03-03T04:05:06Z\"}";

static int on_tickets(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    struct ticket seven, eight;
    FLOW_OK(f, ticket_make(f, ticket_7, &seven));
    FLOW_OK(f, ticket_make(f, ticket_8, &eight));
    const struct conversation talks[] = {
        {.id = 70,
         .ticket_id = 7,
         .body_text = STR("안녕하세요"),
         .incoming = true,
         .created_at = 1000,
         .updated_at = 1000},
        {.id = 71,
         .ticket_id = 7,
         .body_text = STR("a private note"),
         .is_private = true,
         .created_at = 2000,
         .updated_at = 2000},
    };
    struct ticket_item items[] = {{&seven, talks, 2, true}, {&eight, NULL, 0, true}};
    struct item_result done[2];
    struct str salt = STR("pgvector:bge");
    FLOW_OK(f, tickets_upsert(f, p, t, salt, items, 2, done));
    FLOW_CHECK(done[0].state == ITEM_DUE && done[1].state == ITEM_DUE && done[0].id == 7);
    /* Not finished: still due. Finished: unchanged. */
    FLOW_OK(f, tickets_upsert(f, p, t, salt, items, 2, done));
    FLOW_CHECK(done[0].state == ITEM_DUE);
    FLOW_OK(f, tickets_mark_synced(f, p, t, done, 2));
    FLOW_OK(f, tickets_upsert(f, p, t, salt, items, 2, done));
    FLOW_CHECK(done[0].state == ITEM_UNCHANGED && done[1].state == ITEM_UNCHANGED);
    /* Another way to make vectors: all is due again. */
    FLOW_OK(f, tickets_upsert(f, p, t, STR("qdrant:bge"), items, 2, done));
    FLOW_CHECK(done[0].state == ITEM_DUE && done[1].state == ITEM_DUE);
    FLOW_OK(f, tickets_mark_synced(f, p, t, done, 2));

    struct ticket got;
    struct conversation *got_talks;
    size_t count;
    FLOW_OK(f, tickets_get(f, p, t, 7, &got, &got_talks, &count));
    FLOW_CHECK(got.id == 7 && str_eq(got.subject, STR("환불이 안돼요")) && got.tag_count == 2);
    FLOW_CHECK(count == 2 && got_talks[0].id == 70 && got_talks[0].incoming);
    FLOW_CHECK(got_talks[1].is_private && got_talks[1].created_at == 2000);
    FLOW_EXPECT(f, tickets_get(f, p, t, 9, &got, &got_talks, &count), E_NOT_FOUND);
    FLOW_EXPECT(f, tickets_get(f, p, t + 100000, 7, &got, &got_talks, &count), E_NOT_FOUND);

    /* A changed thread makes the ticket due; a mark with the old hash does not finish it. */
    struct item_result old = done[0];
    items[0].talk_count = 1;
    FLOW_OK(f, tickets_upsert(f, p, t, STR("qdrant:bge"), items, 2, done));
    FLOW_CHECK(done[0].state == ITEM_DUE && done[1].state == ITEM_UNCHANGED);
    FLOW_OK(f, tickets_mark_synced(f, p, t, &old, 1));
    FLOW_OK(f, tickets_upsert(f, p, t, STR("qdrant:bge"), items, 1, done));
    FLOW_CHECK(done[0].state == ITEM_DUE);
    FLOW_OK(f, tickets_get(f, p, t, 7, &got, &got_talks, &count));
    FLOW_CHECK(count == 1);
    /* The same ticket twice: the later counts. */
    struct ticket newer = seven;
    newer.subject = STR("newer");
    const struct ticket_item twice[] = {{&seven, talks, 2, true}, {&newer, talks, 2, true}};
    FLOW_OK(f, tickets_upsert(f, p, t, salt, twice, 2, done));
    FLOW_CHECK(memcmp(done[0].hash, done[1].hash, SHA256_BYTES) == 0);
    struct ticket_card *cards;
    const int64_t ids[] = {8, 404, 7};
    FLOW_OK(f, tickets_get_many(f, p, t, ids, 3, &cards, &count));
    FLOW_CHECK(count == 2 && cards[0].id == 8 && str_eq(cards[1].subject, STR("newer")));
    FLOW_CHECK(cards[1].tag_count == 2 && str_eq(cards[1].tags[1], STR("two words")));
    FLOW_CHECK(cards[1].updated_at == seven.updated_at && cards[1].symptom.len == 0);
    FLOW_OK(f, tickets_newest(f, p, t, 1, &cards, &count));
    FLOW_CHECK(count == 1 && cards[0].id == 8);
    return 0;
}

static int on_tickets_gone(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    struct ticket seven;
    FLOW_OK(f, ticket_make(f, ticket_7, &seven));
    const struct ticket_item item = {&seven, NULL, 0, false};
    struct item_result done;
    FLOW_OK(f, tickets_upsert(f, p, t, STR("s"), &item, 1, &done));
    FLOW_OK(f, tickets_mark_synced(f, p, t, &done, 1));
    int64_t count, updated_at;
    FLOW_OK(f, tickets_count(f, p, t, &count, &updated_at));
    FLOW_CHECK(count == 1 && updated_at == seven.updated_at);
    const int64_t ids[] = {7, 8};
    FLOW_OK(f, tickets_mark_deleted(f, p, t, ids, 2, &count));
    FLOW_CHECK(count == 1);
    FLOW_OK(f, tickets_mark_deleted(f, p, t, ids, 2, &count));
    FLOW_CHECK(count == 0);
    FLOW_OK(f, tickets_count(f, p, t, &count, &updated_at));
    FLOW_CHECK(count == 0 && updated_at == WALL_NONE);
    /* Restored with the same content: its vectors are gone, so it is due. */
    FLOW_OK(f, tickets_upsert(f, p, t, STR("s"), &item, 1, &done));
    FLOW_CHECK(done.state == ITEM_DUE);
    FLOW_OK(f, tickets_count(f, p, t, &count, NULL));
    FLOW_CHECK(count == 1);
    return 0;
}

/* ---- articles ---- */

static int on_articles(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    struct json v;
    FLOW_OK(f, json_parse(&f->arena,
                          STR("{\"id\":5,\"title\":\"환불 안내\",\"description_text\":\"1. 결제 "
                              "내역\",\"folder_id\":3,\"status\":2,\"tags\":[\"faq\"]}"),
                          &v, &f->err));
    struct article article;
    FLOW_OK(f, article_from_json(&f->arena, v, &article, &f->err));
    struct item_result done;
    FLOW_OK(f, articles_upsert(f, p, t, STR("s"), &article, 1, &done));
    FLOW_CHECK(done.state == ITEM_DUE && done.id == 5);
    FLOW_OK(f, articles_mark_synced(f, p, t, &done, 1));
    FLOW_OK(f, articles_upsert(f, p, t, STR("s"), &article, 1, &done));
    FLOW_CHECK(done.state == ITEM_UNCHANGED);
    const struct item_texts texts = {.id = 5,
                                     .texts = {STR("환불 방법"), STR("결제 내역")},
                                     .title = STR("환불 안내"),
                                     .language = STR("ko")};
    FLOW_OK(f, texts_upsert(f, p, t, VECTORS_KB, &texts, 1));
    struct article_card *cards;
    size_t count;
    const int64_t ids[] = {4, 5};
    FLOW_OK(f, articles_get_many(f, p, t, ids, 2, &cards, &count));
    FLOW_CHECK(count == 1 && cards[0].folder_id == 3 && str_eq(cards[0].intent, STR("환불 방법")));
    FLOW_CHECK(str_eq(cards[0].procedure, STR("결제 내역")) && cards[0].tag_count == 1);
    int64_t *stored, marked;
    FLOW_OK(f, articles_ids(f, p, t, &stored, &count));
    FLOW_CHECK(count == 1 && stored[0] == 5);
    FLOW_OK(f, articles_mark_deleted(f, p, t, stored, 1, &marked));
    FLOW_CHECK(marked == 1);
    FLOW_OK(f, articles_count(f, p, t, &marked, NULL));
    FLOW_CHECK(marked == 0);
    struct text_hit *hits;
    FLOW_OK(f, search_text(f, p, t, VECTORS_KB, STR("환불"), 5, 0, &hits, &count));
    FLOW_CHECK(count == 0);
    return 0;
}

/* ---- texts and search ---- */

static const struct {
    int64_t id;
    const char *title, *symptom, *cause, *resolution;
} sample[] = {
    {1, "환불 요청", "결제한 상품을 환불받고 싶습니다", "중복 결제", "카드사 취소로 처리했습니다"},
    {2, "로그인 오류", "비밀번호를 바꾼 뒤 로그인이 안됩니다", "세션 만료",
     "캐시를 지우고 다시 로그인"},
    {3, "Login fails", "Login returns error E-401 after update", "token expired",
     "renewed the token"},
    {4, "배송 지연", "주문한 상품이 오지 않아요", "택배사 파업", "쿠폰을 드렸습니다"},
    {5, "첨부파일", "첨부파일이 열리지 않습니다", "PDF 권한", "권한을 다시 주었습니다"},
    {6, "알림 메일", "알림 메일이 두 번 옵니다", "규칙 중복", "규칙 하나를 껐습니다"},
};

static int texts_fill(struct flow *f, struct pg_pool *p, int64_t t)
{
    struct item_texts items[ARRAY_COUNT(sample)] = {0};
    for (size_t i = 0; i < ARRAY_COUNT(sample); i++) {
        items[i].id = sample[i].id;
        items[i].title = str_from(sample[i].title);
        items[i].texts[0] = str_from(sample[i].symptom);
        items[i].texts[1] = str_from(sample[i].cause);
        items[i].texts[2] = str_from(sample[i].resolution);
        items[i].language = STR("ko");
        memset(items[i].hash, (int)i + 1, SHA256_BYTES);
    }
    return texts_upsert(f, p, t, VECTORS_TICKETS, items, ARRAY_COUNT(sample));
}

static int on_search(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    FLOW_OK(f, texts_fill(f, p, t));
    FLOW_OK(f, texts_fill(f, p, t));
    static const struct {
        const char *query;
        int64_t best; /* 0: no hit */
    } rows[] = {
        {"환불은 어떻게 하나요?", 1},
        {"비밀번호 변경했더니 로그인을 못해요", 2},
        {"E-401", 3},
        {"ERRORS after updating & logins", 3},
        {"주문 상품을 못 받았습니다", 4},
        {"첨부한 파일을 열 수가 없네요 pdf", 5},
        {"메일 알림이 중복으로 와요", 6},
        {"zzz qqq", 0},
        {"", 0},
        {"' | & ! :* <-> ( ) \\ \" \xff\xfe ;drop table x;--", 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct text_hit *hits;
        size_t count;
        FLOW_OK(
            f, search_text(f, p, t, VECTORS_TICKETS, str_from(rows[i].query), 3, 0, &hits, &count));
        if (rows[i].best == 0 ? count != 0 : count == 0 || hits[0].id != rows[i].best)
            fprintf(stderr, "query %s: %zu hits, first %lld\n", rows[i].query, count,
                    count ? (long long)hits[0].id : 0);
        FLOW_CHECK(rows[i].best == 0 ? count == 0 : count > 0 && hits[0].id == rows[i].best);
        if (rows[i].best == 0)
            continue;
        FLOW_CHECK(hits[0].rank > 0 && (count < 2 || hits[0].rank >= hits[1].rank));
        FLOW_OK(f, search_text(f, p, t, VECTORS_TICKETS, str_from(rows[i].query), 3, rows[i].best,
                               &hits, &count));
        FLOW_CHECK(count == 0 || hits[0].id != rows[i].best);
        FLOW_OK(f, search_text(f, p, t + 100000, VECTORS_TICKETS, str_from(rows[i].query), 3, 0,
                               &hits, &count));
        FLOW_CHECK(count == 0);
    }
    struct item_texts *items;
    size_t count;
    const int64_t ids[] = {3, 1, 99};
    FLOW_OK(f, texts_get_many(f, p, t, VECTORS_TICKETS, ids, 3, &items, &count));
    FLOW_CHECK(count == 2 && items[1].id == 3 && items[1].hash[31] == 3);
    FLOW_CHECK(str_eq(items[1].texts[1], STR("token expired")));
    return 0;
}

/* ---- sync ---- */

static int on_runs(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    char id[37], other[37], kb[37];
    struct sync_run run, *runs;
    size_t count;
    FLOW_OK(f, sync_run_begin(f, p, t, VECTORS_TICKETS, STR("a"), WALL_NONE, 100, 0, id));
    FLOW_EXPECT(f, sync_run_begin(f, p, t, VECTORS_TICKETS, STR("b"), WALL_NONE, 100, 0, other),
                E_BUSY);
    FLOW_OK(f, sync_run_begin(f, p, t, VECTORS_KB, STR("a"), 1700000000000, 5, 0, kb));
    const struct str errors[] = {STR("Failed to process ticket 3: \"x\"")};
    const struct sync_progress progress = {.total_count = 9,
                                           .done_count = 4,
                                           .written_count = 3,
                                           .failed_count = 1,
                                           .cursor = STR("c1"),
                                           .errors = errors,
                                           .error_count = 1};
    FLOW_OK(f, sync_run_progress(f, p, t, id, &progress));
    FLOW_OK(f, sync_run_get(f, p, t, id, &run));
    FLOW_CHECK(str_eq(run.state, STR("running")) && run.done_count == 4 && run.error_count == 1);
    FLOW_CHECK(str_eq(run.errors[0], errors[0]) && run.finished_at == WALL_NONE);
    FLOW_CHECK(run.since == WALL_NONE && run.limit == 100 && str_eq(run.cursor, STR("c1")));
    struct sync_status status;
    FLOW_OK(f, sync_status(f, p, t, &status));
    FLOW_CHECK(status.running[VECTORS_TICKETS] && status.running[VECTORS_KB]);
    FLOW_CHECK(status.last_at[VECTORS_TICKETS] == WALL_NONE);
    FLOW_OK(f, sync_run_finish(f, p, t, kb, false, &(struct sync_progress){0}));
    FLOW_OK(f, sync_run_get(f, p, t, kb, &run));
    FLOW_CHECK(str_eq(run.state, STR("done")) && run.finished_at != WALL_NONE);
    FLOW_CHECK(run.since == 1700000000000 && run.kind == VECTORS_KB);

    /* One that gives no sign of life is taken over, and learns of it. */
    FLOW_OK(f,
            pg_once(f, p, t,
                    "update deskstream.sync_runs set heartbeat_at = now() - interval '2 minutes'",
                    PG_NO_ARGS, NULL));
    FLOW_OK(f, sync_status(f, p, t, &status));
    FLOW_CHECK(!status.running[VECTORS_TICKETS]);
    FLOW_OK(f, sync_run_begin(f, p, t, VECTORS_TICKETS, STR("b"), WALL_NONE, 100, 0, other));
    FLOW_EXPECT(f, sync_run_progress(f, p, t, id, &progress), E_BUSY);
    FLOW_OK(f, sync_run_newest(f, p, t, VECTORS_TICKETS, 5, &runs, &count));
    FLOW_CHECK(count == 2 && strcmp(runs[0].id, other) == 0);
    FLOW_CHECK(str_eq(runs[1].state, STR("failed")) && runs[1].error_count == 2);
    FLOW_EXPECT(f, sync_run_get(f, p, t, "no-such-id", &run), E_NOT_FOUND);
    return 0;
}

static int on_logs(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    const int64_t ids[] = {7, 8};
    FLOW_OK(f, sync_logs_append(f, p, t, VECTORS_TICKETS, ids, 2));
    struct sync_status status;
    FLOW_OK(f, sync_status(f, p, t, &status));
    FLOW_CHECK(status.last_at[VECTORS_TICKETS] != WALL_NONE);
    FLOW_CHECK(status.last_at[VECTORS_KB] == WALL_NONE &&
               status.stored_count[VECTORS_TICKETS] == 0);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    FLOW_OK(
        f,
        pg_once(f, p, t,
                "select collection, item_id, item_type from deskstream.sync_logs order by item_id",
                PG_NO_ARGS, &rows));
    FLOW_CHECK(rows.row_count == 2 && str_eq(pg_text(&rows, 1, 0), STR("support_tickets")));
    FLOW_CHECK(str_eq(pg_text(&rows, 1, 1), STR("8")) &&
               str_eq(pg_text(&rows, 1, 2), STR("ticket")));

    struct sync_retry *items;
    size_t count;
    FLOW_OK(f, sync_retry_put(f, p, t, VECTORS_KB, 5, STR("timed out")));
    FLOW_OK(f, sync_retry_put(f, p, t, VECTORS_KB, 5, STR("timed out again")));
    FLOW_OK(f, sync_retry_due(f, p, t, VECTORS_KB, 10, &items, &count));
    FLOW_CHECK(count == 0);
    FLOW_OK(f,
            pg_once(f, p, t, "update deskstream.sync_retry set due_at = now()", PG_NO_ARGS, NULL));
    FLOW_OK(f, sync_retry_due(f, p, t, VECTORS_KB, 10, &items, &count));
    FLOW_CHECK(count == 1 && items[0].attempt_count == 2);
    FLOW_CHECK(str_eq(items[0].reason, STR("timed out again")));
    const int64_t five = 5;
    FLOW_OK(f, sync_retry_drop(f, p, t, VECTORS_KB, &five, 1));
    FLOW_OK(f, sync_retry_due(f, p, t, VECTORS_KB, 10, &items, &count));
    FLOW_CHECK(count == 0);
    return 0;
}

/* ---- results, contexts, embeddings, audit ---- */

static int on_results(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    struct result_key key = {7, STR("ko"), STR("summary"), STR("v1")};
    struct result_value value;
    FLOW_EXPECT(f, results_get(f, p, t, &key, &value), E_NOT_FOUND);
    FLOW_OK(f, results_put(f, p, t, &key, STR("{\"text\":\"a\\u0000b\"}")));
    FLOW_OK(f, results_get(f, p, t, &key, &value));
    FLOW_CHECK(str_eq(value.text, STR("{\"text\": \"ab\"}")) && value.created_at > 0);
    key.version = STR("v2");
    FLOW_EXPECT(f, results_get(f, p, t, &key, &value), E_NOT_FOUND);
    FLOW_OK(f, results_put(f, p, t, &key, STR("{}")));
    key.version = STR_NONE;
    FLOW_OK(f, results_get(f, p, t, &key, &value));
    FLOW_CHECK(str_eq(value.version, STR("v2")));
    FLOW_OK(f, results_drop(f, p, t, 7));
    FLOW_EXPECT(f, results_get(f, p, t, &key, &value), E_NOT_FOUND);

    struct context_value context;
    FLOW_OK(f, contexts_put(f, p, t, STR("ctx_7_1"), 7, STR("{\"n\":1}")));
    FLOW_OK(f, contexts_put(f, p, t, STR("ctx_7_2"), 7, STR("{\"n\":2}")));
    FLOW_OK(f, contexts_get(f, p, t, STR("ctx_7_1"), 0, &context));
    FLOW_CHECK(context.ticket_id == 7 && str_eq(context.text, STR("{\"n\": 1}")));
    FLOW_OK(f, contexts_get(f, p, t, STR_NONE, 7, &context));
    FLOW_CHECK(str_eq(context.id, STR("ctx_7_2")));
    FLOW_EXPECT(f, contexts_get(f, p, t, STR("ctx_0"), 0, &context), E_NOT_FOUND);
    FLOW_EXPECT(f, contexts_get(f, p, t + 100000, STR("ctx_7_1"), 0, &context), E_NOT_FOUND);
    FLOW_OK(f, pg_once(f, p, t,
                       "update deskstream.contexts set created_at = now() - interval '2 days'",
                       PG_NO_ARGS, NULL));
    FLOW_OK(f, contexts_put(f, p, t, STR("ctx_8_1"), 8, STR("{}")));
    FLOW_EXPECT(f, contexts_get(f, p, t, STR("ctx_7_1"), 0, &context), E_NOT_FOUND);
    return 0;
}

static int on_embeddings(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    static float vectors[3][EMBED_DIMENSIONS], back[3][EMBED_DIMENSIONS];
    struct rng rng = {3};
    struct embedding items[3] = {0}, got[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < EMBED_DIMENSIONS; k++)
            vectors[i][k] = (float)((rng_unit(&rng) - 0.5) / 8);
        sha256(str_of(&"abc"[i], 1), items[i].hash);
        memcpy(got[i].hash, items[i].hash, SHA256_BYTES);
        items[i].vector = vectors[i];
        got[i].vector = back[i];
    }
    items[1].found = true; /* so it is not put */
    FLOW_OK(f, embedding_cache_put(f, p, t, STR("bge"), items, 3));
    FLOW_OK(f, embedding_cache_put(f, p, t, STR("bge"), items, 3));
    FLOW_OK(f, embedding_cache_get(f, p, t, STR("bge"), got, 3));
    FLOW_CHECK(got[0].found && !got[1].found && got[2].found);
    for (size_t k = 0; k < EMBED_DIMENSIONS; k++)
        FLOW_CHECK(fabs((double)(back[2][k] - vectors[2][k])) <=
                   0.001 * fabs((double)vectors[2][k]) + 1e-7);
    FLOW_OK(f, embedding_cache_get(f, p, t, STR("other"), got, 3));
    FLOW_CHECK(!got[0].found);
    FLOW_OK(f, embedding_cache_get(f, p, t + 100000, STR("bge"), got, 3));
    FLOW_CHECK(!got[0].found);
    return 0;
}

static int on_calls(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    const struct llm_message messages[] = {{"system", STR("be kind")}, {"user", STR("왜?")}};
    struct llm_record record = {
        .task = "summary",
        .ticket_id = 7,
        .messages = messages,
        .message_count = 2,
        .reply = STR("because"),
        .usage = {.prompt_tokens = 10,
                  .completion_tokens = 5,
                  .provider = "clova",
                  .model = "HCX-005",
                  .finish_reason = STR("stop"),
                  .cost_krw = 0.5,
                  .first_token_ns = 5000000,
                  .total_ns = 9000000},
    };
    FLOW_OK(f, llm_calls_add(f, p, t, &record));
    record.error = STR("timed out");
    record.usage.model = NULL;
    FLOW_OK(f, llm_calls_add(f, p, t, &record));
    struct llm_total *totals;
    size_t count;
    FLOW_OK(f, llm_calls_totals(f, p, t, WALL_NONE, &totals, &count));
    FLOW_CHECK(count == 2 && totals[1].call_count == 1 && totals[1].failed_count == 0);
    FLOW_CHECK(totals[0].failed_count == 1 && totals[1].prompt_tokens == 10);
    FLOW_CHECK(totals[1].cost_krw > 0.49 && totals[1].cost_krw < 0.51);
    FLOW_OK(f, store_upkeep(f, p));
    struct str version;
    FLOW_OK(f, store_health(f, p, &version));
    FLOW_CHECK(version.len > 0);
    return 0;
}

/* Every table with a tenant is isolated, whatever migration made it; text partitions are the known exception,
 * since a search names the partition of its own tenant. */
static int on_isolation(struct flow *f, struct pg_pool *p)
{
    TENANT(f, p);
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    FLOW_OK(
        f, pg_once(f, p, t,
                   "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                   "join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' "
                   "where n.nspname = 'deskstream' and c.relkind in ('r', 'p') "
                   "and not (c.relrowsecurity and c.relforcerowsecurity) "
                   "and c.relname !~ '^(ticket|kb)_texts_t[0-9]+$'",
                   PG_NO_ARGS, &rows));
    FLOW_CHECK(rows.row_count == 0);
    /* Rows of another tenant can neither be written nor seen. */
    FLOW_EXPECT(f,
                pg_once(f, p, t,
                        "insert into deskstream.contexts (tenant_id, id, ticket_id, value) "
                        "values ($1, 'x', 1, '{}')",
                        PG_ARGS(PG_I64(t + 1)), NULL),
                E_DB);
    return 0;
}

#define TEST(name)                                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        store_test_run(#name, on_##name);                                                          \
    }
TEST(tenants)
TEST(tickets)
TEST(tickets_gone)
TEST(articles)
TEST(search)
TEST(runs)
TEST(logs)
TEST(results)
TEST(embeddings)
TEST(calls)
TEST(isolation)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tenants, store_test_setup),
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_tickets_gone),
        cmocka_unit_test(test_articles),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_logs),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_embeddings),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_isolation),
    };
    return pg_test_main(tests);
}
