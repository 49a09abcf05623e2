/*
 * The naive twin of the JSON parser: recursive descent, one byte at a time, straight from the
 * grammar of RFC 8259. For comparison only.
 */
#ifndef SL_TESTS_NAIVE_JSON_H
#define SL_TESTS_NAIVE_JSON_H

#include "codec/json.h"

struct naive_json {
    struct sl_json_node nodes[4096];
    uint32_t n;
};

/* True when `text` is valid; out holds the tape that it should give. */
bool naive_json_parse(struct naive_json *out, sl_str text);

/* A pseudo-random JSON text (mostly valid, sometimes mutated) for `seed`; into `to`. */
size_t random_json(char *to, size_t cap, uint64_t seed);

/* The next number of a small generator. */
uint64_t next_random(uint64_t *state);

#endif
