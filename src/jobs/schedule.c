/*
 * The scheduler: one flow a task.
 *
 *   put row -> wait -> claim -> run (child flow; heartbeat in another) -> finish with the next time -> wait
 *
 * The happy path waits until the row's next time, at most LOOK_MS at once, since another server may have moved
 * it and since wall clocks jump. Fails: the database being away is waited out; a run's failure is noted, logged
 * and tried again.
 * Invariant: the row's next time moves only after a run has ended well or has been given up, so nothing is
 * missed; who lost its row (its heartbeat came too late) stops its run.
 */
#include "jobs/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/log.h"
#include "store/schedules.h"

enum {
    LOOK_MS = 30 * 1000,
    BEAT_MS = 20 * 1000,
    SILENT_MS = 120 * 1000,
    AWAY_MS = 5 * 1000,
    RETRY_MS = 5 * 60 * 1000,
    ATTEMPTS_MAX = 3,
    FINISH_MS = 10 * 1000
};

int64_t schedule_latest(const struct cron *c, const struct zone *z, int64_t after_ms,
                        int64_t until_ms)
{
    /* Not from the beginning: a minutely task may have missed a year. */
    static const int64_t hours[] = {2, 26, 8 * 24, 33 * 24, 367 * 24, 9 * 366 * 24};
    for (size_t i = 0; i < ARRAY_COUNT(hours); i++) {
        int64_t from_ms = MAX(after_ms, until_ms - hours[i] * 3600 * 1000), at_ms, last_ms = -1;
        int64_t next_ms = from_ms;
        while (cron_next(c, z, next_ms, &at_ms) >= 0 && at_ms <= until_ms)
            last_ms = next_ms = at_ms;
        if (last_ms >= 0)
            return last_ms;
        if (from_ms == after_ms)
            break;
    }
    return after_ms;
}

struct run {
    struct schedule *s;
    struct schedule_due due;
    struct group *group; /* of the run's flow, for the heartbeat to stop it */
    struct cond over;
    struct err err;
    int status;
    bool is_over, lost;
};

static int run_flow(struct flow *f, void *arg)
{
    struct run *run = arg;
    run->status = run->s->fn(f, run->s->arg, &run->due);
    run->err = f->err;
    run->is_over = true;
    return 0;
}

static int beat_flow(struct flow *f, void *arg)
{
    struct run *run = arg;
    for (;;) {
        int r = flow_sleep(f, BEAT_MS);
        if (r < 0)
            return r;
        r = schedules_beat(f, run->s->pool, str_from(run->s->name), str_from(run->s->holder),
                           loop_wall_ms(f->loop));
        if (r < 0 && !flow_is_cancelled(f))
            log_warn("schedule.beat", "name=%s error=\"%s\"", run->s->name, f->err.msg);
        if (r != 0)
            continue;
        run->lost = true;
        group_cancel(run->group);
        return 0;
    }
}

/* The run with its heartbeat beside it. */
static int run_watched(struct flow *f, struct run *run)
{
    _cleanup_(group_join) struct group beats = GROUP_INIT_ALL(f);
    _cleanup_(group_join) struct group runs = GROUP_INIT_ALL(f);
    run->group = &runs;
    int r = group_spawn(&runs, run->s->name, run_flow, run);
    if (r >= 0)
        r = group_spawn(&beats, "schedule.beat", beat_flow, run);
    return r < 0 ? r : group_wait(f, &runs);
}

static int finish(struct flow *f, const struct cron *c, struct run *run)
{
    _cleanup_(shield_done) struct shield shield = flow_shield(f, FINISH_MS);
    struct schedule *s = run->s;
    bool good = run->is_over && !run->lost && run->status >= 0;
    bool stopped = !good && (!run->is_over || run->lost || run->status == -ECANCELED);
    bool again = !stopped && !good && run->due.attempt < ATTEMPTS_MAX;
    struct schedule_end end = {
        .name = str_from(s->name),
        .holder = str_from(s->holder),
        .state = stopped ? "stopped"
                 : good  ? "done"
                         : "failed",
        .error = good || stopped ? NULL : run->err.msg,
        .now_ms = loop_wall_ms(f->loop),
        .due_at = stopped ? WALL_NONE : run->due.last_at,
        .next_at = WALL_NONE,
        .retry_at = WALL_NONE,
    };
    uint64_t wait_ms = (s->retry_ms ? s->retry_ms : RETRY_MS) << MIN(run->due.attempt - 1, 8);
    if (again)
        end.retry_at = end.now_ms + (int64_t)wait_ms;
    else if (!stopped && cron_next(c, s->zone, run->due.last_at, &end.next_at) < 0)
        end.next_at = end.now_ms + INT64_C(3650) * 86400000;
    int r = -1;
    for (int tries = 0; r < 0 && tries < 5; tries++) {
        r = schedules_finish(f, s->pool, &end);
        if (r < 0 && flow_sleep(f, 1000) < 0)
            break;
    }
    if (stopped)
        log_warn("schedule.stopped", "name=%s", s->name);
    else if (good)
        log_info("schedule.done", "name=%s due=%" PRId64 " attempt=%d", s->name, run->due.last_at,
                 run->due.attempt);
    else
        log_error("schedule.failed", "name=%s attempt=%d again=%d error=\"%s\"", s->name,
                  run->due.attempt, again, run->err.msg);
    return r;
}

