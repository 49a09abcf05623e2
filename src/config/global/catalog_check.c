/* Checks of global.model_catalog beyond single fields (chapter 01 section 8.3). */
#include "config/global/tables.h"

#include "config/scalar.h"

/* Text of a scalar below `map`, trimmed; empty when absent. */
static sl_str text_of(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *node = sl_yaml_get(map, sl_str_from(key));
    return node && node->kind == SL_YAML_SCALAR ? sl_str_trim(node->text) : SL_STR("");
}

static const struct sl_yaml *at_path(const struct sl_yaml *node, const char *path)
{
    sl_str rest = sl_str_from(path);
    sl_str key;
    while (node && sl_str_split(&rest, '.', &key))
        node = sl_yaml_get(node, key);
    return node;
}

static double number_of(const struct sl_yaml *map, const char *key, double otherwise)
{
    const struct sl_yaml *node = sl_yaml_get(map, sl_str_from(key));
    double value;
    return node && sl_scalar_float(node, &value) ? value : otherwise;
}

static bool is_one_of(sl_str text, const char *const *choices)
{
    for (; *choices; choices++) {
        if (sl_str_eq(text, sl_str_from(*choices)))
            return true;
    }
    return false;
}

/* http(s) with a host. */
static bool is_http_url(sl_str url)
{
    size_t start = sl_str_starts(url, SL_STR("http://"))    ? 7
                   : sl_str_starts(url, SL_STR("https://")) ? 8
                                                            : 0;
    return start && url.n > start && url.p[start] != '/' && url.p[start] != ':' &&
           url.p[start] != '?';
}

static void error_at(struct sl_check *c, const struct sl_yaml *node, const char *path,
                     const char *message, sl_str found)
{
    const struct sl_yaml *at = at_path(node, path);
    size_t length = sl_check_push(c, sl_str_from(path));
    sl_check_error(c, at ? at : node, "%s, found \"%.*s\"", message, SL_FMT(found));
    sl_check_pop(c, length);
}

/* ---- models of modules --------------------------------------------------------------------- */

static const struct {
    const char *module;
    const char *ref;
} modules[] = {
    {"prompt_guard", "prompt_guard"},
    {"classifier.domain", "domain_classifier"},
    {"classifier.pii", "pii_classifier"},
    {"hallucination_mitigation.fact_check", "fact_check_classifier"},
    {"hallucination_mitigation.detector", "hallucination_detector"},
    {"hallucination_mitigation.explainer", "hallucination_explainer"},
    {"feedback_detector", "feedback_detector"},
};

static bool is_known_ref(sl_str ref)
{
    for (size_t i = 0; i < SL_COUNT(modules); i++) {
        if (sl_str_eq(ref, sl_str_from(modules[i].ref)))
            return true;
    }
    return false;
}

/* An entry counts as configured unless the file blanks it: the defaults name all of them. */
static bool is_blanked(const struct sl_yaml *system, sl_str ref)
{
    if (!system)
        return false;
    if (system->kind == SL_YAML_NULL)
        return true;
    const struct sl_yaml *entry = sl_yaml_get(system, ref);
    return entry && entry->kind == SL_YAML_SCALAR && !sl_str_trim(entry->text).n;
}

static void check_model_refs(struct sl_check *c, const struct sl_yaml *node)
{
    const struct sl_yaml *system = sl_yaml_get(node, SL_STR("system"));
    const struct sl_yaml *all = sl_yaml_get(node, SL_STR("modules"));
    size_t length = sl_check_push(c, SL_STR("modules"));
    for (size_t i = 0; i < SL_COUNT(modules); i++) {
        const struct sl_yaml *module = at_path(all, modules[i].module);
        const struct sl_yaml *ref_node = sl_yaml_get(module, SL_STR("model_ref"));
        sl_str ref = ref_node && ref_node->kind == SL_YAML_SCALAR ? sl_str_trim(ref_node->text)
                                                                  : sl_str_from(modules[i].ref);
        if (text_of(module, "model_id").n || !ref.n)
            continue;
        const struct sl_yaml *at = ref_node ? ref_node : module ? module : system;
        size_t inner = sl_check_push(c, sl_str_from(modules[i].module));
        if (!is_known_ref(ref))
            sl_check_error(c, at, "unknown model_ref \"%.*s\"", SL_FMT(ref));
        else if (is_blanked(system, ref))
            sl_check_error(c, at,
                           "model_ref \"%.*s\" is not configured in global.model_catalog.system",
                           SL_FMT(ref));
        sl_check_pop(c, inner);
    }
    sl_check_pop(c, length);
}

