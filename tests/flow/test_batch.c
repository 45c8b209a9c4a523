/* The run of a day against a real PostgreSQL, with chats in our own tables and a model of the sandbox. Covers B3. */
#include "flow/store_test.h"

#include "base/config.h"
#include "chats/batch.h"
#include "flow/chat_model_test.h"
#include "store/tenants.h"

enum { DAY = 19797 }; /* 2024-03-15 */

/* A tenant with a day of chats, a model and all that a run needs. */
struct desk {
    struct pg_pool *pool;
    int64_t tenant_id, distinct;
    uint32_t chat_count; /* few when tortured, since each round is a whole run */
    struct zone *zone;
    struct chat_source *source;
    struct fake_model model;
    struct taxonomy taxonomy;
    struct batch batch;
    struct day day;
};
typedef int desk_fn(struct flow *f, struct desk *d);

/* Holds in runs where nothing is broken on purpose. */
#define CALM_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!torture_is_on())                                                                      \
            FLOW_CHECK(cond);                                                                      \
    } while (0)

static int add_chats(struct flow *f, struct desk *d, uint32_t count)
{
    struct buf *texts = arena_buf(&f->arena, 0);
    struct jw w = JW_INIT(texts);
    jw_arr(&w, NULL);
    for (uint32_t n = 0; n < count; n++) {
        struct chat_line line;
        chat_line_make(&f->arena, 5, DAY, n, count, true, &line);
        jw_obj(&w, NULL);
        jw_str(&w, "t", line.text);
        jw_fmt(&w, "at", "2024-03-15 %02d:%02d:00+09", (int)(line.at_s / 3600),
               (int)(line.at_s / 60 % 60));
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    return pg_once(f, d->pool, d->tenant_id,
                   "insert into deskstream.chats (tenant_id, input_text, created_at) "
                   "select $1, v->>'t', (v->>'at')::timestamptz from jsonb_array_elements($2) v",
                   PG_ARGS(PG_I64(d->tenant_id), PG_JSON(buf_view(texts))), NULL);
}

static int count_of(struct flow *f, const struct desk *d, const char *sql, int64_t *ret_count)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, d->pool, d->tenant_id, sql, PG_ARGS(PG_I64(d->tenant_id)), &rows);
    if (r >= 0)
        *ret_count = pg_i64(&rows, 0, 0);
    return r;
}

static int open_desk(struct flow *f, struct desk *d)
{
    static int number;
    struct tenant tenant;
    struct str company = arena_printf(&f->arena, "chats%d", number++);
    int r = tenants_get_or_create(f, d->pool, company, STR("chats"), &tenant);
    if (r < 0)
        return r;
    d->tenant_id = tenant.id;
    d->day = (struct day){DAY};
    bool few = getenv("TORTURE") != NULL;
    d->chat_count = few ? 6 : 200;
    d->zone = zone_fixed(9 * 3600);
    struct chat_source_spec source = {.zone = d->zone,
                                      .zone_name = STR("Asia/Seoul"),
                                      .pool = d->pool,
                                      .tenant_id = d->tenant_id};
    struct config config = {0};
    struct buf *faults = arena_buf(&f->arena, 0);
    char *env[] = {NULL};
    r = config_read(&f->arena, env, STR_NONE, &config, faults);
    chat_names_from(&config, &source.names);
    if (r >= 0)
        r = chat_source_new(f->loop, &source, &d->source, &f->err);
    if (r >= 0)
        r = add_chats(f, d, d->chat_count);
    if (r < 0)
        return r;
    const struct batch_categories_spec categories = {
        .from = "auto", .path = "", .own = true, .pool = d->pool, .tenant_id = d->tenant_id};
    r = batch_categories(f, d->source, &categories, &d->taxonomy);
    if (r < 0)
        return r;
    d->model.plan = "t";
    d->batch = (struct batch){
        .pool = d->pool,
        .tenant_id = d->tenant_id,
        .source = d->source,
        .model = "HCX-007",
        .call_count_max = few ? 2 : 8,
        .chats_per_call = few ? 2 : 5,
        .page_size = few ? 5 : 30,
        .retry_ms = 1000,
        .away_ms = 60000,
        .default_category_id = 11,
        .classifier = {.llm = fake_llm(f->loop, &d->model),
                       .taxonomy = &d->taxonomy,
                       .language = "ko",
                       .retry_count = 3,
                       .tokens_max = 1000},
    };
    classifier_init(&f->arena, &d->batch.classifier);
    return count_of(f, d,
                    "select count(distinct input_text) from deskstream.chats where tenant_id = $1",
                    &d->distinct);
}

