/*
 * Runs of the chat batch: one run a day, what is paid is paid once, sums that add up, the way back into the
 * table of keywords. On our own tables; tests/flow/test_chat_source.c looks after the other homes.
 */
#include "flow/chats_test.h"
#include "store/chat_runs.h"

static const struct chat_run_spec batch_spec = {
    .day = {19797}, /* 2024-03-15 */
    .kind = CHAT_RUN_BATCH,
    .source = STR("Deskstream"),
    .model = STR("HCX-005"),
    .prompt_version = STR("v1"),
};

/* A round's beginning: these chats and nothing else; one statement, since it is tortured, too. */
static int put_questions(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, raw(f, c,
                   "with a as (delete from deskstream.chat_results), "
                   "b as (delete from deskstream.batch_runs), c as (delete from {keywords}), "
                   "d as (delete from {chats}) insert into {chats} ({input_text}, {created_at}) "
                   "values ('전학 절차', '2024-03-15 10:05:00+09'), "
                   "('전학 절차', '2024-03-15 11:05:00+09'), "
                   "('성적 조회', '2024-03-15 12:00:00+09'), "
                   "('학교폭력 신고', '2024-03-15 13:00:00+09'), "
                   "('   ', '2024-03-15 14:00:00+09')",
                   NULL));
    return 0;
}

/* And in a SQLite file what PostgreSQL's texts cannot hold. */
static int prepare(struct flow *f, const struct chats_case *c)
{
    struct chats_case sqlite = {HOME_SQLITE, c->pool};
    FLOW_OK(f, home_make(f, c));
    FLOW_OK(f, home_make(f, &sqlite));
    const struct test_chat chats[] = {
        {STR("a\0b"), "2024-03-15 10:05:00"},
        {STR("bad \xff"), "2024-03-15 11:05:00"},
    };
    FLOW_OK(f, home_put(f, &sqlite, chats, ARRAY_COUNT(chats)));
    return 0;
}

static int read_day(struct flow *f, struct chat_source *s, struct chat_run_hold *h,
                    struct chat_run_sum *sum)
{
    enum chat_which which = h->kind == CHAT_RUN_BATCH ? CHATS_ALL : CHATS_MISSING;
    int r = chat_source_each(f, s, h->day, which, chat_questions_take, h);
    return r < 0 ? r : chat_questions_settle(f, h, sum);
}

/* Answers up to `limit` pending questions: blank ones fail, others are about transfers. */
static int answer(struct flow *f, struct chat_run_hold *h, int limit, size_t *ret_count)
{
    struct chat_pending *items;
    int r = chat_questions_pending(f, h, NULL, limit, &items, ret_count);
    if (r < 0 || *ret_count == 0)
        return r;
    struct chat_answer *answers = ARENA_ARRAY(&f->arena, *ret_count, struct chat_answer);
    for (size_t i = 0; i < *ret_count; i++) {
        answers[i] = (struct chat_answer){
            .category_id = 2,
            .keywords = STR(
                "[{\"keyword\": \"전학\", \"categories\": [\"전학, 편입\", \"모르는 것\"]}]"),
            .confidence = 0.9,
            .quote = items[i].text,
            .attempt_count = 1,
        };
        memcpy(answers[i].hash, items[i].hash, SHA256_BYTES);
        if (str_trim(items[i].text).len == 0)
            answers[i] = (struct chat_answer){
                .failed = true, .reason = STR("빈 질문"), .confidence = -1, .attempt_count = 1};
        memcpy(answers[i].hash, items[i].hash, SHA256_BYTES);
    }
    const struct chat_cost cost = {1, 100, 50, 0.25};
    return chat_answers_put(f, h, answers, *ret_count, &cost);
}

