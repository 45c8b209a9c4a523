/*
 * collect/jobs.c: collections in the background of a server.
 *
 *   start -> job (one a tenant, kept after its end for who asks) -> flow: collect_run, then the result files
 *
 * Happy path: the run tells its numbers every second; they are there for whoever asks. A cancel ends the run's
 * group; the run saves its progress and the job is told cancelled.
 * Fails as collect_run does: the message stays with the job.
 * Invariant: a job's memory changes only on the loop, and it is not freed before its flow has ended.
 */
#include "collect/jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/wall.h"

#define TELL_MS 1000

struct job {
    struct list node;
    struct collect_jobs *jobs;
    struct collect_watcher watcher;
    int64_t tenant_id;
    char id[37];
    enum collect_state state;
    int64_t started_at, finished_at;
    struct collect_wish wish;
    char *dir, *domain, *api_key; /* while it runs */
    struct group *group;          /* of the run, while it can be cancelled */
    struct collect_progress progress;
    char error[256];
};
struct collect_jobs {
    struct loop *loop;
    struct collect_jobs_deps deps;
    struct list jobs;
};

const char *collect_state_name(enum collect_state s)
{
    static const char *const names[] = {"idle",      "running",   "stopping",
                                        "completed", "cancelled", "failed"};
    return names[s];
}

struct collect_jobs *collect_jobs_new(struct loop *l, const struct collect_jobs_deps *deps)
{
    struct collect_jobs *s = mem_alloc(sizeof(*s));
    *s = (struct collect_jobs){.loop = l, .deps = *deps};
    list_init(&s->jobs);
    return s;
}

static void forget_run(struct job *j)
{
    char **const texts[] = {&j->dir, &j->domain, &j->api_key};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        mem_free(*texts[i]);
        *texts[i] = NULL;
    }
}

void collect_jobs_free(struct collect_jobs *s)
{
    if (s == NULL)
        return;
    for (struct list *n = list_shift(&s->jobs); n; n = list_shift(&s->jobs)) {
        struct job *j = list_entry(n, struct job, node);
        forget_run(j);
        mem_free(j);
    }
    mem_free(s);
}

static struct job *find(const struct collect_jobs *s, int64_t tenant_id)
{
    list_each (n, &s->jobs) {
        struct job *j = list_entry(n, struct job, node);
        if (j->tenant_id == tenant_id)
            return j;
    }
    return NULL;
}

static bool is_alive(const struct job *j)
{
    return j->state == COLLECT_RUNNING || j->state == COLLECT_STOPPING;
}

/* ---- the run ---- */

static void told(struct collect_watcher *w, const struct collect_progress *p)
{
    container_of(w, struct job, watcher)->progress = *p;
}

static int collect(struct flow *f, void *arg)
{
    struct job *j = arg;
    const struct collect_jobs_deps *d = &j->jobs->deps;
    struct collect_deps deps = d->deps;
    struct collect_spec spec = d->spec;
    deps.as = (struct freshdesk_as){str_from(j->domain), str_from(j->api_key), PRIORITY_BULK};
    deps.tenant_id = j->tenant_id;
    j->watcher = (struct collect_watcher){told, TELL_MS};
    spec.dir = j->dir;
    spec.mode = j->wish.ticket_count_max ? "small" : "full";
    spec.ticket_count_max = j->wish.ticket_count_max;
    spec.from_s = j->wish.from_s;
    spec.to_s = j->wish.to_s;
    spec.talks = j->wish.talks;
    spec.attachments = j->wish.attachments;
    spec.archived = j->wish.archived;
    spec.to_postgres = j->wish.to_postgres;
    spec.watcher = &j->watcher;
    struct collect_report report = {.is_complete = false};
    int r = collect_run(f, &deps, &spec, &report);
    j->progress = report.last;
    struct collect_export export = {.gzip = false};
    return r < 0 ? r : collect_export(f, j->dir, &export);
}

