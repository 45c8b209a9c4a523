#pragma once
/*
 * Collections that a server runs: at most one a tenant, in the background, each in the tenant's folder. Asked
 * for again it goes on where the last one ended (collect/collect.h).
 */
#include "base/caller.h"
#include "collect/collect.h"

struct collect_jobs;
struct group;

struct collect_jobs_deps {
    struct collect_deps deps; /* who it is for comes with each run */
    struct collect_spec spec; /* what the settings say; `dir` holds a folder for each tenant */
    struct group *group;      /* runs are its children; NULL: none can begin */
};
/* The texts in `deps` must outlive it. */
struct collect_jobs *collect_jobs_new(struct loop *l, const struct collect_jobs_deps *deps);
void collect_jobs_free(struct collect_jobs *s); /* NULL is fine; no run is alive */

struct collect_wish {
    uint64_t ticket_count_max; /* 0: all */
    int64_t from_s, to_s;      /* as in collect_spec */
    bool talks, attachments, archived, to_postgres;
};
/* Begins a run. E_BUSY while one runs for the tenant in this process; a folder in use by another process ends
 * the run at once with E_BUSY. */
int collect_start(struct flow *f, struct collect_jobs *s, const struct caller *who,
                  const struct collect_wish *wish, char ret_id[37]) _must_check_;
/* Asks the tenant's run to end; what was fetched is kept. E_NOT_FOUND when none runs. */
int collect_cancel(struct flow *f, struct collect_jobs *s, const struct caller *who) _must_check_;

enum collect_state {
    COLLECT_IDLE,
    COLLECT_RUNNING,
    COLLECT_STOPPING,
    COLLECT_COMPLETED,
    COLLECT_CANCELLED,
    COLLECT_FAILED
};
const char *collect_state_name(enum collect_state s);
/* The tenant's run, or its last one in this process. Valid until the next wait. */
struct collect_view {
    enum collect_state state;
    const char *id;                  /* "" when idle */
    int64_t started_at, finished_at; /* unix ms; WALL_NONE */
    struct collect_progress progress;
    const char *error; /* "" */
};
void collect_look(const struct collect_jobs *s, const struct caller *who,
                  struct collect_view *ret_view);
