#pragma once
/*
 * Does things at their time, on one server of many.
 *
 *   struct schedule s = {.pool = pool, .name = "chats", .cron = "0 1 * * *", .zone = z, .zone_name = "Asia/Seoul",
 *                        .fn = nightly, .arg = app, .ready = is_ready};
 *   group_spawn(&keepers, "schedule", schedule_keep, &s);
 *
 * What was missed while nobody ran (or while a run lasted) is caught up in one run, which is told the first
 * missed time and the last. Runs of one name never overlap, on however many servers. A run that fails is
 * tried again, at most three times in all; one whose server dies is begun anew by another.
 */
#include <stdbool.h>
#include <stdint.h>

#include "jobs/cron.h"
#include "loop/flow.h"

struct pg_pool;

struct schedule_due {
    int64_t first_at; /* the earliest time not yet done, unix ms */
    int64_t last_at;  /* the latest, <= now; the same when none was missed */
    int attempt;      /* from 1 */
};
typedef int schedule_fn(struct flow *f, void *arg, const struct schedule_due *due);

struct schedule {
    struct pg_pool *pool;
    const char *name, *cron, *zone_name;
    const struct zone *zone; /* borrowed; outlives the flow */
    schedule_fn *fn;
    void *arg;
    bool (*ready)(void *arg); /* NULL: always. The database's schema is there */
    uint64_t look_ms;         /* the row is read at least so often. 0: 30 seconds */
    uint64_t retry_ms;        /* first wait after a failure, doubles. 0: 5 minutes */
    char holder[37];          /* filled by schedule_keep */
};
/* A flow's function: `schedule` is a struct schedule. Until cancelled; E_INPUT at once when the expression is
 * none. An empty expression removes the task's row and ends. */
int schedule_keep(struct flow *f, void *schedule);

/* The latest time of `cron` in (after, until], unix ms; `after` when there is none. */
int64_t schedule_latest(const struct cron *c, const struct zone *z, int64_t after_ms,
                        int64_t until_ms);
