/*
 * Token buckets: who may call an upstream account, and when.
 *
 * Each limit of N per window W has two guards, and a call is admitted when both let it through:
 *   window  an exact log of what was admitted in the last W + J (J: how much the network may squeeze
 *           calls together on their way). The sum never passes N: the hard promise. It holds for every
 *           fixed window and for a sliding one, since any window of the peer lies inside one of ours.
 *   pace    a virtual clock that moves on by cost * (W + J) / (N - H) for each call. Bulk waits until
 *           the clock has caught up: even spacing. Live calls may run ahead of it.
 *
 *       admitted in W + J:  0 ........................ N-H ...... N      H, the headroom: 1 % of N,
 *                           |  bulk up to here           | live too |    or one live call's usual cost.
 *
 * So a live call in the middle of a saturated bulk run goes at once, and bulk pays it back afterwards.
 * With N = 400 a minute bulk gets 396 * 60 / 60.3 = 98.5 %.
 * Learning: a peer that counts more than our log holds knows other callers; the difference is put into
 * the log as if it were ours. When nothing remains we wait for the peer's next fixed window, whose
 * start is learned from jumps of `remaining`; W when it is not known yet.
 * Fails: E_OVERLOAD when too many wait, E_LIMIT for a cost no window can hold.
 * Invariant: waiting calls of one priority and the same set of limits are admitted in their order; a
 * call never passes one of its own or a higher priority that is kept by a limit it needs too.
 */
#include "upstream/bucket.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/fault.h"
#include "base/mem.h"
#include "loop/timer.h"

enum {
    WAITING_COUNT_MAX = 10000,
    MASK_COUNT = 1 << BUCKET_LIMITS_MAX,
    LOG_COUNT_MAX =
        4096, /* slots of a window; calls in one slot share an entry, dated at the last */
    JITTER_MS_MAX = 300,        /* J is half a percent of the window, at most this */
    CATCH_UP_NS = 50 * 1000000, /* a pace missed by a late loop is made good at least up to this */
};
#define PEAK_DECAY 0.98 /* how fast the usual cost forgets a large one */

const char *priority_name(enum priority p)
{
    static const char *const names[PRIORITY_COUNT] = {"live", "fresh", "bulk"};
    return names[p];
}

struct entry {
    uint64_t at_ns;
    double cost;
};

struct limit {
    const char *name;
    double per_window; /* N now */
    double window_ns;  /* W + J */
    uint64_t peer_ns;  /* W */
    double catch_up_ns;
    double pace_ns;   /* the virtual clock, on the loop's */
    double cost_peak; /* usual large cost of any call */
    double live_peak; /* ... of live and fresh calls */
    double sum;       /* of the log */
    double used_total;
    struct entry *log; /* ring */
    size_t log_first, log_count, log_cap;
    /* What the peer's answers said. */
    double remaining_last; /* < 0: nothing yet */
    uint64_t reset_ns;     /* a moment its fixed window began anew; 0: not known */
};

struct bucket {
    struct loop *loop;
    char *name;
    struct limit limits[BUCKET_LIMITS_MAX];
    size_t limit_count;
    double share;
    size_t waiting_count_max, waiting_count;
    size_t waiting_by[PRIORITY_COUNT];
    struct list queues[PRIORITY_COUNT][MASK_COUNT]; /* by the set of limits touched */
    uint64_t order;
    uint64_t hold_until_ns;
    uint64_t admitted_count, rejected_count;
    struct timer timer;
};

struct waiter {
    struct op op;
    struct bucket *bucket;
    struct list node;
    enum priority priority;
    uint64_t order;
    double cost[BUCKET_LIMITS_MAX];
};

/* ---- the log of one limit ---- */

static struct entry *log_at(struct limit *m, size_t i)
{
    return &m->log[(m->log_first + i) % m->log_cap];
}

