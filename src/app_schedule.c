/*
 * app_schedule.c: the scheduled tasks, wired.
 *
 *   chats   for each day that became yesterday since the last time: classify, report, mail (CRON_EMAIL)
 *   sync    tickets, then articles, from where the last sync ended
 *
 * The happy path: nights that were missed are done in one run, day by day. A day without chats is no failure.
 * Fails: a day that fails is mailed as failed and makes the run fail, so that the scheduler tries it again;
 * days that are done cost nothing then. Invariant: the same results are mailed once (app_reports).
 */
#include "app_schedule.h"

#include <errno.h>
#include <stdio.h>

#include "app.h"
#include "app_reports.h"
#include "base/log.h"
#include "base/mem.h"
#include "jobs/schedule.h"
#include "loop/zone_file.h"
#include "sync/sync.h"

enum { NIGHTS_MAX = 31 }; /* of missed ones that are done; older ones are for `deskstream batch` */

struct app_schedule {
    struct app *app;
    struct zone *batch_zone; /* of the days and of both expressions */
    struct schedule chats, sync;
};

static bool is_ready(void *arg)
{
    const struct app_schedule *s = arg;
    return s->app->ready;
}

/* ---- the nightly batch ---- */

struct night {
    struct day day;
    struct batch_result result;
    int status;
    struct err err;
    bool is_last; /* of those that were missed; an earlier one without chats is no mail worth */
};

static int mail_night(struct flow *f, struct app *app, struct app_chats *chats,
                      const struct night *n, const struct report_file *file)
{
    char day[11];
    day_text(n->day, day);
    const struct chat_run_sum *sum = &n->result.sum;
    struct letter_batch letter = {
        .failed = n->status < 0,
        .period = str_from(day),
        .started_at = n->result.started_at,
        .finished_at = n->result.finished_at,
        .chat_count = sum->chat_count,
        .question_count = sum->question_count,
        .classified_count = sum->classified_questions,
        .known_count = n->result.known_count,
        .failed_count = sum->failed_questions,
        .cost_krw = n->result.cost.cost_krw,
        .error = str_from(n->err.msg),
    };
    if (file != NULL) {
        letter.categories = file->figures.categories;
        letter.category_count = file->figures.category_count;
    }
    struct app_mailed mailed;
    int r = app_batch_mail(f, app, chats, n->day, n->day, &letter, file, &mailed);
    if (r >= 0 && file != NULL)
        r = app_report_mail(f, app, chats, file, false, &mailed);
    if (r < 0 && !flow_is_cancelled(f))
        log_error("schedule.mail", "day=%s error=\"%s\"", day, f->err.msg);
    return flow_is_cancelled(f) ? -ECANCELED : 0;
}

static int do_night(struct flow *f, struct app *app, struct app_chats *chats, struct night *n)
{
    struct report_file file;
    n->status = batch_run(f, &chats->batch, n->day, CHAT_RUN_BATCH, NULL, &n->result);
    n->err = f->err;
    if (flow_is_cancelled(f))
        return -ECANCELED;
    int r = app_report_make(f, app, chats, n->day, n->day, &file);
    bool made = r >= 0;
    if (r == E_NOT_FOUND)
        r = 0;
    else if (r < 0)
        log_error("schedule.report", "error=\"%s\"", f->err.msg);
    struct err report_err = f->err;
    bool told = app->config->cron_email && (n->result.sum.question_count > 0 || n->is_last);
    if (told && mail_night(f, app, chats, n, made ? &file : NULL) < 0)
        return -ECANCELED;
    f->err = n->status < 0 ? n->err : report_err;
    return n->status < 0 ? n->status : r;
}

