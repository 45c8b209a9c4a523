/* Figures of a report out of the store, pages, the file itself, clean-up; against a real PostgreSQL. */
#include <fcntl.h>
#include <sys/stat.h>

#include "chats/report.h"
#include "flow/store_test.h"
#include "store/tenants.h"

static char dir[] = "/tmp/deskstream-report-XXXXXX";

static const struct chat_category categories[] = {
    {1, STR("학교폭력")}, {2, STR("전학, 편입")}, {11, STR("기타")}, {12, STR("정보공개")}};

/*
 * 2024-03-01 ... 2024-03-15: day n has 20 + n questions. Question i is asked 1 + i % 4 times; i % 10 = 9 has
 * failed; category 1, 2, 11 by i % 3; keyword "word-<i % 5>"; on the 15th question 0 has the keyword "새 말".
 */
static const char fill[] =
    "insert into deskstream.chat_results (tenant_id, day, text_hash, input_text, chat_count, "
    "first_at, last_at, hours, state, category_id, keywords, confidence, quote, reason, model, "
    "prompt_version, run_id, classified_at) "
    "select $1, d.day::date, sha256(convert_to(d.day || '/' || i, 'UTF8')), "
    "'질문 ' || i || ' 입니다', 1 + i % 4, d.day + interval '9 hours', d.day + interval '10 "
    "hours', "
    "array_fill(0, array[9]) || array[1 + i % 4] || array_fill(0, array[14]), "
    "case when i % 10 = 9 then 'failed' else 'classified' end, "
    "case when i % 10 = 9 then null else (array[1, 2, 11])[1 + i % 3] end, "
    "case when i % 10 = 9 then '[]'::jsonb else jsonb_build_array(jsonb_build_object("
    "'keyword', case when i = 0 and d.day::date = '2024-03-15' then '새 말' else 'word-' || i % 5 "
    "end, 'categories', jsonb_build_array('x'))) end, "
    "case when i % 10 = 9 then null else 0.5 + (i % 5) / 10.0 end, '근거', "
    "case when i % 10 = 9 then '답이 없음' end, 'HCX-005', 'p1', 1, now() "
    "from generate_series(timestamptz '2024-03-01 00:00+09', timestamptz '2024-03-15 00:00+09', "
    "interval '1 day') as d(day), generate_series(0, 19 + extract(day from d.day at time zone "
    "'Asia/Seoul')::int) as i on conflict do nothing";

static int fill_store(struct flow *f, struct pg_pool *p, int64_t *ret_tenant)
{
    struct tenant t;
    FLOW_OK(f, tenants_get_or_create(f, p, STR("chats"), STR("chats"), &t));
    _cleanup_(pg_end) struct pg_tx tx = PG_TX_INIT;
    FLOW_OK(f, pg_begin(f, p, t.id, &tx));
    FLOW_OK(f, pg_query(f, &tx, "set local timezone to 'Asia/Seoul'", PG_NO_ARGS, NULL));
    FLOW_OK(f, pg_query(f, &tx, fill, PG_ARGS(PG_I64(t.id)), NULL));
    FLOW_OK(f, pg_query(f, &tx,
                        "insert into deskstream.batch_runs (tenant_id, day, kind, source, state, "
                        "model, prompt_version, call_count, prompt_tokens, completion_tokens, "
                        "cost_krw, started_at, finished_at) select $1, '2024-03-15', 'batch', "
                        "'own tables', 'done', 'HCX-005', 'p1', 7, 700, 70, 1.5, "
                        "timestamptz '2024-03-16 01:00+09', timestamptz '2024-03-16 01:02+09' "
                        "where not exists (select 1 from deskstream.batch_runs)",
                        PG_ARGS(PG_I64(t.id)), NULL));
    *ret_tenant = t.id;
    FLOW_OK(f, pg_commit(f, &tx));
    return 0;
}

static struct chat_figures_spec spec_of(struct pg_pool *p, int64_t tenant, const char *from,
                                        const char *to)
{
    struct chat_figures_spec spec = {.pool = p,
                                     .tenant_id = tenant,
                                     .zone = "Asia/Seoul",
                                     .categories = categories,
                                     .category_count = ARRAY_COUNT(categories),
                                     .default_category_id = 11};
    bool good = day_parse(str_from(from), &spec.from) && day_parse(str_from(to), &spec.to);
    if (!good)
        abort();
    return spec;
}

