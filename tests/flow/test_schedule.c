/* The scheduler on a virtual clock against a real PostgreSQL: two servers, missed nights, failures, deaths. */
#include "flow/store_test.h"
#include "jobs/schedule.h"
#include "loop/zone_file.h"
#include "store/schedules.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
enum { RUNS_MAX = 64 };

struct record {
    struct schedule_due due[RUNS_MAX];
    int64_t began_at[RUNS_MAX];
    size_t count;
    size_t running, most; /* at once */
    uint64_t takes_ms;
    int fail_count; /* so many first runs fail */
    size_t ended;
};

static int work(struct flow *f, void *arg, const struct schedule_due *due)
{
    struct record *rec = arg;
    if (rec->count < RUNS_MAX) {
        rec->due[rec->count] = *due;
        rec->began_at[rec->count] = loop_wall_ms(f->loop);
    }
    rec->count++;
    rec->running++;
    rec->most = MAX(rec->most, rec->running);
    int r = flow_sleep(f, rec->takes_ms);
    rec->running--;
    if (r < 0)
        return r;
    rec->ended++;
    if (rec->fail_count-- > 0)
        return err_set(&f->err, E_UPSTREAM, "the model is away");
    return 0;
}

struct place {
    struct zone *zone;
};
static void place_done(struct place *p)
{
    zone_free(p->zone);
}

static struct schedule schedule_of(struct pg_pool *p, struct record *rec, const struct zone *z,
                                   const char *name)
{
    return (struct schedule){.pool = p,
                             .name = name,
                             .cron = "0 1 * * *",
                             .zone_name = "Asia/Seoul",
                             .zone = z,
                             .fn = work,
                             .arg = rec,
                             .look_ms = 12 * HOUR_MS,
                             .retry_ms = 600000};
}

static int clear(struct flow *f, struct pg_pool *p)
{
    return pg_once(f, p, 0, "delete from deskstream.schedules", PG_NO_ARGS, NULL);
}

static int set_next(struct flow *f, struct pg_pool *p, const char *name, int64_t next_at,
                    const char *holder, int64_t heartbeat_at)
{
    return pg_once(f, p, 0,
                   "update deskstream.schedules set next_at = $2, holder = $3, heartbeat_at = $4 "
                   "where name = $1",
                   PG_ARGS(PG_TEXT(str_from(name)), PG_TIME(next_at),
                           holder != NULL ? PG_TEXT(str_from(holder)) : PG_NULL(),
                           PG_TIME(heartbeat_at)),
                   NULL);
}

/* Lets `count` servers live for so long. */
static int live(struct flow *f, struct schedule *servers, size_t count, int64_t ms)
{
    _cleanup_(group_join) struct group g = GROUP_INIT_ALL(f);
    int r = 0;
    for (size_t i = 0; r >= 0 && i < count; i++)
        r = group_spawn(&g, "server", schedule_keep, &servers[i]);
    return r < 0 ? r : flow_sleep(f, (uint64_t)ms);
}

/* Two servers through a week: each night one of them, at 01:00 in Seoul, once. */
static int two_servers(struct flow *f, struct pg_pool *p)
{
    struct record rec = {.takes_ms = torture_is_on() ? 1000 : 20 * 60000};
    _cleanup_(place_done) struct place place = {NULL};
    FLOW_OK(f, clear(f, p));
    FLOW_OK(f, zone_load("Asia/Seoul", &place.zone, &f->err));
    struct schedule servers[] = {schedule_of(p, &rec, place.zone, "two"),
                                 schedule_of(p, &rec, place.zone, "two")};
    int64_t began_at = loop_wall_ms(f->loop);
    FLOW_OK(f, live(f, servers, 2, torture_is_on() ? DAY_MS : 7 * DAY_MS));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(rec.count == 7 && rec.most == 1 && rec.ended == 7);
    for (size_t i = 0; i < rec.count; i++) {
        struct wall_parts at = zone_split(place.zone, rec.due[i].last_at);
        FLOW_CHECK(at.hour == 1 && at.minute == 0 && rec.due[i].first_at == rec.due[i].last_at);
        FLOW_CHECK(rec.due[i].last_at > began_at && rec.due[i].attempt == 1);
        FLOW_CHECK(i == 0 || rec.due[i].last_at == rec.due[i - 1].last_at + DAY_MS);
        FLOW_CHECK(rec.began_at[i] - rec.due[i].last_at < 6000);
    }
    struct schedule_row row;
    FLOW_OK(f, schedules_get(f, p, STR("two"), &row));
    FLOW_CHECK(row.run_count == 7 && str_eq(row.last_state, STR("done")) && row.holder.len == 0);
    FLOW_CHECK(row.next_at == rec.due[6].last_at + DAY_MS);
    return 0;
}
static void test_two_servers(void **state)
{
    (void)state;
    if (!store_test_is_short())
        store_test_run("test_two_servers", two_servers);
}

/* Down for three nights: one run, which is told all of them; then as ever. */
static int missed(struct flow *f, struct pg_pool *p)
{
    struct record rec = {.takes_ms = 1000};
    _cleanup_(place_done) struct place place = {NULL};
    FLOW_OK(f, clear(f, p));
    FLOW_OK(f, zone_load("Asia/Seoul", &place.zone, &f->err));
    struct schedule server = schedule_of(p, &rec, place.zone, "missed");
    struct cron cron;
    FLOW_OK(f, cron_parse(STR("0 1 * * *"), &cron, &f->err));
    int64_t now_ms = loop_wall_ms(f->loop), first_at;
    FLOW_OK(f, cron_next(&cron, place.zone, now_ms - 3 * DAY_MS, &first_at));
    FLOW_OK(f, schedules_put(f, p, STR("missed"), STR("0 1 * * *"), STR("Asia/Seoul"), first_at));
    FLOW_OK(f, live(f, &server, 1, DAY_MS));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(rec.count == 2);
    FLOW_CHECK(rec.due[0].first_at == first_at && rec.due[0].last_at == first_at + 2 * DAY_MS);
    FLOW_CHECK(rec.began_at[0] - now_ms < 6000);
    FLOW_CHECK(rec.due[1].first_at == first_at + 3 * DAY_MS);
    FLOW_CHECK(rec.due[1].last_at == rec.due[1].first_at);
    return 0;
}
static void test_missed(void **state)
{
    (void)state;
    store_test_run("test_missed", missed);
}

