#include "sandbox/limit.h"

#include "base/macro.h"

/*
 * Fixed windows. A refused call costs nothing, so that a client which waits as told gets its whole
 * allowance. Times are the loop's milliseconds. Cannot fail.
 */

bool limit_fits(struct limit *l, int64_t now_ms, int64_t window_ms, int64_t allowance, int64_t cost)
{
    if (l->window_end_ms == 0 || now_ms >= l->window_end_ms) {
        l->window_end_ms = now_ms + window_ms;
        l->used = 0;
    }
    return allowance == 0 || l->used + cost <= allowance;
}

bool limit_take(struct limit *l, int64_t now_ms, int64_t window_ms, int64_t allowance, int64_t cost)
{
    if (!limit_fits(l, now_ms, window_ms, allowance, cost))
        return false;
    l->used += cost;
    return true;
}

int64_t limit_left(const struct limit *l, int64_t allowance)
{
    return MAX(allowance - l->used, 0);
}

int64_t limit_retry_s(const struct limit *l, int64_t now_ms)
{
    return MAX((l->window_end_ms - now_ms + 999) / 1000, 1);
}
