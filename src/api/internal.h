#pragma once
/* What the files of api/ share. Nobody outside includes this. */
#include "api/api.h"
#include "base/caller.h"
#include "http/server.h"

/* What passed through the api, for /metrics. */
struct api_counts {
    uint64_t runs[3];   /* of enum run_kind */
    uint64_t failed[3]; /* of them, ended by an error */
    uint64_t section_errors;
    int64_t prompt_tokens, completion_tokens, model_calls;
    double cost_krw;
};
enum run_kind { RUN_TICKET, RUN_QUESTION, RUN_REPLY };

struct api {
    struct api_spec spec;
    struct loop *loop;
    struct http_server *server;
    struct http_route *routes; /* the table and the page's files */
    size_t route_count;
    uint64_t begin_ms;
    struct api_counts counts;
};

/* ---- routes.c ---- */

extern const struct http_route api_routes[];
extern const size_t api_route_count;

/* ---- claim.c: who asks ---- */

/* Proves the credentials of a request, by the headers of any generation (legacy-contracts §1.2). Errors
 * are ready to be returned by a handler. */
int claim_caller(struct flow *f, struct api *a, struct http_exchange *x, struct caller *ret_caller)
    _must_check_;
/* The header set of the July clients, whose /init streams unless told otherwise. */
bool claim_is_july(const struct http_request *rq);
/* A client of July or October: expects `data: [DONE]` at the end of a stream. */
bool claim_wants_done_mark(const struct http_request *rq);

/* ---- cors.c ---- */

/* http_server_spec.before: CORS headers; answers preflights. */
int cors_before(struct flow *f, struct http_exchange *x, void *context);

/* ---- handlers ---- */

http_handler_fn on_init, on_init_stream, on_v1_assist;                       /* init.c */
http_handler_fn on_query, on_query_stream, on_v1_query;                      /* query.c */
http_handler_fn on_reply, on_reply_stream, on_v1_reply;                      /* reply.c */
http_handler_fn on_sync_tickets, on_sync_kb, on_sync_status, on_sync_events; /* sync.c */
http_handler_fn on_sync_job;                                                 /* sync.c */
http_handler_fn on_collect_start, on_collect_status, on_collect_cancel;      /* collect.c */
http_handler_fn on_ingest;                                                   /* ingest.c */
http_handler_fn on_attachment, on_attachments, on_attachments_bulk;          /* attachments.c */
http_handler_fn on_attachment_url, on_attachment_short_url;                  /* attachments.c */
http_handler_fn on_attachment_metadata, on_attachment_download;              /* attachments.c */
http_handler_fn on_similar_tickets, on_related_docs, on_search_query;        /* find.c */
http_handler_fn on_health, on_live, on_ready;                                /* health.c */
http_handler_fn on_metrics;                                                  /* metrics.c */
http_handler_fn on_page, on_page_file, on_tickets, on_flows;                 /* page.c */
