/* The conditions are Envoy's, by their configured names. */
#include "proxy/upstream/retry.h"

#define BASE_MS        25u
#define MAX_MS         250u
#define BUDGET_PERCENT 20u
#define BUDGET_MIN     3u

static bool covers_status(uint32_t retry_on, int status)
{
    if (status >= 500 && (retry_on & SL_RETRY_5XX))
        return true;
    if ((status == 502 || status == 503 || status == 504) && (retry_on & SL_RETRY_GATEWAY_ERROR))
        return true;
    if (status == 429 && (retry_on & SL_RETRY_429))
        return true;
    return status == 409 && (retry_on & SL_RETRY_RETRIABLE_4XX);
}

bool sl_retry_covers(uint32_t retry_on, enum sl_attempt_end end, int status)
{
    switch (end) {
    case SL_ATTEMPT_ANSWERED:
        return covers_status(retry_on, status);
    case SL_ATTEMPT_CONNECT_FAILURE:
        return (retry_on & (SL_RETRY_CONNECT_FAILURE | SL_RETRY_5XX | SL_RETRY_GATEWAY_ERROR)) != 0;
    case SL_ATTEMPT_REFUSED_STREAM:
        return (retry_on & (SL_RETRY_REFUSED_STREAM | SL_RETRY_RESET | SL_RETRY_5XX)) != 0;
    case SL_ATTEMPT_RESET:
        return (retry_on & (SL_RETRY_RESET | SL_RETRY_5XX)) != 0;
    case SL_ATTEMPT_BAD_ANSWER:
        return (retry_on & (SL_RETRY_5XX | SL_RETRY_GATEWAY_ERROR)) != 0;
    }
    return false;
}

uint64_t sl_retry_delay_ms(uint32_t n_retried, uint64_t random)
{
    uint64_t bound = n_retried < 8 ? (uint64_t)BASE_MS << n_retried : MAX_MS;
    return random % (bound < MAX_MS ? bound : MAX_MS);
}

bool sl_retry_budget_take(struct sl_retry_budget *b)
{
    uint64_t allowed = (uint64_t)b->n_active * BUDGET_PERCENT / 100;
    if (b->n_retrying >= (allowed > BUDGET_MIN ? allowed : BUDGET_MIN))
        return false;
    b->n_retrying++;
    return true;
}

void sl_retry_budget_give(struct sl_retry_budget *b)
{
    if (b->n_retrying)
        b->n_retrying--;
}
