/* Numeric predicates: gt, gte, lt, lte in any consistent combination. */
#include "route/predicate.h"

#include "config/field.h"

#include <math.h>
#include <stdio.h>

const struct sl_field sl_predicate_fields[] = {
    {.key = "gt",
     .type = SL_F_OPT_FLOAT,
     .offset = offsetof(struct sl_predicate, gt),
     SL_UNBOUNDED,
     .help = "The value must be greater than this."},
    {.key = "gte",
     .type = SL_F_OPT_FLOAT,
     .offset = offsetof(struct sl_predicate, gte),
     SL_UNBOUNDED,
     .help = "The value must be at least this."},
    {.key = "lt",
     .type = SL_F_OPT_FLOAT,
     .offset = offsetof(struct sl_predicate, lt),
     SL_UNBOUNDED,
     .help = "The value must be less than this."},
    {.key = "lte",
     .type = SL_F_OPT_FLOAT,
     .offset = offsetof(struct sl_predicate, lte),
     SL_UNBOUNDED,
     .help = "The value must be at most this."},
    SL_FIELD_END,
};

bool sl_predicate_is_set(const struct sl_predicate *p)
{
    return p->gt.is_set || p->gte.is_set || p->lt.is_set || p->lte.is_set;
}

bool sl_predicate_holds(const struct sl_predicate *p, double value)
{
    return isfinite(value) && (!p->gt.is_set || value > p->gt.value) &&
           (!p->gte.is_set || value >= p->gte.value) && (!p->lt.is_set || value < p->lt.value) &&
           (!p->lte.is_set || value <= p->lte.value);
}

double sl_predicate_bound(const struct sl_predicate *p)
{
    const struct sl_opt_float *bounds[] = {&p->gt, &p->gte, &p->lt, &p->lte};
    for (size_t i = 0; i < SL_COUNT(bounds); i++)
        if (bounds[i]->is_set)
            return bounds[i]->value;
    return 0;
}

const char *sl_predicate_fault(const struct sl_predicate *p)
{
    const struct sl_opt_float *bounds[] = {&p->gt, &p->gte, &p->lt, &p->lte};
    for (size_t i = 0; i < SL_COUNT(bounds); i++)
        if (bounds[i]->is_set && !isfinite(bounds[i]->value))
            return "predicate values must be finite";
    if (!sl_predicate_is_set(p))
        return "predicate must set at least one comparator";
    if (p->gt.is_set && p->gte.is_set)
        return "predicate cannot set both gt and gte";
    if (p->lt.is_set && p->lte.is_set)
        return "predicate cannot set both lt and lte";
    if ((p->gt.is_set || p->gte.is_set) && (p->lt.is_set || p->lte.is_set)) {
        double lower = p->gt.is_set ? p->gt.value : p->gte.value;
        double upper = p->lt.is_set ? p->lt.value : p->lte.value;
        bool is_strict = p->gt.is_set || p->lt.is_set;
        if (lower > upper || (lower == upper && is_strict))
            return "predicate defines an empty numeric range";
    }
    return NULL;
}

struct sl_predicate_text sl_predicate_explain(const struct sl_predicate *p, double value)
{
    static const char *const signs[] = {">", ">=", "<", "<="};
    const struct sl_opt_float *bounds[] = {&p->gt, &p->gte, &p->lt, &p->lte};
    struct sl_predicate_text out;
    int at = snprintf(out.text, sizeof(out.text), "value %g", value);
    const char *joint = ", needs ";
    for (size_t i = 0; i < SL_COUNT(bounds); i++) {
        if (!bounds[i]->is_set || at < 0 || (size_t)at >= sizeof(out.text))
            continue;
        at += snprintf(out.text + at, sizeof(out.text) - (size_t)at, "%s%s %g", joint, signs[i],
                       bounds[i]->value);
        joint = " and ";
    }
    return out;
}
