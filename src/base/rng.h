#pragma once
/* Deterministic pseudo-random numbers (splitmix64) for jitter, sampling and made-up data. Never for
 * secrets: see crypto.h. */
#include <stdint.h>

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t bound); /* 0..bound-1; bound > 0 */
double rng_unit(struct rng *r);                    /* [0,1) */
