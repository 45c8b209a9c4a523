/*
 * One suite, four homes of chats: the same rows must give the same questions, and what is written must look
 * the same. What must come is computed here, row by row.
 */
#include "flow/chats_test.h"

#define PLAIN_COUNT 450 /* texts besides the odd ones: more than two batches */

static struct day the_day;
static char long_text[75000];
static struct test_chat chats[PLAIN_COUNT * 2 + 100];
static size_t chat_count;

static void add(struct str text, const char *local)
{
    chats[chat_count++] = (struct test_chat){text, local};
}

static void chats_make(enum chats_home home, size_t plain_count)
{
    static char texts[PLAIN_COUNT][64];
    static char times[PLAIN_COUNT][24];
    chat_count = 0;
    for (size_t i = 0; i < sizeof(long_text) / 3; i++)
        memcpy(long_text + 3 * i, "가", 3);
    struct str whole = str_of(long_text, sizeof(long_text));
    if (!day_parse(STR("2024-03-15"), &the_day))
        abort();
    add(STR("어제의 질문"), "2024-03-14 23:59:59");
    add(STR("내일의 질문"), "2024-03-16 00:00:00");
    add(STR("전학 절차"), "2024-03-15 10:05:00");
    add(STR("전학 절차"), "2024-03-15 00:00:00");
    add(STR("전학 절차"), "2024-03-15 23:59:59");
    add(STR("전학 절차"), "2024-03-14 10:00:00");
    add(STR("전학 절차 "), "2024-03-15 11:00:00");
    add(STR("Transfer"), "2024-03-15 12:00:00");
    add(STR("transfer"), "2024-03-15 12:00:01");
    add(STR("caf\xC3\xA9"), "2024-03-15 12:00:02");
    add(STR("cafe\xCC\x81"), "2024-03-15 12:00:03");
    add(STR("cafe"), "2024-03-15 12:00:04");
    add(STR(""), "2024-03-15 13:00:00");
    if (home != HOME_OWN) /* which has no nulls */
        add(STR_NONE, "2024-03-15 14:00:00");
    add(STR("  \t"), "2024-03-15 13:00:01");
    add(STR("😀 성적 🎓"), "2024-03-15 13:00:02");
    add(STR("a\x01\x1b[31mb\x7f"), "2024-03-15 13:00:03");
    add(STR("'); drop table chats; --"), "2024-03-15 13:00:04");
    add(STR("\\' or 1=1 -- \\"), "2024-03-15 13:00:05");
    add(STR("두 줄\n짜리\r\n질문"), "2024-03-15 13:00:06");
    add(STR("{query_text} $1 ?1 %s"), "2024-03-15 13:00:07");
    add(whole, "2024-03-15 15:00:00");
    add(str_sub(whole, 0, 3 * (CHAT_TEXT_CHARS_MAX + 7)), "2024-03-15 15:30:00");
    add(str_sub(whole, 0, 3 * (CHAT_TEXT_CHARS_MAX - 1)), "2024-03-15 15:40:00");
    if (home == HOME_SQLITE || home == HOME_MYSQL)
        add(STR("a\0b"), "2024-03-15 16:00:00");
    if (home == HOME_SQLITE)
        add(STR("bad \xff\xfe utf-8"), "2024-03-15 16:00:01");
    for (size_t i = 0; i < plain_count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "질문 %zu번", i);
        snprintf(times[i], sizeof(times[i]), "2024-03-15 %02zu:%02zu:00", i % 24, i % 60);
        for (size_t k = 0; k <= i % 2; k++)
            add(str_from(texts[i]), times[i]);
    }
}

/* ---- what must come ---- */

static struct chat_question wanted[ARRAY_COUNT(chats)];
static bool seen[ARRAY_COUNT(chats)];
static size_t wanted_count;

static struct str text_of(const struct test_chat *c)
{
    struct str t = c->text.ptr ? c->text : STR("");
    return t.len > 3 * CHAT_TEXT_CHARS_MAX ? str_sub(t, 0, 3 * CHAT_TEXT_CHARS_MAX) : t;
}

static struct chat_question *find(struct str text)
{
    for (size_t i = 0; i < wanted_count; i++)
        if (str_eq(wanted[i].text, text))
            return &wanted[i];
    return NULL;
}

