/*
 * Scalars of a configuration as numbers, truth values, durations and token counts, with the
 * spellings that the reference's YAML parser takes. Pure.
 */
#ifndef SL_CONFIG_SCALAR_H
#define SL_CONFIG_SCALAR_H

#include "codec/yaml.h"

/* Plain (or expanded) whole numbers: 42, -1, 1_000, 0x1f, 0o17, 017, 0b1, 1e3, 2.0. */
bool sl_scalar_int(const struct sl_yaml *node, int64_t *out);

/* Plain (or expanded) finite numbers. */
bool sl_scalar_float(const struct sl_yaml *node, double *out);

/* "300s", "1m30s", "1.5h", "500ms", "0": milliseconds, rounded down. */
bool sl_parse_duration(sl_str text, int64_t *out_ms);

/* 4096, "8K", "1.5m": K is 1,000 and M 1,000,000 in any case; blanks around are ignored. */
bool sl_parse_tokens(sl_str text, int64_t *out);

/* What a person sees at this place: the text "abc", the number 5, a map, a list, nothing. */
struct sl_found {
    char text[96];
};
struct sl_found sl_found(const struct sl_yaml *node);

#endif
