/*
 * cli/report.c: `deskstream report` and `complete`: the workbook of a span, and a day's batch with its report,
 * both mailed.
 *
 * Happy path: settings, days, the report with the path told; with --email its mail. `complete` is
 * `batch --email` and `report --email` of the same days; it goes on where an earlier one stopped, and mails
 * nothing twice.
 * Fails with status 1 when a day fails or the report cannot be written (the old command said 0 then, so that
 * cron never heard of it); a span without data and a mail that has to wait are told and are no failure.
 */
#include <errno.h>
#include <inttypes.h>

#include "app.h"
#include "app_reports.h"
#include "base/log.h"
#include "cli/chats.h"

struct job {
    struct cli_days days;
    bool email, again;
};

static void tell_mail(const char *what, const struct app_mailed *m)
{
    if (m->disabled)
        printf("ℹ️  %s 메일: EMAIL_ENABLED=false라서 보내지 않았습니다.\n", what);
    else if (m->known)
        printf("ℹ️  %s 메일: 같은 내용을 이미 보냈으므로 다시 보내지 "
               "않았습니다 "
               "(--resend로 "
               "다시 "
               "보냄).\n",
               what);
    else if (m->sent)
        printf("📧 %s 메일을 보냈습니다.\n", what);
    else
        printf("⚠️  %s 메일을 아직 다 보내지 못했습니다: %s\n", what, m->error);
}

static int mail_report(struct flow *f, struct app *app, struct app_chats *chats,
                       const struct job *j, const struct report_file *file)
{
    struct app_mailed mailed;
    int r = app_report_mail(f, app, chats, file, j->again, &mailed);
    if (r >= 0)
        tell_mail("보고서", &mailed);
    else if (!flow_is_cancelled(f))
        printf("⚠️  보고서 메일: %s\n", f->err.msg);
    return flow_is_cancelled(f) ? -ECANCELED : 0; /* mails never change the status */
}

static int make_report(struct flow *f, struct app *app, struct app_chats *chats,
                       const struct job *j)
{
    struct report_file file;
    int r = app_report_make(f, app, chats, j->days.first, j->days.last, &file);
    if (r == E_NOT_FOUND) {
        puts(f->err.msg);
        return 0;
    }
    if (r < 0)
        return r;
    printf("📊 보고서: %.*s (질문 %" PRId64 "개, 상담 %" PRId64 "건, 실패 %" PRId64 "개)\n",
           STR_ARG(file.path), file.figures.sum.question_count, file.figures.sum.chat_count,
           file.figures.sum.failed_questions);
    r = app_reports_clean(f, app);
    if (r < 0)
        log_warn("report.clean", "error=\"%s\"", f->err.msg);
    return j->email ? mail_report(f, app, chats, j, &file) : 0;
}

static int run_report(struct flow *f, struct app *app, void *arg)
{
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    int r = app_chats_open(f, app, &chats);
    return r < 0 ? r : make_report(f, app, &chats, arg);
}

/* Mails what became of a batch, with its workbook. Never fails but for a cancel. */
int cli_mail_batch(struct flow *f, struct app *app, struct app_chats *chats,
                   const struct cli_days *days, const struct cli_runs *runs)
{
    struct report_file file;
    struct app_mailed mailed;
    char why[sizeof(f->err.msg)];
    snprintf(why, sizeof(why), "%s", runs->err.msg);
    struct letter_batch letter = {
        .failed = runs->failed_count > 0,
        .period = cli_days_text(&f->arena, days, "~"),
        .started_at = runs->started_at,
        .finished_at = runs->finished_at,
        .chat_count = runs->sum.chat_count,
        .question_count = runs->sum.question_count,
        .classified_count = runs->sum.classified_questions,
        .known_count = runs->known_count,
        .failed_count = runs->sum.failed_questions,
        .cost_krw = runs->cost.cost_krw,
        .failed_dates = buf_view(&runs->failed_dates),
        .error = str_from(why),
    };
    int r = app_report_make(f, app, chats, days->first, days->last, &file);
    if (r >= 0) {
        letter.categories = file.figures.categories;
        letter.category_count = file.figures.category_count;
    } else if (r != E_NOT_FOUND) {
        printf("⚠️  보고서: %s\n", f->err.msg);
    }
    r = app_batch_mail(f, app, chats, days->first, days->last, &letter, r >= 0 ? &file : NULL,
                       &mailed);
    if (r >= 0)
        tell_mail("배치", &mailed);
    else if (!flow_is_cancelled(f))
        printf("⚠️  배치 메일: %s\n", f->err.msg);
    return flow_is_cancelled(f) ? -ECANCELED : 0;
}