/* What the rows say, counted here. */
static struct chat_sum want_of(int from, int to)
{
    struct chat_sum s = {.day_count = to - from + 1};
    for (int day = from; day <= to; day++) {
        for (int i = 0; i < 20 + day; i++) {
            int64_t chats = 1 + i % 4;
            bool failed = i % 10 == 9;
            s.question_count++;
            s.chat_count += chats;
            *(failed ? &s.failed_questions : &s.classified_questions) += 1;
            *(failed ? &s.failed_chats : &s.classified_chats) += chats;
            s.low_questions += !failed && i % 5 == 0;
            s.other_chats += !failed && i % 3 == 2 ? chats : 0;
        }
    }
    return s;
}

static bool same(const struct chat_sum *a, const struct chat_sum *b)
{
    return a->day_count == b->day_count && a->question_count == b->question_count &&
           a->chat_count == b->chat_count && a->classified_questions == b->classified_questions &&
           a->classified_chats == b->classified_chats &&
           a->failed_questions == b->failed_questions && a->failed_chats == b->failed_chats &&
           a->low_questions == b->low_questions && a->other_chats == b->other_chats;
}

static int day_figures(struct flow *f, struct pg_pool *p)
{
    int64_t tenant = 0;
    FLOW_OK(f, fill_store(f, p, &tenant));
    struct chat_figures_spec spec = spec_of(p, tenant, "2024-03-15", "2024-03-15");
    struct chat_figures fig;
    FLOW_OK(f, chat_figures_get(f, &spec, &fig));
    struct chat_sum want = want_of(15, 15), before = want_of(14, 14), week = want_of(8, 8),
                    mean = want_of(8, 14);
    FLOW_CHECK(same(&fig.sum, &want));
    FLOW_CHECK(fig.against_count == 3 && str_eq(fig.kind, STR("일일")));
    FLOW_CHECK(same(&fig.against[0].sum, &before) && fig.against[0].span_count == 1);
    FLOW_CHECK(same(&fig.against[1].sum, &week));
    FLOW_CHECK(same(&fig.against[2].sum, &mean) && fig.against[2].span_count == 7);
    FLOW_CHECK(fig.category_count == 4 && fig.categories[3].question_count == 0);
    FLOW_CHECK(str_eq(fig.categories[3].name, STR("정보공개")));
    int64_t chats = 0, heat = 0;
    for (size_t i = 0; i < fig.category_count; i++)
        chats += fig.categories[i].chat_count;
    FLOW_CHECK(chats == want.classified_chats);
    FLOW_CHECK(fig.keyword_count == 6 && fig.sum.keyword_count == 6);
    for (size_t i = 0; i < fig.keyword_count; i++)
        FLOW_CHECK(fig.keywords[i].is_new == str_eq(fig.keywords[i].keyword, STR("새 말")));
    FLOW_CHECK(fig.days[0].classified_questions == want.classified_questions);
    FLOW_CHECK(fig.day_count == 1 && fig.top_count == 10 && fig.tops[0].chat_count == 4);
    FLOW_CHECK(fig.reason_count == 1 && fig.reasons[0].chat_count == want.failed_chats);
    struct chat_sum last_week = want_of(9, 15);
    for (size_t d = 0; d < 7; d++) {
        for (size_t h = 0; h < 24; h++) {
            FLOW_CHECK(h == 9 || fig.heat[d][h] == 0);
            heat += fig.heat[d][h];
        }
    }
    FLOW_CHECK(heat == last_week.chat_count);
    FLOW_CHECK(fig.heat[4][9] == want.chat_count); /* a Friday */
    FLOW_CHECK(fig.run_count == 1 && fig.call_count == 7 && fig.busy_ms == 120000);
    FLOW_CHECK(fig.started_at == INT64_C(1710550800000)); /* 01:00 on the wall */
    return 0;
}
static void test_day(void **state)
{
    (void)state;
    store_test_run("test_day", day_figures);
}

