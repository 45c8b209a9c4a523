#pragma once
/*
 * One archive, many flows: batches are gathered and written by whoever comes first, on a pool thread, while
 * the others wait. A failed write stays: everything after it fails the same way.
 */
#include "collect/archive.h"
#include "loop/flow.h"

struct writer {
    struct archive *archive;
    struct list queue;              /* records that wait */
    uint64_t put_count, over_count; /* records ever put, and those of them that are settled */
    bool is_busy;
    struct cond changed;
    int status;
    struct err err;
};
void writer_init(struct writer *w, struct archive *a);
/* Writes `count` records and waits until they are settled, also when the flow is cancelled meanwhile: their
 * memory may be the flow's. */
int writer_put(struct flow *f, struct writer *w, struct record *records, size_t count) _must_check_;
/* One line for the ledger. */
int writer_tell(struct flow *f, struct writer *w, struct str line) _must_check_;
/* Runs fn(archive, arg) alone, on a pool thread. */
typedef int writer_fn(struct archive *a, void *arg, struct err *err);
int writer_run(struct flow *f, struct writer *w, writer_fn *fn, void *arg) _must_check_;
