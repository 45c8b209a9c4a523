/*
 * cli/batch.c: `deskstream batch`, `missing` and `complete`: the chat batch by hand and by cron.
 *
 *   batch      classifies a day or a range          missing   what a range lacks, and fills it
 *   complete   batch, then report, both mailed
 *
 * Happy path: settings, days, the source and its categories, one run a day, the closing line.
 * Fails with status 1 when a day fails (the others are done all the same), the source or the model is away, or
 * it is stopped; 2 for wrong usage. Invariant: a dry run asks no model and writes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "app.h"
#include "cli/chats.h"

struct job {
    struct cli_days days;
    int64_t workers, page_size;
    bool email, dry_run, process, check;
};

static int open_chats(struct flow *f, struct app *app, const struct job *j, struct app_chats *chats)
{
    int r = app_chats_open(f, app, chats);
    if (r < 0)
        return r;
    if (j->workers > 0)
        chats->batch.call_count_max = (size_t)j->workers;
    if (j->page_size > 0)
        chats->batch.page_size = (size_t)j->page_size;
    return 0;
}

/* ---- batch ---- */

static int estimate(struct flow *f, struct app_chats *chats, const struct job *j)
{
    struct batch_estimate sum = {.call_count = 0};
    for (struct day d = j->days.first; d.number <= j->days.last.number; d = day_add(d, 1)) {
        struct batch_estimate e;
        char day[11];
        day_text(d, day);
        int r = batch_estimate(f, &chats->batch, d, &e);
        if (r < 0)
            return err_wrap(&f->err, r, "%s", day);
        printf("🔍 %s: 상담 %" PRId64 "건, 질문 %" PRId64 "개, 호출 최대 약 %" PRId64
               "회, 토큰 약 %" PRId64 "+%" PRId64 ", 비용 약 %.0f원\n",
               day, e.size.chat_count, e.size.question_count, e.call_count, e.prompt_tokens,
               e.completion_tokens, e.cost_krw);
        sum.call_count += e.call_count;
        sum.cost_krw += e.cost_krw;
    }
    printf("모델 %s, 프롬프트 %s. 모두 새로 분류할 때 호출 약 %" PRId64
           "회, 비용 약 %.0f원(부가세 별도). 아무것도 호출하거나 저장하지 않았습니다.\n",
           chats->batch.model[0] ? chats->batch.model : "(없음)", chats->batch.classifier.version,
           sum.call_count, sum.cost_krw);
    return 0;
}

static int run_batch(struct flow *f, struct app *app, void *arg)
{
    const struct job *j = arg;
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    int r = open_chats(f, app, j, &chats);
    if (r < 0)
        return j->email && !j->dry_run ? cli_mail_failure(f, app, &j->days, r) : r;
    if (j->dry_run)
        return estimate(f, &chats, j);
    struct cli_runs runs;
    r = cli_run_days(f, &chats, &j->days, CHAT_RUN_BATCH, &runs);
    if (r >= 0 && j->email)
        r = cli_mail_batch(f, app, &chats, &j->days, &runs);
    if (r >= 0)
        r = cli_runs_end(f, &j->days, &runs);
    buf_done(&runs.failed_dates);
    return r;
}

int cli_batch(struct cli *cli)
{
    struct job j = {.email = false};
    struct cli_dates dates = {NULL, NULL, NULL};
    int64_t start_index = 0;
    bool parallel = false;
    const struct cli_option options[] = {
        CLI_TEXT("-d", &dates.date),
        CLI_TEXT("--date", &dates.date),
        CLI_TEXT("-s", &dates.start),
        CLI_TEXT("--start-date", &dates.start),
        CLI_TEXT("-e", &dates.end),
        CLI_TEXT("--end-date", &dates.end),
        CLI_INT("--start-index", &start_index, 0, INT32_MAX),
        CLI_FLAG("--parallel", &parallel),
        CLI_INT("--workers", &j.workers, 1, 256),
        CLI_INT("--chunk-size", &j.page_size, 1, 1000),
        CLI_FLAG("--email", &j.email),
        CLI_FLAG("--dry-run", &j.dry_run),
    };
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    r = cli_chats_config(cli);
    if (r != CLI_GO_ON)
        return r;
    r = cli_days_read(cli, &dates, false, &j.days);
    if (r != CLI_GO_ON)
        return r;
    printf("📅 처리 기간: %.*s\n", STR_ARG(cli_days_text(&cli->arena, &j.days, " ~ ")));
    if (start_index > 0)
        puts("--start-index는 필요하지 않습니다: 이미 분류한 질문은 다시 묻지 않습니다.");
    fflush(stdout);
    return cli_chats_end(cli_run(cli, "batch", run_batch, &j));
}

