/* Plugin "memory": what the user said before. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

/* A list of texts; the reference also takes one text alone. */
static void decode_patterns(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    (void)at;
    if (!node || node->kind == SL_YAML_NULL || node->kind == SL_YAML_SCALAR)
        return;
    for (uint32_t i = 0; node->kind == SL_YAML_LIST && i < node->n; i++) {
        if (node->items[i]->kind == SL_YAML_LIST || node->items[i]->kind == SL_YAML_MAP)
            sl_check_error(c, node->items[i], "expected a text");
    }
    if (node->kind == SL_YAML_MAP)
        sl_check_error(c, node, "expected a list of texts");
}

static const struct sl_field reflection_fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED, .fallback = "true", .help = "Switches the filter on."},
    {"algorithm", SL_F_STR, SL_CHECKED, .fallback = "heuristic",
     .help = "`heuristic` filters, `noop` passes everything."},
    {"max_inject_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS), .fallback = "2048",
     .help = "Budget of the injected message."},
    {"recency_decay_days", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 36500), .fallback = "30",
     .help = "Age at which a memory counts half."},
    {"dedup_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.9",
     .help = "Overlap of words from which the weaker of two memories is dropped."},
    {"block_patterns", SL_F_CUSTOM, SL_CHECKED, .decode = decode_patterns,
     .help = "Memories that contain one of these texts are not injected."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED, .help = "Overrides `global.stores.memory.enabled`."},
    {"retrieval_limit", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000),
     .help = "Memories that are looked up; 0: the store's default."},
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Similarity from which a memory counts; omitted: the store's default."},
    {"auto_store", SL_F_TRI, SL_CHECKED,
     .help = "Stores what was said afterwards; omitted: the request's wish, then the store's."},
    {"hybrid_search", SL_F_TRI, SL_CHECKED, .help = "Also searches by words."},
    {"hybrid_mode", SL_F_STR, SL_CHECKED, .help = "How the two searches are joined."},
    {"reflection", SL_F_STRUCT, SL_CHECKED_SUB(reflection_fields),
     .help = "Filter between what was found and what is injected."},
    SL_FIELD_END,
};

const struct sl_plugin_type sl_plugin_memory = {
    .feature =
        {
            .name = "memory",
            .summary = "Puts what the user said earlier into the request",
            .help = "Looks up memories of the user in `global.stores.memory`, filters them, and "
                    "injects them as a message behind the system prompt. Failures leave the "
                    "request as it was.",
            .example = "enabled: true\n"
                       "retrieval_limit: 5\n"
                       "similarity_threshold: 0.7\n"
                       "reflection:\n"
                       "  max_inject_tokens: 512\n"
                       "  block_patterns: [\"password\"]\n",
            .fields = fields,
            .is_lenient = true,
        },
    .phase = SL_PHASE_NONE,
};