/* One look at the row: runs it when it is due and ours. Returns ms until the next look. */
struct look {
    struct schedule *s;
    const struct cron *cron;
    uint64_t wait_ms;
};

static int look_flow(struct flow *f, void *arg)
{
    struct look *look = arg;
    struct schedule *s = look->s;
    struct schedule_row row;
    look->wait_ms = AWAY_MS;
    int r = schedules_get(f, s->pool, str_from(s->name), &row);
    if (r < 0)
        return r;
    int64_t now_ms = loop_wall_ms(f->loop);
    int64_t due_ms = MAX(row.next_at, row.retry_at == WALL_NONE ? row.next_at : row.retry_at);
    if (due_ms > now_ms) {
        uint64_t look_ms = s->look_ms ? s->look_ms : LOOK_MS;
        look->wait_ms = MIN((uint64_t)(due_ms - now_ms), look_ms);
        return 0;
    }
    r = schedules_claim(f, s->pool, str_from(s->name), str_from(s->holder), now_ms, SILENT_MS,
                        &row);
    if (r <= 0)
        return r; /* another server has it */
    struct run run = {
        .s = s,
        .due = {.first_at = row.next_at,
                .last_at = schedule_latest(look->cron, s->zone, row.next_at, now_ms),
                .attempt = (int)row.attempt_count},
    };
    log_info("schedule.begin", "name=%s first=%" PRId64 " last=%" PRId64 " attempt=%d", s->name,
             run.due.first_at, run.due.last_at, run.due.attempt);
    r = run_watched(f, &run);
    look->wait_ms = 0;
    int ended = finish(f, look->cron, &run);
    return r < 0 ? r : ended;
}

static int put(struct flow *f, const struct schedule *s, const struct cron *c)
{
    int64_t next_at;
    if (cron_next(c, s->zone, loop_wall_ms(f->loop), &next_at) < 0)
        return err_set(&f->err, E_INPUT, "\"%s\" never comes", s->cron);
    return schedules_put(f, s->pool, str_from(s->name), str_from(s->cron), str_from(s->zone_name),
                         next_at);
}

/* Until the row is there (or, without an expression, gone). */
static int begin(struct flow *f, struct schedule *s, const struct cron *c)
{
    for (;;) {
        int r = 0;
        if (s->ready == NULL || s->ready(s->arg)) {
            r = c == NULL ? schedules_drop(f, s->pool, str_from(s->name)) : put(f, s, c);
            if (r >= 0 || r == E_INPUT || flow_is_cancelled(f))
                return r;
            log_warn("schedule.put", "name=%s error=\"%s\"", s->name, f->err.msg);
        }
        r = flow_sleep(f, AWAY_MS);
        if (r < 0)
            return r;
    }
}

int schedule_keep(struct flow *f, void *arg)
{
    struct schedule *s = arg;
    struct cron cron;
    uuid_v4(s->holder);
    if (str_trim(str_from(s->cron)).len == 0)
        return begin(f, s, NULL);
    int r = cron_parse(str_from(s->cron), &cron, &f->err);
    if (r >= 0)
        r = begin(f, s, &cron);
    if (r < 0) {
        if (!flow_is_cancelled(f))
            log_error("schedule.cron", "name=%s error=\"%s\"", s->name, f->err.msg);
        return r;
    }
    struct look look = {.s = s, .cron = &cron};
    for (;;) {
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        r = group_spawn(&g, "schedule.look", look_flow, &look); /* an arena of its own */
        if (r >= 0)
            r = group_wait(f, &g);
        if (flow_is_cancelled(f))
            return -ECANCELED;
        if (r < 0)
            log_warn("schedule.look", "name=%s error=\"%s\"", s->name, f->err.msg);
        r = flow_sleep(f, look.wait_ms);
        if (r < 0)
            return r;
    }
}
