/* The rivals of bench_json behind one C call: parses and validates a whole text, or returns false.
 */
#ifndef SL_BENCH_JSON_RIVALS_H
#define SL_BENCH_JSON_RIVALS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* p has 64 readable bytes behind n, which simdjson needs (Sluice does not). */
bool parse_simdjson(const char *p, size_t n);
const char *simdjson_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