/* ---- embeddings ---------------------------------------------------------------------------- */

static void check_remote(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                         const struct sl_yaml *semantic)
{
    const struct sl_yaml *endpoint = sl_yaml_get(semantic, SL_STR("endpoint"));
    sl_str url = text_of(endpoint, "base_url");
    double dimensions = number_of(endpoint, "dimensions", 0);
    double target = (double)catalog->embedding.target_dimension;
    if (!url.n)
        error_at(c, semantic, "endpoint", "endpoint.base_url is required", url);
    else if (!is_http_url(url))
        error_at(c, semantic, "endpoint.base_url", "endpoint.base_url must be an http(s) URL", url);
    if (!text_of(endpoint, "model").n)
        error_at(c, semantic, "endpoint", "endpoint.model is required", SL_STR(""));
    if (dimensions > 0 && dimensions != target)
        sl_check_error(c, at_path(endpoint, "dimensions"),
                       "endpoint.dimensions (%.15g) must match embedding_config.target_dimension "
                       "(%.15g)",
                       dimensions, target);
    if (!sl_str_eq_nocase(sl_str_trim(catalog->embedding.model_type), SL_STR("remote")))
        error_at(c, semantic, "embedding_config.model_type",
                 "embedding_config.model_type must be \"remote\" with backend openai_compatible",
                 catalog->embedding.model_type);
}

static void check_embeddings(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                             const struct sl_yaml *node)
{
    static const char *const backends[] = {"", "candle", "openvino", "openai_compatible", NULL};
    const struct sl_yaml *semantic = at_path(node, "embeddings.semantic");
    sl_str backend = sl_str_trim(catalog->embedding.backend);
    bool is_remote_type =
        sl_str_eq_nocase(sl_str_trim(catalog->embedding.model_type), SL_STR("remote"));
    sl_str mmbert = text_of(semantic, "mmbert_model_path");
    size_t length = sl_check_push(c, SL_STR("embeddings.semantic"));
    if (!is_one_of(backend, backends))
        sl_check_warn(c, at_path(semantic, "embedding_config.backend"),
                      "found backend \"%.*s\", expected one of: candle, openvino, "
                      "openai_compatible",
                      SL_FMT(backend));
    if (sl_str_eq(backend, SL_STR("openai_compatible")) || (is_remote_type && !backend.n))
        check_remote(c, catalog, semantic);
    if (sl_str_find(mmbert, SL_STR("all-MiniLM")) != SIZE_MAX ||
        sl_str_ends(mmbert, SL_STR("mom-embedding-light")))
        error_at(c, semantic, "mmbert_model_path",
                 "this is a classic BERT model; name it in bert_model_path and set "
                 "embedding_config.model_type to bert",
                 mmbert);
    sl_check_pop(c, length);
}

/* ---- modules ------------------------------------------------------------------------------- */

static const struct sl_external_model_cfg *guardrail(const struct sl_catalog_cfg *catalog)
{
    const struct sl_external_model_cfg *all = catalog->external.items;
    for (uint32_t i = 0; i < catalog->external.n; i++) {
        if (sl_str_eq(all[i].model_role, SL_STR("guardrail")))
            return &all[i];
    }
    return NULL;
}

