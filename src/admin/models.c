/* Order, owners and descriptions are the reference's. */
#include "admin/models.h"

#include "codec/json_write.h"

static sl_str owner(enum sl_name_kind kind)
{
    return kind == SL_NAME_CONCRETE ? SL_STR("upstream-endpoint") : SL_STR("vllm-semantic-router");
}

static sl_str description(const struct sl_name_entry *e)
{
    if (e->description.n || e->kind == SL_NAME_CONCRETE)
        return e->description;
    if (e->kind == SL_NAME_AUTO)
        return SL_STR("Intelligent Router for Mixture-of-Models");
    return e->kind == SL_NAME_LOOPER ? SL_STR("Router-orchestrated model") : e->description;
}

static void put_routing(struct sl_json_writer *w, const struct sl_config *config,
                        const struct sl_name_entry *e)
{
    bool is_virtual = e->kind != SL_NAME_CONCRETE;
    sl_json_key(w, SL_STR("routing"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("resolution"));
    sl_json_put_str(w, is_virtual ? SL_STR("virtual") : SL_STR("passthrough"));
    sl_json_key(w, SL_STR("selectable"));
    sl_json_put_bool(w, is_virtual);
    if (e->kind == SL_NAME_AUTO) {
        sl_json_key(w, SL_STR("default_route"));
        sl_json_put_bool(w, true);
    }
    if (is_virtual && e->recipe < config->n_recipes) {
        sl_json_key(w, SL_STR("recipe"));
        sl_json_put_str(w, config->recipes[e->recipe].name);
    }
    sl_json_close(w, '}');
}

static void put_entry(struct sl_json_writer *w, const struct sl_config *config,
                      const struct sl_name_entry *e, int64_t unix_s)
{
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("id"));
    sl_json_put_str(w, e->name);
    sl_json_key(w, SL_STR("object"));
    sl_json_put_str(w, SL_STR("model"));
    sl_json_key(w, SL_STR("created"));
    sl_json_put_i64(w, unix_s);
    sl_json_key(w, SL_STR("owned_by"));
    sl_json_put_str(w, owner(e->kind));
    if (description(e).n) {
        sl_json_key(w, SL_STR("description"));
        sl_json_put_str(w, description(e));
    }
    put_routing(w, config, e);
    sl_json_close(w, '}');
}

void sl_models_answer(const struct sl_config *config, int64_t unix_s, struct sl_buf *out)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("object"));
    sl_json_put_str(&w, SL_STR("list"));
    sl_json_key(&w, SL_STR("data"));
    sl_json_open(&w, '[');
    for (uint32_t i = 0; i < config->n_names; i++)
        if (config->names[i].is_listed)
            put_entry(&w, config, &config->names[i], unix_s);
    sl_json_close(&w, ']');
    sl_json_close(&w, '}');
}