static int with_desk(struct flow *f, struct pg_pool *p, desk_fn *fn)
{
    struct desk *d = ARENA_NEW(&f->arena, struct desk);
    d->pool = p;
    int r = open_desk(f, d);
    if (r >= 0)
        r = fn(f, d);
    else if (!torture_is_on())
        r = torture_check_status(__FILE__, __LINE__, "open_desk", r, 0, f->err.msg);
    llm_free(d->batch.classifier.llm);
    chat_source_close(f, d->source);
    zone_free(d->zone);
    return r;
}

/* Torture runs a whole day hundreds of times: two tests with a small one are enough for that. */
#define DESK_TEST(name, is_tortured)                                                               \
    static int name##_pool(struct flow *f, struct pg_pool *p)                                      \
    {                                                                                              \
        return with_desk(f, p, name##_case);                                                       \
    }                                                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        if (is_tortured || !getenv("TORTURE"))                                                     \
            store_test_run(#name, name##_pool);                                                    \
    }

/* Every classified question has its true category; `ret_wrong` counts the others. */
static int count_wrong(struct flow *f, const struct desk *d, int64_t *ret_wrong)
{
    _cleanup_(pg_result_done) struct pg_result rows = PG_RESULT_INIT;
    int r = pg_once(f, d->pool, d->tenant_id,
                    "select input_text, category_id from deskstream.chat_results "
                    "where tenant_id = $1 and state = 'classified'",
                    PG_ARGS(PG_I64(d->tenant_id)), &rows);
    *ret_wrong = 0;
    for (int i = 0; r >= 0 && i < rows.row_count; i++) {
        struct str phrase;
        bool sure;
        *ret_wrong += topic_id(topic_of(pg_text(&rows, i, 0), &phrase, &sure)) !=
                      pg_i64(&rows, i, 1);
    }
    return r;
}

static int run(struct flow *f, struct desk *d, struct batch_result *ret)
{
    return batch_run(f, &d->batch, d->day, CHAT_RUN_BATCH, NULL, ret);
}

/* In = classified + failed, nothing mislabelled, every failure with a reason. */
static int check_whole(struct flow *f, struct desk *d, const struct batch_result *res)
{
    int64_t wrong = 0, silent = 0;
    FLOW_OK(f, count_wrong(f, d, &wrong));
    FLOW_OK(f, count_of(f, d,
                        "select count(*) from deskstream.chat_results where tenant_id = $1 and "
                        "(state = 'pending' or (state = 'failed' and coalesce(reason, '') = ''))",
                        &silent));
    FLOW_CHECK(wrong == 0 && silent == 0);
    if (torture_is_on()) /* the sums may be those of before a statement that failed */
        return 0;
    FLOW_CHECK(res->sum.chat_count == d->chat_count && res->sum.question_count == d->distinct);
    FLOW_CHECK(res->sum.classified_chats + res->sum.failed_chats == d->chat_count);
    FLOW_CHECK(res->sum.classified_questions + res->sum.failed_questions == d->distinct);
    return 0;
}

static int whole_day_case(struct flow *f, struct desk *d)
{
    struct batch_result res, again;
    int64_t rows = 0, rows_again = 0;
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, check_whole(f, d, &res));
    FLOW_CHECK(res.cost.call_count == (int64_t)d->model.call_count && res.cost.cost_krw > 0);
    FLOW_CHECK(d->model.in_flight_max <= d->batch.call_count_max);
    FLOW_CHECK(res.known_count == 0 && res.written.row_count >= res.sum.classified_questions);
    /* One question is blank. */
    FLOW_CHECK(res.sum.failed_questions <= 1);
    FLOW_OK(f, count_of(f, d, "select count(*) from deskstream.chat_keywords where tenant_id = $1",
                        &rows));
    FLOW_CHECK(rows == res.written.row_count);
    size_t paid = d->model.call_count; /* the same day again costs nothing */
    FLOW_OK(f, run(f, d, &again));
    FLOW_CHECK(d->model.call_count == paid && again.cost.call_count == 0);
    FLOW_CHECK(again.known_count == res.sum.classified_questions);
    FLOW_OK(f, count_of(f, d, "select count(*) from deskstream.chat_keywords where tenant_id = $1",
                        &rows_again));
    FLOW_CHECK(rows_again == rows);
    return 0;
}
DESK_TEST(whole_day, false)