static void check_guard(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                        const struct sl_yaml *guard)
{
    static const char *const variants[] = {"", "candle", "mmbert32k", NULL};
    static const char *const protocols[] = {"", "http_classify", "http_chat", NULL};
    static const char *const policies[] = {"", "allow", "block", NULL};
    sl_str variant = catalog->prompt_guard.variant;
    sl_str protocol = catalog->prompt_guard.protocol;
    const struct sl_yaml *on_error = sl_yaml_get(guard, SL_STR("on_error"));
    size_t length = sl_check_push(c, SL_STR("prompt_guard"));
    if (variant.n && protocol.n)
        sl_check_error(c, at_path(guard, "protocol"),
                       "variant \"%.*s\" and protocol \"%.*s\" are mutually exclusive; with a "
                       "protocol write variant: \"\"",
                       SL_FMT(variant), SL_FMT(protocol));
    if (!is_one_of(variant, variants))
        error_at(c, guard, "variant", "unrecognized value, must be one of: candle, mmbert32k",
                 variant);
    if (!is_one_of(protocol, protocols))
        error_at(c, guard, "protocol",
                 "unrecognized value, must be one of: http_classify, http_chat", protocol);
    if (on_error && on_error->kind == SL_YAML_SCALAR && !is_one_of(on_error->text, policies))
        error_at(c, guard, "on_error", "unrecognized value, must be one of: allow, block",
                 on_error->text);
    if (catalog->prompt_guard.enabled && protocol.n) {
        const struct sl_external_model_cfg *model = guardrail(catalog);
        if (!model || !model->llm_endpoint.address.n || !model->llm_model_name.n)
            sl_check_error(c, at_path(guard, "protocol"),
                           "protocol \"%.*s\" needs an entry of global.model_catalog.external "
                           "with model_role guardrail, llm_endpoint.address and llm_model_name",
                           SL_FMT(protocol));
    }
    sl_check_pop(c, length);
}

static void check_ratio(struct sl_check *c, const struct sl_yaml *detector, const char *key)
{
    double value = number_of(detector, key, 0);
    const struct sl_yaml *at = sl_yaml_get(detector, sl_str_from(key));
    if (value <= 0 && (!at || value == 0))
        sl_check_error(c, at ? at : detector,
                       "modality_detection.%s is required (above 0, at "
                       "most 1)",
                       key);
}

static uint32_t count_of(const struct sl_yaml *map, const char *key)
{
    const struct sl_yaml *list = sl_yaml_get(map, sl_str_from(key));
    return list && list->kind == SL_YAML_LIST ? list->n : 0;
}

static void check_modality(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                           const struct sl_yaml *detector)
{
    static const char *const methods[] = {"classifier", "keyword", "hybrid", NULL};
    if (!catalog->modality_detector.enabled)
        return;
    sl_str method = text_of(detector, "method");
    bool has_model = text_of(sl_yaml_get(detector, SL_STR("classifier")), "model_path").n > 0;
    bool has_keywords = count_of(detector, "keywords") > 0;
    bool is_hybrid = sl_str_eq(method, SL_STR("hybrid"));
    bool is_classifier = sl_str_eq(method, SL_STR("classifier"));
    size_t length = sl_check_push(c, SL_STR("modality_detector"));
    if (!is_one_of(method, methods))
        error_at(c, detector, "method",
                 "modality_detection.method must be one of: classifier, keyword, hybrid", method);
    if (is_classifier && !has_model)
        error_at(c, detector, "classifier", "method classifier needs classifier.model_path",
                 SL_STR(""));
    if (sl_str_eq(method, SL_STR("keyword")) && !has_keywords)
        error_at(c, detector, "keywords", "method keyword needs at least one keyword", SL_STR(""));
    if (is_hybrid && !has_model && !has_keywords)
        error_at(c, detector, "method", "method hybrid needs classifier.model_path or keywords",
                 method);
    if (is_hybrid || is_classifier)
        check_ratio(c, detector, "confidence_threshold");
    if (is_hybrid)
        check_ratio(c, detector, "lower_threshold_ratio");
    sl_check_pop(c, length);
}

