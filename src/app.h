#pragma once
/*
 * Everything the program is made of, wired in the order of dependence and taken down in reverse. All
 * commands work with one of these.
 *
 *   _cleanup_(app_close) struct app app = APP_INIT;
 *   r = app_open(f, config, &group, &app);      // nothing is connected yet
 *   r = app_prepare(f, &app);                   // migrations, collections; fails while Postgres is away
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/caller.h"
#include "base/config.h"
#include "chats/post.h"
#include "loop/flow.h"

#define APP_VERSION "1.0.0"

struct access;
struct assist;
struct collect_jobs;
struct collect_spec;
struct embedder;
struct freshdesk;
struct llm;
struct llm_provider;
struct pg_pool;
struct qdrant;
struct sync;
struct vectors;
struct web;

struct app {
    struct flow *flow; /* that opened it and closes it; NULL: not open */
    const struct config *config;
    struct web *web;
    struct pg_pool *pool;
    struct qdrant *qdrant; /* NULL: vectors live in pgvector */
    struct vectors *vectors;
    struct freshdesk *freshdesk;
    struct llm *llm;
    struct embedder *embedder;
    struct access *access;
    struct assist *assist;
    struct sync *sync;
    struct collect_jobs *collect;
    struct post_memory post_memory;
    bool ready;      /* app_prepare has succeeded */
    struct err away; /* else why not; "" before the first try */
};
#define APP_INIT                                                                                   \
    {                                                                                              \
        .flow = NULL                                                                               \
    }

/* Makes everything; connects to nothing. `config` must outlive the app. Background runs of sync become
 * children of `group` (NULL: none are made). E_CONFIG when settings contradict each other. */
int app_open(struct flow *f, const struct config *config, struct group *group, struct app *ret_app)
    _must_check_;
/* Cleanup; suspends the flow that opened it, also when that is cancelled. */
void app_close(struct app *app);

/* Migrations, partitions and collections. E_DB_AWAY, E_VECTORS_AWAY... */
int app_prepare(struct flow *f, struct app *app) _must_check_;
/* The server's housekeeping, until cancelled: app_prepare again and again until it succeeds, then what
 * the stores need now and then. */
int app_keep(struct flow *f, void *app);
/* Who a command acts for: the account of the settings, proved. Strings in the flow's arena. */
int app_caller(struct flow *f, struct app *app, struct caller *ret_caller) _must_check_;

/* The connection URL: DATABASE_URL, else that of the private cluster under VAR_DIR. */
int app_database_url(struct arena *a, const struct config *config, struct str *ret_url,
                     struct err *err) _must_check_;
/* Qdrant's address by QDRANT_URL or the old QDRANT_HOST; empty: pgvector is used. */
struct str app_qdrant_url(struct arena *a, const struct config *config);
/* The collector's settings; E_CONFIG. */
int app_collect_spec(const struct config *config, struct collect_spec *ret_spec, struct err *err)
    _must_check_;
/* The provider of that name when it has a key, else NULL (also for a name that is not known). */
struct llm_provider *app_provider(struct loop *l, struct web *web, const struct config *config,
                                  struct str name);
/* Appends numbers of pool, upstream accounts and their buckets in Prometheus' text form. `app` is a
 * struct app. */
void app_metrics(void *app, struct buf *out);
