/*
 * A run's frame: entered in the store, worked on, kept alive, ended.
 *
 *   begin -> group { heartbeat: sign of life, progress    work: tickets_walk or kb_walk } -> finish, result
 *
 * The happy path: counts and cursor are saved with each page and every few seconds; the end is written under a
 * shield, so a cancelled run is not left standing. Fails by: another run of the kind (E_BUSY), a wrong key,
 * a database or vector store that stays away; what was done until then is kept and the next run goes on.
 * A process that dies leaves a run without a sign of life; after STALE_MS the next begin takes its place.
 * Invariant: one writer of the run's row at a time, so that an older cursor never overwrites a newer one.
 */
#include "sync/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wall.h"
#include "upstream/llm.h"

enum {
    STALE_MS = 15000,
    TICK_MS = 1000,
    SAVE_TICKS = 3,
    WAIT_TICKS = 10,
    FINISH_MS = 10000,
    VECTORS_MS = 5000,
    RUNS_LOOKED_AT = 50,
    MESSAGE_BYTES_MAX = 500,
    PATIENCE_MS = 250, /* doubled each time, up to */
    PATIENCE_MS_MAX = 8000,
    PATIENCE_COUNT = 10,
};

struct sync *sync_new(struct loop *l, const struct sync_deps *deps)
{
    struct sync *s = mem_alloc(sizeof(*s));
    char id[37];
    uuid_v4(id);
    s->loop = l;
    s->deps = *deps;
    s->deps.embed_count_max = MAX(deps->embed_count_max, 1);
    s->deps.thread_count_max = MAX(deps->thread_count_max, 1);
    snprintf(s->owner, sizeof(s->owner), "%ld-%s", (long)getpid(), id);
    list_init(&s->runs);
    return s;
}

void sync_free(struct sync *s)
{
    mem_free(s);
}

/* ---- patience ---- */

bool run_is_fatal(int code)
{
    switch (code) {
    case -ECANCELED:
    case E_UPSTREAM_AUTH:
    case E_DB_AWAY:
    case E_DB_RETRY:
    case E_DB:
    case E_VECTORS_AWAY:
    case E_CONFIG:
    case E_BUSY:
    case E_OVERLOAD: return true;
    default: return false;
    }
}

bool patience_again(struct flow *f, struct patience *p, int *r)
{
    bool away = *r == E_DB_AWAY || *r == E_DB_RETRY || *r == E_VECTORS_AWAY || *r == E_CIRCUIT;
    if (!away || p->attempt_count >= PATIENCE_COUNT)
        return false;
    uint64_t ms = MIN((uint64_t)PATIENCE_MS << p->attempt_count, (uint64_t)PATIENCE_MS_MAX);
    log_debug("sync.wait", "code=%s ms=%" PRIu64, err_name(*r), ms);
    p->attempt_count++;
    int slept = flow_sleep(f, ms);
    if (slept < 0)
        *r = slept;
    return slept >= 0;
}

/* ---- counts, messages ---- */

void run_note(struct run *run, struct str message)
{
    if (run->error_count < SYNC_ERRORS_MAX)
        run->errors[run->error_count++] = arena_str(&run->flow->arena,
                                                    str_cut_utf8(message, MESSAGE_BYTES_MAX));
}

int run_fail_item(struct flow *f, struct run *run, int64_t id, struct str reason)
{
    struct str message = arena_printf(&f->arena, "Failed to process %s %" PRId64 ": %.*s",
                                      run->collection == VECTORS_KB ? "KB article" : "ticket", id,
                                      STR_ARG(str_cut_utf8(reason, MESSAGE_BYTES_MAX)));
    log_warn("sync.item", "run=%s kind=%s id=%" PRId64 " why=\"%.*s\"", run->id,
             vector_collection_kind(run->collection), id, STR_ARG(str_cut_utf8(reason, 200)));
    int r = PATIENT(f, sync_retry_put(f, run->sync->deps.pool, run->who->tenant_id, run->collection,
                                      id, reason));
    if (r < 0)
        return r;
    run->failed_count++;
    run_note(run, message);
    return run->out ? events_error(f, run->out, run->id, message) : 0;
}

int run_thread_take(struct flow *f, struct run *run)
{
    while (run->thread_count >= run->sync->deps.thread_count_max) {
        int r = cond_wait(f, &run->thread_free);
        if (r < 0)
            return r;
    }
    run->thread_count++;
    return 0;
}

void run_thread_give(struct run *run)
{
    run->thread_count--;
    cond_signal(&run->thread_free);
}

/* ---- the run's row ---- */