static int nightly(struct flow *f, void *arg, const struct schedule_due *due)
{
    const struct app_schedule *s = arg;
    struct day last = day_add(day_at(s->batch_zone, due->last_at), -1);
    struct day first = day_add(day_at(s->batch_zone, due->first_at), -1);
    if (last.number - first.number >= NIGHTS_MAX)
        first = day_add(last, 1 - NIGHTS_MAX);
    _cleanup_(app_chats_close) struct app_chats chats = APP_CHATS_INIT;
    int r = app_chats_open(f, s->app, &chats);
    if (r < 0) {
        char day[11], why[sizeof(f->err.msg)];
        day_text(last, day);
        snprintf(why, sizeof(why), "%s", f->err.msg);
        if (!flow_is_cancelled(f) && s->app->config->cron_email &&
            app_failure_mail(f, s->app, str_from(day), why) < 0)
            log_error("schedule.mail", "error=\"%s\"", f->err.msg);
        return err_set(&f->err, r, "%s", why);
    }
    struct err worst_err = {0};
    int worst = 0;
    for (struct day d = first; d.number <= last.number; d = day_add(d, 1)) {
        struct night n = {.day = d, .is_last = d.number == last.number};
        r = do_night(f, s->app, &chats, &n);
        if (flow_is_cancelled(f))
            return -ECANCELED;
        if (r < 0) {
            worst = r;
            worst_err = f->err;
        }
    }
    r = app_reports_clean(f, s->app);
    if (r < 0 && !flow_is_cancelled(f))
        log_warn("report.clean", "error=\"%s\"", f->err.msg);
    f->err = worst_err;
    return worst;
}

/* ---- syncs ---- */

static int recurring_sync(struct flow *f, void *arg, const struct schedule_due *due)
{
    (void)due;
    const struct app_schedule *s = arg;
    static const enum sync_kind kinds[] = {SYNC_TICKETS, SYNC_KB};
    struct caller who;
    int r = app_caller(f, s->app, &who), worst = 0;
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct sync_wish wish = {.kind = kinds[i], .since = WALL_NONE};
        struct sync_result result;
        r = sync_run(f, s->app->sync, &who, &wish, NULL, &result);
        if (flow_is_cancelled(f))
            return -ECANCELED;
        if (r < 0 && r != E_BUSY) /* the same is being done: as good */
            worst = r;
    }
    return worst;
}

/* ---- wiring ---- */

int app_schedule_open(struct flow *f, struct app *app, struct group *group,
                      struct app_schedule **ret_schedule)
{
    const struct config *c = app->config;
    struct app_schedule *s = mem_alloc(sizeof(*s));
    s->app = app;
    const char *zone = app_chats_zone(c);
    struct schedule task = {.pool = app->pool, .zone_name = zone, .arg = s, .ready = is_ready};
    s->chats = s->sync = task;
    s->chats.name = "chats";
    s->chats.cron = c->cron_schedule;
    s->chats.fn = nightly;
    s->sync.name = "sync";
    s->sync.cron = c->sync_cron;
    s->sync.fn = recurring_sync;
    int r = zone_load(zone, &s->batch_zone, &f->err);
    s->chats.zone = s->sync.zone = s->batch_zone;
    struct cron ignored;
    if (r >= 0 && s->chats.cron[0] != '\0') {
        r = cron_parse(str_from(s->chats.cron), &ignored, &f->err);
        if (r < 0)
            r = err_wrap(&f->err, E_CONFIG, "CRON_SCHEDULE");
    }
    if (r >= 0 && s->sync.cron[0] != '\0') {
        r = cron_parse(str_from(s->sync.cron), &ignored, &f->err);
        if (r < 0)
            r = err_wrap(&f->err, E_CONFIG, "SYNC_CRON");
    }
    if (r >= 0)
        r = group_spawn(group, "schedule.chats", schedule_keep, &s->chats);
    if (r >= 0)
        r = group_spawn(group, "schedule.sync", schedule_keep, &s->sync);
    *ret_schedule = s; /* also on a failure: what was spawned still uses it */
    return r;
}

void app_schedule_free(struct app_schedule *s)
{
    if (s == NULL)
        return;
    zone_free(s->batch_zone);
    mem_free(s);
}