/* ---- missing ---- */

static int check_missing(struct flow *f, struct app_chats *chats, const struct job *j,
                         const char *words, int64_t *ret_count)
{
    int64_t sum = 0;
    for (struct day d = j->days.first; d.number <= j->days.last.number; d = day_add(d, 1)) {
        struct cli_missing m;
        char day[11];
        day_text(d, day);
        int r = cli_missing_count(f, chats, d, &m);
        if (r < 0)
            return err_wrap(&f->err, r, "%s", day);
        if (m.question_count > 0)
            printf("⚠️  %s: %s 질문 %" PRId64 "개 (상담 %" PRId64 "건)\n", day, words,
                   m.question_count, m.chat_count);
        sum += m.question_count;
    }
    if (sum == 0)
        printf("✅ %.*s: %s 질문이 없습니다.\n", STR_ARG(cli_days_text(&f->arena, &j->days, " ~ ")),
               words);
    *ret_count = sum;
    return 0;
}

static int fill_missing(struct flow *f, struct app *app, struct app_chats *chats,
                        const struct job *j)
{
    struct cli_runs runs;
    int64_t left = 0;
    int r = cli_run_days(f, chats, &j->days, CHAT_RUN_MISSING, &runs);
    if (r >= 0 && j->email)
        r = cli_mail_batch(f, app, chats, &j->days, &runs);
    if (r >= 0)
        r = cli_runs_end(f, &j->days, &runs);
    if (r >= 0)
        r = check_missing(f, chats, j, "처리 후에도 누락된", &left);
    buf_done(&runs.failed_dates);
    return r;
}

static int run_missing(struct flow *f, struct app *app, void *arg)
{
    const struct job *j = arg;
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    int64_t count = 1;
    int r = j->process ? open_chats(f, app, j, &chats) : app_chats_open_source(f, app, &chats);
    if (r < 0)
        return j->email ? cli_mail_failure(f, app, &j->days, r) : r;
    if (j->check)
        r = check_missing(f, &chats, j, "누락된", &count);
    return r < 0 || !j->process || count == 0 ? r : fill_missing(f, app, &chats, j);
}

int cli_missing(struct cli *cli)
{
    struct job j = {.email = false};
    struct cli_dates dates = {NULL, NULL, NULL};
    int64_t start_index = 0;
    const struct cli_option options[] = {
        CLI_TEXT("-s", &dates.start),
        CLI_TEXT("--start-date", &dates.start),
        CLI_TEXT("-e", &dates.end),
        CLI_TEXT("--end-date", &dates.end),
        CLI_INT("--start-index", &start_index, 0, INT32_MAX),
        CLI_FLAG("--email", &j.email),
    };
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count == 0) {
        cli_usage(cli, "say what to do: check, process or auto");
        return 1; /* as the old command did */
    }
    struct str word = str_from(cli->words[0]);
    j.check = str_eq(word, STR("check")) || str_eq(word, STR("auto"));
    j.process = str_eq(word, STR("process")) || str_eq(word, STR("auto"));
    if ((!j.check && !j.process) || cli->word_count > 1)
        return cli_usage(cli, "what is \"%s\"?", cli->words[cli->word_count - 1]);
    if (!dates.start || !dates.end)
        return cli_usage(cli, "both -s and -e are needed");
    r = cli_chats_config(cli);
    if (r != CLI_GO_ON)
        return r;
    r = cli_days_read(cli, &dates, false, &j.days);
    if (r != CLI_GO_ON)
        return r;
    return cli_chats_end(cli_run(cli, "missing", run_missing, &j));
}
