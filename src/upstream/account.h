#pragma once
/*
 * One upstream account: its web client, bucket, circuit breaker and the one retry loop.
 *
 *   account_fetch, account_open:  take from the bucket -> send -> learn -> classify -> retry or return
 *
 * Retries: transport faults, E_PROTOCOL, 408, 429, 5xx (501 and 505 not), E_TRUNCATED; full jitter of
 * 2^attempt s, or what the answer asks for (retry-after-ms, Retry-After in seconds or as a date; for 429
 * it holds the whole account); at most retry_count more tries. A wait that would end past the caller's
 * deadline is not begun: the error comes at once. `x-should-retry: false` and 429s about money are final.
 * Breaker: after `breaker_failures` failures in a row it opens for breaker_ms (E_CIRCUIT at once; a call
 * that is retrying already waits for it), then lets one probe through; each that fails doubles the rest,
 * to 10 s at most, so that an upstream that is well again is soon used again.
 * Statuses become errors: 401 E_UPSTREAM_AUTH, 403 E_UPSTREAM_DENIED, 404 E_NOT_FOUND, 429 E_RATE, other
 * 4xx and 3xx E_UPSTREAM_INPUT, 408 and 5xx E_UPSTREAM.
 */
#include <stdbool.h>
#include <stdint.h>

#include "net/web.h"
#include "upstream/bucket.h"

struct account;
struct account_call;
/* Looks at a whole 2xx answer before it counts as one. Suspends. < 0 makes the try a failed one:
 * E_PROTOCOL is retried. */
typedef int account_check_fn(struct flow *f, const struct account_call *call,
                             const struct web_reply *reply);
struct account_call {
    enum priority priority;
    double cost[BUCKET_LIMITS_MAX];
    struct web_request request;
    uint32_t retry_count;    /* further tries; 0 for none */
    uint32_t timeout_ms;     /* of one try, waiting for the bucket not included; 0: 30,000 */
    const char *name;        /* "freshdesk.ticket": for logs, metrics, errors */
    account_check_fn *check; /* of account_fetch; may be NULL */
    /* May be NULL. After an error: the last refused answer, its body in the flow's arena, cut at 64 KiB;
     * status 0 when there was none. For vendors' error codes. */
    struct web_reply *ret_failure;
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
    uint32_t breaker_ms;       /* the first rest; 0: 1,000 */
    uint32_t hold_default_ms;  /* a 429 without a hint holds the account so long; 0: the backoff */
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

/* What an error body says, for people: error.message, error, status.message, status.error, message,
 * error_message, description with its first errors[] entry, else the text itself, cut; the vendor's code in
 * brackets. HTML is never passed on. Never empty. `a` is for parsing. */
void account_error_text(struct arena *a, struct str content_type, struct str body, struct buf *out);
/* The wait that an answer asks for, ms, at most an hour; -1 when it names none. */
int64_t account_wait_ms(const struct web_reply *reply, int64_t wall_now_ms);
