/*
 * The nibble tables of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte"
 * (2020), shared by the vector kernels. Indexed by the high nibble of a byte's predecessor, its low
 * nibble, and the byte's own high nibble.
 */
#ifndef SL_CODEC_UTF8_TABLES_H
#define SL_CODEC_UTF8_TABLES_H

#include <stdint.h>

/* What the tables prove about two neighbouring bytes; a bit that survives all three is an error. */
enum sl_utf8_fault {
    TOO_SHORT = 1 << 0,
    TOO_LONG = 1 << 1,
    OVERLONG_3 = 1 << 2,
    TOO_LARGE = 1 << 3,
    SURROGATE = 1 << 4,
    OVERLONG_2 = 1 << 5,
    TOO_LARGE_1000 = 1 << 6,
    OVERLONG_4 = 1 << 6,
    TWO_CONTS = 1 << 7,
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
    LARGE = CARRY | TOO_LARGE | TOO_LARGE_1000,
    CONT = TOO_LONG | OVERLONG_2 | TWO_CONTS,
};

#define TABLE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                      \
    {                                                                                              \
        (uint8_t)(a), (uint8_t)(b), (uint8_t)(c), (uint8_t)(d), (uint8_t)(e), (uint8_t)(f),        \
            (uint8_t)(g), (uint8_t)(h), (uint8_t)(i), (uint8_t)(j), (uint8_t)(k), (uint8_t)(l),    \
            (uint8_t)(m), (uint8_t)(n), (uint8_t)(o), (uint8_t)(p)                                 \
    }

static const uint8_t sl_utf8_first_high[16] =
    TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS,
          TWO_CONTS, TWO_CONTS, TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
          TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
static const uint8_t sl_utf8_first_low[16] =
    TABLE(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2, CARRY, CARRY,
          CARRY | TOO_LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE, LARGE,
          LARGE | SURROGATE, LARGE, LARGE);
static const uint8_t sl_utf8_second_high[16] =
    TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
          CONT | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4, CONT | OVERLONG_3 | TOO_LARGE,
          CONT | SURROGATE | TOO_LARGE, CONT | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT,
          TOO_SHORT, TOO_SHORT);

#undef TABLE

#endif