static int bad_model_case(struct flow *f, struct desk *d)
{
    struct batch_result res;
    d->model.plan = "mdiqpcmtmdmipqcmtmmddmiqcpmtdmmmqmimcmtmt";
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, check_whole(f, d, &res));
    FLOW_CHECK(res.cost.call_count == (int64_t)d->model.call_count);
    return 0;
}
DESK_TEST(bad_model, true)

static int stuck_chats_case(struct flow *f, struct desk *d)
{
    struct batch_result res, again;
    d->model.stuck = d->chat_count > 100 ? 12 : 50;
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, check_whole(f, d, &res));
    FLOW_CHECK(d->chat_count < 100 || res.sum.failed_questions > 1);
    FLOW_CHECK(res.state == (res.sum.failed_questions ? CHAT_RUN_PARTIAL : CHAT_RUN_DONE));
    uint64_t asked = d->model.chat_count;
    d->model.stuck = 0;
    FLOW_OK(f, run(f, d, &again)); /* only what failed is asked again */
    FLOW_CHECK(d->model.chat_count - asked <= (uint64_t)res.sum.failed_questions);
    FLOW_CHECK(again.sum.failed_questions <= 1);
    return 0;
}
DESK_TEST(stuck_chats, false)

static int key_refused_case(struct flow *f, struct desk *d)
{
    struct batch_result res, again;
    d->model.plan = d->chat_count > 100 ? "tttttta" : "ta";
    FLOW_EXPECT(f, run(f, d, &res), E_UPSTREAM_AUTH);
    FLOW_OK(f, check_whole(f, d, &res));
    CALM_CHECK(res.state == CHAT_RUN_FAILED && res.sum.classified_questions > 0);
    CALM_CHECK(res.sum.failed_questions > 0 && res.written.row_count > 0);
    d->model.plan = "t";
    uint64_t asked = d->model.chat_count;
    FLOW_OK(f, run(f, d, &again));
    FLOW_OK(f, check_whole(f, d, &again));
    CALM_CHECK(d->model.chat_count - asked <= (uint64_t)res.sum.failed_questions);
    return 0;
}
DESK_TEST(key_refused, true)

static int model_away_case(struct flow *f, struct desk *d)
{
    struct batch_result res;
    d->model.plan = "teeeeeeeeeeeeeeeeeeeeeeeeeeet"; /* comes back in time */
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, check_whole(f, d, &res));
    FLOW_CHECK(res.sum.failed_questions <= 1);
    return 0;
}
DESK_TEST(model_away, false)

static int model_gone_case(struct flow *f, struct desk *d)
{
    struct batch_result res;
    d->model.plan = "tte";
    if (d->chat_count < 100) { /* too few calls to call it off: each gives up by itself */
        FLOW_OK(f, run(f, d, &res));
        return check_whole(f, d, &res);
    }
    FLOW_EXPECT(f, run(f, d, &res), E_UPSTREAM);
    FLOW_OK(f, check_whole(f, d, &res));
    CALM_CHECK(res.state == CHAT_RUN_FAILED && res.sum.failed_questions > 0);
    return 0;
}
DESK_TEST(model_gone, false)

/* ---- stopped in the middle ---- */

struct child {
    struct desk *desk;
    struct batch_result result;
    int status;
};

static int child_run(struct flow *f, void *arg)
{
    struct child *c = arg;
    c->status = run(f, c->desk, &c->result);
    return c->status;
}

static int stopped_case(struct flow *f, struct desk *d)
{
    struct child child = {.desk = d};
    int64_t kept = 0;
    d->model.latency_ms = 600;
    {
        _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
        FLOW_OK(f, group_spawn(&g, "stopped", child_run, &child));
        while (d->model.chat_count < d->chat_count / 4 && g.count > 0)
            FLOW_OK(f, flow_sleep(f, 50));
    }
    FLOW_CHECK(child.status < 0);
    FLOW_OK(f, count_of(f, d,
                        "select count(*) from deskstream.chat_results "
                        "where tenant_id = $1 and state = 'classified'",
                        &kept));
    CALM_CHECK(child.status == -ECANCELED && kept > 0 && kept < d->distinct);
    uint64_t asked = d->model.chat_count;
    struct batch_result res;
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, check_whole(f, d, &res));
    FLOW_CHECK(res.known_count == kept);
    FLOW_CHECK((int64_t)(d->model.chat_count - asked) <= d->distinct - kept);
    return 0;
}
DESK_TEST(stopped, false)