static int job_run(struct flow *f, void *arg)
{
    struct job *j = arg;
    _cleanup_(group_join) struct group g = GROUP_INIT(f);
    j->group = &g;
    int r = j->state == COLLECT_STOPPING ? -ECANCELED : group_spawn(&g, "collect", collect, j);
    if (r >= 0)
        r = group_wait(f, &g);
    struct err err = f->err;
    j->group = NULL;
    group_join(&g);
    j->state = r >= 0 ? COLLECT_COMPLETED : r == -ECANCELED ? COLLECT_CANCELLED : COLLECT_FAILED;
    if (r < 0 && r != -ECANCELED) {
        snprintf(j->error, sizeof(j->error), "%s", err_public(&err, r));
        log_error("collect.run", "run=%s code=%s why=\"%s\"", j->id, err_name(r), err.msg);
    }
    log_info("collect.end", "run=%s state=%s held=%" PRIu64, j->id, collect_state_name(j->state),
             j->progress.held_count);
    return 0;
}

static void on_job_end(void *arg, int status)
{
    struct job *j = arg;
    if (is_alive(j)) /* it never began */
        j->state = status == -ECANCELED ? COLLECT_CANCELLED : COLLECT_FAILED;
    j->finished_at = loop_wall_ms(j->jobs->loop);
    forget_run(j);
}

static char *copy(struct str s)
{
    char *text = mem_alloc(s.len + 1);
    if (s.len > 0)
        memcpy(text, s.ptr, s.len);
    return text;
}

int collect_start(struct flow *f, struct collect_jobs *s, const struct caller *who,
                  const struct collect_wish *wish, char ret_id[37])
{
    struct job *j = find(s, who->tenant_id);
    if (s->deps.group == NULL)
        return err_set(&f->err, E_CONFIG, "no collections in the background here");
    if (j && is_alive(j))
        return err_set(&f->err, E_BUSY, "Collection already in progress");
    if (j == NULL) {
        j = mem_alloc(sizeof(*j));
        j->jobs = s;
        j->tenant_id = who->tenant_id;
        list_push(&s->jobs, &j->node);
    }
    forget_run(j);
    uuid_v4(j->id);
    j->state = COLLECT_RUNNING;
    j->started_at = loop_wall_ms(s->loop);
    j->finished_at = WALL_NONE;
    j->wish = *wish;
    j->progress = (struct collect_progress){0};
    j->error[0] = '\0';
    j->dir = copy(arena_printf(&f->arena, "%s/%.*s", s->deps.spec.dir, STR_ARG(who->company)));
    j->domain = copy(who->domain);
    j->api_key = copy(who->api_key);
    int r = group_spawn_watched(s->deps.group, "collect.job", job_run, j, on_job_end);
    if (r < 0) {
        on_job_end(j, r);
        return err_set(&f->err, r, "%s", err_text(r));
    }
    memcpy(ret_id, j->id, sizeof(j->id));
    return 0;
}

int collect_cancel(struct flow *f, struct collect_jobs *s, const struct caller *who)
{
    struct job *j = find(s, who->tenant_id);
    if (j == NULL || !is_alive(j))
        return err_set(&f->err, E_NOT_FOUND, "No collection in progress");
    j->state = COLLECT_STOPPING;
    if (j->group)
        group_cancel(j->group);
    return 0;
}

void collect_look(const struct collect_jobs *s, const struct caller *who,
                  struct collect_view *ret_view)
{
    const struct job *j = find(s, who->tenant_id);
    *ret_view = (struct collect_view){.state = COLLECT_IDLE,
                                      .id = "",
                                      .started_at = WALL_NONE,
                                      .finished_at = WALL_NONE,
                                      .error = ""};
    if (j)
        *ret_view = (struct collect_view){.state = j->state,
                                          .id = j->id,
                                          .started_at = j->started_at,
                                          .finished_at = j->finished_at,
                                          .progress = j->progress,
                                          .error = j->error};
}
