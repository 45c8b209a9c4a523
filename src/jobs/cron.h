#pragma once
/*
 * Cron expressions: five fields (minute, hour, day of month, month, day of week) or @yearly, @annually,
 * @monthly, @weekly, @daily, @midnight, @hourly. Pure.
 *
 *   field  := item[,item...]        item := * | ? | a | a-b | either with /step | a/step (a to the end)
 *   months and days of the week also by their first three letters; Sunday is 0 and 7
 *
 * When both days are restricted (neither begins with *), either counts, as in Vixie cron (crontab(5)).
 * Daylight rules (as there): a fixed time that a clock put forward jumps over fires at the jump's end, once;
 * one that a clock put back shows twice fires the first time only. Where the hour is *, every real
 * matching minute fires.
 */
#include "base/err.h"
#include "base/zone.h"

struct cron {
    uint64_t minutes; /* bit per value */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field began with * */
    bool any_hour;
};

/* E_INPUT says which field is wrong and how. White space around and between fields is free. */
int cron_parse(struct str text, struct cron *ret_cron, struct err *err) _must_check_;
/* The first instant after `after_ms` (unix ms, whole minute); E_NOT_FOUND when there is none in the next
 * nine years (February 30). */
int cron_next(const struct cron *c, const struct zone *z, int64_t after_ms, int64_t *ret_at_ms)
    _must_check_;
