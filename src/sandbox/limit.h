#pragma once
/* A fixed window of credits that begins with the first call in it, as the helpdesk's minutes do. */
#include <stdbool.h>
#include <stdint.h>

struct limit {
    int64_t window_end_ms; /* 0: none open */
    int64_t used;
};
/* Opens a new window when the old one is over. True when `cost` fits below `allowance` (0: always);
 * only then it is taken. */
bool limit_take(struct limit *l, int64_t now_ms, int64_t window_ms, int64_t allowance,
                int64_t cost);
/* The same without taking. */
bool limit_fits(struct limit *l, int64_t now_ms, int64_t window_ms, int64_t allowance,
                int64_t cost);
int64_t limit_left(const struct limit *l, int64_t allowance);
/* Whole seconds until the window is over, at least 1. */
int64_t limit_retry_s(const struct limit *l, int64_t now_ms);
