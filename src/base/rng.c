#include "base/rng.h"

#include <assert.h>

/*
 * Splitmix64: one add and three mixing steps a number, any seed is good, the same seed gives the same
 * numbers on every machine (the sandbox's made-up data relies on that: never change the constants).
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, fig. 17.
 */

uint64_t rng_next(struct rng *r)
{
    r->state += 0x9e3779b97f4a7c15u;
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    assert(bound > 0);
    /* Numbers under 2^64 mod bound would make the small results likelier: drawn again. */
    uint64_t floor = (0 - bound) % bound;
    uint64_t n = rng_next(r);
    while (n < floor)
        n = rng_next(r);
    return n % bound;
}

double rng_unit(struct rng *r)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53;
}
