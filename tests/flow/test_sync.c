/*
 * Sync against the stand-in of Freshdesk in this process and a real PostgreSQL.
 *
 * Each round has a loop of its own: sandbox, web client, pool, sync. The end state is one text made of all
 * rows that count (tickets, threads, texts, vectors, logs, retry queue); rounds that were broken, followed by
 * one that was not, must end in the state of a single undisturbed run.
 */
#include "flow/store_test.h"

#include "base/log.h"
#include "base/wall.h"
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
    bool model_is_away;       /* the embedder refuses every text */
    double embeds_per_minute; /* 0: as many as one likes */
    const char *rules;        /* faults of the sandbox; NULL: none */
    int64_t deleted_id;       /* a ticket in the trash; 0: none */
    bool in_background;       /* begun twice, watched to its end */
    /* out */
    struct sync_result result;
    char first_error[200];
    uint64_t embed_calls, thread_calls;
    size_t error_events, done_events, waiting_events;
    bool touched;
    int second_start; /* of a run in the background */
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
    struct json account = json_path(v, "waiting.account");
    c->round->waiting_events += str_eq(json_str(account), STR("embed"));
    return 0;
}

/* ---- one round ---- */

static int open_parts(struct flow *f, struct world_of *w, const struct round *round,
                      struct group *background)
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
        f->loop, &(struct embedder_spec){
                     .web = w->web,
                     .base_url = url,
                     .api_key = round->model_is_away ? "wrong" : "nv-test",
                     .model = "bge-m3",
                     .per_minute = round->embeds_per_minute > 0 ? round->embeds_per_minute : 1e6,
                     .tokens_per_minute = 1e9});
    w->sync = sync_new(f->loop, &(struct sync_deps){.pool = w->pool,
                                                    .vectors = w->vectors,
                                                    .freshdesk = w->freshdesk,
                                                    .embedder = w->embedder,
                                                    .group = background,
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

struct leaving_sink {
    struct sink sink;
    struct round *round;
};

/* A reader that leaves after the end. */
static int on_watched(struct flow *f, struct sink *s, const char *event, struct str json)
{
    struct leaving_sink *l = container_of(s, struct leaving_sink, sink);
    (void)json;
    l->round->error_events += strcmp(event, "sync.error") == 0;
    if (strcmp(event, "sync.done") != 0)
        return 0;
    l->round->done_events++;
    return err_set(&f->err, E_LIMIT, "seen enough");
}

static int run_in_background(struct flow *f, struct world_of *w, struct round *round)
{
    char id[37], other[37];
    struct leaving_sink sink = {.sink = {.send = on_watched}, .round = round};
    int r = sync_start(f, w->sync, &w->who, &round->wish, id);
    if (r < 0)
        return r;
    round->second_start = sync_start(f, w->sync, &w->who, &round->wish, other);
    r = sync_watch(f, w->sync, &w->who, &sink.sink);
    struct sync_run run;
    r = r == E_LIMIT ? sync_run_get(f, w->pool, w->who.tenant_id, id, &run) : r;
    if (r >= 0)
        round->result.written_count = run.written_count;
    return r;
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
    if (round->in_background)
        return run_in_background(f, w, round);
    r = sync_run(f, w->sync, &w->who, &round->wish, &sink.sink, &round->result);
    if (r >= 0 && round->result.error_count > 0)
        snprintf(round->first_error, sizeof(round->first_error), "%.*s",
                 STR_ARG(round->result.errors[0]));
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
    if (round->rules)
        r = desk_faults(f, w->desk, round->rules);
    if (round->deleted_id > 0)
        assert_true(desk_delete(w->desk, round->deleted_id));
    _cleanup_(group_join) struct group background = GROUP_INIT(f);
    if (r >= 0)
        r = open_parts(f, w, round, &background);
    if (r >= 0)
        r = run_parts(f, w, round);
    struct err err = f->err;
    group_join(&background);
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

static const char *value(const char *sql)
{
    struct query q = {.sql = sql, .out = state_text[1]};
    pg_test_run(query_flow, &q);
    return state_text[1];
}

/* One ticket's fault: named, queued, and repaired by the next run. */
static void fails_alone(const char *rules, const char *message)
{
    forget();
    struct round whole = tickets_round();
    round_good(&whole);
    state(0);
    forget();
    struct round hurt = tickets_round();
    hurt.rules = rules;
    round_good(&hurt);
    assert_int_equal(hurt.result.failed_count, 1);
    assert_int_equal(hurt.result.written_count, 5);
    assert_int_equal(hurt.error_events, 1);
    assert_true(hurt.result.success);
    if (strncmp(hurt.first_error, message, strlen(message)) != 0)
        fail_msg("%s", hurt.first_error);
    assert_string_equal(value("select count(*) from deskstream.sync_retry"), "1");
    time_passes();
    struct round next = tickets_round();
    next.wish.since = 0;
    round_good(&next);
    assert_int_equal(next.result.failed_count, 0);
    assert_string_equal(state(1), state_text[0]);
}

static void test_one_thread_fails(void **s)
{
    (void)s;
    fails_alone("[{\"path\":\"/api/v2/tickets/3/conversations\",\"kind\":\"status:400\"}]",
                "Failed to process ticket 3: ");
    fails_alone("[{\"path\":\"/api/v2/tickets/4/conversations\",\"kind\":\"garbage\"}]",
                "Failed to process ticket 4: ");
}

static void test_thread_is_gone(void **s)
{
    (void)s;
    forget();
    struct round r = tickets_round();
    r.rules = "[{\"path\":\"/api/v2/tickets/3/conversations\",\"kind\":\"status:404\"}]";
    round_good(&r);
    assert_int_equal(r.result.failed_count, 0);
    assert_int_equal(r.result.written_count, 5);
    assert_int_equal(r.result.skipped_count, 1);
    assert_string_equal(value("select count(*) filter (where id = 3) || ' of ' || count(*) "
                              "from deskstream.vectors_tickets where place = 0"),
                        "0 of 5");
}

static void test_deleted_ticket_is_followed(void **s)
{
    (void)s;
    forget();
    struct round first = tickets_round();
    round_good(&first);
    struct round second = tickets_round();
    second.deleted_id = 3;
    round_good(&second);
    assert_string_equal(value("select string_agg(id::text, ' ') from deskstream.tickets "
                              "where deleted"),
                        "3");
    assert_string_equal(value("select count(*) filter (where id = 3) || ' of ' || count(*) "
                              "from deskstream.vectors_tickets where place = 0"),
                        "0 of 5");
}

static void test_vanished_article_is_dropped(void **s)
{
    (void)s;
    forget();
    struct round first = tickets_round();
    first.wish.kind = SYNC_KB;
    round_good(&first);
    execute("update deskstream.kb_articles set id = 999999999 where id = "
            "(select max(id) from deskstream.kb_articles)");
    struct round hole = first;
    hole.rules = "[{\"path\":\"/api/v2/solutions/folders/\",\"kind\":\"status:400\","
                 "\"count\":1}]";
    round_good(&hole);
    assert_int_equal(hole.result.failed_count, 1);
    assert_non_null(strstr(hole.first_error, "Failed to fetch KB articles: folder "));
    assert_string_equal(value("select count(*) from deskstream.kb_articles where deleted"), "0");
    struct round whole = first;
    round_good(&whole);
    assert_string_equal(value("select string_agg(id::text, ' ') from deskstream.kb_articles "
                              "where deleted"),
                        "999999999");
}

static void test_background(void **s)
{
    (void)s;
    forget();
    struct round r = tickets_round();
    r.in_background = true;
    round_good(&r);
    assert_int_equal(r.second_start, E_BUSY);
    assert_int_equal(r.result.written_count, 6);
    assert_int_equal(r.done_events, 1);
}

/* `make torture` takes each, `make test` (TORTURE_SHORT) one in some, a plain run a few. */
static uint64_t stride(uint64_t torture, uint64_t in_short, uint64_t plain)
{
    if (!getenv("TORTURE"))
        return plain;
    return getenv("TORTURE_SHORT") ? in_short : torture;
}

/* Every `step`th fault or cancel; the next run makes the state whole. */
static void break_it(bool faults, uint64_t step, struct round whole_round)
{
    forget();
    struct round whole = whole_round;
    round_good(&whole);
    state(0);
    bool touched = true;
    for (uint64_t n = 1; touched && n < 20000; n += step) {
        forget();
        struct round broken = whole_round;
        broken.fault = faults ? n : 0;
        broken.cancel = faults ? 0 : n;
        int r = round_run(&broken);
        touched = broken.touched;
        time_passes();
        struct round next = whole_round;
        next.wish.since = next.wish.kind == SYNC_KB
                              ? WALL_NONE
                              : 0; /* from the beginning: what was stored is passed over */
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
    break_it(true, stride(1, 7, 23), tickets_round());
}

static void test_cancels(void **s)
{
    (void)s;
    break_it(false, stride(1, 13, 61), tickets_round());
}

static void test_articles_broken(void **s)
{
    (void)s;
    struct round r = tickets_round();
    r.wish.kind = SYNC_KB; /* all of it: a limit would go on with the rest */
    break_it(true, stride(97, 997, 2503), r);
    break_it(false, stride(97, 997, 2503), r);
}

/* A run that waits for its budget of embeddings says so. */
static void test_waiting_is_told(void **s)
{
    (void)s;
    forget();
    struct round r = tickets_round();
    r.embeds_per_minute = 6;
    round_good(&r);
    assert_true(r.waiting_events > 0);
    assert_true(r.result.written_count > 0);
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
        cmocka_unit_test(test_waiting_is_told),
        cmocka_unit_test(test_since_with_limit_drops_nothing),
        cmocka_unit_test(test_wrong_model_key_ends_the_run),
        cmocka_unit_test(test_articles),
        cmocka_unit_test(test_one_thread_fails),
        cmocka_unit_test(test_thread_is_gone),
        cmocka_unit_test(test_deleted_ticket_is_followed),
        cmocka_unit_test(test_vanished_article_is_dropped),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_articles_broken),
        cmocka_unit_test(test_faults),
        cmocka_unit_test_teardown(test_cancels, teardown),
    };
    return pg_test_main(tests);
}
