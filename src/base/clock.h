/* Clocks, for the layers that may have one (codec, match, route take the time as a parameter). */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Monotonic nanoseconds: deadlines, durations, costs in the decision trace. */
static inline uint64_t sl_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Seconds since 1970, for timestamps in answers and logs. */
static inline int64_t sl_clock_unix_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return t.tv_sec;
}

#endif
