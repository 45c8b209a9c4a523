#pragma once
/* Work the store needs now and then, whatever the tenants. */
#include "db/pg.h"

/* Makes the next months' partitions. Once a day, and at start. */
int store_upkeep(struct flow *f, struct pg_pool *p) _must_check_;
/* 0 when the database answers; its version text in the flow's arena. */
int store_health(struct flow *f, struct pg_pool *p, struct str *ret_version) _must_check_;
/* *ret_is_fresh: the database answers and none of our tables is there yet. */
int store_is_fresh(struct flow *f, struct pg_pool *p, bool *ret_is_fresh) _must_check_;
