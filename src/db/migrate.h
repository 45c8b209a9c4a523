#pragma once
/* Numbered SQL files compiled into the program, applied in order under an advisory lock, each in one
 * transaction, forward only. A file whose text changed after it was applied is an error. */
#include <stddef.h>

#include "db/pg.h"

struct migration {
    int number;
    const char *name;
    const char *sql;
};
extern const struct migration migrations[];
extern const size_t migration_count;

/* Applies what is missing; *ret_applied counts it (may be NULL). Waits while another process migrates. */
int migrate_run(struct flow *f, struct pg_pool *p, int *ret_applied) _must_check_;
/* The same with another list, in ascending order of numbers (tests). */
int migrate_apply(struct flow *f, struct pg_pool *p, const struct migration *list, size_t count,
                  int *ret_applied) _must_check_;
