#pragma once
/* Tasks with a time, one row each for all servers. Times are unix ms of the caller's clock. */
#include <stdbool.h>
#include <stdint.h>

#include "db/pg.h"

struct schedule_row {
    struct str name, cron, zone, holder, last_state, last_error;               /* arena */
    int64_t next_at, retry_at, last_due_at, last_started_at, last_finished_at; /* WALL_NONE */
    int64_t attempt_count, run_count;
};
/* Makes the row, or gives it a new expression: then its next time is `next_at`; else what it has stays, so
 * that what was missed while no server ran is still due. */
int schedules_put(struct flow *f, struct pg_pool *p, struct str name, struct str cron,
                  struct str zone, int64_t next_at) _must_check_;
/* Removes a task that the settings no longer have. */
int schedules_drop(struct flow *f, struct pg_pool *p, struct str name) _must_check_;
/* E_NOT_FOUND. */
int schedules_get(struct flow *f, struct pg_pool *p, struct str name, struct schedule_row *ret_row)
    _must_check_;
int schedules_all(struct flow *f, struct pg_pool *p, struct schedule_row **ret_rows,
                  size_t *ret_count) _must_check_;
/* Takes a task that is due and that nobody holds (whose holder has been silent for `silent_ms`). 1: taken;
 * *ret_row is as it was before but for the attempt. 0: not due, or somebody else's. */
int schedules_claim(struct flow *f, struct pg_pool *p, struct str name, struct str holder,
                    int64_t now_ms, int64_t silent_ms, struct schedule_row *ret_row) _must_check_;
/* 1: still ours. 0: somebody else has it. */
int schedules_beat(struct flow *f, struct pg_pool *p, struct str name, struct str holder,
                   int64_t now_ms) _must_check_;
struct schedule_end {
    struct str name, holder;
    const char *state; /* "done", "failed", "stopped" */
    const char *error; /* NULL: none */
    int64_t now_ms;
    int64_t due_at;   /* what was done, or WALL_NONE when it was stopped */
    int64_t next_at;  /* from now on; WALL_NONE: stays, to be done again */
    int64_t retry_at; /* WALL_NONE: at once */
};
/* Gives the task back. 0 also when it was no longer ours: then nothing is changed. */
int schedules_finish(struct flow *f, struct pg_pool *p, const struct schedule_end *end)
    _must_check_;
