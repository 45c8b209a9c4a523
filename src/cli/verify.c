/*
 * cli/verify.c: `deskstream verify`: does the folder hold the account?
 *
 * The happy path ends in "N expected, N held, 0 unexplained" and status 0. Anything that cannot be explained,
 * or a run that was not finished, is status 1; each difference is a line.
 * Invariant: nothing is written.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/collector.h"

struct job {
    const struct config *config;
    const char *dir;
    bool recount;
};

static void say(struct collect_verify *v, const char *line)
{
    (void)v;
    puts(line);
}

static int verify(struct flow *f, void *arg)
{
    const struct job *j = arg;
    _cleanup_(collector_close) struct collector_parts parts = COLLECTOR_PARTS_INIT;
    struct collect_verify v = {.dir = j->dir, .recount = j->recount, .say = say};
    struct collect_verdict verdict = {0};
    int r = 0;
    if (j->recount) {
        r = collector_open(f, j->config, &parts);
        v.deps = &parts.deps;
    }
    if (r >= 0)
        r = collect_verify(f, &v, &verdict);
    if (r < 0)
        return r;
    printf("%" PRIu64 " expected, %" PRIu64 " held, %" PRIu64 " unexplained\n", verdict.expected,
           verdict.held, verdict.unexplained);
    if (verdict.unexplained > 0)
        return err_set(&f->err, E_NOT_FOUND, "tickets are missing");
    return r > 0 ? 0 : err_set(&f->err, E_NOT_FOUND, "the collection is not complete");
}

int cli_verify(struct cli *cli)
{
    struct job job = {.dir = "freshdesk_full_data"};
    const struct cli_option options[] = {CLI_FLAG("--recount", &job.recount),
                                         CLI_TEXT("--out", &job.dir)};
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 1)
        return cli_usage(cli, "one folder, not \"%s\"", cli->words[1]);
    if (cli->word_count == 1)
        job.dir = cli->words[0];
    r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r;
    job.config = &cli->config;
    return cli_run_bare(cli, "verify", verify, &job);
}
