#pragma once
/*
 * The HTTP interface: one table of routes; each parses, calls one service, answers. Documented in
 * docs/api.md and docs/openapi.json.
 *
 *   r = api_open(f, &spec, &api);          // listening
 *   ... stop signal ...
 *   api_drain(f, api, drain_ms);
 *   api_free(api);
 */
#include "base/buf.h"
#include "base/config.h"
#include "loop/flow.h"

struct access;
struct api;
struct assist;
struct collect_jobs;
struct sync;

struct api_spec {
    const struct config *config; /* outlives the api */
    struct access *access;
    struct assist *assist;
    struct sync *sync;
    struct collect_jobs *collect;
    const char *version;
    /* What only the app knows. */
    void *context;
    bool (*ready)(void *context, struct err *ret_why); /* schema and collections are made */
    void (*metrics)(void *context, struct buf *out);   /* Prometheus text; may be NULL */
};
/* Listens. Called from the flow that will drain it. */
int api_open(struct flow *f, const struct api_spec *spec, struct api **ret_api) _must_check_;
int api_port(const struct api *a);
/* Lets streams finish for drain_ms, then cancels them. */
void api_drain(struct flow *f, struct api *a, uint32_t drain_ms);
void api_free(struct api *a); /* NULL is fine; drains with 0 ms when that was not done */
