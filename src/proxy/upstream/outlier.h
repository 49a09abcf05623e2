/*
 * Passive health: an endpoint that answers `consecutive_5xx` times in a row with 5xx (or fails to
 * answer) is ejected for base_ejection_ms times the number of ejections in a row, as long as not
 * more than max_ejection_percent of its model's endpoints are out, and never the only endpoint.
 * The count of ejections falls by one for each success after it came back.
 */
#ifndef SL_PROXY_UPSTREAM_OUTLIER_H
#define SL_PROXY_UPSTREAM_OUTLIER_H

#include "proxy/upstream/balance.h"

/*
 * Notes an outcome of member i. True when this ejected it. Any loop; `now_ns` is monotonic.
 * An endpoint may always be ejected when none of its model's is, whatever the percentage.
 */
bool sl_outlier_note(const struct sl_balance *b, uint32_t i, const struct sl_reliability_cfg *cfg,
                     bool was_ok, uint64_t now_ns);

#endif
