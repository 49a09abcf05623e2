/* Plugin "router_replay": records of routed requests. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

static const struct sl_field fields[] = {
    {"enabled", SL_F_TRI, SL_CHECKED,
     .help =
         "Records requests of this decision; omitted: `global.services.router_replay.enabled`."},
    {"max_records", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "10000",
     .help = "Records kept in memory for the decision."},
    {"capture_request_body", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Keeps the request body."},
    {"capture_response_body", SL_F_TRI, SL_CHECKED, .fallback = "true",
     .help = "Keeps the response body."},
    {"max_body_bytes", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "4096",
     .help = "Bodies are cut to this; 0 means the default."},
    {"max_tool_trace_bytes", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "0",
     .help = "Texts of the tool trace are cut to this; 0 keeps them whole."},
    {"max_tool_trace_steps", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_COUNT), .fallback = "100",
     .help = "Steps of the tool trace that are kept, newest first; 0 keeps all."},
    SL_FIELD_END,
};

const struct sl_plugin_type sl_plugin_router_replay = {
    .feature =
        {
            .name = "router_replay",
            .summary = "Records what was routed and why",
            .help = "Overlays `global.services.router_replay` for one decision. A record holds the "
                    "decision with its signals, the bodies up to a size, token counts, cost and "
                    "the tool trace; the management API serves them.",
            .example = "enabled: true\n"
                       "max_records: 1000\n"
                       "max_body_bytes: 4096\n",
            .fields = fields,
            .is_lenient = true,
        },
    .phase = SL_PHASE_NONE,
};
