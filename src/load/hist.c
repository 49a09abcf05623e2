/* Log-linear buckets: the highest bit chooses the row, the SUB_BITS bits behind it the column. */
#include "load/hist.h"

#define SUB (1u << SL_HIST_SUB_BITS)

uint32_t sl_hist_bucket(uint64_t value)
{
    if (value < SUB)
        return (uint32_t)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - SL_HIST_SUB_BITS;
    return ((shift + 1) << SL_HIST_SUB_BITS) + (uint32_t)((value >> shift) - SUB);
}

uint64_t sl_hist_bucket_top(uint32_t bucket)
{
    if (bucket < SUB)
        return bucket;
    unsigned shift = (bucket >> SL_HIST_SUB_BITS) - 1;
    uint64_t lead = SUB + (bucket & (SUB - 1));
    return ((lead + 1) << shift) - 1;
}

void sl_hist_reset(struct sl_hist *h)
{
    memset(h, 0, sizeof(*h));
}

void sl_hist_add(struct sl_hist *h, uint64_t value)
{
    h->counts[sl_hist_bucket(value)]++;
    if (!h->n || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->n++;
    h->sum += (double)value;
}

void sl_hist_merge(struct sl_hist *into, const struct sl_hist *from)
{
    if (!from->n)
        return;
    for (uint32_t i = 0; i < SL_HIST_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    if (!into->n || from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    into->n += from->n;
    into->sum += from->sum;
}

uint64_t sl_hist_percentile(const struct sl_hist *h, double percent)
{
    if (!h->n)
        return 0;
    double exact = (double)h->n * percent / 100.0;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    if (rank > h->n)
        rank = h->n;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < SL_HIST_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= rank) {
            uint64_t top = sl_hist_bucket_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

double sl_hist_mean(const struct sl_hist *h)
{
    return h->n ? h->sum / (double)h->n : 0;
}

uint64_t sl_hist_above(const struct sl_hist *h, uint64_t value)
{
    uint64_t n = 0;
    for (uint32_t i = sl_hist_bucket(value) + 1; i < SL_HIST_BUCKETS; i++)
        n += h->counts[i];
    return n;
}
