/*
 * Sync against the stand-in of Freshdesk in this process and a real PostgreSQL.
 *
 * Each round has a loop of its own: sandbox, web client, pool, sync. The end state is one text made of all
 * rows that count (tickets, threads, texts, vectors, logs, retry queue); rounds that were broken, followed by
 * one that was not, must end in the state of a single undisturbed run.
 */
#include "flow/store_test.h"

#include "base/log.h"
#include "net/web.h"
#include "store/sync_runs.h"
#include "store/tenants.h"
#include "support/desk.h"
#include "sync/sync.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"

struct round {
    struct sync_wish wish;
    uint32_t ticket_count;
    const char *after; /* SQL as the tenant, after the run; NULL: none */
    uint64_t fault, cancel;
    bool model_is_away; /* the embedder refuses every text */
    /* out */
    struct sync_result result;
    uint64_t embed_calls, thread_calls;
    size_t error_events, done_events;
    bool touched;
    struct err err;
};

struct world_of {
    struct desk *desk;
    struct web *web;
    struct pg_pool *pool;
    struct vectors *vectors;
    struct freshdesk *freshdesk;
    struct embedder *embedder;
    struct sync *sync;
    struct caller who;
};

struct counting_sink {
    struct sink sink;
    struct round *round;
};

static int on_event(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct counting_sink *c = container_of(s, struct counting_sink, sink);
    struct json v;
    if (json_parse(&f->arena, json, &v, &f->err) < 0 ||
        !str_eq(json_str(json_get(v, "type")), str_from(event)))
        return err_set(&f->err, E_PROTOCOL, "not an event: %.*s", STR_ARG(json));
    c->round->error_events += strcmp(event, "sync.error") == 0;
    c->round->done_events += strcmp(event, "sync.done") == 0;
    return 0;
}

/* ---- one round ---- */

static int open_parts(struct flow *f, struct world_of *w, const struct round *round)
{
    struct pg_spec pg = pg_test_spec(4);
    int r = web_new(f->loop, &(struct web_spec){.connection_count_max = 64}, &w->web, &f->err);
    if (r >= 0)
        r = pg_pool_new(f->loop, &pg, &w->pool, &f->err);
    if (r < 0)
        return r;
    const char *url = arena_printf(&f->arena, "http://127.0.0.1:%d", desk_port(w->desk)).ptr;
    w->vectors = vectors_new_pg(f->loop, w->pool, 20000);
    w->freshdesk = freshdesk_new(f->loop, &(struct freshdesk_spec){.web = w->web,
                                                                   .base_url = url,
                                                                   .per_minute = 60000,
                                                                   .list_per_minute = 60000});
    w->embedder = embedder_new(
        f->loop, &(struct embedder_spec){.web = w->web,
                                         .base_url = url,
                                         .api_key = round->model_is_away ? "wrong" : "nv-test",
                                         .model = "bge-m3",
                                         .per_minute = 1e6,
                                         .tokens_per_minute = 1e9});
    w->sync = sync_new(f->loop, &(struct sync_deps){.pool = w->pool,
                                                    .vectors = w->vectors,
                                                    .freshdesk = w->freshdesk,
                                                    .embedder = w->embedder,
                                                    .embed_count_max = 4,
                                                    .thread_count_max = 2});
    return 0;
}

static void close_parts(struct flow *f, struct world_of *w)
{
    sync_free(w->sync);
    embedder_free(w->embedder);
    freshdesk_free(w->freshdesk);
    vectors_free(w->vectors);
    if (w->pool) {
        pg_pool_close(f, w->pool);
        pg_pool_free(w->pool);
    }
    if (w->web) {
        web_close_all(f, w->web);
        web_free(w->web);
    }
}

static int run_parts(struct flow *f, struct world_of *w, struct round *round)
{
    struct tenant tenant;
    int r = tenants_get_or_create(f, w->pool, STR("demo"), STR("demo.freshdesk.com"), &tenant);
    if (r < 0)
        return r;
    w->who = (struct caller){.tenant_id = tenant.id,
                             .company = STR("demo"),
                             .domain = STR("demo.freshdesk.com"),
                             .api_key = STR("demo")};
    struct counting_sink sink = {.sink = {.send = on_event}, .round = round};
    r = sync_run(f, w->sync, &w->who, &round->wish, &sink.sink, &round->result);
    if (r >= 0 && round->after)
        r = pg_once(f, w->pool, tenant.id, round->after, PG_NO_ARGS, NULL);
    return r;
}

