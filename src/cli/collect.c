/*
 * cli/collect.c: `deskstream collect`: the account into a folder of files.
 *
 * The happy path: the mode from the options, from the old menu on a terminal, or a full collection without
 * one; the collector runs with a progress bar (a line every ten seconds where there is no terminal), then
 * the result files are made and summed up. SIGTERM and SIGINT stop it with progress saved.
 *
 * Fails by: no account in the settings, the collector's own errors (told once, status 1); what was fetched
 * is kept in each case, and `collect --resume` goes on.
 *
 * Invariant: nothing but the folder is written, and the database with --to postgres.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/log.h"
#include "base/wall.h"
#include "cli/background.h"
#include "cli/cli.h"
#include "cli/collector.h"
#include "net/web.h"
#include "sync/sync.h"

#define BAR_CELLS 24
#define TEST_TICKETS 100
#define PID_FILE "freshdesk_collection.pid"
#define LOG_FILE "freshdesk_full_collection.log"

struct job {
    const struct config *config;
    struct collect_spec spec;
    struct collect_watcher watcher;
    bool on_terminal, no_export, gzip;
    uint64_t first_new, first_ms;
};

/* ---- what is seen meanwhile ---- */

static void show_time(char out[16], uint64_t s)
{
    snprintf(out, 16, "%02u:%02u:%02u", (unsigned)(s / 3600 % 1000), (unsigned)(s / 60 % 60),
             (unsigned)(s % 60));
}

static void told(struct collect_watcher *watcher, const struct collect_progress *p)
{
    struct job *j = container_of(watcher, struct job, watcher);
    double seconds = (double)p->elapsed_ms / 1000;
    double rate = seconds > 0 ? (double)p->new_count / seconds : 0;
    uint64_t all = j->spec.ticket_count_max ? j->spec.ticket_count_max : p->expected_count;
    uint64_t left = all > p->held_count ? all - p->held_count : 0;
    unsigned percent = all ? (unsigned)(MIN(p->held_count, all) * 100 / all) : 0;
    double allowed = p->budget_per_minute * seconds / 60;
    unsigned budget = allowed > 0 ? (unsigned)(p->budget_used * 100 / allowed) : 0;
    char eta[16] = "--:--:--";
    if (rate > 0 && all > 0)
        show_time(eta, (uint64_t)((double)left / rate));
    if (!j->on_terminal) {
        fprintf(stderr,
                "collect: %" PRIu64 " tickets, %.1f/s, ETA %s, budget %u %%, windows %" PRIu32
                "/%" PRIu32 ", chunks %" PRIu32 "%s\n",
                p->held_count, rate, eta, MIN(budget, 100u), p->window_done_count, p->window_count,
                p->chunk_count, p->is_paused ? ", paused" : "");
        return;
    }
    char bar[BAR_CELLS + 1];
    for (unsigned i = 0; i < BAR_CELLS; i++)
        bar[i] = i < percent * BAR_CELLS / 100 ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr,
            "\r\033[K[%s] %3u %% %" PRIu64 " tickets %.0f/s ETA %s budget %u %% windows %" PRIu32
            "/%" PRIu32 "%s",
            bar, percent, p->held_count, rate, eta, MIN(budget, 100u), p->window_done_count,
            p->window_count, p->is_paused ? " paused" : "");
    fflush(stderr);
}

static void show_report(const struct job *j, const struct collect_report *report)
{
    const struct collect_progress *p = &report->last;
    if (j->on_terminal)
        fputc('\n', stderr);
    fprintf(stderr,
            "collect: %s; %" PRIu64 " tickets held, %" PRIu64 " new, %" PRIu64
            " left out by name, %" PRIu64 " deleted or spam seen, %.1f s\n",
            report->is_complete ? "complete" : "not complete", p->held_count, p->new_count,
            p->skip_count, p->gone_count, (double)p->elapsed_ms / 1000);
    if (j->spec.attachments)
        fprintf(stderr, "collect: %" PRIu64 " attachments of these tickets are there\n",
                p->file_count);
    if (j->spec.to_postgres)
        fprintf(stderr, "collect: %" PRIu64 " rows written into PostgreSQL\n", p->loaded_count);
}

static int make_results(struct flow *f, const struct job *j)
{
    struct collect_export export = {.gzip = j->gzip};
    int r = collect_export(f, j->spec.dir, &export);
    if (r < 0)
        return err_wrap(&f->err, r, "the result files");
    printf("처리 완료:\n- 총 티켓 수: %" PRIu64 "\n- CSV 파일: %s/tickets_export.csv\n"
           "- 평균 대화 수: %.2f\n- 총 대화 수: %" PRIu64 "\n",
           export.ticket_count, j->spec.dir, export.talk_average, export.talk_count);
    return 0;
}

/* ---- running ---- */