static void log_expire(struct limit *m, uint64_t now_ns)
{
    while (m->log_count > 0 && (double)(now_ns - log_at(m, 0)->at_ns) >= m->window_ns) {
        m->sum -= log_at(m, 0)->cost;
        m->log_first = (m->log_first + 1) % m->log_cap;
        m->log_count--;
    }
    if (m->log_count == 0)
        m->sum = 0; /* no drift of rounding */
}

static void log_add(struct limit *m, uint64_t now_ns, double cost)
{
    m->sum += cost;
    if (m->log_count > 0) {
        struct entry *last = log_at(m, m->log_count - 1);
        uint64_t slot_ns = MAX(1, (uint64_t)(m->window_ns / LOG_COUNT_MAX));
        if (now_ns / slot_ns == last->at_ns / slot_ns) {
            last->at_ns = now_ns;
            last->cost += cost;
            return;
        }
    }
    if (m->log_count == m->log_cap) {
        size_t cap = m->log_cap ? m->log_cap * 2 : 64;
        struct entry *grown = mem_alloc(cap * sizeof(*grown));
        for (size_t i = 0; i < m->log_count; i++)
            grown[i] = *log_at(m, i);
        mem_free(m->log);
        m->log = grown;
        m->log_cap = cap;
        m->log_first = 0;
    }
    m->log_count++;
    *log_at(m, m->log_count - 1) = (struct entry){now_ns, cost};
}

/* Takes `by` out again, oldest first: what remains expires no earlier than it should. */
static void log_give_back(struct limit *m, double by)
{
    for (size_t i = 0; i < m->log_count && by > 0; i++) {
        struct entry *e = log_at(m, i);
        double part = MIN(by, e->cost);
        e->cost -= part;
        m->sum -= part;
        by -= part;
    }
}

/* When the log will hold at most `room_sum`; now when it does. */
static uint64_t log_room_ns(struct limit *m, uint64_t now_ns, double room_sum)
{
    double sum = m->sum;
    for (size_t i = 0; i < m->log_count; i++) {
        if (sum <= room_sum + 1e-9)
            return i == 0 ? now_ns : log_at(m, i - 1)->at_ns + (uint64_t)ceil(m->window_ns);
        sum -= log_at(m, i)->cost;
    }
    return m->log_count && m->sum > room_sum + 1e-9
               ? log_at(m, m->log_count - 1)->at_ns + (uint64_t)ceil(m->window_ns)
               : now_ns;
}

/* ---- one limit ---- */

/* H: what bulk leaves free for the others. None for small unit limits, where one call is percents. */
static double headroom(const struct limit *m)
{
    if (m->live_peak <= 1 && m->per_window < 50)
        return 0;
    return MIN(MAX(m->per_window / 100, MAX(m->live_peak, 1)), m->per_window / 10);
}

/* How far live calls may run ahead of the pace: at least past one large call of bulk's. */
static double lead(const struct limit *m)
{
    return MAX(headroom(m), MIN(m->cost_peak, m->per_window / 10));
}

static double headroom_share(enum priority p)
{
    return p == PRIORITY_LIVE ? 1 : p == PRIORITY_FRESH ? 0.5 : 0;
}

static double cost_ns(const struct limit *m, double cost)
{
    return cost * m->window_ns / (m->per_window - headroom(m));
}

/* When this limit would admit the call; now when at once. */
static uint64_t limit_ready_ns(struct limit *m, uint64_t now_ns, enum priority p, double cost)
{
    double free = headroom(m) * (1 - headroom_share(p));
    double cap = cost <= m->per_window - free ? m->per_window - free : m->per_window;
    uint64_t room_ns = log_room_ns(m, now_ns, cap - cost);
    double pace_ns = m->pace_ns - cost_ns(m, lead(m) * headroom_share(p));
    return pace_ns > (double)room_ns ? (uint64_t)ceil(pace_ns) : room_ns;
}

