/* See scratch.h. */
#include "route/scratch.h"

#include <stdlib.h>

struct sl_scratch *sl_scratch_new(void)
{
    struct sl_scratch *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->scan = sl_scan_scratch_new();
    if (!s->scan) {
        free(s);
        return NULL;
    }
    return s;
}

void sl_scratch_free(struct sl_scratch *scratch)
{
    if (!scratch)
        return;
    sl_scan_scratch_free(scratch->scan);
    sl_decide_memory_free(&scratch->decide);
    free(scratch);
}
