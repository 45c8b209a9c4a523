/*
 * db/half.c: floats to half precision and back, without help from the CPU or the compiler.
 *
 *   float  s eeeeeeee mmmmmmmmmmmmmmmmmmmmmmm   bias 127
 *   half   s eeeee    mmmmmmmmmm                bias 15, 13 mantissa bits fewer
 *
 * Rounding adds half of the last kept place, less one when the kept part is even; the carry may run
 * into the exponent, which is just what is wanted (up to infinity). Cannot fail.
 */
#include "db/half.h"

#include <string.h>

#define FLOAT_INFINITY 0x7f800000u
#define HALF_OVERFLOW 0x47800000u /* 65536.0: all from here on is infinity */
#define HALF_NORMAL 0x38800000u   /* 2^-14: the smallest normal half */
#define HALF_ZERO 0x33000000u     /* 2^-25: half of the smallest subnormal; up to here is zero */

uint16_t half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > FLOAT_INFINITY)
        return sign | 0x7e00;
    if (bits >= HALF_OVERFLOW)
        return sign | 0x7c00;
    if (bits <= HALF_ZERO)
        return sign;
    if (bits < HALF_NORMAL) {
        /* value = mantissa * 2^(exponent - 150); a subnormal half counts units of 2^-24. */
        uint32_t exponent = bits >> 23; /* 102..112 */
        uint32_t mantissa = (bits & 0x7fffff) | 0x800000;
        uint32_t shift = 126 - exponent; /* 14..24 */
        uint32_t kept = mantissa >> shift;
        uint32_t rest = mantissa & ((1u << shift) - 1);
        uint32_t middle = 1u << (shift - 1);
        if (rest > middle || (rest == middle && (kept & 1)))
            kept++;
        return sign | (uint16_t)kept;
    }
    bits -= (127u - 15u) << 23;
    bits += 0xfff + (bits >> 13 & 1);
    return sign | (uint16_t)(bits >> 13);
}

float half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3ff;
    uint32_t bits;
    if (exponent == 31) {
        bits = sign | FLOAT_INFINITY | mantissa << 13;
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else {
        float tiny = (float)mantissa * 0x1p-24f;
        return sign ? -tiny : tiny;
    }
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}