static void want_all(void)
{
    wanted_count = 0;
    for (size_t i = 0; i < chat_count; i++) {
        int64_t at = seoul(chats[i].local);
        if (day_at(chats_zone, at).number != the_day.number)
            continue;
        struct chat_question *q = find(text_of(&chats[i]));
        if (q == NULL) {
            q = &wanted[wanted_count++];
            *q = (struct chat_question){.text = text_of(&chats[i]), .first_at = at, .last_at = at};
        }
        q->count++;
        q->by_hour[(at / 3600000 + 9) % 24]++;
        q->first_at = MIN(q->first_at, at);
        q->last_at = MAX(q->last_at, at);
        q->cut |= chats[i].text.len > 3 * CHAT_TEXT_CHARS_MAX;
    }
    memset(seen, 0, sizeof(seen));
}

struct reading {
    size_t count, batch_count, stop_after;
    bool wrong;
};

/* A chat_questions_fn: each must be wanted, come once and be right. */
static int on_questions(struct flow *f, void *arg, const struct chat_question *questions,
                        size_t count)
{
    struct reading *r = arg;
    int slept = flow_yield(f);
    if (slept < 0)
        return slept;
    r->batch_count++;
    for (size_t i = 0; i < count; i++) {
        const struct chat_question *got = &questions[i];
        struct chat_question *want = find(got->text);
        if (want == NULL || seen[want - wanted] || got->count != want->count ||
            got->first_at != want->first_at || got->last_at != want->last_at ||
            got->cut != want->cut || memcmp(got->by_hour, want->by_hour, sizeof(got->by_hour))) {
            fprintf(stderr, "wrong question: \"%.40s\" count %d first %lld last %lld cut %d%s\n",
                    got->text.len ? got->text.ptr : "", (int)got->count, (long long)got->first_at,
                    (long long)got->last_at, got->cut, want ? "" : " (not wanted)");
            r->wrong = true;
            continue;
        }
        seen[want - wanted] = true;
    }
    r->count += count;
    if (r->stop_after && r->batch_count == r->stop_after)
        return err_set(&f->err, E_LIMIT, "enough");
    return 0;
}

/* Few chats under torture, which has many rounds. */
static int prepare(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, home_make(f, c));
    chats_make(c->home, getenv("TORTURE") ? 3 : PLAIN_COUNT);
    FLOW_OK(f, home_put(f, c, chats, chat_count));
    want_all();
    return 0;
}

/* A round's beginning: no rows but these. */
static int keywords_are(struct flow *f, const struct chats_case *c, const char *insert)
{
    FLOW_OK(f, raw(f, c, "delete from {keywords}", NULL));
    if (insert)
        FLOW_OK(f, raw(f, c, insert, NULL));
    memset(seen, 0, sizeof(seen));
    return 0;
}

/* ---- reading ---- */

