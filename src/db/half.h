#pragma once
/* Half-precision floats (IEEE 754-2008 binary16) as pgvector's halfvec stores them. */
#include <stdint.h>

/* Rounds to nearest, ties to even; too large becomes infinity, too small a subnormal or zero, NaN
 * stays a (quiet) NaN. The sign is always kept. */
uint16_t half_from_float(float value);
/* Exact. */
float half_to_float(uint16_t half);
