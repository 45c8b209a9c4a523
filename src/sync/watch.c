/*
 * Live progress of a tenant's runs, whichever process works on them: the store is asked every second.
 *
 * The happy path sends the present state of both kinds, then what changed: new messages, progress, the end.
 * Ends when the reader leaves (the sink's error) or the flow is cancelled; a database that is away is waited for.
 * Invariant: each message of a run is sent once.
 */
#include "sync/run.h"

#include <errno.h>
#include <string.h>

#include "base/wall.h"

enum { POLL_MS = 1000 };

/* What was sent of the newest run of a kind. */
struct watched {
    char id[37];
    bool ended;
    int64_t done_count, failed_count, fetched_count, written_count;
    size_t error_count;
};

struct watch {
    struct sync *sync;
    const struct caller *who;
    struct sink *out;
    struct watched kinds[VECTOR_COLLECTION_COUNT];
};

/* What only this process knows. */
static const struct run *find_run(const struct sync *s, const char *id)
{
    list_each (n, &s->runs) {
        const struct run *run = list_entry(n, struct run, node);
        if (strcmp(run->id, id) == 0)
            return run;
    }
    return NULL;
}

static struct run_view view_of(const struct watch *w, const struct sync_run *r, const char *state)
{
    const struct run *ours = find_run(w->sync, r->id);
    int64_t end = r->finished_at == WALL_NONE ? wall_now_ms() : r->finished_at;
    return (struct run_view){
        .id = r->id,
        .state = state,
        .collection = r->kind,
        .total_count = ours ? ours->total_count : r->total_count,
        .fetched_count = ours ? ours->fetched_count : -1,
        .done_count = ours ? ours->done_count : r->done_count,
        .written_count = ours ? ours->written_count : r->written_count,
        .skipped_count = ours ? ours->skipped_count : r->skipped_count,
        .failed_count = ours ? ours->failed_count : r->failed_count,
        .embedded_count = ours ? ours->embedded_count : -1,
        .elapsed_s = (double)MAX(end - r->started_at, 0) / 1000,
        .wait = ours ? run_wait_of(ours) : (struct run_wait){.account = NULL},
    };
}

static int tell(struct flow *f, struct watch *w, const struct sync_run *r)
{
    struct watched *known = &w->kinds[r->kind];
    if (strcmp(known->id, r->id) != 0) {
        *known = (struct watched){.done_count = -1};
        memcpy(known->id, r->id, sizeof(known->id));
    }
    for (; known->error_count < r->error_count; known->error_count++) {
        int e = events_error(f, w->out, r->id, r->errors[known->error_count]);
        if (e < 0)
            return e;
    }
    bool ended = !str_eq(r->state, STR("running"));
    struct run_view v = view_of(w, r, arena_text(&f->arena, r->state));
    bool same = v.done_count == known->done_count && v.fetched_count == known->fetched_count &&
                v.failed_count == known->failed_count && v.written_count == known->written_count;
    if (known->ended ||
        (same && !ended && !v.wait.account)) /* why nothing moves is worth telling */
        return 0;
    known->done_count = v.done_count;
    known->fetched_count = v.fetched_count;
    known->failed_count = v.failed_count;
    known->written_count = v.written_count;
    known->ended = ended;
    return events_progress(f, w->out, ended ? "sync.done" : "sync.progress", &v);
}

/* One look, in an arena of its own. */
static int look(struct flow *f, void *arg)
{
    struct watch *w = arg;
    for (int c = 0; c < VECTOR_COLLECTION_COUNT; c++) {
        struct sync_run *runs;
        size_t count;
        int r = sync_run_newest(f, w->sync->deps.pool, w->who->tenant_id, (enum vector_collection)c,
                                1, &runs, &count);
        if (r < 0)
            return r == -ECANCELED ? r : 0;
        r = count > 0 ? tell(f, w, &runs[0]) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

int sync_watch(struct flow *f, struct sync *s, const struct caller *who, struct sink *out)
{
    struct watch *w = ARENA_NEW(&f->arena, struct watch);
    w->sync = s;
    w->who = who;
    w->out = out;
    for (;;) {
        {
            _cleanup_(group_join) struct group g = GROUP_INIT(f);
            (void)group_spawn(&g, "sync.look", look, w);
            int r = group_wait(f, &g);
            if (r < 0 && r != E_OVERLOAD)
                return r;
        }
        int r = flow_sleep(f, POLL_MS);
        if (r < 0)
            return r;
    }
}