static int read_flow(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, keywords_are(f, c, NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct str note;
    FLOW_OK(f, chat_source_check(f, o.source, &note));
    FLOW_CHECK(note.len > 0);

    struct reading all = {0};
    FLOW_OK(f, chat_source_each(f, o.source, the_day, CHATS_ALL, on_questions, &all));
    FLOW_CHECK(!all.wrong && all.count == wanted_count);

    struct chat_day_size size;
    FLOW_OK(f, chat_source_size(f, o.source, the_day, &size));
    int64_t rows = 0;
    for (size_t i = 0; i < wanted_count; i++)
        rows += wanted[i].count;
    FLOW_CHECK(size.question_count == (int64_t)wanted_count && size.chat_count == rows);
    FLOW_CHECK(size.char_count > 2 * CHAT_TEXT_CHARS_MAX - 2);

    /* A day without chats, and a reader that has enough. */
    struct reading none = {0};
    FLOW_OK(f,
            chat_source_each(f, o.source, day_add(the_day, 100), CHATS_ALL, on_questions, &none));
    FLOW_CHECK(none.count == 0 && none.batch_count == 0);
    memset(seen, 0, sizeof(seen));
    struct reading some = {.stop_after = 1};
    FLOW_EXPECT(f, chat_source_each(f, o.source, the_day, CHATS_ALL, on_questions, &some), E_LIMIT);
    FLOW_CHECK(!some.wrong && some.batch_count == 1);

    struct chat_category *categories;
    size_t n;
    FLOW_OK(f, chat_source_categories(f, o.source, &categories, &n));
    FLOW_CHECK(n == 3 && categories[0].id == 1 && categories[2].id == 11);
    FLOW_CHECK(str_eq(categories[1].name, STR("전학, 편입")));
    return 0;
}

/* ---- writing ---- */

struct rows_given {
    size_t at, fail_at; /* fail_at: gives an error before this row; 0: never */
    size_t step;
    const char *keyword;
    struct chat_row batch[400];
};

/* A chat_rows_fn: two rows for every `step`th wanted question. */
static int give_rows(struct flow *f, void *arg, const struct chat_row **ret_rows, size_t *ret_count)
{
    struct rows_given *g = arg;
    int r = flow_yield(f);
    if (r < 0)
        return r;
    size_t n = 0;
    while (g->at < wanted_count && n + 2 <= ARRAY_COUNT(g->batch)) {
        if (g->fail_at && g->at >= g->fail_at)
            return err_set(&f->err, E_MODEL, "no more");
        const struct chat_question *q = &wanted[g->at];
        g->at += g->step;
        g->batch[n++] = (struct chat_row){q->text, str_from(g->keyword), 1, q->count};
        g->batch[n++] = (struct chat_row){q->text, str_from(g->keyword), 11, q->count};
    }
    *ret_rows = g->batch;
    *ret_count = n;
    return 0;
}

static int write_once(struct flow *f, struct chat_source *s, size_t step, const char *keyword,
                      struct chat_written *ret)
{
    struct rows_given *g = ARENA_NEW(&f->arena, struct rows_given);
    *g = (struct rows_given){.step = step, .keyword = keyword};
    return chat_source_write(f, s, the_day, seoul("2024-03-16 01:00:00"), give_rows, g, ret);
}

#define OLD_ROWS                                                                                   \
    "insert into {keywords} ({query_text}, {keyword}, {category_id}, {query_count}, "              \
    "{created_at}, "                                                                               \
    "{batch_created_at}) values ('written by somebody', 'x', 1, 5, '2024-03-15 00:00:00', "        \
    "'2024-03-15 01:00:00'), ('전학 절차', 'old', 1, 5, '2024-03-15 00:00:00', "               \
    "'2024-03-15 01:00:00'), ('전학 절차', 'day before', 1, 5, '2024-03-14 00:00:00', "        \
    "'2024-03-15 01:00:00')"

/* Everything that the table of keywords holds, as one number. */
static int64_t keyword_rows(struct flow *f, const struct chats_case *c, const char *where)
{
    return raw_count(
        f, c, arena_printf(&f->arena, "select count(*) from {keywords} where %s", where).ptr);
}

static int missing_count(struct flow *f, struct chat_source *s, size_t *ret_count)
{
    memset(seen, 0, sizeof(seen));
    struct reading r = {0};
    int got = chat_source_each(f, s, the_day, CHATS_MISSING, on_questions, &r);
    if (got >= 0 && r.wrong)
        return torture_check_failed(__FILE__, __LINE__, "a missing question is right");
    *ret_count = r.count;
    return got;
}

static int write_flow(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, keywords_are(f, c, OLD_ROWS));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    int64_t half = (int64_t)(wanted_count + 1) / 2, all = (int64_t)wanted_count;
    size_t missing = 0;
    FLOW_OK(f, missing_count(f, o.source, &missing));
    FLOW_CHECK((int64_t)missing == all - 1); /* the transfer has an old row that day */

    struct chat_written w = {0};
    FLOW_OK(f, write_once(f, o.source, 2, "첫 번째", &w));
    FLOW_CHECK(w.row_count == 2 * half && w.refused_count == 0);
    FLOW_OK(f, missing_count(f, o.source, &missing));
    FLOW_CHECK((int64_t)missing == all - half);

    /* Twice is once; another answer replaces; others' rows and other days stay. */
    FLOW_OK(f, write_once(f, o.source, 2, "첫 번째", &w));
    FLOW_OK(f, write_once(f, o.source, 1, "두 번째", &w));
    int64_t first = keyword_rows(f, c, "{keyword} = '첫 번째'");
    int64_t second = keyword_rows(f, c, "{keyword} = '두 번째'");
    int64_t others = keyword_rows(f, c, "{keyword} in ('x', 'day before')");
    int64_t old = keyword_rows(f, c, "{keyword} = 'old'");
    int64_t dated = keyword_rows(f, c,
                                 "{created_at} = '2024-03-15 00:00:00' and {batch_created_at} = "
                                 "'2024-03-16 01:00:00' and {query_count} >= 1");
    FLOW_OK(f, missing_count(f, o.source, &missing));
    if (first < 0 || second < 0 || others < 0 || old < 0 || dated < 0)
        return torture_is_on() ? -ECANCELED : torture_check_failed(__FILE__, __LINE__, "counts");
    FLOW_CHECK(first == 0 && old == 0 && second == 2 * all && dated == 2 * all);
    FLOW_CHECK(others == 2 && missing == 0);
    return 0;
}