int collector_as(struct flow *f, const struct config *c, struct freshdesk_as *ret_as)
{
    struct str company;
    if (c->freshdesk_domain[0] == '\0' || c->freshdesk_api_key[0] == '\0')
        return err_set(&f->err, E_CONFIG,
                       "no Freshdesk account: set FRESHDESK_DOMAIN and "
                       "FRESHDESK_API_KEY");
    *ret_as = (struct freshdesk_as){.api_key = str_from(c->freshdesk_api_key),
                                    .priority = PRIORITY_BULK};
    return freshdesk_domain_parse(&f->arena, str_from(c->freshdesk_domain), &ret_as->domain,
                                  &company, &f->err);
}

int collector_open(struct flow *f, const struct config *c, struct collector_parts *ret)
{
    const struct web_spec web = {.user_agent = "deskstream/" APP_VERSION};
    *ret = (struct collector_parts){.flow = f};
    int r = web_new(f->loop, &web, &ret->web, &f->err);
    if (r < 0)
        return r;
    const struct freshdesk_spec spec = {
        .web = ret->web,
        .base_url = c->freshdesk_base_url,
        .per_minute = (uint32_t)c->freshdesk_per_minute,
        .list_per_minute = (uint32_t)c->freshdesk_list_per_minute,
        .share_percent = (uint32_t)c->freshdesk_share_percent,
        .window_ms = (uint32_t)c->freshdesk_window_ms,
        .retry_count = (uint32_t)c->retry_count_max,
    };
    ret->freshdesk = freshdesk_new(f->loop, &spec);
    ret->deps.freshdesk = ret->freshdesk;
    ret->deps.web = ret->web;
    return collector_as(f, c, &ret->deps.as);
}

void collector_close(struct collector_parts *p)
{
    freshdesk_free(p->freshdesk);
    if (p->web)
        web_close_all(p->flow, p->web);
    web_free(p->web);
    *p = (struct collector_parts)COLLECTOR_PARTS_INIT;
}

static int run(struct flow *f, struct job *j, const struct collect_deps *deps)
{
    struct collect_report report = {.is_complete = false};
    j->watcher = (struct collect_watcher){told, j->on_terminal ? 500 : 10000};
    j->spec.watcher = &j->watcher;
    int r = collect_run(f, deps, &j->spec, &report);
    show_report(j, &report);
    if (r == -ENOSPC)
        fputs("collect: the disk is full; nothing was lost: make room and run "
              "`deskstream collect --resume`\n",
              stderr);
    if (r < 0 || j->no_export)
        return r;
    return make_results(f, j);
}

static int collect(struct flow *f, void *arg)
{
    struct job *j = arg;
    _cleanup_(collector_close) struct collector_parts parts = COLLECTOR_PARTS_INIT;
    int r = collector_open(f, j->config, &parts);
    return r < 0 ? r : run(f, j, &parts.deps);
}

/* With the database: by the app's own parts. */
static int collect_and_load(struct flow *f, struct app *app, void *arg)
{
    struct job *j = arg;
    struct caller who;
    int r = app_caller(f, app, &who);
    if (r < 0)
        return r;
    struct collect_deps deps = {
        .freshdesk = app->freshdesk,
        .web = app->web,
        .pool = app->pool,
        .tenant_id = who.tenant_id,
        .salt = sync_salt(&f->arena, app->sync),
        .make_texts = sync_texts,
    };
    r = collector_as(f, j->config, &deps.as);
    return r < 0 ? r : run(f, j, &deps);
}

/* ---- the old menu ---- */

/* The mode chosen: "full", "test", "resume"; NULL to end. */
static const char *ask_mode(struct cli *cli)
{
    (void)cli;
    for (;;) {
        printf("Freshdesk 대용량 티켓 수집기\n==================================================\n"
               "1. 전체 수집 (무제한)\n2. 빠른 테스트 (100건)\n3. 중단된 수집 재개\n4. 종료\n"
               "선택하세요 (1-4): ");
        fflush(stdout);
        char line[64];
        if (fgets(line, sizeof(line), stdin) == NULL)
            return NULL;
        struct str answer = str_trim(str_from(line));
        if (str_eq(answer, STR("1")))
            return "full";
        if (str_eq(answer, STR("2")))
            return "test";
        if (str_eq(answer, STR("3")))
            return "resume";
        if (str_eq(answer, STR("4"))) {
            puts("종료합니다.");
            return NULL;
        }
        puts("잘못된 선택입니다. 1-4 중에서 선택하세요.");
    }
}

/* ---- options ---- */

struct words {
    bool test, full, resume, quick, full_old, no_talks, attachments, archived, no_export, gzip;
    bool background;
    bool reset, no_backup, force, raw_details, raw_talks, raw_kb, raw_all; /* of the old program */
    int64_t tickets_max, share;
    const char *start, *end, *dir, *to, *from_export;
};

static int read_day(const struct cli *cli, const char *name, const char *text, int64_t *ret_s)
{
    int64_t at_ms;
    if (text == NULL)
        return CLI_GO_ON;
    if (!wall_parse_iso(str_from(text), &at_ms))
        return cli_usage(cli, "%s takes a date such as 2024-01-31, not \"%s\"", name, text);
    *ret_s = at_ms / 1000;
    return CLI_GO_ON;
}