static int two_runners_case(struct flow *f, struct desk *d)
{
    struct child child = {.desk = d};
    struct batch_result res;
    d->model.latency_ms = 600;
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    FLOW_OK(f, group_spawn(&g, "first", child_run, &child));
    while (d->model.call_count == 0 && g.count > 0)
        FLOW_OK(f, flow_sleep(f, 50));
    FLOW_EXPECT(f, run(f, d, &res), E_BUSY);
    FLOW_OK(f, group_wait(f, &g));
    FLOW_OK(f, child.status);
    CALM_CHECK(d->model.in_flight_max == d->batch.call_count_max); /* as many at once as allowed */
    return check_whole(f, d, &child.result);
}
DESK_TEST(two_runners, false)

/* ---- what is missing ---- */

static int missing_case(struct flow *f, struct desk *d)
{
    struct batch_result res, again;
    int64_t rows = 0, rows_again = 0;
    FLOW_OK(f, run(f, d, &res));
    FLOW_OK(f, count_of(f, d, "select count(*) from deskstream.chat_keywords where tenant_id = $1",
                        &rows));
    FLOW_OK(f, count_of(f, d,
                        "with gone as (delete from deskstream.chat_keywords where tenant_id = $1 "
                        "and query_text like '%학년%' and length(query_text) % 3 = 0 returning 1) "
                        "select count(*) from gone",
                        &rows_again));
    FLOW_CHECK(rows_again > 0);
    FLOW_OK(f, batch_run(f, &d->batch, d->day, CHAT_RUN_MISSING, NULL, &again));
    FLOW_CHECK(again.sum.question_count > 0 && again.sum.question_count < d->distinct);
    FLOW_CHECK(again.written.row_count == rows_again);
    FLOW_OK(f, count_of(f, d, "select count(*) from deskstream.chat_keywords where tenant_id = $1",
                        &rows_again));
    FLOW_CHECK(rows_again == rows);
    return 0;
}
DESK_TEST(missing, false)

/* A text without anything in it is told as failed each time; that is no reason to call the day failed. */
static int blank_case(struct flow *f, struct desk *d)
{
    struct batch_result res;
    d->day = day_add(d->day, 1);
    FLOW_OK(f, pg_once(f, d->pool, d->tenant_id,
                       "insert into deskstream.chats (tenant_id, input_text, created_at) values "
                       "($1, '', '2024-03-16 09:00+09'), ($1, E' \\n', '2024-03-16 10:00+09')",
                       PG_ARGS(PG_I64(d->tenant_id)), NULL));
    FLOW_OK(f, batch_run(f, &d->batch, d->day, CHAT_RUN_MISSING, NULL, &res));
    FLOW_CHECK(res.state == CHAT_RUN_PARTIAL && res.sum.failed_questions == 2);
    FLOW_CHECK(d->model.call_count == 0);
    return 0;
}
DESK_TEST(blank, false)

static int nothing_case(struct flow *f, struct desk *d)
{
    struct batch_result res;
    d->day = day_add(d->day, 1);
    FLOW_OK(f, run(f, d, &res));
    FLOW_CHECK(res.state == CHAT_RUN_DONE && res.sum.question_count == 0);
    FLOW_CHECK(d->model.call_count == 0);
    struct batch_estimate e;
    d->day = day_add(d->day, -1);
    FLOW_OK(f, batch_estimate(f, &d->batch, d->day, &e));
    FLOW_CHECK(e.size.chat_count == d->chat_count && e.size.question_count == d->distinct);
    FLOW_CHECK(e.cost_krw > 0 && d->model.call_count == 0);
    return 0;
}
DESK_TEST(nothing, false)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whole_day, store_test_setup),
        cmocka_unit_test(bad_model),
        cmocka_unit_test(stuck_chats),
        cmocka_unit_test(key_refused),
        cmocka_unit_test(model_away),
        cmocka_unit_test(model_gone),
        cmocka_unit_test(stopped),
        cmocka_unit_test(two_runners),
        cmocka_unit_test(missing),
        cmocka_unit_test(blank),
        cmocka_unit_test(nothing),
    };
    return pg_test_main(tests);
}
