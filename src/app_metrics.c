/*
 * app_metrics.c: numbers that only the app can collect: the pool, the web client, upstream accounts and
 * their buckets, in Prometheus' text form.
 *
 * The happy path: accounts of all kinds are gathered in a list, then each metric is written once with one
 * line an account. Fails by: nothing; past ACCOUNT_COUNT_MAX accounts the rest is left out.
 * Invariant: labels are escaped, since an account's name holds a tenant's domain.
 */
#include <inttypes.h>
#include <stdio.h>

#include "app.h"
#include "db/pg.h"
#include "net/web.h"
#include "upstream/account.h"
#include "upstream/bucket.h"
#include "upstream/freshdesk.h"
#include "upstream/llm.h"
#include "upstream/qdrant.h"

#define ACCOUNT_COUNT_MAX 256

struct accounts {
    struct account *items[ACCOUNT_COUNT_MAX];
    size_t count, model_count; /* the first model_count are language models */
};

static void collect(void *context, struct account *a)
{
    struct accounts *list = context;
    if (list->count < ACCOUNT_COUNT_MAX)
        list->items[list->count++] = a;
}

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            buf_byte(out, '\\');
        buf_byte(out, *value == '\n' ? ' ' : *value);
    }
}

static void line(struct buf *out, const char *name, const struct account *a, const char *extra,
                 double value)
{
    buf_printf(out, "%s{account=\"", name);
    label(out, account_name(a));
    buf_printf(out, "\"%s} %.17g\n", extra, value);
}

static void write_accounts(struct buf *out, const struct accounts *list)
{
    static const struct {
        const char *name, *type, *help;
    } rows[] = {
        {"deskstream_upstream_calls_total", "counter", "Calls sent, tries counted."},
        {"deskstream_upstream_failed_total", "counter", "Calls that failed in the end."},
        {"deskstream_upstream_retries_total", "counter", "Further tries."},
        {"deskstream_upstream_rate_limited_total", "counter", "Answers with status 429."},
        {"deskstream_upstream_circuit_open", "gauge", "1 while the account rests after failures."},
        {"deskstream_upstream_latency_seconds", "gauge", "Moving average of whole answers."},
    };
    for (size_t row = 0; row < ARRAY_COUNT(rows); row++) {
        head(out, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; i < list->count; i++) {
            struct account_stats s = account_stats(list->items[i]);
            const double values[] = {(double)s.call_count,   (double)s.failed_count,
                                     (double)s.retry_count,  (double)s.rate_limited_count,
                                     s.circuit_open ? 1 : 0, s.latency_ms / 1000};
            line(out, rows[row].name, list->items[i], "", values[row]);
        }
    }
    head(out, "llm_request_duration_seconds", "gauge",
         "Moving average of whole answers of language models (old name).");
    for (size_t i = 0; i < list->model_count; i++)
        line(out, "llm_request_duration_seconds", list->items[i], "",
             account_stats(list->items[i]).latency_ms / 1000);
}

static void write_levels(struct buf *out, const char *name, const struct accounts *list,
                         double (*value)(const struct bucket_stats *s, size_t limit))
{
    for (size_t i = 0; i < list->count; i++) {
        struct bucket_stats s = bucket_stats(account_bucket(list->items[i]));
        for (size_t limit = 0; limit < BUCKET_LIMITS_MAX; limit++) {
            char extra[32];
            snprintf(extra, sizeof(extra), ",limit=\"%zu\"", limit);
            if (s.per_window[limit] > 0)
                line(out, name, list->items[i], extra, value(&s, limit));
        }
    }
}

static double allowance(const struct bucket_stats *s, size_t limit)
{
    return s->per_window[limit];
}

static double level(const struct bucket_stats *s, size_t limit)
{
    return s->level[limit];
}

static double used(const struct bucket_stats *s, size_t limit)
{
    return s->used_total[limit];
}

static void write_buckets(struct buf *out, const struct accounts *list)
{
    head(out, "deskstream_bucket_allowance", "gauge", "Allowed in one window, as learned.");
    write_levels(out, "deskstream_bucket_allowance", list, allowance);
    head(out, "deskstream_bucket_level", "gauge", "Free now.");
    write_levels(out, "deskstream_bucket_level", list, level);
    head(out, "deskstream_bucket_used_total", "counter", "Taken since start.");
    write_levels(out, "deskstream_bucket_used_total", list, used);
    head(out, "deskstream_bucket_waiting", "gauge", "Calls waiting for their turn.");
    for (size_t i = 0; i < list->count; i++) {
        struct bucket_stats s = bucket_stats(account_bucket(list->items[i]));
        for (int p = 0; p < PRIORITY_COUNT; p++) {
            char extra[48];
            snprintf(extra, sizeof(extra), ",priority=\"%s\"", priority_name((enum priority)p));
            line(out, "deskstream_bucket_waiting", list->items[i], extra,
                 (double)s.waiting_count[p]);
        }
    }
}

static void write_pool(struct buf *out, const struct app *app)
{
    struct pg_stats s = pg_pool_stats(app->pool);
    head(out, "deskstream_db_connections", "gauge", "Connections to Postgres.");
    buf_printf(out, "deskstream_db_connections{state=\"open\"} %zu\n", s.open_count);
    buf_printf(out, "deskstream_db_connections{state=\"idle\"} %zu\n", s.idle_count);
    head(out, "deskstream_db_waiting", "gauge", "Flows waiting for a connection.");
    buf_printf(out, "deskstream_db_waiting %zu\n", s.waiting_count);
    head(out, "deskstream_db_queries_total", "counter", "Statements.");
    buf_printf(out, "deskstream_db_queries_total %" PRIu64 "\n", s.query_count);
    head(out, "deskstream_db_failed_total", "counter", "Statements that failed.");
    buf_printf(out, "deskstream_db_failed_total %" PRIu64 "\n", s.failed_count);
    head(out, "deskstream_db_connects_total", "counter", "Connections made.");
    buf_printf(out, "deskstream_db_connects_total %" PRIu64 "\n", s.connect_count);
    struct web_stats web = web_stats(app->web);
    head(out, "deskstream_web_calls_active", "gauge", "HTTP calls under way.");
    buf_printf(out, "deskstream_web_calls_active %zu\n", web.active_count);
    head(out, "deskstream_web_bytes_total", "counter", "Bytes of HTTP calls.");
    buf_printf(out, "deskstream_web_bytes_total{direction=\"in\"} %" PRIu64 "\n", web.bytes_in);
    buf_printf(out, "deskstream_web_bytes_total{direction=\"out\"} %" PRIu64 "\n", web.bytes_out);
}

void app_metrics(void *context, struct buf *out)
{
    struct app *app = context;
    struct accounts list = {.count = 0};
    llm_each_account(app->llm, collect, &list);
    list.model_count = list.count;
    collect(&list, embedder_account(app->embedder));
    freshdesk_each_account(app->freshdesk, collect, &list);
    if (app->qdrant != NULL)
        collect(&list, qdrant_account(app->qdrant));
    write_pool(out, app);
    write_accounts(out, &list);
    write_buckets(out, &list);
}
