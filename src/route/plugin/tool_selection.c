/* Plugin "tool_selection": tools chosen by meaning. Record only, no engine yet. */
#include "config/field.h"
#include "config/global/tables.h"
#include "route/plugin.h"

enum { MODE_UNSET, MODE_ADD, MODE_FILTER };

struct tool_selection_cfg {
    int mode;
    struct sl_opt_float relevance_threshold;
    struct sl_opt_int preserve_count;
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches the plugin on."},
    {"mode", SL_F_ENUM, SL_AT(tool_selection_cfg, mode), .flags = SL_EXACT,
     SL_CHOICES("", "add", "filter"), .fallback = "add",
     .help = "Add tools of the database, or keep only the relevant ones of the request."},
    {"tools_db_path", SL_F_STR, SL_CHECKED, .help = "File of the database (`add`)."},
    {"top_k", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, 1000), .help = "Tools added (`add`)."},
    {"similarity_threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Similarity from which a tool is added (`add`)."},
    {"advanced_filtering", SL_F_STRUCT, SL_CHECKED_SUB(sl_advanced_filtering_fields),
     .help = "Ranks by more than meaning (`add`)."},
    {"strategy", SL_F_STR, SL_CHECKED, .help = "How tools are ranked."},
    {"fallback_to_empty", SL_F_TRI, SL_CHECKED, .help = "Send no tools when none fits (`add`)."},
    {"relevance_threshold", SL_F_OPT_FLOAT, SL_AT(tool_selection_cfg, relevance_threshold),
     SL_BETWEEN(0, 1), .help = "Score from which a tool stays (`filter`); omitted: 0.25."},
    {"preserve_count", SL_F_OPT_INT, SL_AT(tool_selection_cfg, preserve_count), SL_BETWEEN(0, 1000),
     .help = "At least so many stay (`filter`)."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct tool_selection_cfg *cfg = decoded;
    const struct sl_yaml *filtering = sl_yaml_get(node, SL_STR("advanced_filtering"));
    if (cfg->mode != MODE_FILTER && (cfg->relevance_threshold.is_set || cfg->preserve_count.is_set))
        sl_check_warn(c, node, "relevance_threshold and preserve_count are only for mode filter");
    if (filtering) {
        size_t length = sl_check_push(c, SL_STR("advanced_filtering"));
        sl_check_advanced_filtering(c, filtering);
        sl_check_pop(c, length);
    }
}

const struct sl_plugin_type sl_plugin_tool_selection = {
    .feature =
        {
            .name = "tool_selection",
            .summary = "Adds or keeps the tools that fit the request",
            .help = "`add` puts the best tools of a database into the request, `filter` drops "
                    "tools of the request that have nothing to do with it. Only when the client "
                    "leaves the choice to the model (`tool_choice: auto`).",
            .example = "enabled: true\n"
                       "mode: filter\n"
                       "relevance_threshold: 0.25\n"
                       "preserve_count: 2\n",
            .fields = fields,
            .size = sizeof(struct tool_selection_cfg),
            .is_lenient = true,
            .validate = validate,
        },
    .phase = SL_PHASE_NONE,
};
