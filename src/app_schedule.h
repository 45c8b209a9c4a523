#pragma once
/*
 * What the server does by itself: the nightly batch (CRON_SCHEDULE) and recurring syncs (SYNC_CRON).
 *
 *   _cleanup_(app_schedule_close) struct app_schedule *s = NULL;
 *   r = app_schedule_open(f, app, &keepers, &s);      // E_CONFIG: an expression or the zone is wrong
 */
#include "loop/flow.h"

struct app;
struct app_schedule;

/* Starts a flow a task in `group`; they end with it. */
int app_schedule_open(struct flow *f, struct app *app, struct group *group,
                      struct app_schedule **ret_schedule) _must_check_;
/* After the group has ended. */
void app_schedule_free(struct app_schedule *s);
static inline void app_schedule_freep(struct app_schedule **s)
{
    app_schedule_free(*s);
}
