/* Numeric predicates of rules: the field table, the checks and the comparison. Pure. */
#ifndef SL_ROUTE_PREDICATE_H
#define SL_ROUTE_PREDICATE_H

#include "config/config.h"

/* Fields of struct sl_predicate, for SL_F_STRUCT. */
extern const struct sl_field sl_predicate_fields[];

bool sl_predicate_is_set(const struct sl_predicate *p);
/* Every bound that is set holds; never for NaN or infinity. */
bool sl_predicate_holds(const struct sl_predicate *p, double value);

/* The first bound present, in the order gt, gte, lt, lte; 0 without any. */
double sl_predicate_bound(const struct sl_predicate *p);

/* What is wrong with p ("predicate cannot set both gt and gte"), or NULL. */
const char *sl_predicate_fault(const struct sl_predicate *p);

/* "value 3, needs >= 4": why a rule matched or did not. The text is NUL-terminated. */
struct sl_predicate_text {
    char text[128];
};
struct sl_predicate_text sl_predicate_explain(const struct sl_predicate *p, double value);

#endif
