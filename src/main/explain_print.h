/* The whole way to a decision, for people: signals, projections, decisions, candidates. */
#ifndef SL_MAIN_EXPLAIN_PRINT_H
#define SL_MAIN_EXPLAIN_PRINT_H

#include "route/trace.h"

#include <stdio.h>

/* Colour only where `to` is a terminal. */
void sl_explain_print(FILE *to, const struct sl_config *config, const struct sl_verdict *verdict,
                      const struct sl_trace *trace);

#endif
