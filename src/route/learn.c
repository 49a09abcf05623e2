/* From the answers to a policy's asks to its filled banks; see policy.h. */
#include "route/bank.h"
#include "route/plan.h"

enum sl_rc sl_policy_ask(const struct sl_config *config, struct sl_infer *infer)
{
    const struct sl_policy *policy = config->policy;
    for (const struct sl_bank *bank = policy ? policy->banks : NULL; bank; bank = bank->next)
        for (uint32_t i = 0; i < bank->n_texts; i++)
            if (!sl_infer_embed(infer, bank->texts[i]))
                return SL_NOMEM;
    return SL_OK;
}

/* The vectors of a bank's texts; the first that is not there, or NULL. */
static const struct sl_infer_ask *collect(const struct sl_bank *bank, struct sl_infer *infer,
                                          struct sl_vector *out)
{
    for (uint32_t i = 0; i < bank->n_texts; i++) {
        const struct sl_infer_ask *ask = sl_infer_embed(infer, bank->texts[i]);
        if (!ask || ask->status != SL_INFER_DONE || (i && ask->vector.n != out[0].n))
            return ask;
        out[i] = ask->vector;
    }
    return NULL;
}

enum sl_rc sl_policy_learn(struct sl_config *config, struct sl_infer *infer, struct sl_err *err)
{
    struct sl_policy *policy = config->policy;
    enum sl_rc rc = SL_OK;
    for (struct sl_bank *bank = policy ? policy->banks : NULL; bank; bank = bank->next) {
        if (bank->is_filled)
            continue;
        struct sl_vector *vectors = SL_NEW_ARRAY(infer->arena, struct sl_vector, bank->n_texts);
        if (!vectors)
            return sl_err_set(err, SL_NOMEM, "out of memory");
        const struct sl_infer_ask *missing = collect(bank, infer, vectors);
        if (missing && rc == SL_OK)
            rc = sl_err_set(err, SL_IO, "no vector for the example \"%.*s\": %s",
                            SL_FMT(sl_str_sub(missing->text, 0, 80)),
                            missing->error ? missing->error : "vectors of different lengths");
        if (missing)
            continue;
        enum sl_rc filled = sl_bank_fill(bank, &policy->arena, vectors);
        if (filled == SL_LIMIT)
            sl_err_set(err, filled, "a rule has too many examples to group: %u", bank->n_texts);
        if (filled != SL_OK)
            return filled;
    }
    return rc;
}
