/*
 * api/routes.c: the one table of what is served. First match wins; GET takes HEAD too.
 *
 * Old paths are served at the root and under /api, since generations of clients disagree
 * (legacy-contracts §1.1, §1.5). Paths under /v1 speak full server-sent events, all others data lines.
 * The files of the page are added by api_open, one route each, so that they hide no other path.
 * Fails by: nothing. Invariant: docs/openapi.json names every pattern of this table (tested).
 */
#include "api/internal.h"

/* A path at the root and under /api. */
#define BOTH(method_name, path, fn)                                                                \
    {.method = (method_name), .pattern = (path), .handler = (fn)},                                 \
    {                                                                                              \
        .method = (method_name), .pattern = "/api" path, .handler = (fn)                           \
    }
#define ROUTE(method_name, path, fn)                                                               \
    {                                                                                              \
        .method = (method_name), .pattern = (path), .handler = (fn)                                \
    }

const struct http_route api_routes[] = {
    /* new clients */
    ROUTE("GET", "/v1/tickets/{ticket_id}/assist", on_v1_assist),
    ROUTE("POST", "/v1/tickets/{ticket_id}/assist", on_v1_assist),
    ROUTE("POST", "/v1/query", on_v1_query),
    ROUTE("POST", "/v1/reply", on_v1_reply),
    /* old clients */
    BOTH("GET", "/init/{ticket_id}", on_init),
    BOTH("POST", "/init/{ticket_id}", on_init),
    BOTH("GET", "/init/{ticket_id}/stream", on_init_stream),
    BOTH("POST", "/init/{ticket_id}/stream", on_init_stream),
    BOTH("POST", "/query", on_query),
    BOTH("POST", "/query/stream", on_query_stream),
    BOTH("POST", "/generate_reply", on_reply),
    BOTH("POST", "/generate_reply/stream", on_reply_stream),
    BOTH("POST", "/reply", on_reply),
    BOTH("POST", "/reply/stream", on_reply_stream),
    BOTH("POST", "/ingest", on_ingest),
    ROUTE("POST", "/api/collect", on_collect_start),
    ROUTE("GET", "/api/collect/status", on_collect_status),
    ROUTE("POST", "/api/collect/cancel", on_collect_cancel),
    ROUTE("DELETE", "/api/collect", on_collect_cancel),
    BOTH("GET", "/similar_tickets/{ticket_id}", on_similar_tickets),
    BOTH("GET", "/related_docs/{ticket_id}", on_related_docs),
    BOTH("POST", "/search_query", on_search_query),
    BOTH("GET", "/attachments", on_attachments),
    BOTH("GET", "/attachments/bulk-urls", on_attachments_bulk),
    BOTH("GET", "/attachments/{attachment_id}", on_attachment),
    BOTH("GET", "/attachments/{attachment_id}/download-url", on_attachment_url),
    BOTH("GET", "/attachments/{attachment_id}/metadata", on_attachment_metadata),
    BOTH("GET", "/attachments/{attachment_id}/download", on_attachment_download),
    BOTH("GET", "/attachments/url/{attachment_id}", on_attachment_short_url),
    BOTH("GET", "/attachments/freshdesk-url/{attachment_id}", on_attachment_short_url),
    BOTH("GET", "/attachments/metadata/{attachment_id}", on_attachment_metadata),
    BOTH("GET", "/attachments/download/{attachment_id}", on_attachment_download),
    BOTH("GET", "/health", on_health),
    BOTH("GET", "/health/live", on_live),
    BOTH("GET", "/health/ready", on_ready),
    BOTH("GET", "/metrics", on_metrics),
    /* sync */
    ROUTE("POST", "/api/sync/tickets", on_sync_tickets),
    ROUTE("POST", "/api/sync/kb", on_sync_kb),
    ROUTE("GET", "/api/sync/status", on_sync_status),
    ROUTE("GET", "/api/sync/status/{job_id}", on_sync_job),
    ROUTE("GET", "/api/sync/events", on_sync_events),
    ROUTE("POST", "/api/v1/sync/tickets", on_sync_tickets),
    ROUTE("POST", "/api/v1/sync/kb", on_sync_kb),
    ROUTE("GET", "/api/v1/sync/status", on_sync_status),
    ROUTE("GET", "/api/v1/sync/status/{job_id}", on_sync_job),
    ROUTE("GET", "/api/v1/sync/events", on_sync_events),
    /* the page and the operator */
    ROUTE("GET", "/api/tickets", on_tickets),
    ROUTE("GET", "/debug/flows", on_flows),
    ROUTE("GET", "/", on_page),
};
const size_t api_route_count = ARRAY_COUNT(api_routes);