static struct sync_progress progress_of(struct flow *f, const struct run *run)
{
    return (struct sync_progress){
        .total_count = run->total_count,
        .done_count = run->done_count,
        .written_count = run->written_count,
        .skipped_count = run->skipped_count,
        .failed_count = run->failed_count,
        .cursor = cursor_write(&f->arena, &run->cursor, run->salt),
        .errors = run->errors,
        .error_count = run->error_count,
    };
}

static int save_once(struct flow *f, struct run *run)
{
    struct sync_progress progress = progress_of(f, run);
    return sync_run_progress(f, run->sync->deps.pool, run->who->tenant_id, run->id, &progress);
}

static int save_lock(struct flow *f, struct run *run)
{
    while (run->saving) {
        int r = cond_wait(f, &run->saved);
        if (r < 0)
            return r;
    }
    run->saving = true;
    return 0;
}

static void save_unlock(struct run *run)
{
    run->saving = false;
    cond_signal(&run->saved);
}

int run_save(struct flow *f, struct run *run)
{
    int r = save_lock(f, run);
    if (r < 0)
        return r;
    r = PATIENT(f, save_once(f, run));
    save_unlock(run);
    return r;
}

/* One tick: waits a second; true while the work goes on. */
static int tick(struct flow *f, struct run *run)
{
    _cleanup_(deadline_done) struct deadline d = deadline(f, TICK_MS);
    int r = cond_wait(f, &run->ended);
    if (run->over)
        return 0;
    return r == -ETIMEDOUT || r >= 0 ? 1 : r;
}

/* A beat in an arena of its own. Only a run that was taken over is told to end. */
static int beat(struct flow *f, void *arg)
{
    struct run *run = arg;
    int r = save_lock(f, run);
    if (r < 0)
        return r;
    r = save_once(f, run);
    save_unlock(run);
    return r == E_BUSY || r == -ECANCELED ? r : 0;
}

/* A run that waits for its budget looks stuck: the log says what for, and what would help. */
static void tell_wait(const struct run *run, int64_t *known_count)
{
    struct run_wait wait = run_wait_of(run);
    if (wait.account && *known_count == run->done_count)
        log_info("sync.waiting", "run=%s done=%" PRId64 " account=\"%s\" calls=%zu per_minute=%.0f",
                 run->id, run->done_count, wait.account, wait.call_count, wait.per_minute);
    *known_count = run->done_count;
}

static int heartbeat(struct flow *f, void *arg)
{
    struct run *run = arg;
    int64_t known_count = 0;
    for (int i = 1;; i++) {
        int r = tick(f, run);
        if (r <= 0)
            return r;
        r = run_tell(f, run, "sync.progress", "running");
        if (r < 0)
            return r;
        if (i % WAIT_TICKS == 0)
            tell_wait(run, &known_count);
        if (i % SAVE_TICKS != 0)
            continue;
        _cleanup_(group_join) struct group g = GROUP_INIT(f);
        (void)group_spawn(&g, "sync.beat", beat, run);
        r = group_wait(f, &g);
        if (r < 0 && r != E_OVERLOAD)
            return r;
    }
}

static int work(struct flow *f, void *arg)
{
    struct run *run = arg;
    int r = run->wish.source            ? source_walk(f, run)
            : run->wish.kind == SYNC_KB ? kb_walk(f, run)
                                        : tickets_walk(f, run);
    run->over = true;
    cond_broadcast(&run->ended);
    return r;
}

static int run_work(struct flow *f, struct run *run)
{
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    (void)group_spawn(&g, "sync.heartbeat", heartbeat, run);
    (void)group_spawn(&g, "sync.work", work, run);
    return group_wait(f, &g);
}

/* ---- begin and end ---- */

static int cursor_load(struct flow *f, struct run *run)
{
    struct sync_run *runs;
    size_t count;
    int r = PATIENT(f, sync_run_newest(f, run->sync->deps.pool, run->who->tenant_id,
                                       run->collection, RUNS_LOOKED_AT, &runs, &count));
    if (r < 0)
        return r;
    size_t i = 0;
    while (i < count && runs[i].cursor.len == 0)
        i++;
    cursor_read(&f->arena, i < count ? runs[i].cursor : STR_NONE, run->salt, &run->cursor);
    return run_save(f, run); /* carried on, whatever becomes of this run */
}

struct str sync_salt(struct arena *a, const struct sync *s)
{
    return arena_printf(a, "%s|%s|%s", vectors_home(s->deps.vectors),
                        embedder_model(s->deps.embedder), s->deps.llm ? "model1" : "split2");
}

