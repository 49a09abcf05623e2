/*
 * A loop's view of a configuration snapshot. It is made when the loop adopts the snapshot, pinned
 * by each exchange that begins under it, and goes with the last of them.
 */
#include "proxy/parts.h"

#include "base/hash.h"
#include "proxy/upstream/registry.h"

#include <stdlib.h>

static void init_member(struct sl_lane *lane, struct sl_balance_member *m,
                        const struct sl_model_cfg *model, const struct sl_backend_cfg *b)
{
    sl_str identity =
        sl_arena_printf(&lane->arena, "%.*s|%.*s|%.*s|%u|%d", SL_FMT(model->name), SL_FMT(b->name),
                        SL_FMT(b->host), (unsigned)b->port, (int)b->is_tls);
    m->weight = b->weight ? b->weight : 1;
    if (!identity.p)
        return;
    m->identity = sl_hash(identity, 0x51);
    m->state = sl_endpoint_hold(lane->endpoints, identity, b->name);
    if (m->state && !model->reliability.health_check_path.n)
        m->state->is_check_failing = false; /* a snapshot without checks believes none */
}

static enum sl_rc init_balance(struct sl_lane *lane, struct sl_balance *b,
                               const struct sl_model_cfg *model)
{
    uint32_t n = model->n_backends;
    b->policy = (enum sl_lb_policy)model->reliability.lb_policy;
    b->n = n < SL_BALANCE_MAX_ENDPOINTS ? n : SL_BALANCE_MAX_ENDPOINTS;
    b->members = SL_NEW_ARRAY(&lane->arena, struct sl_balance_member, b->n);
    if (!b->members)
        return SL_NOMEM;
    for (uint32_t i = 0; i < b->n; i++) {
        init_member(lane, &b->members[i], model, &model->backends[i]);
        if (!b->members[i].state)
            return SL_NOMEM;
    }
    return SL_OK;
}

static void destroy(struct sl_lane *lane)
{
    for (uint32_t m = 0; lane->balances && m < lane->config->n_models; m++)
        for (uint32_t i = 0; lane->balances[m].members && i < lane->balances[m].n; i++)
            if (lane->balances[m].members[i].state)
                sl_endpoint_release(lane->endpoints, lane->balances[m].members[i].state);
    sl_health_checks_stop(lane->checks);
    sl_engine_loop_destroy(lane->engine);
    sl_config_unref(lane->config);
    sl_arena_reset(&lane->arena);
    free(lane);
}

static enum sl_rc fill(struct sl_lane *lane, struct sl_proxy *proxy, struct sl_err *err)
{
    const struct sl_config *config = lane->config;
    sl_str bad = {NULL, 0};
    enum sl_rc rc = sl_identity_init(&lane->identity, &config->global, &lane->arena, &bad);
    if (rc == SL_INVALID)
        return sl_err_set(err, rc,
                          "trusted proxy \"%.*s\" is not an address block; expected for example "
                          "10.0.0.0/8 or ::1",
                          SL_FMT(bad));
    lane->generation.name = SL_STR("x-vsr-config-generation");
    lane->generation.value =
        sl_arena_printf(&lane->arena, "%llu", (unsigned long long)config->generation);
    lane->cells.models = SL_NEW_ARRAY(&lane->arena, struct sl_model_cells, config->n_models);
    lane->balances = SL_NEW_ARRAY(&lane->arena, struct sl_balance, config->n_models);
    if (rc != SL_OK || !lane->generation.value.p || !lane->cells.models || !lane->balances)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    for (uint32_t i = 0; i < config->n_models; i++) {
        rc = init_balance(lane, &lane->balances[i], &config->models[i]);
        if (rc != SL_OK)
            return sl_err_set(err, rc, "out of memory");
    }
    if (config->engine)
        rc = sl_engine_loop_create(&lane->engine, config->engine, proxy->loop,
                                   proxy->runtime.resolver);
    if (rc != SL_OK)
        return sl_err_set(err, rc, "out of memory");
    if (!proxy->checks_health)
        return SL_OK;
    rc = sl_health_checks_start(&lane->checks, proxy, lane);
    return rc == SL_OK ? SL_OK : sl_err_set(err, rc, "out of memory");
}

enum sl_rc sl_lane_create(struct sl_lane **out, struct sl_proxy *proxy, struct sl_config *config,
                          struct sl_err *err)
{
    struct sl_lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    lane->refs = 1;
    lane->config = sl_config_ref(config);
    lane->endpoints = proxy->runtime.endpoints;
    sl_arena_init(&lane->arena, NULL, (size_t)256 << 20);
    enum sl_rc rc = fill(lane, proxy, err);
    if (rc != SL_OK) {
        destroy(lane);
        return rc;
    }
    *out = lane;
    return SL_OK;
}

void sl_lane_ref(struct sl_lane *lane)
{
    lane->refs++;
}

void sl_lane_unref(struct sl_lane *lane)
{
    if (lane && --lane->refs == 0)
        destroy(lane);
}