static int read_words(struct cli *cli, struct words *w)
{
    const struct cli_option options[] = {
        CLI_FLAG("--test", &w->test),
        CLI_FLAG("--quick-test", &w->quick),
        CLI_FLAG("--full", &w->full),
        CLI_FLAG("--full-collection", &w->full_old),
        CLI_FLAG("--resume", &w->resume),
        CLI_INT("--max-tickets", &w->tickets_max, 1, INT64_MAX),
        CLI_TEXT("--start-date", &w->start),
        CLI_TEXT("--end-date", &w->end),
        CLI_TEXT("--out", &w->dir),
        CLI_FLAG("--no-conversations", &w->no_talks),
        CLI_FLAG("--attachments", &w->attachments),
        CLI_FLAG("--archived", &w->archived),
        CLI_TEXT("--to", &w->to),
        CLI_TEXT("--from-export", &w->from_export),
        CLI_FLAG("--no-export", &w->no_export),
        CLI_FLAG("--gzip", &w->gzip),
        CLI_FLAG("--background", &w->background),
        CLI_INT("--share", &w->share, 1, 100),
        CLI_FLAG("--reset-vectordb", &w->reset),
        CLI_FLAG("--no-backup", &w->no_backup),
        CLI_FLAG("--force", &w->force),
        CLI_FLAG("--raw-details", &w->raw_details),
        CLI_FLAG("--raw-conversations", &w->raw_talks),
        CLI_FLAG("--raw-kb", &w->raw_kb),
        CLI_FLAG("--raw-all", &w->raw_all),
    };
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    w->test |= w->quick;
    w->full |= w->full_old;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    if (w->test + w->full + w->resume > 1)
        return cli_usage(cli, "--test, --full and --resume exclude one another");
    if (w->to && strcmp(w->to, "postgres") != 0)
        return cli_usage(cli, "--to takes postgres, not \"%s\"", w->to);
    return CLI_GO_ON;
}

static int fill_spec(struct cli *cli, const struct words *w, struct collect_spec *spec)
{
    struct err err = {0};
    if (app_collect_spec(&cli->config, spec, &err) < 0)
        return cli_usage(cli, "%s", err.msg);
    spec->dir = w->dir ? w->dir : "freshdesk_full_data";
    spec->mode = w->test ? "test" : w->resume ? "resume" : w->tickets_max ? "small" : "full";
    spec->ticket_count_max = w->tickets_max ? (uint64_t)w->tickets_max : w->test ? TEST_TICKETS : 0;
    spec->talks = !w->no_talks;
    spec->attachments = w->attachments;
    spec->archived = w->archived;
    spec->to_postgres = w->to != NULL;
    spec->export_file = w->from_export;
    int r = read_day(cli, "--start-date", w->start, &spec->from_s);
    if (r == CLI_GO_ON)
        r = read_day(cli, "--end-date", w->end, &spec->to_s);
    if (r != CLI_GO_ON)
        return r;
    if (w->end && strlen(w->end) <= 10)
        spec->to_s += 86400; /* the day is included */
    if (spec->to_s > 0 && spec->to_s <= spec->from_s)
        return cli_usage(cli, "--end-date lies before --start-date");
    return CLI_GO_ON;
}

int cli_collect(struct cli *cli)
{
    struct words words = {.dir = NULL};
    bool bare = cli->word_count == 0;
    int r = read_words(cli, &words);
    if (r != CLI_GO_ON)
        return r;
    if (bare && isatty(STDIN_FILENO)) { /* without a terminal nobody can choose: all of it */
        const char *mode = ask_mode(cli);
        if (mode == NULL)
            return 0;
        words.test = strcmp(mode, "test") == 0;
        words.resume = strcmp(mode, "resume") == 0;
    }
    r = cli_config(cli);
    struct job job = {
        .config = &cli->config,
        .on_terminal = isatty(STDERR_FILENO),
        .no_export = words.no_export,
        .gzip = words.gzip,
    };
    if (r == CLI_GO_ON)
        r = fill_spec(cli, &words, &job.spec);
    if (r != CLI_GO_ON)
        return r;
    if (words.resume) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/progress.json", job.spec.dir);
        if (access(path, F_OK) < 0)
            puts("진행 상황 파일을 찾을 수 없습니다. 새로운 수집을 시작하세요.");
    }
    if (words.share)
        cli->config.freshdesk_share_percent = words.share;
    if (words.background) {
        struct err err = {0};
        r = background_start(PID_FILE, LOG_FILE, &err);
        if (r < 0)
            fprintf(stderr, "deskstream collect: %s\n", err.msg[0] ? err.msg : err_text(r));
        if (r != 0)
            return r < 0;
        job.on_terminal = false;
    }
    return job.spec.to_postgres ? cli_run(cli, "collect", collect_and_load, &job)
                                : cli_run_bare(cli, "collect", collect, &job);
}
