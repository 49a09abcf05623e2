/* Working memory of one thread, good for every policy; grows to the largest seen. */
#ifndef SL_ROUTE_SCRATCH_H
#define SL_ROUTE_SCRATCH_H

#include "match/scan.h"
#include "route/decide.h"

struct sl_scratch {
    struct sl_scan_scratch *scan;
    struct sl_decide_memory decide;
};

#endif
