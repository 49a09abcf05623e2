/*
 * Model lists as servers write them: OpenAI's {"data": [{"id"}]} with the additions of vLLM and
 * SGLang (max_model_len), llama.cpp (meta), LM Studio (type, max_context_length); Ollama's
 * {"models": [{"name", "details"}]}.
 */
#include "codec/json.h"
#include "discover/discover_impl.h"

#define MAX_MODELS_A_SOURCE 64

static sl_str text_of(const struct sl_json *j, sl_json_ref v, const char *key,
                      struct sl_arena *arena)
{
    return sl_json_str(j, sl_json_get(j, v, sl_str_from(key)), arena);
}

static int64_t number_of(const struct sl_json *j, sl_json_ref v, const char *const *keys)
{
    int64_t value = 0;
    for (; *keys && value <= 0; keys++)
        sl_json_i64(j, sl_json_get(j, v, sl_str_from(*keys)), &value);
    return value > 0 ? value : 0;
}

static bool list_has(const struct sl_json *j, sl_json_ref list, const char *const *words)
{
    if (list == SL_JSON_NONE || sl_json_type(j, list) != SL_JSON_ARRAY)
        return false;
    for (sl_json_ref r = sl_json_first(j, list); r != SL_JSON_NONE; r = sl_json_after(j, list, r))
        for (const char *const *w = words; *w; w++)
            if (sl_json_is_str(j, r, sl_str_from(*w)))
                return true;
    return false;
}

static void read_details(const struct sl_json *j, sl_json_ref v, struct sl_found_model *model,
                         struct sl_arena *arena)
{
    static const char *const windows[] = {"max_model_len", "max_context_length", "context_length",
                                          "context_window", NULL};
    static const char *const trained[] = {"n_ctx_train", "n_ctx", NULL};
    static const char *const sizes[] = {"n_params", NULL};
    static const char *const seeing[] = {"clip", "mllama", "vision", "multimodal", NULL};
    sl_json_ref details = sl_json_get(j, v, SL_STR("details"));
    sl_json_ref meta = sl_json_get(j, v, SL_STR("meta"));
    int64_t window = number_of(j, v, windows);
    if (!window)
        window = number_of(j, meta, trained);
    if (window)
        model->context_tok = window;
    sl_str size = text_of(j, details, "parameter_size", arena);
    if (size.p && sl_params_read(size) > 0)
        model->params_b = sl_params_read(size);
    else if (number_of(j, meta, sizes))
        model->params_b = (double)number_of(j, meta, sizes) / 1e9;
    sl_str type = text_of(j, v, "type", arena);
    if (type.p && sl_str_eq(type, SL_STR("embeddings")))
        model->is_embedding = true;
    if ((type.p && sl_str_eq(type, SL_STR("vlm"))) ||
        list_has(j, sl_json_get(j, details, SL_STR("families")), seeing) ||
        list_has(j, sl_json_get(j, v, SL_STR("capabilities")), seeing))
        model->can_see = true;
}

/* A router answering on a usual port (perhaps ourselves) is no model server. */
static bool is_router(sl_str name, sl_str owner)
{
    return sl_str_eq(name, SL_STR("auto")) || sl_str_eq(name, SL_STR("MoM")) ||
           sl_str_starts(name, SL_STR("vllm-sr/")) ||
           (owner.p && sl_str_find(owner, SL_STR("semantic-router")) != SIZE_MAX);
}

static void read_list(struct sl_pool *pool, uint32_t source, const struct sl_json *j,
                      sl_json_ref list)
{
    unsigned n = 0;
    if (list == SL_JSON_NONE || sl_json_type(j, list) != SL_JSON_ARRAY)
        return;
    for (sl_json_ref r = sl_json_first(j, list); r != SL_JSON_NONE && n < MAX_MODELS_A_SOURCE;
         r = sl_json_after(j, list, r), n++) {
        sl_str name = text_of(j, r, "id", &pool->arena);
        if (!name.p)
            name = text_of(j, r, "model", &pool->arena);
        if (!name.p)
            name = text_of(j, r, "name", &pool->arena);
        if (!name.n || is_router(name, text_of(j, r, "owned_by", &pool->arena)))
            continue;
        struct sl_found_model *model = sl_pool_add(pool, name, source);
        if (model)
            read_details(j, r, model, &pool->arena);
    }
}

void sl_shape_read(struct sl_pool *pool, uint32_t source, sl_str body)
{
    struct sl_json json;
    struct sl_err err;
    if (sl_json_parse(&json, &pool->arena, body, NULL, &err) != SL_OK)
        return;
    read_list(pool, source, &json, sl_json_get(&json, 0, SL_STR("data")));
    read_list(pool, source, &json, sl_json_get(&json, 0, SL_STR("models")));
}
