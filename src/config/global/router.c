/* The field tables of global.router and of global.router.limits. */
#include "config/global/router.h"

#include "config/field.h"
#include "config/scalar.h"

static void decode_auto_names(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    struct sl_router_cfg unused;
    __typeof__(unused.auto_model_names) *out = at;
    if (!node || node->kind == SL_YAML_NULL)
        return;
    if (node->kind != SL_YAML_LIST) {
        sl_check_error(c, node, "found %s, expected a list of names", sl_found(node).text);
        return;
    }
    sl_str *names = SL_NEW_ARRAY(c->arena, sl_str, node->n);
    for (uint32_t i = 0; names && i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        names[i] = node->items[i]->text;
        if (node->items[i]->kind != SL_YAML_SCALAR && node->items[i]->kind != SL_YAML_NULL)
            sl_check_error(c, node->items[i], "found %s, expected a text",
                           sl_found(node->items[i]).text);
        sl_check_pop(c, length);
    }
    if (!out)
        return;
    out->names = (struct sl_strs){names, names ? node->n : 0};
    out->is_set = true;
}

#define LIMIT(member) SL_AT(sl_limits_cfg, member)
#define KIB           1024.0
#define GIB           1073741824.0
#define DAY_MS        86400000.0

const struct sl_field sl_limits_fields[] = {
    {"max_header_bytes", SL_F_INT, LIMIT(max_header_bytes), SL_BETWEEN(1 * KIB, 1024 * KIB),
     .fallback = "65536", .help = "Largest request head; beyond it 431."},
    {"max_body_bytes", SL_F_INT, LIMIT(max_body_bytes), SL_BETWEEN(1 * KIB, 4 * GIB),
     .fallback = "33554432", .help = "Largest request body; beyond it 413."},
    {"max_connections", SL_F_INT, LIMIT(max_connections), SL_BETWEEN(1, 10000000),
     .help = "Client connections at one time, of all loops; further ones are closed. Never more "
             "than half of the descriptors, which is also what holds when unset."},
    {"header_timeout", SL_F_DURATION, LIMIT(header_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "15s", .help = "From the first byte of a request to the end of its head."},
    {"body_timeout", SL_F_DURATION, LIMIT(body_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "30s", .help = "Between two reads of a request body."},
    {"idle_timeout", SL_F_DURATION, LIMIT(idle_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "75s", .help = "How long a connection may wait between two requests."},
    {"connect_timeout", SL_F_DURATION, LIMIT(connect_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "5s", .help = "To open a connection to a backend."},
    {"tls_timeout", SL_F_DURATION, LIMIT(tls_timeout_ms), SL_BETWEEN(1, DAY_MS), .fallback = "10s",
     .help = "For the TLS handshake with a backend."},
    {"send_timeout", SL_F_DURATION, LIMIT(send_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "30s", .help = "Between two writes of a request to a backend."},
    {"first_byte_timeout", SL_F_DURATION, LIMIT(first_byte_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "300s", .help = "From the sent request to the first byte of the answer."},
    {"stream_idle_timeout", SL_F_DURATION, LIMIT(stream_idle_timeout_ms), SL_BETWEEN(1, DAY_MS),
     .fallback = "300s", .help = "Between two pieces of a streamed answer."},
    {"total_timeout", SL_F_DURATION, LIMIT(total_timeout_ms), SL_BETWEEN(0, 10 * DAY_MS),
     .fallback = "0s",
     .help = "For the whole exchange with a backend; 0s: the listener's timeout."},
    {"drain_timeout", SL_F_DURATION, LIMIT(drain_timeout_ms), SL_BETWEEN(0, DAY_MS),
     .fallback = "30s", .help = "How long running requests may finish after a stop signal."},
    {"loops", SL_F_INT, LIMIT(loops), SL_BETWEEN(0, 1024), .fallback = "0",
     .help = "Event loops; 0: one a core."},
    SL_FIELD_END,
};

/* Numbers that only engines to come will read; named as in their own blocks. */
#define LATER_FLOAT(key, help_text)                                                                \
    {                                                                                              \
        key, SL_F_FLOAT, SL_CHECKED, SL_UNBOUNDED, .help = help_text                               \
    }

static const struct sl_field router_dc_fields[] = {
    {"temperature", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 100), .fallback = "0.07",
     .help = "Softmax temperature of the similarity scores."},
    {"dimension_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION), .fallback = "768",
     .help = "Length of the embedding vectors."},
    {"min_similarity", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(-1, 1), .fallback = "0.3",
     .help = "Least similarity of a candidate."},
    {"use_query_contrastive", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Whether queries are contrasted."},
    {"use_model_contrastive", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Whether models are contrasted."},
    {"require_descriptions", SL_F_BOOL, SL_CHECKED, .fallback = "false",
     .help = "Whether every candidate needs a description."},
    {"use_capabilities", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Whether capabilities are part of the description."},
    SL_FIELD_END,
};

static const struct sl_field automix_fields[] = {
    {"verification_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Confidence below which the next model is asked."},
    {"max_escalations", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 100),
     .help = "How often a request may go to a larger model."},
    {"cost_aware_routing", SL_F_BOOL, SL_CHECKED, .help = "Whether price counts."},
    {"cost_quality_tradeoff", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "0 is quality only, 1 is price only."},
    {"discount_factor", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Discount of later escalations."},
    {"use_logprob_verification", SL_F_BOOL, SL_CHECKED,
     .help = "Whether token probabilities verify an answer."},
    SL_FIELD_END,
};

static const struct sl_field hybrid_fields[] = {
    {"experience_weight", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.3",
     .help = "Weight of past outcomes."},
    {"router_dc_weight", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.3",
     .help = "Weight of description similarity."},
    {"automix_weight", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.2",
     .help = "Weight of the escalation score."},
    {"cost_weight", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .fallback = "0.2",
     .help = "Weight of the price."},
    {"quality_gap_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.1",
     .help = "Least gap in quality that justifies a dearer model."},
    {"normalize_scores", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Whether component scores are normalised."},
    SL_FIELD_END,
};

static const struct sl_field momentum_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Whether scores are smoothed over time."},
    LATER_FLOAT("attack", "Smoothing of rising scores."),
    LATER_FLOAT("release", "Smoothing of falling scores."),
    LATER_FLOAT("threshold", "Least score that counts."),
    SL_FIELD_END,
};

#define PRETRAINED                                                                                 \
    {                                                                                              \
        "pretrained_path", SL_F_STR, SL_CHECKED, .help = "File of the trained model."              \
    }

static const struct sl_field knn_fields[] = {
    {"k", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 100000), .help = "Neighbours that vote."},
    PRETRAINED,
    SL_FIELD_END,
};

static const struct sl_field kmeans_fields[] = {
    {"num_clusters", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 100000), .help = "Number of clusters."},
    LATER_FLOAT("efficiency_weight", "Weight of price against quality within a cluster."),
    PRETRAINED,
    SL_FIELD_END,
};

static const struct sl_field svm_fields[] = {
    {"kernel", SL_F_STR, SL_CHECKED, .help = "Kernel function, such as rbf or linear."},
    LATER_FLOAT("gamma", "Width of the rbf kernel."),
    PRETRAINED,
    SL_FIELD_END,
};

static const struct sl_field mlp_fields[] = {
    {"device", SL_F_STR, SL_CHECKED, .help = "Where the network runs, such as cpu."},
    PRETRAINED,
    SL_FIELD_END,
};

static const struct sl_field ml_fields[] = {
    {"models_path", SL_F_STR, SL_CHECKED, .help = "Folder of the trained selectors."},
    {"embedding_dim", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_DIMENSION),
     .help = "Length of the embedding vectors."},
    {"knn", SL_F_STRUCT, SL_CHECKED_SUB(knn_fields), .help = "Nearest neighbours."},
    {"kmeans", SL_F_STRUCT, SL_CHECKED_SUB(kmeans_fields), .help = "Clusters."},
    {"svm", SL_F_STRUCT, SL_CHECKED_SUB(svm_fields), .help = "Support vector machine."},
    {"mlp", SL_F_STRUCT, SL_CHECKED_SUB(mlp_fields), .help = "Small neural network."},
    SL_FIELD_END,
};

static const struct sl_field model_selection_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Whether a selector chooses among candidates."},
    {"method", SL_F_STR, SL_CHECKED, .fallback = "knn",
     .help = "Selector of decisions that name none."},
    {"router_dc", SL_F_STRUCT, SL_CHECKED_SUB(router_dc_fields),
     .help = "Selection by similarity to model descriptions."},
    {"automix", SL_F_STRUCT, SL_CHECKED_SUB(automix_fields), .help = "Cost-aware escalation."},
    {"hybrid", SL_F_STRUCT, SL_CHECKED_SUB(hybrid_fields), .help = "Weighted mixture."},
    {"momentum", SL_F_STRUCT, SL_CHECKED_SUB(momentum_fields), .help = "Smoothing over time."},
    {"ml", SL_F_STRUCT, SL_CHECKED_SUB(ml_fields), .help = "Trained selectors."},
    SL_FIELD_END,
};

static const struct sl_field streamed_body_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Whether request bodies may arrive in pieces."},
    {"max_bytes", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_BYTES),
     .help = "Largest streamed body; 0: the router's own limit."},
    {"timeout_sec", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_SECONDS),
     .help = "Time for the whole body; 0: the router's own limit."},
    SL_FIELD_END,
};

static const struct sl_field skip_processing_fields[] = {
    {"enabled", SL_F_BOOL, .offset = 0, .fallback = "false",
     .help = "Whether the header x-vsr-skip-processing of a trusted client skips routing."},
    SL_FIELD_END,
};

const struct sl_field sl_global_router_fields[] = {
    {"config_source", SL_F_ENUM, SL_AT(sl_router_cfg, config_source),
     SL_CHOICES("file", "kubernetes"), .flags = SL_LENIENT, .fallback = "file",
     .help = "Where the configuration comes from."},
    {"strategy", SL_F_ENUM, SL_AT(sl_router_cfg, strategy), .flags = SL_EXACT,
     SL_CHOICES("", "priority", "confidence"),
     .help = "How matching decisions are ranked where a recipe does not say."},
    {"auto_model_name", SL_F_STR, SL_AT(sl_router_cfg, auto_model_name),
     .flags = SL_TRIMMED | SL_KEEPS_DEFAULT_ON_EMPTY, .fallback = "MoM",
     .help = "A model name that asks for routing, beside auto and vllm-sr/auto."},
    {"auto_model_names", SL_F_CUSTOM, SL_AT(sl_router_cfg, auto_model_names),
     .decode = decode_auto_names,
     .help = "All model names that ask for routing, in place of the built-in ones."},
    {"include_config_models_in_list", SL_F_BOOL,
     SL_AT(sl_router_cfg, include_config_models_in_list), .fallback = "false",
     .help = "Whether /v1/models lists the backend models too."},
    {"clear_route_cache", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Read by an Envoy in front only."},
    {"streamed_body", SL_F_STRUCT, SL_CHECKED_SUB(streamed_body_fields),
     .help = "Request bodies in pieces, for an Envoy in front."},
    {"skip_processing", SL_F_STRUCT, SL_AT(sl_router_cfg, skips_processing),
     .sub = skip_processing_fields, .help = "Leave to skip routing."},
    {"model_selection", SL_F_STRUCT, SL_CHECKED_SUB(model_selection_fields),
     .help = "Selection among a decision's candidates."},
    {"learning", SL_F_NODE, SL_AT(sl_router_cfg, learning),
     .help = "Learning from outcomes: adaptation, protection and their state."},
    {"limits", SL_F_STRUCT, SL_AT(sl_router_cfg, limits), .sub = sl_limits_fields,
     .help = "Sizes, times and counts of listeners and backend calls."},
    SL_FIELD_END,
};
