/*
 * cli/status.c: `deskstream status`: the parts of the chat batch in the old words (legacy-contracts §5.1), then those
 * of the running server.
 *
 * Happy path: settings, both databases (really asked), mail, container, the time; then GET /health.
 * Fails with status 1 by a database that does not answer, and by a server that says that something does not
 * work. A server that does not run is a failure only where no chat database is set: the batch alone needs none.
 * Invariant: nothing is written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "app_chats.h"
#include "base/wall.h"
#include "cli/health.h"
#include "loop/zone_file.h"
#include "store/outbox.h"
#include "store/schedules.h"
#include "store/upkeep.h"

#define CHECK_MS 10000

static void line(const char *mark, const char *what, struct str said)
{
    printf("  %s %s: %.*s\n", mark, what, STR_ARG(said));
}

static bool check_postgres(struct flow *f, struct app *app)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct str version = STR_NONE;
    int r = store_health(f, app->pool, &version);
    line(r < 0 ? "❌" : "✅", "Postgres", r < 0 ? str_from(f->err.msg) : version);
    return r >= 0;
}

static bool check_chats(struct flow *f, struct app *app)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct str note = STR("Deskstream");
    int r = app->config->chat_url[0] ? app_chats_check(f, app->config, &note) : 0;
    line(r < 0 ? "❌" : "✅", "데이터베이스", r < 0 ? str_from(f->err.msg) : note);
    return r >= 0;
}

static struct str local_time(struct arena *a, const struct zone *z, int64_t at_ms)
{
    if (at_ms == WALL_NONE)
        return STR("없음");
    struct wall_parts p = zone_split(z, at_ms);
    return arena_printf(a, "%04d-%02d-%02d %02d:%02d", p.year, p.month, p.day, p.hour, p.minute);
}

/* What the server does by itself: the next time and the last. */
static void show_schedules(struct flow *f, struct app *app)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    struct schedule_row *rows;
    struct zone *zone = NULL;
    size_t count;
    int r = schedules_all(f, app->pool, &rows, &count);
    if (r >= 0)
        r = zone_load(app_chats_zone(app->config), &zone, &f->err);
    if (r < 0) {
        line("⚠️ ", "예약", str_from(f->err.msg));
        return;
    }
    if (count == 0)
        line("ℹ️ ", "예약", STR("없음 (CRON_SCHEDULE, SYNC_CRON)"));
    for (size_t i = 0; i < count; i++) {
        const struct schedule_row *s = &rows[i];
        bool failed = str_eq(s->last_state, STR("failed"));
        line(failed ? "⚠️ " : "✅", "예약",
             arena_printf(&f->arena, "%.*s %.*s (%.*s), 다음 %.*s, 최근 %.*s%s%.*s%s",
                          STR_ARG(s->name), STR_ARG(s->cron), STR_ARG(s->zone),
                          STR_ARG(local_time(&f->arena, zone, s->next_at)),
                          STR_ARG(local_time(&f->arena, zone, s->last_due_at)),
                          failed ? " 실패: " : "", STR_ARG(s->last_error),
                          s->holder.len > 0 ? ", 실행 중" : ""));
    }
    zone_free(zone);
}

/* What waits to be mailed. */
static void show_outbox(struct flow *f, struct app *app)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, CHECK_MS);
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    struct outbox_stats stats;
    if (app_chats_open_source(f, app, &chats) < 0 ||
        outbox_stats(f, app->pool, chats.tenant_id, &stats) < 0) {
        line("⚠️ ", "이메일", str_from(f->err.msg));
        return;
    }
    const struct config *c = app->config;
    bool set = c->email_enabled && c->sender_email[0] && c->recipient_emails[0];
    line(stats.queued_count > 0 || !set ? "⚠️ " : "✅", "이메일",
         arena_printf(
             &f->arena, "%s, 대기 %" PRId64 "건, 보냄 %" PRId64 "건, 실패 %" PRId64 "건%s%.*s",
             set ? c->smtp_server : "설정되지 않음", stats.queued_count, stats.sent_count,
             stats.failed_count, stats.last_error.len > 0 ? ": " : "", STR_ARG(stats.last_error)));
}

static void show_rest(struct flow *f)
{
    const char *docker = getenv("DOCKER");
    struct buf *now = arena_buf(&f->arena, 64);
    line("ℹ️ ", "도커", docker && strcmp(docker, "true") == 0 ? STR("예") : STR("아니오"));
    wall_write(now, loop_wall_ms(f->loop));
    line("🕐", "확인 시간", buf_view(now));
}

/* The server; false when its state is a failure. */
static bool check_server(struct flow *f, const struct config *c)
{
    struct server_question q = {.config = c, .path = "/health", .show = true};
    int r = server_ask(f, &q);
    if (r >= 0)
        return true;
    bool needed = c->chat_url[0] == '\0' || r == E_UPSTREAM;
    line(needed ? "❌" : "⚠️ ", "서버", str_from(f->err.msg));
    return !needed;
}

static int status(struct flow *f, void *arg)
{
    struct cli *cli = arg;
    _cleanup_(app_close) struct app app = APP_INIT;
    puts("📋 시스템 상태:");
    line("✅", "설정", STR("모든 값이 올바릅니다"));
    int r = app_open(f, &cli->config, NULL, &app);
    if (r < 0) {
        line("❌", "Postgres", str_from(f->err.msg));
        return r;
    }
    bool good = check_postgres(f, &app);
    if (good)
        good = check_chats(f, &app);
    bool fresh = false;
    if (good && store_is_fresh(f, app.pool, &fresh) < 0)
        line("⚠️ ", "테이블", str_from(f->err.msg));
    if (fresh)
        line("ℹ️ ", "테이블", STR("아직 없음: 첫 실행이 만듭니다"));
    if (good && !fresh) {
        show_outbox(f, &app);
        show_schedules(f, &app);
    }
    show_rest(f);
    good = check_server(f, &cli->config) && good;
    r = flow_check(f);
    if (r >= 0 && !good)
        r = err_set(&f->err, E_UPSTREAM,
                    "not everything works: docs/operations.md goes from symptoms to actions");
    return r;
}

int cli_status(struct cli *cli)
{
    int r = cli_options(cli, NULL, 0);
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    r = cli_config(cli);
    if (r != CLI_GO_ON) {
        puts("📋 시스템 상태:");
        line("❌", "설정", STR("위의 값을 고쳐야 합니다"));
        return 1;
    }
    return cli_run_bare(cli, "status", status, cli);
}
