/*
 * bench/chat_store.c URL DATABASE_URL DAY: one day of chats through the store, without a model.
 *
 * Reads the day's questions from URL into a fresh run, gives each the same answer, writes all back, twice (the
 * second time replaces), and looks for what is missing. Prints a line for each step with its time and the
 * process's peak memory so far. The tables must be there (bench/chat_store.py makes them). Fails with a message
 * and status 1. Invariant: DATABASE_URL is a database that may be filled.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/migrate.h"
#include "loop/zone_file.h"
#include "store/chat_runs.h"
#include "store/tenants.h"

struct bench {
    const char *url, *database_url;
    struct day day;
};

static long peak_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

static void tell(struct flow *f, const char *step, int64_t count, uint64_t *from_ms)
{
    loop_clock_update(f->loop);
    uint64_t now = loop_now_ms(f->loop);
    printf("%-10s %9" PRId64 " in %7.2f s, peak %ld KiB\n", step, count,
           (double)(now - *from_ms) / 1000, peak_kib());
    fflush(stdout);
    *from_ms = now;
}

static int answer_all(struct flow *f, struct chat_run_hold *h, int64_t *ret_count)
{
    uint8_t after[SHA256_BYTES];
    const struct chat_cost cost = {0};
    for (*ret_count = 0;;) {
        struct arena outer = f->arena; /* a page's memory goes with the page */
        arena_init(&f->arena, 0);
        struct chat_pending *items;
        size_t n = 0;
        int r = chat_questions_pending(f, h, *ret_count ? after : NULL, 1000, &items, &n);
        struct chat_answer *answers = ARENA_ARRAY(&f->arena, n + 1, struct chat_answer);
        for (size_t i = 0; i < n && r >= 0; i++) {
            answers[i] = (struct chat_answer){
                .category_id = 2,
                .keywords = STR(
                    "[{\"keyword\":\"전학\",\"categories\":[\"전학, 편입\",\"기타\"]}]"),
                .confidence = 0.9,
                .quote = STR("전학"),
                .attempt_count = 1,
            };
            memcpy(answers[i].hash, items[i].hash, SHA256_BYTES);
        }
        if (r >= 0 && n > 0)
            r = chat_answers_put(f, h, answers, n, &cost);
        if (r >= 0 && n > 0)
            memcpy(after, items[n - 1].hash, SHA256_BYTES);
        *ret_count += (int64_t)n;
        arena_done(&f->arena);
        f->arena = outer;
        if (r < 0 || n == 0)
            return r;
    }
}

static int count_questions(struct flow *f, void *arg, const struct chat_question *questions,
                           size_t n)
{
    (void)f;
    (void)questions;
    *(int64_t *)arg += (int64_t)n;
    return 0;
}

static int run_day(struct flow *f, struct bench *b, struct pg_pool *pool, struct chat_source *s,
                   int64_t tenant_id)
{
    const struct chat_run_spec spec = {
        .day = b->day, .source = STR("bench"), .model = STR("none"), .prompt_version = STR("1")};
    _cleanup_(chat_run_leave) struct chat_run_hold hold = CHAT_RUN_HOLD_INIT;
    struct chat_run_sum sum;
    struct chat_written written = {0};
    int64_t count = 0;
    uint64_t from = loop_now_ms(f->loop);
    int r = chat_run_begin(f, pool, tenant_id, &spec, &hold);
    if (r >= 0)
        r = chat_source_each(f, s, b->day, CHATS_ALL, count_questions, &count);
    tell(f, "read", count, &from);
    if (r >= 0)
        r = chat_source_each(f, s, b->day, CHATS_ALL, chat_questions_take, &hold);
    if (r >= 0)
        r = chat_questions_settle(f, &hold, &sum);
    if (r < 0)
        return r;
    tell(f, "take", sum.chat_count, &from);
    r = answer_all(f, &hold, &count);
    tell(f, "answer", count, &from);
    for (int i = 0; i < 2 && r >= 0; i++) {
        r = chat_write_back(f, &hold, s, 11, &written);
        tell(f, i ? "write anew" : "write", written.row_count, &from);
    }
    count = 0;
    if (r >= 0)
        r = chat_source_each(f, s, b->day, CHATS_MISSING, count_questions, &count);
    tell(f, "missing", count, &from);
    return r < 0 ? r : chat_run_finish(f, &hold, CHAT_RUN_DONE, NULL);
}

static int bench_flow(struct flow *f, void *arg)
{
    struct bench *b = arg;
    struct pg_spec pg = {.url = b->database_url,
                         .connection_count_max = 4,
                         .statement_timeout_ms = 600000,
                         .application_name = "bench"};
    struct pg_pool *pool = NULL;
    struct chat_source *s = NULL;
    struct zone *zone = NULL;
    struct tenant tenant = {0};
    int r = pg_pool_new(f->loop, &pg, &pool, &f->err);
    if (r < 0)
        return r;
    r = migrate_run(f, pool, NULL);
    if (r >= 0)
        r = zone_load("Asia/Seoul", &zone, &f->err);
    if (r >= 0)
        r = tenants_get_or_create(f, pool, STR("chats"), STR("chats"), &tenant);
    struct chat_source_spec spec = {
        .url = str_from(b->url),
        .names = {"chattings", "admin_chat_keywords", "admin_categories", "input_text",
                  "chatting_pk", "created_at", "query_text", "keyword", "category_id",
                  "query_count", "batch_created_at", "category_name"},
        .zone = zone,
        .zone_name = STR("Asia/Seoul"),
        .pool = pool,
        .tenant_id = tenant.id,
    };
    if (r >= 0)
        r = chat_source_new(f->loop, &spec, &s, &f->err);
    if (r >= 0)
        r = run_day(f, b, pool, s, tenant.id);
    struct err kept = f->err;
    chat_source_close(f, s);
    zone_free(zone);
    pg_pool_close(f, pool);
    pg_pool_free(pool);
    f->err = kept;
    return r;
}

int main(int argc, char **argv)
{
    struct bench b = {.url = argc > 1 ? argv[1] : "", .database_url = argc > 2 ? argv[2] : ""};
    if (argc != 4 || !day_parse(str_from(argv[3]), &b.day)) {
        fprintf(stderr, "usage: bench/chat_store URL DATABASE_URL DAY\n");
        return 2;
    }
    struct loop *l = loop_new(&(struct loop_spec){0});
    struct err err = {0};
    int r = loop_run(l, "bench", bench_flow, &b, &err);
    loop_free(l);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", err_name(r), err.msg);
    return r < 0;
}
