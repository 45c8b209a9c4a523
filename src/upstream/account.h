#pragma once
/*
 * One upstream account: its web client, bucket, circuit breaker and the one retry loop.
 *
 *   account_call:  take from the bucket -> send -> classify -> learn -> retry or return
 *
 * Retries: transport faults, 408, 429, 5xx, E_TRUNCATED; jittered backoff 2^attempt s, or Retry-After for
 * the whole account; at most retry_count more tries, never past the caller's deadline. 401 and other 4xx
 * are final. Breaker: after `breaker_failures` failures in a row it opens for breaker_ms (E_CIRCUIT at
 * once), then lets one probe through. Statuses become errors: 401 E_UPSTREAM_AUTH, 403 E_UPSTREAM_DENIED,
 * 404 E_NOT_FOUND, 429 E_RATE, other 4xx E_UPSTREAM_INPUT, 5xx E_UPSTREAM; message extracted from the body
 * in the order of llm-apis §5.2's last line (Freshdesk's description/message too).
 */
#include <stdint.h>

#include "net/web.h"
#include "upstream/bucket.h"

struct account;
struct account_call {
    enum priority priority;
    double cost[BUCKET_LIMITS_MAX];
    struct web_request request;
    uint32_t retry_count; /* further tries; 0 for none */
    uint32_t timeout_ms;  /* of one try, waiting for the bucket not included; 0: 30,000 */
    const char *name;     /* "freshdesk.ticket": for logs, metrics, errors */
};
/* How one vendor tells its limits: reads headers of any answer and calls bucket_learn/bucket_correct. */
typedef void account_learn_fn(struct bucket *b, const struct web_reply *reply,
                              const struct account_call *call);
struct account_spec {
    const char *name;
    struct web *web;
    struct bucket_spec bucket;
    account_learn_fn *learn;   /* may be NULL */
    uint32_t breaker_failures; /* 0: 8 */
    uint32_t breaker_ms;       /* 0: 10,000 */
};
struct account *account_new(struct loop *l, const struct account_spec *spec);
void account_free(struct account *a);
struct bucket *account_bucket(struct account *a);

/* Whole answer with a 2xx status, in the flow's arena. */
int account_fetch(struct flow *f, struct account *a, const struct account_call *call,
                  struct web_reply *ret_reply) _must_check_;
/* Head of a 2xx answer arrived; body to be read with web_next. Retries end with the head: never after the
 * first byte of a body. The caller tells how a stream ended by account_result. */
int account_open(struct flow *f, struct account *a, const struct account_call *call,
                 struct web_stream *ret_stream) _must_check_;
void account_result(struct account *a, int status);

struct account_stats {
    uint64_t call_count, failed_count, retry_count, rate_limited_count;
    bool circuit_open;
    double latency_ms; /* moving average of whole answers */
};
struct account_stats account_stats(const struct account *a);
const char *account_name(const struct account *a);