/* Fails twice, then is good; another fails three times and is given up until the next night. */
static int failures(struct flow *f, struct pg_pool *p)
{
    struct record rec = {.takes_ms = 1000, .fail_count = 5};
    _cleanup_(place_done) struct place place = {NULL};
    FLOW_OK(f, clear(f, p));
    FLOW_OK(f, zone_load("Asia/Seoul", &place.zone, &f->err));
    struct schedule server = schedule_of(p, &rec, place.zone, "failures");
    FLOW_OK(f, live(f, &server, 1, torture_is_on() ? DAY_MS : 2 * DAY_MS));
    if (torture_is_on())
        return 0;
    FLOW_CHECK(rec.count == 6);
    static const int attempts[] = {1, 2, 3, 1, 2, 3};
    for (size_t i = 0; i < rec.count; i++)
        FLOW_CHECK(rec.due[i].attempt == attempts[i]);
    FLOW_CHECK(rec.due[0].last_at == rec.due[2].last_at);
    FLOW_CHECK(rec.due[3].last_at == rec.due[0].last_at + DAY_MS);
    FLOW_CHECK(rec.began_at[1] - rec.began_at[0] >= 600000);
    struct schedule_row row;
    FLOW_OK(f, schedules_get(f, p, STR("failures"), &row));
    FLOW_CHECK(str_eq(row.last_state, STR("done")) && row.attempt_count == 0);
    return 0;
}
static void test_failures(void **state)
{
    (void)state;
    if (!store_test_is_short())
        store_test_run("test_failures", failures);
}

/* A holder that is silent loses the task, one that is not keeps it. A server that is told to stop gives it
 * back, and another takes it at once. */
static int deaths(struct flow *f, struct pg_pool *p)
{
    struct record rec = {.takes_ms = torture_is_on() ? 70000 : 10 * 60000};
    _cleanup_(place_done) struct place place = {NULL};
    FLOW_OK(f, clear(f, p));
    FLOW_OK(f, zone_load("Asia/Seoul", &place.zone, &f->err));
    struct schedule server = schedule_of(p, &rec, place.zone, "deaths");
    int64_t now_ms = loop_wall_ms(f->loop);
    FLOW_OK(f, schedules_put(f, p, STR("deaths"), STR("0 1 * * *"), STR("Asia/Seoul"),
                             now_ms - HOUR_MS));
    FLOW_OK(f, set_next(f, p, "deaths", now_ms - HOUR_MS, "another", now_ms));
    FLOW_OK(f, live(f, &server, 1, 100000));
    FLOW_CHECK(rec.count == 0);
    FLOW_OK(
        f, live(f, &server, 1, 60000)); /* silent for over two minutes by now; stopped in mid-run */
    FLOW_CHECK(torture_is_on() || (rec.count == 1 && rec.ended == 0));
    struct schedule_row row;
    FLOW_OK(f, schedules_get(f, p, STR("deaths"), &row));
    FLOW_CHECK(torture_is_on() || (str_eq(row.last_state, STR("stopped")) && row.holder.len == 0));
    FLOW_CHECK(torture_is_on() || row.next_at == now_ms - HOUR_MS);
    FLOW_OK(f, live(f, &server, 1, HOUR_MS));
    FLOW_CHECK(torture_is_on() || (rec.count == 2 && rec.ended == 1));
    /* Without an expression the row goes. */
    server.cron = "";
    FLOW_OK(f, live(f, &server, 1, 60000));
    FLOW_EXPECT(f, schedules_get(f, p, STR("deaths"), &row), E_NOT_FOUND);
    return 0;
}
static void test_deaths(void **state)
{
    (void)state;
    if (!store_test_is_short())
        store_test_run("test_deaths", deaths);
}

/* A minutely task that missed a year is found its latest time without counting through. */
static void test_latest(void **state)
{
    (void)state;
    static const struct {
        const char *cron;
        int64_t missed_ms, want_ago_ms;
    } rows[] = {
        {"* * * * *", 365 * DAY_MS, 0},          {"*/5 * * * *", 40 * DAY_MS, 0},
        {"0 1 * * *", 3 * DAY_MS, 23 * HOUR_MS}, {"0 0 1 1 *", 800 * DAY_MS, 0},
        {"0 0 * * 1", 2 * DAY_MS, 2 * DAY_MS}, /* nothing since: the time that is known */
    };
    struct zone *utc = zone_fixed(0);
    int64_t now_ms = INT64_C(1767225600000); /* 2026-01-01, a Thursday */
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct cron c;
        struct err err = {0};
        assert_int_equal(cron_parse(str_from(rows[i].cron), &c, &err), 0);
        int64_t got = schedule_latest(&c, utc, now_ms - rows[i].missed_ms, now_ms);
        if (now_ms - got != rows[i].want_ago_ms)
            fail_msg("%s: %lld ms ago", rows[i].cron, (long long)(now_ms - got));
    }
    zone_free(utc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_two_servers, store_test_setup),
        cmocka_unit_test(test_missed),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_deaths),
        cmocka_unit_test(test_latest),
    };
    return pg_test_main(tests);
}