static void limit_spend(struct limit *m, uint64_t now_ns, enum priority p, double cost)
{
    m->cost_peak = MAX(cost, m->cost_peak * PEAK_DECAY);
    m->live_peak = MAX(p == PRIORITY_BULK ? 0 : cost, m->live_peak * PEAK_DECAY);
    m->pace_ns = MAX(m->pace_ns, (double)now_ns - m->catch_up_ns) + cost_ns(m, cost);
    m->used_total += cost;
    log_add(m, now_ns, cost);
}

/* ---- admitting ---- */

static unsigned mask_of(const struct bucket *b, const double cost[BUCKET_LIMITS_MAX])
{
    unsigned mask = 0;
    for (size_t i = 0; i < b->limit_count; i++)
        if (cost[i] > 0)
            mask |= 1u << i;
    return mask;
}

/* 0 when the waiter may go now. Else *ret_ready_ns is when, and the mask holds the limits that keep it
 * longest; those that let go earlier may serve others meanwhile. */
static unsigned blocked_by(struct bucket *b, const struct waiter *wt, uint64_t now_ns,
                           uint64_t *ret_ready_ns)
{
    unsigned blocked = 0;
    uint64_t last_ns = now_ns;
    for (size_t i = 0; i < b->limit_count; i++) {
        if (wt->cost[i] <= 0)
            continue;
        uint64_t ready_ns = limit_ready_ns(&b->limits[i], now_ns, wt->priority, wt->cost[i]);
        if (ready_ns > last_ns)
            blocked = 0;
        if (ready_ns >= last_ns && ready_ns > now_ns) {
            blocked |= 1u << i;
            last_ns = ready_ns;
        }
    }
    *ret_ready_ns = last_ns;
    return blocked;
}

static void unqueue(struct waiter *wt)
{
    list_remove(&wt->node);
    wt->bucket->waiting_count--;
    wt->bucket->waiting_by[wt->priority]--;
}

static void admit(struct waiter *wt, uint64_t now_ns)
{
    struct bucket *b = wt->bucket;
    for (size_t i = 0; i < b->limit_count; i++)
        if (wt->cost[i] > 0)
            limit_spend(&b->limits[i], now_ns, wt->priority, wt->cost[i]);
    unqueue(wt);
    b->admitted_count++;
    op_finish(&wt->op, 0);
}

/* True when the limits shrank below what the call needs: it will never fit. */
static bool refuse_too_big(struct waiter *wt)
{
    struct bucket *b = wt->bucket;
    for (size_t i = 0; i < b->limit_count; i++) {
        if (wt->cost[i] <= b->limits[i].per_window)
            continue;
        err_set(&wt->op.err, E_LIMIT, "%s: a call of %.0f is over the limit of %.0f %s", b->name,
                wt->cost[i], b->limits[i].per_window, b->limits[i].name);
        unqueue(wt);
        op_finish(&wt->op, E_LIMIT);
        return true;
    }
    return false;
}

/* The waiter of this priority that came first, outside the sets in `barred`; NULL when none. */
static struct waiter *first_of(struct bucket *b, enum priority p, const bool barred[MASK_COUNT])
{
    struct waiter *first = NULL;
    for (size_t mask = 0; mask < MASK_COUNT; mask++) {
        struct list *queue = &b->queues[p][mask];
        if (barred[mask] || list_empty(queue))
            continue;
        struct waiter *wt = list_entry(queue->next, struct waiter, node);
        if (!first || wt->order < first->order)
            first = wt;
    }
    return first;
}

static void on_timer(struct timer *t);

/* Admits whom it can and sets the timer for the next. A blocked waiter keeps the limit it waits for
 * from everyone behind it, so that it goes as soon as that limit lets it. */
