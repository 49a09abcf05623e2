/* The order of the checks is the reference's; comparison takes the same time for every token. */
#include "admin/auth.h"

#include <stdio.h>

static bool is_same(sl_str a, sl_str b)
{
    unsigned difference = a.n != b.n;
    for (size_t i = 0; i < a.n && b.n; i++)
        difference |= (unsigned char)a.p[i] ^ (unsigned char)b.p[i % b.n];
    return difference == 0;
}

static sl_str token_value(sl_str env_name, const char *(*env)(const char *name))
{
    char name[256];
    if (!env_name.n || env_name.n >= sizeof(name))
        return (sl_str){NULL, 0};
    memcpy(name, env_name.p, env_name.n);
    name[env_name.n] = 0;
    return sl_str_trim(sl_str_from(env(name)));
}

/* All built-in roles may read and evaluate; what only operators and admins may is not here yet. */
static bool has_permission(sl_str role)
{
    return sl_str_eq(role, SL_STR("viewer")) || sl_str_eq(role, SL_STR("operator")) ||
           sl_str_eq(role, SL_STR("admin"));
}

struct sl_refusal sl_management_authorize(const struct sl_management_cfg *cfg,
                                          const struct sl_headers *headers,
                                          enum sl_permission permission,
                                          const char *(*env)(const char *name))
{
    static const struct sl_refusal allowed = {0, NULL, NULL};
    static const struct sl_refusal unauthorized = {401, "UNAUTHORIZED",
                                                   "management API authentication required"};
    if (permission == SL_MAY_READ_HEALTH || !cfg->needs_bearer)
        return allowed;
    sl_str shown = sl_headers_get(headers, SL_STR("authorization"));
    bool has_bearer = sl_str_starts(shown, SL_STR("Bearer "));
    shown = sl_str_trim(sl_str_sub(shown, 7, SIZE_MAX));
    sl_str role = {NULL, 0};
    bool has_tokens = false;
    for (uint32_t i = 0; i < cfg->tokens.n; i++) {
        sl_str value = token_value(cfg->tokens.items[i].name, env);
        if (!value.n || !cfg->tokens.items[i].value.n)
            continue;
        has_tokens = true;
        if (is_same(shown, value) && !role.p)
            role = cfg->tokens.items[i].value;
    }
    if (!has_tokens)
        return (struct sl_refusal){401, "MANAGEMENT_AUTH_NOT_CONFIGURED",
                                   "management API bearer auth is enabled but no tokens are "
                                   "configured"};
    if (!has_bearer || !role.p)
        return unauthorized;
    if (!has_permission(role))
        return (struct sl_refusal){403, "FORBIDDEN", "management API permission denied"};
    return allowed;
}