static void check_profile(struct sl_check *c, const struct sl_yaml *compression)
{
    static const char *const profiles[] = {"",         "default",    "coding", "medical",
                                           "security", "multi_turn", NULL};
    char plain[32];
    sl_str found = text_of(compression, "profile");
    for (size_t i = 0; i < found.n && i < sizeof(plain); i++) {
        char ch = found.p[i];
        plain[i] = ch == '-' ? '_' : ch >= 'A' && ch <= 'Z' ? (char)(ch | 32) : ch;
    }
    if (found.n < sizeof(plain) && is_one_of(sl_str_of(plain, found.n), profiles))
        return;
    const char *near = sl_str_nearest(found, profiles);
    bool has_hint = near && *near;
    size_t length = sl_check_push(c, SL_STR("prompt_compression.profile"));
    sl_check_error(c, sl_yaml_get(compression, SL_STR("profile")),
                   "unknown prompt_compression.profile \"%.*s\" (valid profiles: default, coding, "
                   "medical, security, multi_turn)%s%s%s",
                   SL_FMT(found), has_hint ? "; did you mean \"" : "", has_hint ? near : "",
                   has_hint ? "\"?" : "");
    sl_check_pop(c, length);
}

static void check_detector(struct sl_check *c, const struct sl_yaml *detector)
{
    static const char *const backends[] = {"", "candle", "endpoint", NULL};
    const struct sl_yaml *endpoint = sl_yaml_get(detector, SL_STR("endpoint"));
    sl_str backend = text_of(detector, "backend");
    sl_str url = text_of(detector, "endpoint");
    size_t length = sl_check_push(c, SL_STR("hallucination_mitigation.detector"));
    if (!is_one_of(backend, backends))
        error_at(c, detector, "backend", "backend must be one of: candle, endpoint", backend);
    if (sl_str_eq(backend, SL_STR("endpoint"))) {
        bool is_padded = endpoint && endpoint->kind == SL_YAML_SCALAR && endpoint->text.n != url.n;
        if (!url.n)
            error_at(c, detector, "endpoint", "endpoint is required by backend endpoint", url);
        else if (is_padded || !is_http_url(url))
            error_at(c, detector, "endpoint",
                     "endpoint must be an http(s) URL with a host and without blanks around it",
                     endpoint ? endpoint->text : url);
        if (!text_of(detector, "model_id").n)
            error_at(c, detector, "model_id", "model_id is required by backend endpoint",
                     SL_STR(""));
    }
    sl_check_pop(c, length);
}

static void check_external(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                           const struct sl_yaml *list)
{
    const struct sl_external_model_cfg *all = catalog->external.items;
    size_t length = sl_check_push(c, SL_STR("external"));
    for (uint32_t i = 0; i < catalog->external.n; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (!all[i].name.n || !sl_str_eq(all[k].name, all[i].name))
                continue;
            size_t item = sl_check_push_index(c, i);
            sl_check_error(c, list && i < list->n ? list->items[i] : list,
                           "duplicate name \"%.*s\"", SL_FMT(all[i].name));
            sl_check_pop(c, item);
        }
    }
    sl_check_pop(c, length);
}

void sl_global_check_catalog(struct sl_check *c, const struct sl_catalog_cfg *catalog,
                             const struct sl_yaml *node)
{
    const struct sl_yaml *all = sl_yaml_get(node, SL_STR("modules"));
    check_model_refs(c, node);
    check_embeddings(c, catalog, node);
    check_external(c, catalog, sl_yaml_get(node, SL_STR("external")));
    size_t length = sl_check_push(c, SL_STR("modules"));
    check_modality(c, catalog, sl_yaml_get(all, SL_STR("modality_detector")));
    check_guard(c, catalog, sl_yaml_get(all, SL_STR("prompt_guard")));
    check_profile(c, sl_yaml_get(all, SL_STR("prompt_compression")));
    check_detector(c, at_path(all, "hallucination_mitigation.detector"));
    sl_check_pop(c, length);
}
