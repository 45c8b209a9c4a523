/*
 * One run looked up by its id, whichever process works on it.
 *
 * The happy path is one row of the store. Fails by: an id that is none or belongs to another tenant
 * (E_NOT_FOUND), a database that is away. Invariant: counts are those last saved, a few seconds old at most.
 */
#include <string.h>

#include "sync/run.h"

int sync_job(struct flow *f, struct sync *s, const struct caller *who, struct str id,
             struct sync_job *ret_job)
{
    struct sync_run run;
    if (id.len != sizeof(run.id) - 1 || memchr(id.ptr, 0, id.len))
        return err_set(&f->err, E_NOT_FOUND, "there is no such sync run");
    int r = sync_run_get(f, s->deps.pool, who->tenant_id, arena_text(&f->arena, id), &run);
    if (r < 0)
        return r;
    *ret_job = (struct sync_job){
        .kind = run.kind == VECTORS_KB ? SYNC_KB : SYNC_TICKETS,
        .state = arena_text(&f->arena, run.state),
        .total_count = run.total_count,
        .done_count = run.done_count,
        .written_count = run.written_count,
        .skipped_count = run.skipped_count,
        .failed_count = run.failed_count,
        .started_at = run.started_at,
        .finished_at = run.finished_at,
        .errors = run.errors,
        .error_count = run.error_count,
    };
    memcpy(ret_job->id, run.id, sizeof(run.id));
    return 0;
}
