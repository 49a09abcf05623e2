/*
 * The decision engine's naive twin: the reference's algorithm as chapter 02 section 2.3 tells it,
 * over lists of strings, recursive, allocating. What the tests and the benchmark compare with.
 */
#ifndef SL_TESTS_DECIDE_TWIN_H
#define SL_TESTS_DECIDE_TWIN_H

#include "config/config.h"

struct twin_signals {
    struct {
        char name[48]; /* "keyword:urgent" */
        bool matched, has_conf, has_value, has_error;
        double conf, value;
    } * items;
    uint32_t n;
};

struct twin_result {
    const struct sl_decision_cfg *decision;
    double confidence;
    sl_str *rules; /* "type:name", freed with twin_free */
    uint32_t n_rules;
};

void twin_decide(const struct sl_recipe_cfg *recipe, const struct twin_signals *signals,
                 struct twin_result *out);
void twin_free(struct twin_result *r);

#endif