static int round_flow(struct flow *f, void *arg)
{
    struct round *round = arg;
    struct world_of *w = ARENA_NEW(&f->arena, struct world_of);
    int r = desk_open(f, round->ticket_count, &w->desk);
    if (r < 0)
        return r;
    r = open_parts(f, w, round);
    if (r >= 0)
        r = run_parts(f, w, round);
    struct err err = f->err;
    close_parts(f, w);
    round->embed_calls = desk_embed_calls(w->desk);
    round->thread_calls = desk_thread_calls(w->desk);
    desk_close(f, w->desk);
    f->err = err;
    return r;
}

static int round_run(struct round *round)
{
    struct loop *l = loop_new(&(struct loop_spec){.virtual_clock = true});
    fault_arm(round->fault);
    loop_cancel_at_wait(l, round->cancel);
    round->err = (struct err){0};
    int r = loop_run(l, "sync-test", round_flow, round, &round->err);
    round->touched = fault_fired() || (round->cancel > 0 && loop_wait_count(l) >= round->cancel);
    fault_arm(0);
    loop_free(l);
    return r;
}

static void round_good(struct round *round)
{
    int r = round_run(round);
    if (r < 0)
        fail_msg("%s: %s", err_name(r), round->err.msg);
}

/* ---- the state ---- */

static char state_text[2][65536];

struct query {
    const char *sql;
    char *out; /* NULL: a statement without rows */
};

static int query_flow(struct flow *f, struct pg_pool *p, void *arg)
{
    const struct query *q = arg;
    struct tenant tenant;
    ok(f, tenants_get_or_create(f, p, STR("demo"), STR("demo.freshdesk.com"), &tenant));
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    ok(f, pg_once(f, p, tenant.id, q->sql, PG_NO_ARGS, &rows));
    if (q->out)
        snprintf(q->out, sizeof(state_text[0]), "%.*s", STR_ARG(pg_text(&rows, 0, 0)));
    return 0;
}

static void execute(const char *sql)
{
    struct query q = {.sql = sql};
    pg_test_run(query_flow, &q);
}

static const char *state(int which)
{
    struct query q = {
        .out = state_text[which],
        .sql = "select concat_ws(E'\\n', "
               "(select string_agg(concat_ws(' ', 'ticket', id, deleted, md5(content_hash), "
               "content_hash = synced_hash), E'\\n' order by id) from deskstream.tickets), "
               "(select string_agg(concat_ws(' ', 'article', id, deleted, md5(content_hash), "
               "content_hash = synced_hash), E'\\n' order by id) from deskstream.kb_articles), "
               "(select 'talks ' || md5(string_agg(concat_ws('|', ticket_id, id, body_text), ' ' "
               "order by ticket_id, id)) from deskstream.conversations), "
               "(select 'texts ' || md5(string_agg(concat_ws('|', id, symptom, cause, resolution, "
               "terms), ' ' order by id)) from deskstream.ticket_texts), "
               "(select 'vectors ' || md5(string_agg(v::text, ' ' order by v::text)) "
               "from deskstream.vectors_tickets v), "
               "(select 'kb vectors ' || md5(string_agg(v::text, ' ' order by v::text)) "
               "from deskstream.vectors_kb v), "
               "(select string_agg(concat_ws(' ', 'log', collection, item_id, item_type), E'\\n' "
               "order by collection, item_id::bigint) from deskstream.sync_logs), "
               "(select 'cache ' || count(*) from deskstream.embedding_cache), "
               "(select 'retry ' || count(*) from deskstream.sync_retry))"};
    pg_test_run(query_flow, &q);
    return state_text[which];
}

static void forget(void)
{
    execute("with "
            "a as (delete from deskstream.tickets), "
            "b as (delete from deskstream.conversations), "
            "c as (delete from deskstream.kb_articles), "
            "d as (delete from deskstream.ticket_texts), "
            "e as (delete from deskstream.kb_texts), "
            "f as (delete from deskstream.vectors_tickets), "
            "g as (delete from deskstream.vectors_kb), "
            "h as (delete from deskstream.embedding_cache), "
            "i as (delete from deskstream.sync_runs), "
            "j as (delete from deskstream.sync_logs) "
            "delete from deskstream.sync_retry");
}

/* A broken run's sign of life is old, and what failed is due. */
static void time_passes(void)
{
    execute("with a as (update deskstream.sync_runs set heartbeat_at = now() - interval '1 hour') "
            "update deskstream.sync_retry set due_at = now()");
}

/* ---- tests ---- */