void sync_texts(struct arena *a, const struct ticket *t, const struct conversation *talks,
                size_t talk_count, struct item_texts *ret_texts)
{
    split_ticket(a, t, talks, talk_count, ret_texts);
}

static void run_init(struct flow *f, struct run *run, struct sync *s, const struct caller *who,
                     const struct sync_wish *wish, struct sink *out)
{
    *run = (struct run){
        .sync = s,
        .flow = f,
        .who = who,
        .wish = *wish,
        .collection = wish->kind == SYNC_KB ? VECTORS_KB : VECTORS_TICKETS,
        .out = out,
        .salt = sync_salt(&f->arena, s),
        .as = {.domain = who->domain, .api_key = who->api_key, .priority = PRIORITY_BULK},
        .tenant = {.id = who->tenant_id, .company = who->company},
        .began_at = loop_wall_ms(s->loop),
        .began_ns = loop_now_ns(s->loop),
        .errors = ARENA_ARRAY(&f->arena, SYNC_ERRORS_MAX, struct str),
    };
    list_init(&run->node);
}

/* A run that could write nothing is not begun. */
static int check_vectors(struct flow *f, struct sync *s)
{
    struct str note;
    int r;
    {
        _cleanup_(deadline_done) struct deadline d = deadline(f, VECTORS_MS);
        r = vectors_health(f, s->deps.vectors, &note);
    }
    if (r == -ETIMEDOUT && flow_check(f) == 0)
        return err_set(&f->err, E_VECTORS_AWAY, "the vector store does not answer");
    return MIN(r, 0);
}

/* Not patient: who asks for a run is told at once that a store is away. */
static int run_begin(struct flow *f, struct run *run)
{
    struct sync *s = run->sync;
    int r = check_vectors(f, s);
    if (r < 0)
        return r;
    return sync_run_begin(f, s->deps.pool, run->who->tenant_id, run->collection, str_from(s->owner),
                          run->wish.since, run->wish.limit, STALE_MS, run->id);
}

/* Writes the end; under the caller's shield. */
static int run_finish(struct flow *f, struct run *run, bool failed)
{
    struct sync_progress progress = progress_of(f, run);
    int r = PATIENT(f, sync_run_finish(f, run->sync->deps.pool, run->who->tenant_id, run->id,
                                       failed, &progress));
    if (r < 0)
        log_warn("sync.finish", "run=%s code=%s why=\"%s\"", run->id, err_name(r), f->err.msg);
    return r;
}

static void result_fill(const struct run *run, struct sync_result *ret_result)
{
    *ret_result = (struct sync_result){
        .success = run->failed_count == 0 || run->written_count + run->skipped_count > 0,
        .total_count = run->total_count,
        .synced_count = run->written_count + run->skipped_count,
        .written_count = run->written_count,
        .skipped_count = run->skipped_count,
        .failed_count = run->failed_count,
        .embedded_count = run->embedded_count,
        .finished_at = loop_wall_ms(run->sync->loop),
        .errors = run->errors,
        .error_count = run->error_count,
    };
    memcpy(ret_result->run_id, run->id, sizeof(run->id));
}

/* The work of a run that is entered in the store already, and its end. */
static int run_whole(struct flow *f, struct run *run, struct sync_result *ret_result)
{
    list_push(&run->sync->runs, &run->node);
    int r = cursor_load(f, run);
    if (r >= 0)
        r = run_work(f, run);
    struct err err = f->err;
    if (r < 0)
        run_note(run, arena_printf(&f->arena, "%s sync failed: %s",
                                   run->collection == VECTORS_KB ? "KB" : "Ticket",
                                   err.msg[0] ? err.msg : err_text(r)));
    else
        run->total_count = run->done_count;
    {
        _cleanup_(shield_done) struct shield s = flow_shield(f, FINISH_MS);
        int finished = run_finish(f, run, r < 0);
        if (r >= 0 && finished < 0) {
            r = finished;
            err = f->err;
        }
        int told = run_tell(f, run, "sync.done", r < 0 ? "failed" : "done");
        if (told < 0)
            log_debug("sync.tell", "run=%s code=%s", run->id, err_name(told));
    }
    list_remove(&run->node);
    log_info("sync.end",
             "run=%s kind=%s state=%s done=%" PRId64 " written=%" PRId64 " skipped=%" PRId64
             " failed=%" PRId64 " embedded=%" PRId64,
             run->id, vector_collection_kind(run->collection), r < 0 ? err_name(r) : "done",
             run->done_count, run->written_count, run->skipped_count, run->failed_count,
             run->embedded_count);
    f->err = err;
    if (r >= 0 && ret_result)
        result_fill(run, ret_result);
    return MIN(r, 0);
}

