/* Plugin "header_mutation": sets and removes headers of the request to the model's backend. */
#include "config/field.h"
#include "route/plugin.h"

struct header {
    sl_str name;
    sl_str value;
};

struct header_mutation {
    struct sl_list add;
    struct sl_list update;
    struct sl_strs remove;
};

static const struct sl_field header_fields[] = {
    {"name", SL_F_STR, SL_AT(header, name), .flags = SL_REQUIRED | SL_TRIMMED,
     .help = "Header name."},
    {"value", SL_F_STR, SL_AT(header, value), .help = "Its value; no line breaks."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"add", SL_F_LIST, SL_AT(header_mutation, add), SL_SUB(header_fields, header),
     .help = "Headers to set, replacing what the client sent."},
    {"update", SL_F_LIST, SL_AT(header_mutation, update), SL_SUB(header_fields, header),
     .help = "The same as `add`; both are accepted."},
    {"delete", SL_F_STRS, SL_AT(header_mutation, remove), .help = "Names of headers to remove."},
    SL_FIELD_END,
};

/* What the router or the connection owns. */
static const char *const reserved[] = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "authorization",
    "proxy-authorization",
    "expect",
    "proxy-connection",
    "x-selected-model",
    NULL,
};

static bool is_token(sl_str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.n > 0;
}

static void check_name(struct sl_check *c, const struct sl_yaml *at, sl_str name)
{
    if (!name.n)
        return; /* reported as missing */
    if (!is_token(name)) {
        sl_check_error(c, at, "\"%.*s\" is not a header name (RFC 9110, section 5.1)",
                       SL_FMT(name));
        return;
    }
    for (size_t i = 0; reserved[i]; i++)
        if (sl_str_eq_nocase(name, sl_str_from(reserved[i])))
            sl_check_error(c, at, "header \"%s\" belongs to the router and cannot be changed here",
                           reserved[i]);
}

static void check_value(struct sl_check *c, const struct sl_yaml *at, sl_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char byte = (unsigned char)value.p[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            sl_check_error(c, at, "a header value cannot hold the control character 0x%02x", byte);
            return;
        }
    }
}

static void check_list(struct sl_check *c, const struct sl_yaml *node, const char *key,
                       const struct sl_list *list)
{
    const struct header *headers = list->items;
    const struct sl_yaml *items = sl_yaml_get(node, sl_str_from(key));
    size_t length = sl_check_push(c, sl_str_from(key));
    for (uint32_t i = 0; i < list->n; i++) {
        const struct sl_yaml *item = items && i < items->n ? items->items[i] : items;
        size_t index = sl_check_push_index(c, i);
        check_name(c, item, headers[i].name);
        check_value(c, item, headers[i].value);
        sl_check_pop(c, index);
    }
    sl_check_pop(c, length);
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct header_mutation *cfg = decoded;
    check_list(c, node, "add", &cfg->add);
    check_list(c, node, "update", &cfg->update);
    const struct sl_yaml *names = sl_yaml_get(node, SL_STR("delete"));
    size_t length = sl_check_push(c, SL_STR("delete"));
    for (uint32_t i = 0; i < cfg->remove.n; i++) {
        size_t index = sl_check_push_index(c, i);
        check_name(c, names && i < names->n ? names->items[i] : names,
                   sl_str_trim(cfg->remove.items[i]));
        sl_check_pop(c, index);
    }
    sl_check_pop(c, length);
}

static enum sl_rc set_all(struct sl_rewrite *r, const struct sl_list *list)
{
    const struct header *headers = list->items;
    enum sl_rc rc = SL_OK;
    for (uint32_t i = 0; i < list->n && !rc; i++)
        rc = sl_rewrite_header(r, headers[i].name,
                               headers[i].value.p ? headers[i].value : SL_STR(""));
    return rc;
}

static enum sl_rc apply(const void *decoded, struct sl_rewrite *r)
{
    const struct header_mutation *cfg = decoded;
    enum sl_rc rc = set_all(r, &cfg->add);
    if (!rc)
        rc = set_all(r, &cfg->update);
    for (uint32_t i = 0; i < cfg->remove.n && !rc; i++)
        rc = sl_rewrite_header(r, sl_str_trim(cfg->remove.items[i]), (sl_str){NULL, 0});
    return rc;
}

const struct sl_plugin_type sl_plugin_header_mutation = {
    .feature = {.name = "header_mutation",
                .summary = "Sets and removes headers of the request to the backend",
                .help = "Acts last, behind all headers of the router, and only on the request to "
                        "the model's backend; the client's answer is not touched. Headers that "
                        "frame the message or carry the router's credentials are refused when "
                        "the configuration loads.",
                .example = "add:\n  - name: X-Team\n    value: search\ndelete:\n  - X-Debug\n",
                .fields = fields,
                .size = sizeof(struct header_mutation),
                .is_active = true,
                .is_lenient = true,
                .validate = validate},
    .phase = SL_PHASE_HEADERS,
    .apply = apply,
};
