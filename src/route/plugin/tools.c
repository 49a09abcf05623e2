/* Plugin "tools": which tools the model may see. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

enum { MODE_UNSET, MODE_PASSTHROUGH, MODE_NONE, MODE_FILTERED };

struct tools_cfg {
    bool is_enabled;
    int mode;
    struct sl_strs allow_tools;
    struct sl_strs block_tools;
    bool strips_history;
};

static const struct sl_field weight_fields[] = {
    {"semantic", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Weight of meaning."},
    {"history", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Weight of earlier calls."},
    {"decision_prior", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Weight of the decision."},
    {"repetition_penalty", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Penalty of repeated calls."},
    SL_FIELD_END,
};

static const struct sl_field retrieval_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches it on."},
    {"strategy", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "semantic_only", "hybrid_history"), .help = "What counts."},
    {"history_window", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(0, 10000),
     .help = "Earlier calls that count."},
    {"weights", SL_F_STRUCT, SL_CHECKED_SUB(weight_fields), .help = "How much each counts."},
    {"min_history_confidence", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Below this, earlier calls do not count."},
    {"fallback_on_low_confidence", SL_F_BOOL, SL_CHECKED, .help = "Go by meaning alone then."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(tools_cfg, is_enabled), .help = "Switches the plugin on."},
    {"mode", SL_F_ENUM, SL_AT(tools_cfg, mode), .flags = SL_EXACT,
     SL_CHOICES("", "passthrough", "none", "filtered"), .fallback = "passthrough",
     .help = "Leave the tools, take them all away, or keep those that the lists allow."},
    {"semantic_selection", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "With `tool_choice: auto`, choose tools by meaning."},
    {"allow_tools", SL_F_STRS, SL_AT(tools_cfg, allow_tools),
     .help = "Names that stay (`filtered` only)."},
    {"block_tools", SL_F_STRS, SL_AT(tools_cfg, block_tools),
     .help = "Names that go (`filtered` only)."},
    {"strip_tool_history", SL_F_BOOL, SL_AT(tools_cfg, strips_history),
     .help = "Also takes earlier tool calls and results away (`none` only)."},
    {"strategy", SL_F_STR, SL_CHECKED, .fallback = "default", .help = "How tools are ranked."},
    {"dynamic_retrieval", SL_F_STRUCT, SL_CHECKED_SUB(retrieval_fields),
     .help = "Ranks with earlier calls in mind."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct tools_cfg *cfg = decoded;
    bool has_lists = cfg->allow_tools.n || cfg->block_tools.n;
    if (cfg->mode == MODE_FILTERED && !has_lists)
        sl_check_error(c, sl_yaml_get(node, SL_STR("mode")),
                       "mode filtered requires allow_tools or block_tools");
    if (cfg->mode != MODE_FILTERED && has_lists)
        sl_check_error(
            c,
            sl_yaml_get(node, cfg->allow_tools.n ? SL_STR("allow_tools") : SL_STR("block_tools")),
            "allow_tools and block_tools are only for mode filtered");
    if (cfg->mode != MODE_NONE && cfg->strips_history)
        sl_check_error(c, sl_yaml_get(node, SL_STR("strip_tool_history")),
                       "strip_tool_history is only for mode none");
}

const struct sl_plugin_type sl_plugin_tools = {
    .feature =
        {
            .name = "tools",
            .summary = "Takes tools out of the request or lets some through",
            .help = "`none` removes all tools (and, if asked, their history), `filtered` keeps "
                    "those that the lists allow, `passthrough` leaves them. With `tool_choice: "
                    "auto` tools can also be chosen by meaning from the tool database.",
            .example = "enabled: true\n"
                       "mode: filtered\n"
                       "allow_tools: [search_web, read_page]\n",
            .fields = fields,
            .size = sizeof(struct tools_cfg),
            .is_lenient = true,
            .validate = validate,
        },
    .phase = SL_PHASE_NONE,
};
