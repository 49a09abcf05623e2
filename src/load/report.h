/* What a run of load found, as text for people and as JSON for scripts. */
#ifndef SL_LOAD_REPORT_H
#define SL_LOAD_REPORT_H

#include "base/buf.h"
#include "load/load.h"

struct sl_load_report {
    const char *url;
    double rate_per_s; /* asked for; 0: closed loop */
    uint64_t n_concurrent;
    uint64_t n_threads;
    uint64_t late_ms; /* frames later than this are counted */
};

void sl_load_write_text(struct sl_buf *out, const struct sl_load_report *report,
                        const struct sl_load_result *result);
void sl_load_write_json(struct sl_buf *out, const struct sl_load_report *report,
                        const struct sl_load_result *result);
/* "830 ns", "12.3 us", "4.56 ms", "1.20 s" into text; returns text. */
const char *sl_load_duration(char text[16], uint64_t ns);

#endif