static struct round tickets_round(void)
{
    return (struct round){.wish = {.kind = SYNC_TICKETS, .since = WALL_NONE}, .ticket_count = 6};
}

static void test_second_run_does_nothing(void **s)
{
    (void)s;
    forget();
    struct round first = tickets_round();
    first.ticket_count = 250;
    first.wish.limit = 120;
    round_good(&first);
    assert_int_equal(first.result.written_count, 120);
    assert_int_equal(first.thread_calls, 120);
    assert_true(first.embed_calls > 0);
    assert_int_equal(first.done_events, 1);
    state(0);
    struct round again = first;
    round_good(&again);
    assert_int_equal(again.result.written_count, 0);
    assert_int_equal(again.result.skipped_count, 120);
    assert_int_equal(again.thread_calls, 0);
    assert_int_equal(again.embed_calls, 0);
    assert_string_equal(state(1), state_text[0]);
    struct round rest = first;
    rest.wish.limit = 0;
    rest.error_events = 0;
    round_good(&rest);
    assert_int_equal(rest.result.written_count, 130);
    assert_int_equal(rest.thread_calls, 130);
}

static void test_since_with_limit_drops_nothing(void **s)
{
    (void)s;
    forget();
    int64_t written = 0;
    for (int i = 0; i < 4; i++) {
        struct round part = tickets_round();
        part.ticket_count = 90;
        part.wish.since = 1000;
        part.wish.limit = 30;
        round_good(&part);
        assert_int_equal(part.result.written_count, i < 3 ? 30 : 0);
        written += part.result.written_count;
    }
    assert_int_equal(written, 90);
}

static void test_wrong_model_key_ends_the_run(void **s)
{
    (void)s;
    forget();
    struct round bad = tickets_round();
    bad.model_is_away = true;
    assert_int_equal(round_run(&bad), E_UPSTREAM_AUTH);
    struct round good = tickets_round();
    round_good(&good);
    assert_int_equal(good.result.written_count, 6);
}

static void test_articles(void **s)
{
    (void)s;
    forget();
    struct round first = tickets_round();
    first.wish.kind = SYNC_KB;
    first.wish.limit = 20;
    round_good(&first);
    assert_int_equal(first.result.written_count, 20);
    struct round rest = first;
    rest.wish.limit = 0;
    round_good(&rest);
    assert_int_equal(rest.result.skipped_count, 20);
    assert_true(rest.result.written_count > 0);
    state(0);
    struct round again = rest;
    round_good(&again);
    assert_int_equal(again.result.written_count, 0);
    assert_int_equal(again.embed_calls, 0);
    assert_string_equal(state(1), state_text[0]);
}

/* Every `stride`th fault or cancel; the next run makes the state whole. */
static void break_it(bool faults, uint64_t stride)
{
    forget();
    struct round whole = tickets_round();
    round_good(&whole);
    state(0);
    bool touched = true;
    for (uint64_t n = 1; touched && n < 20000; n += stride) {
        forget();
        struct round broken = tickets_round();
        broken.fault = faults ? n : 0;
        broken.cancel = faults ? 0 : n;
        int r = round_run(&broken);
        touched = broken.touched;
        time_passes();
        struct round next = tickets_round();
        next.wish.since = 0; /* from the beginning: what was stored is passed over */
        int after = round_run(&next);
        if (after < 0)
            fail_msg("%s %d (%s): the next run: %s", faults ? "fault" : "cancel", (int)n,
                     err_name(r), next.err.msg);
        if (strcmp(state(1), state_text[0]) != 0)
            fail_msg("%s %d (%s): not the same state:\n%s\n--- wanted\n%s",
                     faults ? "fault" : "cancel", (int)n, err_name(r), state_text[1],
                     state_text[0]);
    }
}

static void test_faults(void **s)
{
    (void)s;
    break_it(true, getenv("TORTURE") ? 1 : 23);
}

static void test_cancels(void **s)
{
    (void)s;
    break_it(false, getenv("TORTURE") ? 1 : 61);
}

static int setup(void **s)
{
    log_setup(&(struct log_spec){.level = LOG_ERROR});
    desk_warm();
    return store_test_setup(s);
}

static int teardown(void **s)
{
    (void)s;
    desk_forget();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_second_run_does_nothing, setup),
        cmocka_unit_test(test_since_with_limit_drops_nothing),
        cmocka_unit_test(test_wrong_model_key_ends_the_run),
        cmocka_unit_test(test_articles),
        cmocka_unit_test(test_faults),
        cmocka_unit_test_teardown(test_cancels, teardown),
    };
    return pg_test_main(tests);
}
