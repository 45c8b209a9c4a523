/*
 * cli/health.c: `deskstream health`, and the server's part of `deskstream status`: ask the server that runs on
 * HOST:PORT.
 *
 * health: GET /health/live (or /health/ready), status 0 when it is answered with 200. Prints nothing on
 * success, so that a container's log stays quiet. status: GET /health, its parts as lines.
 * Fails by: no server, no answer within five seconds, another status (all: exit status 1).
 * Invariant: only the server's own address is ever called; a listener on all addresses is asked on
 * loopback.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/health.h"
#include "net/web.h"

#define HEALTH_TIMEOUT_MS 5000

static struct str address(struct arena *a, const struct config *c, const char *path)
{
    const char *host = c->host;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "*") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    bool six = strchr(host, ':') != NULL;
    return arena_printf(a, "http://%s%s%s:%d%s", six ? "[" : "", host, six ? "]" : "", (int)c->port,
                        path);
}

static void show_parts(struct json answer)
{
    printf("server %.*s, version %.*s\n", STR_ARG(json_str(json_get(answer, "status"))),
           STR_ARG(json_str(json_get(answer, "version"))));
    for (struct json_iter it = json_iter(json_get(answer, "components")); json_next(&it);) {
        struct str status = json_str(json_get(it.value, "status"));
        struct str detail = json_str(json_get(it.value, "detail"));
        bool good = str_eq(status, STR("healthy"));
        printf("%s %-10.*s %.*s", good ? "\u2705" : "\u274c", STR_ARG(it.key), STR_ARG(status));
        if (json_is_num(json_get(it.value, "latency_ms")))
            printf(" (%.1f ms)", json_f64(json_get(it.value, "latency_ms"), 0));
        if (detail.len > 0)
            printf(": %.*s", STR_ARG(detail));
        printf("\n");
    }
}

static int ask_web(struct flow *f, struct web *w, const struct server_question *q)
{
    struct web_request rq = {.method = "GET", .url = address(&f->arena, q->config, q->path)};
    struct web_reply reply;
    _cleanup_(deadline_done) struct deadline d = deadline(f, HEALTH_TIMEOUT_MS);
    int r = web_fetch(f, w, &rq, &reply);
    if (r == E_UPSTREAM)
        return err_set(&f->err, -ENOTCONN,
                       "no server answers on %.*s: start it (deskstream serve, make run), or set "
                       "HOST and PORT to where it listens",
                       STR_ARG(str_sub(rq.url, 0, rq.url.len - strlen(q->path))));
    if (r < 0)
        return r;
    if (reply.status != 200)
        return err_set(&f->err, E_UPSTREAM, "%.*s answers %d: %.*s", STR_ARG(rq.url), reply.status,
                       STR_ARG(str_sub(reply.body, 0, 120)));
    if (!q->show)
        return 0;
    struct json answer;
    r = json_parse(&f->arena, reply.body, &answer, &f->err);
    if (r < 0)
        return r;
    show_parts(answer);
    if (!str_eq(json_str(json_get(answer, "status")), STR("healthy")))
        return err_set(&f->err, E_UPSTREAM,
                       "not everything works: docs/operations.md goes from symptoms to actions");
    return 0;
}

int server_ask(struct flow *f, void *question)
{
    struct web_spec spec = {.connection_count_max = 1};
    struct web *w = NULL;
    int r = web_new(f->loop, &spec, &w, &f->err);
    if (r < 0)
        return r;
    r = ask_web(f, w, question);
    web_close_all(f, w);
    web_free(w);
    return r;
}

int cli_health(struct cli *cli)
{
    bool ready = false;
    const struct cli_option options[] = {CLI_FLAG("--ready", &ready)};
    int r = cli_options(cli, options, ARRAY_COUNT(options));
    if (r != CLI_GO_ON)
        return r;
    if (cli->word_count > 0)
        return cli_usage(cli, "what is \"%s\"?", cli->words[0]);
    r = cli_config(cli);
    if (r != CLI_GO_ON)
        return r;
    struct server_question q = {.config = &cli->config,
                                .path = ready ? "/health/ready" : "/health/live"};
    return cli_run_bare(cli, "health", server_ask, &q);
}
