/*
 * cli/run.c: gives a command its loop.
 *
 * The happy path: a loop, a first flow that watches for SIGINT and SIGTERM in a child, the command's own
 * flow as the other child; when that one ends the watcher is cancelled and everything is released.
 *
 * Fails by: the command's error, told once on stderr, status 1. A signal cancels the command, which then
 * ends with -ECANCELED: status 1 too, told as "stopped". A second signal ends the program at once.
 *
 * Invariant: loop_free proves that nothing was left behind.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"

struct run {
    flow_fn *fn;
    void *arg;
    struct group *group; /* the command's */
};

static int watch(struct flow *f, void *arg)
{
    static const int signals[] = {SIGINT, SIGTERM};
    struct run *run = arg;
    for (bool again = false;; again = true) {
        int number = signal_wait(f, signals, ARRAY_COUNT(signals));
        if (number < 0)
            return number;
        if (again)
            _exit(128 + number);
        fputs("deskstream: stopping; once more ends at once\n", stderr);
        group_cancel(run->group);
    }
}

static int first(struct flow *f, void *arg)
{
    struct run *run = arg;
    _cleanup_(group_join) struct group watchers = GROUP_INIT_ALL(f);
    _cleanup_(group_join) struct group commands = GROUP_INIT(f);
    run->group = &commands;
    int r = group_spawn(&watchers, "cli.signals", watch, run);
    if (r >= 0)
        r = group_spawn(&commands, "cli.command", run->fn, run->arg);
    return r < 0 ? r : group_wait(f, &commands);
}

int cli_run_bare(struct cli *cli, const char *name, flow_fn *fn, void *arg)
{
    struct run run = {.fn = fn, .arg = arg};
    struct loop_spec spec = {.flow_count_max = (size_t)cli->config.flow_count_max};
    struct loop *l = loop_new(&spec);
    struct err err = {0};
    int r = loop_run(l, name, first, &run, &err);
    loop_free(l);
    if (r == -ECANCELED)
        fprintf(stderr, "deskstream %s: stopped\n", cli->command->name);
    else if (r < 0)
        fprintf(stderr, "deskstream %s: %s\n", cli->command->name,
                err.msg[0] != '\0' ? err.msg : err_text(r));
    return r < 0 ? 1 : 0;
}