static int read_days(struct cli *cli, const struct cli_dates *dates, bool spans, struct job *j)
{
    int r = cli_chats_config(cli);
    if (r == CLI_GO_ON)
        r = cli_days_read(cli, dates, spans, &j->days);
    if (r == CLI_GO_ON)
        printf("📅 %s 기간: %.*s\n", spans ? "보고서" : "처리",
               STR_ARG(cli_days_text(&cli->arena, &j->days, " ~ ")));
    fflush(stdout);
    return r;
}

int cli_report(struct cli *cli)
{
    struct job j = {.email = false};
    struct cli_dates dates = {NULL, NULL, NULL};
    const char *output = NULL;
    const struct cli_option options[] = {
        CLI_TEXT("-d", &dates.date),    CLI_TEXT("--date", &dates.date),
        CLI_TEXT("-s", &dates.start),   CLI_TEXT("--start-date", &dates.start),
        CLI_TEXT("-e", &dates.end),     CLI_TEXT("--end-date", &dates.end),
        CLI_FLAG("--email", &j.email),  CLI_FLAG("--send-email", &j.email),
        CLI_FLAG("--resend", &j.again), CLI_TEXT("-o", &output),
        CLI_TEXT("--output", &output),  CLI_TEXT("--output-dir", &output),
    };
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    j.email |= j.again;
    r = read_days(cli, &dates, true, &j);
    if (r != CLI_GO_ON)
        return r;
    if (output != NULL)
        cli->config.report_dir = output;
    return cli_chats_end(cli_run(cli, "report", run_report, &j));
}

/* ---- complete ---- */

int cli_mail_failure(struct flow *f, struct app *app, const struct cli_days *days, int r)
{
    struct err err = f->err;
    if (!flow_is_cancelled(f) &&
        app_failure_mail(f, app, cli_days_text(&f->arena, days, "~"), err.msg) < 0)
        printf("⚠️  배치 메일: %s\n", f->err.msg);
    f->err = err;
    return r;
}

static int run_complete(struct flow *f, struct app *app, void *arg)
{
    const struct job *j = arg;
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    struct cli_runs runs = {.day_count = 0};
    int r = app_chats_open(f, app, &chats);
    if (r < 0)
        return cli_mail_failure(f, app, &j->days, r);
    r = cli_run_days(f, &chats, &j->days, CHAT_RUN_BATCH, &runs);
    if (r >= 0)
        r = cli_mail_batch(f, app, &chats, &j->days, &runs);
    if (r >= 0)
        r = make_report(f, app, &chats, j);
    if (r >= 0)
        r = cli_runs_end(f, &j->days, &runs);
    buf_done(&runs.failed_dates);
    return r;
}

int cli_complete(struct cli *cli)
{
    struct job j = {.email = true};
    struct cli_dates dates = {NULL, NULL, NULL};
    const struct cli_option options[] = {
        CLI_TEXT("-d", &dates.date),
        CLI_TEXT("--date", &dates.date),
        CLI_FLAG("--resend", &j.again),
    };
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 2 || (cli->word_count > 0 && dates.date != NULL))
        return cli_usage(cli, "what is \"%s\"?", cli->words[cli->word_count - 1]);
    if (cli->word_count == 1)
        dates.date = cli->words[0];
    if (cli->word_count == 2) {
        dates.start = cli->words[0];
        dates.end = cli->words[1];
    }
    r = read_days(cli, &dates, false, &j);
    return r != CLI_GO_ON ? r : cli_chats_end(cli_run(cli, "complete", run_complete, &j));
}