static int whole_run(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, put_questions(f, c));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));

    /* Nobody else may do this day; another day is free. */
    struct chat_run_hold other = CHAT_RUN_HOLD_INIT;
    FLOW_EXPECT(f, chat_run_begin(f, c->pool, 1, &batch_spec, &other), E_BUSY);

    struct chat_run_sum sum;
    FLOW_OK(f, read_day(f, o.source, &h, &sum));
    FLOW_CHECK(sum.question_count == 4 && sum.chat_count == 5 && sum.pending_questions == 4);
    size_t n;
    FLOW_OK(f, answer(f, &h, 3, &n));
    FLOW_CHECK(n == 3);
    FLOW_OK(f, chat_run_beat(f, &h));
    FLOW_OK(f, answer(f, &h, 3, &n));
    FLOW_CHECK(n == 1);
    FLOW_OK(f, answer(f, &h, 3, &n));
    FLOW_CHECK(n == 0);
    FLOW_OK(f, chat_run_sum(f, &h, &sum));
    FLOW_CHECK(sum.classified_questions == 3 && sum.classified_chats == 4);
    FLOW_CHECK(sum.failed_questions == 1 && sum.failed_chats == 1 && sum.pending_questions == 0);

    struct chat_written written = {0};
    FLOW_OK(f, chat_write_back(f, &h, o.source, 11, &written));
    FLOW_CHECK(written.row_count == 6);
    FLOW_OK(f, chat_run_finish(f, &h, CHAT_RUN_PARTIAL, NULL));
    struct str rows;
    FLOW_OK(f, raw(f, c,
                   "select query_text || '|' || keyword || '|' || category_id || '|' || "
                   "query_count || '|' || created_at from {keywords} "
                   "where query_text = '전학 절차' order by category_id",
                   &rows));
    FLOW_CHECK(str_eq(rows, STR("전학 절차|전학|2|2|2024-03-15 00:00:00\n"
                                "전학 절차|전학|11|2|2024-03-15 00:00:00\n")));

    struct chat_run *runs;
    FLOW_OK(f, chat_run_newest(f, c->pool, 1, &batch_spec.day, 10, &runs, &n));
    FLOW_CHECK(n == 1 && runs[0].state == CHAT_RUN_PARTIAL && runs[0].call_count == 2);
    FLOW_CHECK(runs[0].chat_count == 5 && runs[0].question_count == 4);
    FLOW_CHECK(runs[0].classified_count == 3 && runs[0].failed_count == 1);
    FLOW_CHECK(runs[0].prompt_tokens == 200 && runs[0].cost_krw == 0.5);
    FLOW_CHECK(runs[0].written_at != WALL_NONE && runs[0].finished_at != WALL_NONE);
    FLOW_CHECK(runs[0].day.number == batch_spec.day.number);
    return 0;
}

/* A run that broke off, another that goes on; then one with another prompt, and chats that went. */
static int next_runs(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, put_questions(f, c));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct chat_run_sum sum;
    size_t n;
    {
        _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
        FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));
        FLOW_OK(f, read_day(f, o.source, &h, &sum));
        FLOW_OK(f, answer(f, &h, 1, &n));
    }
    struct chat_run *runs;
    FLOW_OK(f, chat_run_newest(f, c->pool, 1, NULL, 1, &runs, &n));
    FLOW_CHECK(n == 1 && (runs[0].state == CHAT_RUN_STOPPED || torture_is_on()));
    {
        _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
        FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));
        FLOW_OK(f, read_day(f, o.source, &h, &sum));
        FLOW_CHECK(sum.question_count == 4 && sum.pending_questions >= 3);
        FLOW_CHECK(sum.classified_questions + sum.pending_questions == 4);
        FLOW_OK(f, answer(f, &h, 10, &n));
        FLOW_OK(f, chat_run_finish(f, &h, CHAT_RUN_DONE, NULL));
    }
    {
        /* Only what failed is asked again, and what the source no longer has is gone. */
        FLOW_OK(f, raw(f, c, "delete from {chats} where input_text = '성적 조회'", NULL));
        _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
        FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));
        FLOW_OK(f, read_day(f, o.source, &h, &sum));
        FLOW_CHECK(sum.question_count == 3 && sum.pending_questions == 1);
        FLOW_CHECK(sum.classified_questions == 2);
    }
    {
        struct chat_run_spec spec = batch_spec;
        spec.prompt_version = STR("v2");
        _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
        FLOW_OK(f, chat_run_begin(f, c->pool, 1, &spec, &h));
        FLOW_OK(f, read_day(f, o.source, &h, &sum));
        FLOW_CHECK(sum.question_count == 3 && sum.pending_questions == 3);
    }
    return 0;
}