int sync_run(struct flow *f, struct sync *s, const struct caller *who, const struct sync_wish *wish,
             struct sink *out, struct sync_result *ret_result)
{
    struct run *run = ARENA_NEW(&f->arena, struct run);
    run_init(f, run, s, who, wish, out);
    int r = run_begin(f, run);
    return r < 0 ? r : run_whole(f, run, ret_result);
}

/* ---- in the background ---- */

struct background {
    struct sync *sync;
    struct caller who;
    struct sync_wish wish;
    char id[37];
    char *company, *domain, *api_key;
};

static void background_free(struct background *b)
{
    mem_free(b->company);
    mem_free(b->domain);
    mem_free(b->api_key);
    mem_free(b);
}

static void on_background_end(void *arg, int status)
{
    (void)status;
    background_free(arg);
}

static char *copy(struct str s)
{
    char *text = mem_alloc(s.len + 1);
    if (s.len > 0)
        memcpy(text, s.ptr, s.len);
    return text;
}

static int background(struct flow *f, void *arg)
{
    struct background *b = arg;
    struct run *run = ARENA_NEW(&f->arena, struct run);
    run_init(f, run, b->sync, &b->who, &b->wish, NULL);
    memcpy(run->id, b->id, sizeof(run->id));
    int r = run_whole(f, run, NULL);
    if (r < 0 && r != -ECANCELED)
        log_error("sync.run", "run=%s code=%s why=\"%s\"", b->id, err_name(r), f->err.msg);
    return 0; /* its failure is in the store, and no matter of its siblings */
}

int sync_start(struct flow *f, struct sync *s, const struct caller *who,
               const struct sync_wish *wish, char ret_run_id[37])
{
    if (!s->deps.group)
        return err_set(&f->err, E_CONFIG, "no runs in the background here");
    struct run *run = ARENA_NEW(&f->arena, struct run);
    run_init(f, run, s, who, wish, NULL);
    int r = run_begin(f, run);
    if (r < 0)
        return r;
    struct background *b = mem_alloc(sizeof(*b));
    *b = (struct background){.sync = s,
                             .wish = *wish,
                             .company = copy(who->company),
                             .domain = copy(who->domain),
                             .api_key = copy(who->api_key)};
    b->who = (struct caller){.tenant_id = who->tenant_id,
                             .company = str_from(b->company),
                             .domain = str_from(b->domain),
                             .api_key = str_from(b->api_key)};
    memcpy(b->id, run->id, sizeof(b->id));
    r = group_spawn_watched(s->deps.group, "sync", background, b, on_background_end);
    if (r < 0) {
        background_free(b);
        struct err err = s->deps.group->err;
        _cleanup_(shield_done) struct shield shield = flow_shield(f, FINISH_MS);
        if (run_finish(f, run, true) < 0)
            log_debug("sync.start", "run=%s stays until it is stale", run->id);
        return err_set(&f->err, r, "%s", err.msg[0] ? err.msg : err_text(r));
    }
    memcpy(ret_run_id, run->id, sizeof(run->id));
    return 0;
}

/* ---- overview ---- */

int sync_overview(struct flow *f, struct sync *s, const struct caller *who,
                  struct sync_overview *ret_overview)
{
    struct sync_status status;
    int r = sync_status(f, s->deps.pool, who->tenant_id, &status);
    if (r < 0)
        return r;
    int64_t counts[VECTOR_COLLECTION_COUNT] = {0, 0};
    struct vector_tenant t = {.id = who->tenant_id, .company = who->company};
    for (int c = 0; c < VECTOR_COLLECTION_COUNT; c++) {
        r = vectors_count(f, s->deps.vectors, &t, (enum vector_collection)c, &counts[c]);
        if (r == -ECANCELED)
            return r;
        if (r < 0)
            counts[c] = 0;
    }
    *ret_overview = (struct sync_overview){
        .last_ticket_at = status.last_at[VECTORS_TICKETS],
        .last_kb_at = status.last_at[VECTORS_KB],
        .ticket_count = counts[VECTORS_TICKETS],
        .kb_count = counts[VECTORS_KB],
        .running = status.running[VECTORS_TICKETS] || status.running[VECTORS_KB],
        .kind_running = {[SYNC_TICKETS] = status.running[VECTORS_TICKETS],
                         [SYNC_KB] = status.running[VECTORS_KB]},
    };
    return 0;
}
