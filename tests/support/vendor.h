#pragma once
/*
 * Vendors' answers for flow tests: a list of exchanges played by a scripted peer, one after the other on one
 * connection; after a cut or reset one the rest are played on the next connection.
 *
 *   static const struct exchange talk[] = {{.want = "GET /api/v2/tickets/1 ", .body = "{\"id\":1}"}};
 *   vendor_run("ticket", talk, ARRAY_COUNT(talk), ticket_case);
 */
#include "net/web.h"
#include "support/peer.h"
#include "support/torture.h"

struct exchange {
    const char *want;      /* must come in the request's head; NULL: any */
    const char *want_body; /* must come after the head; NULL: any */
    int status;            /* 0: 200 */
    const char *headers;   /* each with its CRLF; NULL: JSON's Content-Type */
    const char *body;      /* NULL: none */
    size_t body_len;       /* 0: strlen(body) */
    bool split;            /* the body byte by byte */
    bool cut;    /* no Content-Length; closes after the body: ended by the connection's end */
    bool open;   /* no Content-Length, and stays open: the answer never ends */
    bool silent; /* never answers */
    bool reset;  /* breaks the connection instead of answering */
};
struct vendor_case {
    struct web *web;
    struct peer *peer;
    const char *url; /* "http://127.0.0.1:PORT" */
};
typedef int vendor_fn(struct flow *f, struct vendor_case *vc);

/* Each exchange has a connection of its own when `fresh`, for calls that run in parallel or after breaks. */
void vendor_run(const char *name, const struct exchange *talk, size_t count, bool fresh,
                vendor_fn *fn);
/* How often `text` came in what the peer received. */
size_t vendor_seen(const struct vendor_case *vc, const char *text);

/* Holds in runs where nothing is broken on purpose. */
#define CALM_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!torture_is_on())                                                                      \
            FLOW_CHECK(cond);                                                                      \
    } while (0)