/* `missing` sees only what has no row, and leaves the day's other results alone. */
static int missing_run(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, put_questions(f, c));
    FLOW_OK(f, raw(f, c,
                   "insert into {keywords} (query_text, keyword, category_id, query_count, "
                   "created_at, batch_created_at) values ('전학 절차', '전학', 2, 2, "
                   "'2024-03-15 00:00:00', '2024-03-16 01:00:00')",
                   NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct chat_run_spec spec = batch_spec;
    spec.kind = CHAT_RUN_MISSING;
    _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &spec, &h));
    struct chat_run_sum sum;
    size_t n;
    FLOW_OK(f, read_day(f, o.source, &h, &sum));
    FLOW_CHECK(sum.question_count == 3);
    FLOW_OK(f, answer(f, &h, 10, &n));
    struct chat_written written = {0};
    FLOW_OK(f, chat_write_back(f, &h, o.source, 11, &written));
    FLOW_CHECK(written.row_count == 4);
    FLOW_OK(f, chat_run_finish(f, &h, CHAT_RUN_DONE, NULL));
    struct str rows;
    FLOW_OK(f, raw(f, c, "select count(*)::text from {keywords} where query_text = '전학 절차'",
                   &rows));
    FLOW_CHECK(str_eq(rows, STR("1\n")));
    return 0;
}

/* The lock's connection is cut: the next beat takes the lock anew, or learns that it is somebody else's. */
static int lost_lock(struct flow *f, const struct chats_case *c)
{
    if (torture_is_on())
        return 0; /* a backend takes its time to die */
    FLOW_OK(f, put_questions(f, c));
    _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));
    static const char cut[] = "select pg_terminate_backend(pid, 10000) from pg_locks "
                              "where locktype = 'advisory' and database = (select oid from "
                              "pg_database where datname = current_database())";
    FLOW_OK(f, raw(f, c, cut, NULL));
    FLOW_OK(f, chat_run_beat(f, &h));
    struct chat_run_hold other = CHAT_RUN_HOLD_INIT;
    FLOW_EXPECT(f, chat_run_begin(f, c->pool, 1, &batch_spec, &other), E_BUSY);

    FLOW_OK(f, raw(f, c, cut, NULL));
    _cleanup_(chat_run_leave) struct chat_run_hold second = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &second));
    FLOW_EXPECT(f, chat_run_beat(f, &h), E_BUSY);
    return 0;
}

/* Texts that PostgreSQL cannot hold go back as they came. */
static int raw_text_flow(struct flow *f, const struct chats_case *c)
{
    struct chats_case sqlite = {HOME_SQLITE, c->pool};
    FLOW_OK(f, put_questions(f, c));
    FLOW_OK(f, raw(f, &sqlite, "delete from {keywords}", NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, &sqlite, &o));
    _cleanup_(chat_run_leave) struct chat_run_hold h = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &batch_spec, &h));
    struct chat_run_sum sum;
    size_t n;
    FLOW_OK(f, read_day(f, o.source, &h, &sum));
    FLOW_OK(f, answer(f, &h, 10, &n));
    FLOW_CHECK(n == 2);
    struct chat_written written = {0};
    FLOW_OK(f, chat_write_back(f, &h, o.source, 11, &written));
    FLOW_CHECK(written.row_count == 4);
    struct chat_run_spec spec = batch_spec;
    spec.kind = CHAT_RUN_MISSING;
    FLOW_OK(f, chat_run_finish(f, &h, CHAT_RUN_DONE, NULL));
    chat_run_leave(&h);
    _cleanup_(chat_run_leave) struct chat_run_hold again = CHAT_RUN_HOLD_INIT;
    FLOW_OK(f, chat_run_begin(f, c->pool, 1, &spec, &again));
    FLOW_OK(f, read_day(f, o.source, &again, &sum));
    FLOW_CHECK(sum.question_count == 0);
    return 0;
}

#define TEST(name, flow)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        chats_test(HOME_OWN, prepare, flow);                                                       \
    }
TEST(a_run_adds_up, whole_run)
TEST(nothing_is_asked_twice, next_runs)
TEST(missing_fills_gaps, missing_run)
TEST(a_lost_lock_is_noticed, lost_lock)
TEST(texts_come_back_whole, raw_text_flow)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_adds_up),         cmocka_unit_test(nothing_is_asked_twice),
        cmocka_unit_test(missing_fills_gaps),    cmocka_unit_test(a_lost_lock_is_noticed),
        cmocka_unit_test(texts_come_back_whole),
    };
    return chats_main(tests);
}
