/* listeners: where the router accepts connections. */
#include "config/field.h"
#include "config/load.h"

static const struct sl_field tls_fields[] = {
    {"cert_file", SL_F_STR, SL_AT(sl_tls_cfg, cert_file), .flags = SL_REQUIRED,
     .help = "PEM file with the certificate chain."},
    {"key_file", SL_F_STR, SL_AT(sl_tls_cfg, key_file), .flags = SL_REQUIRED,
     .help = "PEM file with the private key."},
    {"client_ca_file", SL_F_STR, SL_AT(sl_tls_cfg, client_ca_file),
     .help = "PEM file with the authorities whose clients are let in; empty: any client."},
    SL_FIELD_END,
};

const struct sl_field sl_listener_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_listener_cfg, name), .help = "Name in logs."},
    {"address", SL_F_STR, SL_AT(sl_listener_cfg, address),
     .flags = SL_TRIMMED | SL_KEEPS_DEFAULT_ON_EMPTY, .fallback = "0.0.0.0",
     .help = "Address to listen on."},
    {"port", SL_F_INT, SL_AT(sl_listener_cfg, port), SL_BETWEEN(1, SL_MAX_PORT), .fallback = "8899",
     .help = "TCP port to listen on."},
    {"timeout", SL_F_DURATION, SL_AT(sl_listener_cfg, timeout_ms), .flags = SL_LENIENT,
     SL_BETWEEN(0, 86400e3), .fallback = "300s", .help = "For a whole exchange with a backend."},
    {"tls", SL_F_STRUCT, SL_AT(sl_listener_cfg, tls), .sub = tls_fields,
     .help = "Certificate of this listener; without it connections are plain."},
    SL_FIELD_END,
};

void sl_load_listeners(struct sl_load *l)
{
    const struct sl_yaml *node = sl_yaml_get(l->root, SL_STR("listeners"));
    if (!node)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("listeners"));
    struct sl_list list = {NULL, 0};
    sl_schema_decode_list(&l->c, sl_listener_fields, sizeof(struct sl_listener_cfg), node, &list);
    struct sl_listener_cfg *all = list.items;
    uint32_t n = 0;
    for (uint32_t i = 0; i < list.n; i++) {
        uint32_t twin = 0;
        while (twin < n &&
               !(all[twin].port == all[i].port && sl_str_eq(all[twin].address, all[i].address)))
            twin++;
        if (twin == n) {
            all[n++] = all[i];
            continue;
        }
        size_t at = sl_check_push_index(&l->c, i);
        sl_check_warn(&l->c, node->items[i],
                      "the same address and port as listener \"%.*s\"; this one is left out",
                      SL_FMT(all[twin].name));
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    l->config->listeners = all;
    l->config->n_listeners = n;
}
