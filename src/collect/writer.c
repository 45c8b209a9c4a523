/*
 * collect/writer.c: serialises access to the archive.
 *
 * Happy path: a flow queues its records; if nobody writes it takes the whole queue to a pool thread, again
 * and again until the queue is empty; the others sleep until theirs are settled. So the more flows put, the
 * larger the batches.
 * Fails with the archive's error, which is kept for all later calls.
 * Invariant: no flow returns while a record of its own is queued or being written.
 */
#include "collect/writer.h"

#define SHIELD_MS (UINT64_C(24) * 3600 * 1000)

struct job {
    struct archive *archive;
    struct list records;
    writer_fn *fn;
    void *arg;
    struct err err;
};

void writer_init(struct writer *w, struct archive *a)
{
    *w = (struct writer){.archive = a};
    list_init(&w->queue);
}

static int run_job(void *arg)
{
    struct job *j = arg;
    j->err.msg[0] = '\0';
    return j->fn ? j->fn(j->archive, j->arg, &j->err)
                 : archive_write(j->archive, &j->records, &j->err);
}

/* What a job gave, kept when it failed. */
static int settle(struct flow *f, struct writer *w, int r, const struct job *j)
{
    if (r >= 0)
        return r;
    if (w->status >= 0) {
        w->status = r;
        w->err = j->err;
        if (w->err.msg[0] == '\0')
            err_set(&w->err, r, "%s", f->err.msg);
    }
    return err_set(&f->err, w->status, "%s", w->err.msg);
}

static int lead(struct flow *f, struct writer *w)
{
    w->is_busy = true;
    while (!list_empty(&w->queue)) {
        struct job j = {.archive = w->archive};
        uint64_t upto = w->put_count;
        list_init(&j.records);
        for (struct list *n = list_shift(&w->queue); n; n = list_shift(&w->queue))
            list_push(&j.records, n);
        int r = w->status < 0 ? w->status : work_run(f, run_job, &j);
        (void)settle(f, w, r, &j);
        w->over_count = upto;
        cond_broadcast(&w->changed);
    }
    w->is_busy = false;
    cond_broadcast(&w->changed);
    return w->status;
}

/* Under a shield: waits for a change whatever the flow's state. */
static void wait_changed(struct flow *f, struct writer *w)
{
    int r = cond_wait(f, &w->changed);
    (void)r; /* the caller looks again */
}

int writer_put(struct flow *f, struct writer *w, struct record *records, size_t count)
{
    _cleanup_(shield_done) struct shield s = flow_shield(f, SHIELD_MS);
    for (size_t i = 0; i < count; i++)
        list_push(&w->queue, &records[i].node);
    w->put_count += count;
    uint64_t mine = w->put_count;
    while (w->is_busy && w->over_count < mine)
        wait_changed(f, w);
    if (w->over_count < mine)
        lead(f, w);
    return w->status < 0 ? err_set(&f->err, w->status, "%s", w->err.msg) : 0;
}

int writer_tell(struct flow *f, struct writer *w, struct str line)
{
    struct record rec = {.kind = RECORD_LINE, .line = line};
    return writer_put(f, w, &rec, 1);
}

int writer_run(struct flow *f, struct writer *w, writer_fn *fn, void *arg)
{
    _cleanup_(shield_done) struct shield s = flow_shield(f, SHIELD_MS);
    while (w->is_busy)
        wait_changed(f, w);
    if (w->status < 0)
        return err_set(&f->err, w->status, "%s", w->err.msg);
    struct job j = {.archive = w->archive, .fn = fn, .arg = arg};
    w->is_busy = true;
    int r = work_run(f, run_job, &j);
    r = settle(f, w, r, &j);
    w->is_busy = false;
    if (!list_empty(&w->queue))
        lead(f, w);
    cond_broadcast(&w->changed);
    return r;
}
