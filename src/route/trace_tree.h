/* Decisions and candidates of one request into its trace. Private to route/. */
#ifndef SL_ROUTE_TRACE_TREE_H
#define SL_ROUTE_TRACE_TREE_H

#include "route/run.h"
#include "route/trace.h"

/*
 * Every decision of the plan as a tree of nodes, in declared order, and the candidates of the
 * winner. Decisions that rest on slots which were never evaluated are marked as skipped.
 */
SL_MUST_USE enum sl_rc sl_trace_tree(struct sl_run *run, const struct sl_verdict *verdict);

#endif