static void pump(struct bucket *b)
{
    uint64_t now_ns = loop_now_ns(b->loop), next_ns = UINT64_MAX;
    timer_stop(&b->timer);
    if (b->waiting_count == 0)
        return;
    if (now_ns < b->hold_until_ns) {
        timer_start_at(&b->timer, b->loop, b->hold_until_ns, on_timer);
        return;
    }
    for (size_t i = 0; i < b->limit_count; i++)
        log_expire(&b->limits[i], now_ns);
    unsigned kept = 0;
    for (enum priority p = 0; p < PRIORITY_COUNT; p++) {
        bool barred[MASK_COUNT] = {false};
        struct waiter *wt;
        while ((wt = first_of(b, p, barred))) {
            unsigned mask = mask_of(b, wt->cost);
            uint64_t ready_ns = 0;
            if (refuse_too_big(wt))
                continue;
            unsigned blocked = mask & kept;
            if (!blocked) {
                blocked = blocked_by(b, wt, now_ns, &ready_ns);
                if (blocked)
                    next_ns = MIN(next_ns, ready_ns);
            }
            if (!blocked) {
                admit(wt, now_ns);
                continue;
            }
            kept |= blocked;
            barred[mask] = true;
        }
    }
    if (next_ns != UINT64_MAX)
        timer_start_at(&b->timer, b->loop, next_ns, on_timer);
}

static void on_timer(struct timer *t)
{
    pump(container_of(t, struct bucket, timer));
}

static void on_take_cancel(struct op *op)
{
    struct waiter *wt = container_of(op, struct waiter, op);
    unqueue(wt);
    op_finish(op, -ECANCELED);
    pump(wt->bucket); /* it may have kept others waiting */
}

int bucket_take(struct flow *f, struct bucket *b, enum priority p,
                const double cost[BUCKET_LIMITS_MAX])
{
    int r = flow_check(f);
    if (r < 0)
        return r;
    r = fault_check("bucket.take", E_OVERLOAD);
    if (r < 0 || b->waiting_count >= b->waiting_count_max)
        return err_set(&f->err, E_OVERLOAD, "%s: %zu calls wait already", b->name,
                       b->waiting_count);
    struct waiter wt = {.bucket = b, .priority = p, .order = b->order++};
    for (size_t i = 0; i < b->limit_count; i++)
        wt.cost[i] = cost ? cost[i] : 0;
    op_begin(&wt.op, b->loop, "bucket.take", on_take_cancel);
    list_push(&b->queues[p][mask_of(b, wt.cost)], &wt.node);
    b->waiting_count++;
    b->waiting_by[p]++;
    pump(b);
    r = flow_wait(f, &wt.op);
    if (r < 0 && wt.op.status == 0) /* admitted and cancelled in one turn: nothing was sent */
        for (size_t i = 0; i < b->limit_count; i++)
            bucket_correct(b, i, -wt.cost[i]);
    return r;
}

/* ---- what comes back ---- */

void bucket_correct(struct bucket *b, size_t limit, double by)
{
    assert(limit < b->limit_count);
    struct limit *m = &b->limits[limit];
    uint64_t now_ns = loop_now_ns(b->loop);
    log_expire(m, now_ns);
    m->used_total += by;
    m->pace_ns += cost_ns(m, by);
    if (by > 0)
        log_add(m, now_ns, by);
    else
        log_give_back(m, -by);
    pump(b);
}

void bucket_rest(struct bucket *b, uint64_t ms)
{
    b->hold_until_ns = MAX(b->hold_until_ns, loop_now_ns(b->loop) + ms * 1000000);
    pump(b);
}

void bucket_hold(struct bucket *b, uint64_t ms)
{
    b->rejected_count++;
    bucket_rest(b, ms);
}

/* Nothing is left at the peer: until when to wait. */
static uint64_t next_reset_ns(const struct limit *m, uint64_t now_ns)
{
    if (!m->reset_ns)
        return now_ns + m->peer_ns;
    return m->reset_ns + ((now_ns - m->reset_ns) / m->peer_ns + 1) * m->peer_ns;
}