static int spans(struct flow *f, struct pg_pool *p)
{
    int64_t tenant = 0;
    FLOW_OK(f, fill_store(f, p, &tenant));
    struct chat_figures fig;
    struct chat_figures_spec week = spec_of(p, tenant, "2024-03-11", "2024-03-17");
    FLOW_OK(f, chat_figures_get(f, &week, &fig));
    struct chat_sum want = want_of(11, 15), before = want_of(4, 10);
    FLOW_CHECK(str_eq(fig.kind, STR("주간")) && fig.day_count == 7);
    FLOW_CHECK(same(&fig.sum, &want) && same(&fig.against[0].sum, &before));
    FLOW_CHECK(fig.against[1].span_count == 0); /* four weeks before there was nothing */
    FLOW_CHECK(str_eq(fig.against[2].from, STR("2024-02-12")));
    FLOW_CHECK(str_eq(fig.against[2].to, STR("2024-03-10")) && fig.against[2].span_count == 2);
    struct chat_figures_spec month = spec_of(p, tenant, "2024-03-01", "2024-03-31");
    FLOW_OK(f, chat_figures_get(f, &month, &fig));
    want = want_of(1, 15);
    FLOW_CHECK(str_eq(fig.kind, STR("월간")) && fig.day_count == 31 && same(&fig.sum, &want));
    FLOW_CHECK(str_eq(fig.against[0].from, STR("2024-02-01")));
    FLOW_CHECK(str_eq(fig.against[0].to, STR("2024-02-29")));
    FLOW_CHECK(str_eq(fig.against[1].from, STR("2023-03-01")));
    struct chat_figures_spec none = spec_of(p, tenant, "2023-01-01", "2023-01-02");
    FLOW_EXPECT(f, chat_figures_get(f, &none, &fig), E_NOT_FOUND);
    FLOW_CHECK(
        torture_is_on() ||
        strstr(f->err.msg, "해당 기간(2023-01-01 ~ 2023-01-02)에 분류된 데이터가 없습니다."));
    struct str one = STR_NONE, two = STR_NONE;
    FLOW_OK(f, chat_figures_version(f, &month, &one));
    FLOW_OK(f, chat_figures_version(f, &week, &two));
    FLOW_CHECK(one.len == 32 && !str_eq(one, two));
    return 0;
}
static void test_spans(void **state)
{
    (void)state;
    store_test_run("test_spans", spans);
}

static int whole_report(struct flow *f, struct pg_pool *p)
{
    int64_t tenant = 0;
    FLOW_OK(f, fill_store(f, p, &tenant));
    char below[128];
    snprintf(below, sizeof(below), "%s/a/b", dir);
    struct report_spec spec = {.figures = spec_of(p, tenant, "2024-03-01", "2024-03-31"),
                               .dir = below,
                               .organisation = "교육청"};
    struct report_file file;
    FLOW_OK(f, report_make(f, &spec, &file));
    struct chat_sum want = want_of(1, 15);
    FLOW_CHECK(file.detail_count == want.question_count && file.bytes > 10000);
    FLOW_CHECK(str_eq(file.name, STR("채팅키워드분류보고서_2024-03-01_to_2024-03-31.xlsx")));
    FLOW_CHECK(access(arena_text(&f->arena, file.path), R_OK) == 0);
    FLOW_CHECK(!file.elsewhere);
    /* Clean-up takes its own names only, and only old ones. */
    char other[256];
    snprintf(other, sizeof(other), "%s/keep_2024-03-01.xlsx", below);
    int fd = open(other, O_CREAT | O_WRONLY, 0666);
    if (fd >= 0)
        close(fd);
    int64_t now_ms = wall_now_ms();
    FLOW_EXPECT(f, report_clean(f, below, 30, now_ms), 0);
    FLOW_EXPECT(f, report_clean(f, below, 0, now_ms + INT64_C(99) * 86400000), 0);
    FLOW_EXPECT(f, report_clean(f, below, 30, now_ms + INT64_C(31) * 86400000), 1);
    FLOW_CHECK(access(other, R_OK) == 0);
    FLOW_CHECK(access(arena_text(&f->arena, file.path), R_OK) != 0);
    unlink(other);
    rmdir(below);
    snprintf(below, sizeof(below), "%s/a", dir);
    rmdir(below);
    return 0;
}
static void test_whole(void **state)
{
    (void)state;
    store_test_run("test_whole", whole_report);
    rmdir(dir);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(report_is_name(STR("채팅키워드분류보고서_2024-03-15.xlsx")));
    assert_true(report_is_name(STR("채팅키워드분류보고서_2024-03-11_to_2024-03-17.xlsx")));
    assert_false(report_is_name(STR("채팅키워드분류보고서_2024-03-15.xlsx.tmp")));
    assert_false(report_is_name(STR("채팅키워드분류보고서_2024-13-15.xlsx")));
    assert_false(report_is_name(STR("채팅키워드분류보고서_.xlsx")));
    assert_false(report_is_name(STR("report.xlsx")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_day, store_test_setup),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_names),
    };
    if (mkdtemp(dir) == NULL)
        return 1;
    return pg_test_main(tests);
}
