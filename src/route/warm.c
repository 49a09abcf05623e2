/*
 * Warming: a few small texts are routed once when a loop takes a policy, so that the scan's
 * scratch, the automata that grow as they run and the pages of the tables exist before the first
 * request. Cold, that request costs ten times what the hundredth does.
 */
#include "route/policy.h"

#define MAX_WARM_RECIPES 8 /* further ones warm with their first request */

static const char *const samples[] = {
    "Prove that the sum of the first 12 odd numbers is 144, then explain it to a child: why, how?",
    "def parse(text):\n    return [int(x) for x in text.split(\",\") if x]  # TypeError: fix it!",
    "Schreiben Sie bitte einen höflichen Brief; ¿puede usted traducirlo después? Merci beaucoup.",
    "Переведи договор на русский язык. 请把这份合同翻译成中文。",
    "この文を英語に訳してください。 ترجم هذا النص",
};

static void route_samples(const struct sl_config *config, sl_str name, struct sl_scratch *scratch,
                          struct sl_arena *arena)
{
    for (unsigned i = 0; i < 2 * SL_COUNT(samples); i++) {
        sl_str text = sl_str_from(samples[i / 2]);
        const struct sl_facts facts = {.current = text,
                                       .eval = text,
                                       .all_bytes = text.n,
                                       .conversation = {.n_user = 1, .n_messages = 1},
                                       .context = {.text_bytes = text.n},
                                       .has_message_facts = true};
        const struct sl_route_options options = {.evaluates_all = i % 2 == 0};
        struct sl_verdict verdict;
        enum sl_rc rc = sl_route(config, name, &facts, &options, scratch, arena, &verdict);
        sl_arena_reset(arena);
        if (rc != SL_OK)
            return; /* out of memory: a request will say so */
    }
}

void sl_route_warm(const struct sl_config *config, struct sl_scratch *scratch,
                   struct sl_arena *arena)
{
    uint32_t warmed[MAX_WARM_RECIPES];
    uint32_t n = 0;
    for (uint32_t i = 0; i < config->n_names && n < MAX_WARM_RECIPES; i++) {
        const struct sl_name_entry *name = &config->names[i];
        bool is_new = name->recipe != SL_NO_INDEX;
        for (uint32_t k = 0; k < n; k++)
            is_new = is_new && warmed[k] != name->recipe;
        if (!is_new)
            continue;
        warmed[n++] = name->recipe;
        route_samples(config, name->name, scratch, arena);
    }
}