/* A write that ends early leaves everything as it was. */
static int rollback_flow(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, keywords_are(f, c, NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct chat_written w = {0};
    FLOW_OK(f, write_once(f, o.source, 1, "bleibt", &w));
    struct rows_given *g = ARENA_NEW(&f->arena, struct rows_given);
    *g = (struct rows_given){.step = 1, .keyword = "nie", .fail_at = wanted_count / 2 + 1};
    FLOW_EXPECT(
        f, chat_source_write(f, o.source, the_day, seoul("2024-03-16 01:00:00"), give_rows, g, &w),
        E_MODEL);
    int64_t kept = keyword_rows(f, c, "{keyword} = 'bleibt'");
    int64_t never = keyword_rows(f, c, "{keyword} = 'nie'");
    if (kept < 0 || never < 0)
        return torture_is_on() ? -ECANCELED : torture_check_failed(__FILE__, __LINE__, "counts");
    FLOW_CHECK(kept == 2 * (int64_t)wanted_count && never == 0);
    return 0;
}

/* Long keywords are cut by code points. */
struct given_once {
    struct chat_row row;
    bool given;
};
static int give_once(struct flow *f, void *arg, const struct chat_row **ret_rows, size_t *ret_count)
{
    (void)f;
    struct given_once *g = arg;
    *ret_rows = &g->row;
    *ret_count = !g->given;
    g->given = true;
    return 0;
}

static int keyword_flow(struct flow *f, const struct chats_case *c)
{
    FLOW_OK(f, keywords_are(f, c, NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct given_once g = {.row = {STR("긴 낱말"), str_of(long_text, 3 * 130), 2, 1}};
    struct chat_written w = {0};
    FLOW_OK(f, chat_source_write(f, o.source, the_day, 0, give_once, &g, &w));
    int64_t n = raw_count(f, c,
                          c->home == HOME_SQLITE ? "select length({keyword}) from {keywords}"
                                                 : "select char_length({keyword}) from {keywords}");
    if (n < 0 && torture_is_on())
        return -ECANCELED;
    FLOW_CHECK(n == CHAT_KEYWORD_CHARS_MAX);
    return 0;
}

/* ---- what goes wrong ---- */

static int server(const char *action)
{
    char command[300];
    const char *dir = getenv("TEST_MARIADB_DIR");
    snprintf(command, sizeof(command), "tests/mariadb/server.sh %s %s >/dev/null", action, dir);
    return system(command);
}

/* A chat_rows_fn: rows, then a server that is killed and comes back, then more rows. */
static int give_and_kill(struct flow *f, void *arg, const struct chat_row **ret_rows,
                         size_t *ret_count)
{
    struct rows_given *g = arg;
    bool first = g->at == 0;
    int r = give_rows(f, arg, ret_rows, ret_count);
    if (r < 0 || first)
        return r;
    return server("kill") == 0 && server("restart") == 0 ? 0 : -EINVAL;
}

/* The database goes away in the middle of a write: said plainly, nothing of it stays, the next try is good;
 * the same for one that is away from the start. */
static int restart_flow(struct flow *f, const struct chats_case *c)
{
    if (torture_is_on())
        return 0;
    FLOW_OK(f, keywords_are(f, c, NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    struct chat_written w = {0};
    struct rows_given *g = ARENA_NEW(&f->arena, struct rows_given);
    *g = (struct rows_given){.step = 1, .keyword = "x"};
    FLOW_EXPECT(
        f,
        chat_source_write(f, o.source, the_day, seoul("2024-03-16 01:00:00"), give_and_kill, g, &w),
        E_DB_AWAY);
    FLOW_CHECK(keyword_rows(f, c, "1 = 1") == 0);
    FLOW_OK(f, write_once(f, o.source, 1, "x", &w));
    FLOW_CHECK(keyword_rows(f, c, "1 = 1") == 2 * (int64_t)wanted_count);

    FLOW_CHECK(server("stop") == 0);
    struct reading all = {0};
    int away = chat_source_each(f, o.source, the_day, CHATS_ALL, on_questions, &all);
    int back = server("restart");
    FLOW_CHECK(away == E_DB_AWAY && err_retryable(away) && back == 0);
    memset(seen, 0, sizeof(seen));
    FLOW_OK(f, chat_source_each(f, o.source, the_day, CHATS_ALL, on_questions, &all));
    FLOW_CHECK(!all.wrong && all.count == wanted_count);
    return 0;
}

static void mysql_restarts(void **state)
{
    (void)state;
    if (getenv("TEST_MARIADB_DIR") == NULL)
        skip();
    chats_test(HOME_MYSQL, prepare, restart_flow);
}

/* A row that the table's character set lacks is left out and told; the others are written. */
static int latin_flow(struct flow *f, const struct chats_case *c)
{
    if (torture_is_on())
        return 0;
    FLOW_OK(f, raw(f, c, "alter table {keywords} convert to character set euckr", NULL));
    _cleanup_(open_source_done) struct open_source o = {.source = NULL};
    FLOW_OK(f, open_home(f, c, &o));
    FLOW_OK(f, keywords_are(f, c, NULL));
    for (int i = 0; i < 2; i++) { /* found again by what they mean, in whatever character set */
        struct chat_written w = {0};
        FLOW_OK(f, write_once(f, o.source, 1, "낱말", &w));
        FLOW_CHECK(w.refused_count > 0 && w.refusal.len > 0);
        FLOW_CHECK(w.row_count + w.refused_count == 2 * (int64_t)wanted_count);
        FLOW_CHECK(w.row_count > 4 * w.refused_count);
        FLOW_CHECK(keyword_rows(f, c, "{keyword} = '낱말'") == w.row_count);
    }
    return 0;
}

static void mysql_refuses_some(void **state)
{
    (void)state;
    chats_test(HOME_MYSQL, prepare, latin_flow);
}

static int wrong_flow(struct flow *f, const struct chats_case *c)
{
    if (torture_is_on())
        return 0; /* it fails by itself already */
    struct chat_source_spec spec = home_spec(c);
    spec.names.keywords = "no such table";
    struct open_source o = {.f = f};
    FLOW_OK(f, chat_source_new(f->loop, &spec, &o.source, &f->err));
    struct str note;
    int r = chat_source_check(f, o.source, &note);
    bool named = strstr(f->err.msg, "no such table") != NULL;
    struct chat_written w = {0};
    int written = write_once(f, o.source, 1, "x", &w);
    open_source_done(&o);
    o.source = NULL;
    FLOW_CHECK(c->home == HOME_OWN ? r >= 0 : r == E_DB && named);
    FLOW_CHECK(c->home == HOME_OWN ? written >= 0 : written == E_DB);

    spec = home_spec(c);
    spec.names.input_text = "no such column";
    FLOW_OK(f, chat_source_new(f->loop, &spec, &o.source, &f->err));
    r = chat_source_check(f, o.source, &note);
    named = strstr(f->err.msg, "no such column") != NULL;
    open_source_done(&o);
    FLOW_CHECK(c->home == HOME_OWN ? r >= 0 : r == E_DB && named);
    return 0;
}

#define EACH_HOME(name, flow)                                                                      \
    static void own_##name(void **state)                                                           \
    {                                                                                              \
        (void)state;                                                                               \
        chats_test(HOME_OWN, prepare, flow);                                                       \
    }                                                                                              \
    static void pg_##name(void **state)                                                            \
    {                                                                                              \
        (void)state;                                                                               \
        chats_test(HOME_PG, prepare, flow);                                                        \
    }                                                                                              \
    static void sqlite_##name(void **state)                                                        \
    {                                                                                              \
        (void)state;                                                                               \
        chats_test(HOME_SQLITE, prepare, flow);                                                    \
    }                                                                                              \
    static void mysql_##name(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        chats_test(HOME_MYSQL, prepare, flow);                                                     \
    }
EACH_HOME(gives_a_day, read_flow)
EACH_HOME(is_written_once, write_flow)
EACH_HOME(rolls_back, rollback_flow)
EACH_HOME(cuts_keywords, keyword_flow)
EACH_HOME(names_what_is_wrong, wrong_flow)

#define TESTS(name)                                                                                \
    cmocka_unit_test(own_##name), cmocka_unit_test(pg_##name), cmocka_unit_test(sqlite_##name),    \
        cmocka_unit_test(mysql_##name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTS(gives_a_day),
        TESTS(is_written_once),
        TESTS(rolls_back),
        TESTS(cuts_keywords),
        TESTS(names_what_is_wrong),
        cmocka_unit_test(mysql_restarts),
        cmocka_unit_test(mysql_refuses_some),
    };
    return chats_main(tests);
}
