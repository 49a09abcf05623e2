/*
 * The policies. Smooth weighted round robin is nginx's: every pick adds each member's weight to
 * its credit and the richest pays the sum of weights, so that 5:1:1 gives a a b a c a a. Power of
 * two choices: Mitzenmacher 2001. Rendezvous: Thaler and Ravishankar 1998, with the logarithmic
 * weighting of Schindelhauer and Schomaker 2005.
 */
#include "proxy/upstream/balance.h"

#include "base/hash.h"

#include <math.h>

/* Members that may be picked now. */
static uint64_t available(const struct sl_balance *b, const struct sl_balance_query *q)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < b->n && i < SL_BALANCE_MAX_ENDPOINTS; i++) {
        uint64_t bit = (uint64_t)1 << i;
        if (!(q->excluded & bit) && sl_endpoint_is_available(b->members[i].state, q->now_ns))
            mask |= bit;
    }
    return mask;
}

static int pick_round_robin(struct sl_balance *b, uint64_t mask)
{
    int best = -1;
    int64_t sum = 0;
    for (uint64_t rest = mask; rest; rest &= rest - 1) {
        int i = __builtin_ctzll(rest);
        struct sl_balance_member *m = &b->members[i];
        m->credit += m->weight;
        sum += m->weight;
        if (best < 0 || m->credit > b->members[best].credit)
            best = i;
    }
    b->members[best].credit -= sum;
    return best;
}

static int nth_bit(uint64_t mask, uint32_t n)
{
    while (n--)
        mask &= mask - 1;
    return __builtin_ctzll(mask);
}

/* True when x carries less per weight than y; (in_flight + 1) so that idle ones differ too. */
static bool is_less_loaded(const struct sl_balance_member *x, const struct sl_balance_member *y)
{
    uint64_t load_x = atomic_load_explicit(&x->state->in_flight, memory_order_relaxed);
    uint64_t load_y = atomic_load_explicit(&y->state->in_flight, memory_order_relaxed);
    return (load_x + 1) * y->weight < (load_y + 1) * x->weight;
}

static int pick_least_request(const struct sl_balance *b, uint64_t mask, uint64_t random)
{
    uint32_t n = (uint32_t)__builtin_popcountll(mask);
    uint32_t first = (uint32_t)(random & 0xffffffffu) % n;
    uint32_t second = (uint32_t)(random >> 32) % (n - 1);
    second += second >= first;
    int x = nth_bit(mask, first), y = nth_bit(mask, second);
    return is_less_loaded(&b->members[y], &b->members[x]) ? y : x;
}

static int pick_by_hash(const struct sl_balance *b, uint64_t mask, uint64_t key)
{
    int best = -1;
    double best_score = 0;
    for (uint64_t rest = mask; rest; rest &= rest - 1) {
        int i = __builtin_ctzll(rest);
        uint64_t h = sl_hash_u64(key, sl_hash_u64(b->members[i].identity, key));
        double unit = ((double)(h >> 11) + 0.5) * 0x1.0p-53; /* in (0, 1) */
        double score = -(double)b->members[i].weight / log(unit);
        if (best < 0 || score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

int sl_balance_pick(struct sl_balance *b, const struct sl_balance_query *q)
{
    uint64_t mask = available(b, q);
    if (!mask)
        return -1;
    if (!(mask & (mask - 1)))
        return __builtin_ctzll(mask);
    if (b->policy == SL_LB_CONSISTENT_HASH && q->key)
        return pick_by_hash(b, mask, q->key);
    if (b->policy == SL_LB_ROUND_ROBIN)
        return pick_round_robin(b, mask);
    return pick_least_request(b, mask, q->random);
}