void bucket_learn(struct bucket *b, size_t limit, double per_window, double remaining)
{
    assert(limit < b->limit_count);
    struct limit *m = &b->limits[limit];
    uint64_t now_ns = loop_now_ns(b->loop);
    log_expire(m, now_ns);
    if (per_window >= 1)
        m->per_window = MAX(1, per_window * b->share);
    if (remaining < 0) {
        pump(b);
        return;
    }
    /* A jump up, larger than answers that overtook one another explain: it began anew since the answer
     * before. */
    if (m->remaining_last >= 0 && remaining > m->remaining_last + MAX(5, m->per_window / 10))
        m->reset_ns = now_ns;
    m->remaining_last = remaining;
    /* Others use the account, or we did before a restart: count what the log does not know. With a
     * share of the account the rest of it is theirs anyway. */
    double peer_total = per_window >= 1 ? per_window : m->per_window / b->share;
    double theirs = peer_total - remaining - m->sum - (peer_total - m->per_window);
    if (theirs >= 1)
        log_add(m, now_ns, theirs);
    if (remaining < 1)
        b->hold_until_ns = MAX(b->hold_until_ns, next_reset_ns(m, now_ns));
    pump(b);
}

/* ---- life ---- */

struct bucket *bucket_new(struct loop *l, const struct bucket_spec *spec)
{
    assert(spec->limit_count <= BUCKET_LIMITS_MAX);
    struct bucket *b = mem_alloc(sizeof(*b));
    b->loop = l;
    b->name = mem_strdup(spec->name);
    b->limit_count = spec->limit_count;
    b->share = spec->share_percent ? spec->share_percent / 100.0 : 1;
    b->waiting_count_max = spec->waiting_count_max ? spec->waiting_count_max : WAITING_COUNT_MAX;
    for (size_t p = 0; p < PRIORITY_COUNT; p++)
        for (size_t mask = 0; mask < MASK_COUNT; mask++)
            list_init(&b->queues[p][mask]);
    for (size_t i = 0; i < spec->limit_count; i++) {
        const struct bucket_limit *s = &spec->limits[i];
        assert(s->per_window > 0 && s->window_ms > 0);
        double jitter_ms = MIN(s->window_ms / 200.0, JITTER_MS_MAX);
        b->limits[i] = (struct limit){
            .name = s->name,
            .per_window = s->per_window,
            .window_ns = (s->window_ms + jitter_ms) * 1e6,
            .peer_ns = (uint64_t)s->window_ms * 1000000,
            .catch_up_ns = MAX(s->window_ms * 1e4 * spec->catch_up_percent, (double)CATCH_UP_NS),
            .remaining_last = -1,
        };
    }
    return b;
}

void bucket_free(struct bucket *b)
{
    if (!b)
        return;
    assert(b->waiting_count == 0);
    timer_stop(&b->timer);
    for (size_t i = 0; i < b->limit_count; i++)
        mem_free(b->limits[i].log);
    mem_free(b->name);
    mem_free(b);
}

struct bucket_stats bucket_stats(const struct bucket *b)
{
    uint64_t now_ns = loop_now_ns(b->loop);
    struct bucket_stats s = {
        .admitted_count = b->admitted_count,
        .rejected_count = b->rejected_count,
        .hold_ms = b->hold_until_ns > now_ns ? (b->hold_until_ns - now_ns + 999999) / 1000000 : 0,
    };
    for (size_t i = 0; i < b->limit_count; i++) {
        struct limit m = b->limits[i]; /* a copy: expiring changes nothing in the ring itself */
        log_expire(&m, now_ns);
        s.per_window[i] = m.per_window;
        s.level[i] = m.per_window - m.sum;
        s.used_total[i] = m.used_total;
    }
    for (size_t p = 0; p < PRIORITY_COUNT; p++)
        s.waiting_count[p] = b->waiting_by[p];
    return s;
}

const char *bucket_name(const struct bucket *b)
{
    return b->name;
}
