/*
 * cli/run_app.c: runs a command's flow with the app open.
 *
 * The happy path: app_open, app_prepare (migrations, collections), the command, app_close. Fails by: the
 * database or the vector store being away, or the command's own error; told once by cli_run_bare.
 * Invariant: the app is closed by the flow that opened it, after all that the command began has ended.
 */
#include "app.h"
#include "cli/cli.h"

struct run_app {
    const struct config *config;
    int (*fn)(struct flow *f, struct app *app, void *arg);
    void *arg;
};

static int run_app(struct flow *f, void *arg)
{
    const struct run_app *run = arg;
    _cleanup_(app_close) struct app app = APP_INIT;
    int r = app_open(f, run->config, NULL, &app);
    if (r >= 0)
        r = app_prepare(f, &app);
    return r < 0 ? r : run->fn(f, &app, run->arg);
}

int cli_run(struct cli *cli, const char *name,
            int (*fn)(struct flow *f, struct app *app, void *arg), void *arg)
{
    struct run_app run = {.config = &cli->config, .fn = fn, .arg = arg};
    return cli_run_bare(cli, name, run_app, &run);
}
