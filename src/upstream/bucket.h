#pragma once
/*
 * Token buckets: how fast we may call one upstream account. Waiting is FIFO inside a priority, and
 * live goes before fresh before bulk. A bucket may hold several limits (Freshdesk: total and ticket
 * lists; CLOVA: requests and tokens); a call is admitted when every limit it names has room.
 *
 * Learning: bucket_learn takes what an answer's headers said and moves the limit to it (never above a
 * configured share). bucket_hold stops the whole account until a moment (Retry-After).
 * A limit is `per_window` in any window of window_ms: the bucket never admits more than that in a fixed
 * or a sliding window of the peer (small bursts, then evenly paced).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/flow.h"

enum priority { PRIORITY_LIVE, PRIORITY_FRESH, PRIORITY_BULK, PRIORITY_COUNT };
const char *priority_name(enum priority p);

#define BUCKET_LIMITS_MAX 4

struct bucket;
struct bucket_limit {
    const char *name;   /* "calls", "lists", "tokens" */
    double per_window;  /* > 0 */
    uint32_t window_ms; /* 60,000 for all vendors so far */
};
struct bucket_spec {
    const char *name; /* for logs and metrics: "freshdesk acme"; copied */
    struct bucket_limit limits[BUCKET_LIMITS_MAX];
    size_t limit_count;
    size_t waiting_count_max; /* 0: 10,000; past it E_OVERLOAD */
    uint32_t
        catch_up_percent; /* of the window: idle time up to this is made good by a burst, which the
                                * window's own sum still bounds; 0: 50 ms */
    uint32_t share_percent; /* of learned limits that we may use; 0: 100 */
};
struct bucket *bucket_new(struct loop *l, const struct bucket_spec *spec);
void bucket_free(struct bucket *b); /* nobody may wait */

/* cost[i] of limit i (0: not touched). Waits for its turn. < 0: -ECANCELED, -ETIMEDOUT, E_OVERLOAD,
 * E_LIMIT when a cost is above what the limit can ever hold. */
int bucket_take(struct flow *f, struct bucket *b, enum priority p,
                const double cost[BUCKET_LIMITS_MAX]) _must_check_;
/* Corrects an estimate after the fact: positive costs more, negative gives back. */
void bucket_correct(struct bucket *b, size_t limit, double by);
/* What the peer said: allowance of the window (< 0 unknown) and what is left of it (< 0 unknown). */
void bucket_learn(struct bucket *b, size_t limit, double per_window, double remaining);
/* The peer says that nothing is left, and for how long: a hold that no 429 was needed for. */
void bucket_rest(struct bucket *b, uint64_t ms);
/* Nobody is admitted before `ms` from now (the longer of two holds wins). */
void bucket_hold(struct bucket *b, uint64_t ms);

struct bucket_stats {
    double per_window[BUCKET_LIMITS_MAX];
    double level[BUCKET_LIMITS_MAX]; /* tokens free now */
    double used_total[BUCKET_LIMITS_MAX];
    size_t waiting_count[PRIORITY_COUNT];
    uint64_t hold_ms;                        /* how long it is still held */
    uint64_t admitted_count, rejected_count; /* rejected: 429s reported by bucket_hold */
};
struct bucket_stats bucket_stats(const struct bucket *b);
const char *bucket_name(const struct bucket *b);
