/*
 * One backend_ref: address, chat path, credentials and the spelling of reasoning fields, all
 * resolved when the file is loaded, so that a request only reads them. Rules: chapter "providers"
 * of the configuration guide. What the reference refuses only at request time (a provider kind it
 * does not know, a profile without base_url) gets a working meaning and a warning here.
 */
#include "config/field.h"
#include "config/load.h"

const struct sl_field sl_backend_ref_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_backend_ref, name), .help = "Name of the backend in logs."},
    {"endpoint", SL_F_STR, SL_AT(sl_backend_ref, endpoint),
     .help = "host, host:port or [ipv6]:port; a scheme is allowed, a path is ignored."},
    {"base_url", SL_F_STR, SL_AT(sl_backend_ref, base_url),
     .help = "Whole URL with the API's path; wins over endpoint."},
    {"protocol", SL_F_ENUM, SL_AT(sl_backend_ref, protocol), SL_CHOICES("http", "https"),
     .flags = SL_LENIENT, .fallback = "http", .help = "http or https, for endpoint."},
    {"weight", SL_F_INT, SL_AT(sl_backend_ref, weight), SL_BETWEEN(0, SL_MAX_COUNT),
     .fallback = "1", .help = "Share of the traffic; 0 counts as 1."},
    {"type", SL_F_STR, SL_AT(sl_backend_ref, type),
     .help = "Backend type: the key of external_model_ids that is used here."},
    {"provider", SL_F_STR, SL_AT(sl_backend_ref, provider), .flags = SL_TRIMMED,
     .help =
         "Provider kind: openai, anthropic, azure-openai, bedrock, gemini, vertex-ai, minimax."},
    {"auth_header", SL_F_STR, SL_AT(sl_backend_ref, auth_header), .flags = SL_TRIMMED,
     .help = "Header that carries the key."},
    {"auth_prefix", SL_F_STR, SL_AT(sl_backend_ref, auth_prefix), .flags = SL_TRIMMED,
     .help = "Word before the key, such as Bearer."},
    {"extra_headers", SL_F_STR_MAP, SL_AT(sl_backend_ref, extra_headers),
     .help = "Headers added to requests to this backend."},
    {"api_version", SL_F_STR, SL_AT(sl_backend_ref, api_version), .flags = SL_TRIMMED,
     .help = "The api-version parameter of azure-openai."},
    {"chat_path", SL_F_STR, SL_AT(sl_backend_ref, chat_path), .flags = SL_TRIMMED,
     .help = "Whole path of chat requests."},
    {"api_key", SL_F_STR, SL_AT(sl_backend_ref, api_key), .flags = SL_SECRET,
     .help = "The key itself; wins over api_key_env."},
    {"api_key_env", SL_F_STR, SL_AT(sl_backend_ref, api_key_env), .flags = SL_TRIMMED,
     .help = "Environment variable that holds the key."},
    SL_FIELD_END,
};

struct kind {
    const char *name;
    const char *auth_header;
    const char *auth_prefix;
    const char *suffix;
};

static const struct kind kinds[] = {
    {"openai", "authorization", "Bearer", "/chat/completions"},
    {"anthropic", "x-api-key", "", "/v1/messages"},
    {"azure-openai", "api-key", "", "/chat/completions"},
    {"bedrock", "authorization", "Bearer", "/chat/completions"},
    {"gemini", "authorization", "Bearer", "/chat/completions"},
    {"vertex-ai", "authorization", "Bearer", "/chat/completions"},
    {"minimax", "authorization", "Bearer", "/v1/chat/completions"},
};

static const struct kind *find_kind(struct sl_load *l, const struct sl_yaml *node, sl_str name)
{
    sl_str names[SL_COUNT(kinds)];
    for (size_t i = 0; i < SL_COUNT(kinds); i++) {
        names[i] = sl_str_from(kinds[i].name);
        if (sl_str_eq_nocase(name, names[i]))
            return &kinds[i];
    }
    if (name.n) {
        size_t length = sl_check_push(&l->c, SL_STR("provider"));
        sl_check_warn(
            &l->c, sl_yaml_get(node, SL_STR("provider")),
            "unknown provider kind \"%.*s\", treated as openai (known: openai, anthropic, "
            "azure-openai, bedrock, gemini, vertex-ai, minimax)%s",
            SL_FMT(name), sl_hint_of(name, names, SL_COUNT(kinds)).text);
        sl_check_pop(&l->c, length);
    }
    return &kinds[0];
}

/* ---- addresses ----------------------------------------------------------------------------- */

struct address {
    sl_str scheme; /* empty: none given */
    sl_str host;
    sl_str port;  /* empty: none given */
    sl_str path;  /* from the first '/', '?' or '#' on */
    bool is_open; /* [ without ] */
};

static struct address split_address(sl_str text)
{
    struct address a = {SL_STR(""), SL_STR(""), SL_STR(""), SL_STR(""), false};
    text = sl_str_trim(text);
    size_t scheme = sl_str_find(text, SL_STR("://"));
    if (scheme != SIZE_MAX) {
        a.scheme = sl_str_sub(text, 0, scheme);
        text = sl_str_sub(text, scheme + 3, text.n);
    }
    size_t end = 0;
    while (end < text.n && text.p[end] != '/' && text.p[end] != '?' && text.p[end] != '#')
        end++;
    a.path = sl_str_sub(text, end, text.n);
    text = sl_str_sub(text, 0, end);
    size_t at = text.n;
    while (at > 0 && text.p[at - 1] != '@')
        at--;
    text = sl_str_sub(text, at, text.n); /* user information is no part of the address */
    size_t colon = sl_str_chr(text, ':');
    if (text.n && text.p[0] == '[') {
        size_t close = sl_str_chr(text, ']');
        a.is_open = close == text.n;
        a.host = sl_str_sub(text, 1, close);
        sl_str rest = sl_str_sub(text, close + 1, text.n);
        if (sl_str_starts(rest, SL_STR(":")))
            a.port = sl_str_sub(rest, 1, rest.n);
    } else if (colon < text.n &&
               sl_str_chr(sl_str_sub(text, colon + 1, text.n), ':') < text.n - colon - 1) {
        a.host = text; /* a bare IPv6 literal */
    } else {
        a.host = sl_str_sub(text, 0, colon);
        a.port = sl_str_sub(text, colon + 1, text.n);
    }
    return a;
}

static void report(struct sl_load *l, const struct sl_yaml *node, const char *key, bool is_error,
                   const char *message)
{
    size_t length = sl_check_push(&l->c, sl_str_from(key));
    const struct sl_yaml *at = sl_yaml_get(node, sl_str_from(key));
    if (is_error)
        sl_check_error(&l->c, at ? at : node, "%s", message);
    else
        sl_check_warn(&l->c, at ? at : node, "%s", message);
    sl_check_pop(&l->c, length);
}

static void resolve_address(struct sl_load *l, const struct sl_yaml *node,
                            const struct sl_backend_ref *ref, const struct address *a,
                            const char *key, struct sl_backend_cfg *out)
{
    bool is_https = sl_str_eq_nocase(a->scheme, SL_STR("https"));
    if (!a->scheme.n)
        is_https = ref->protocol == 1;
    else if (!is_https && !sl_str_eq_nocase(a->scheme, SL_STR("http")))
        report(l, node, key, true, "found another scheme, expected http or https");
    out->host = a->host;
    out->is_tls = is_https;
    out->port = is_https ? 443 : 80;
    if (a->is_open)
        report(l, node, key, true, "found [ without ], expected [address]:port");
    if (!a->host.n)
        report(l, node, key, true, "the host is empty, expected host or host:port");
    for (size_t i = 0; i < a->host.n; i++) {
        unsigned char c = (unsigned char)a->host.p[i];
        if (c <= ' ' || c == 0x7f) {
            report(l, node, key, true, "found a blank or control character in the host");
            break;
        }
    }
    int64_t port;
    if (a->port.n && sl_str_to_i64(a->port, &port) && port >= 1 && port <= 65535)
        out->port = (uint16_t)port;
    else if (a->port.n)
        report(l, node, key, false, "the port is no number from 1 to 65535; the default is used");
}

/* ---- paths --------------------------------------------------------------------------------- */

static bool has_only_path_bytes(sl_str path)
{
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] <= ' ' || path.p[i] == 0x7f)
            return false;
    return true;
}

static void resolve_path(struct sl_load *l, const struct sl_yaml *node,
                         const struct sl_backend_ref *ref, const struct kind *kind, sl_str url_path,
                         struct sl_backend_cfg *out)
{
    bool is_azure = sl_str_eq(sl_str_from(kind->name), SL_STR("azure-openai"));
    bool has_base = sl_str_trim(ref->base_url).n > 0;
    sl_str base = sl_str_sub(url_path, 0, sl_str_chr(url_path, '?'));
    base = sl_str_sub(base, 0, sl_str_chr(base, '#'));
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    sl_str suffix = sl_str_from(kind->suffix);
    /* Without a URL there is no API path to append to: the usual one. */
    if (!has_base)
        base = sl_str_starts(suffix, SL_STR("/v1/")) ? SL_STR("") : SL_STR("/v1");
    out->base_path = base;
    sl_str chat = ref->chat_path;
    const char *slash = chat.n && chat.p[0] != '/' ? "/" : "";
    if (chat.n && !has_only_path_bytes(chat))
        report(l, node, "chat_path", true, "found a blank or control character in the path");
    if (!has_only_path_bytes(base))
        report(l, node, "base_url", true, "found a blank or control character in the path");
    bool has_version = is_azure && ref->api_version.n > 0;
    bool has_query = sl_str_chr(chat, '?') < chat.n;
    out->path = sl_arena_printf(l->arena, "%s%.*s%.*s%s%.*s", slash, SL_FMT(chat.n ? chat : base),
                                SL_FMT(chat.n ? SL_STR("") : suffix),
                                !has_version ? ""
                                : has_query  ? "&api-version="
                                             : "?api-version=",
                                SL_FMT(has_version ? ref->api_version : SL_STR("")));
    if (!out->path.p)
        l->is_nomem = true;
}

/* ---- credentials --------------------------------------------------------------------------- */

static bool is_token(sl_str name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!is_alnum && (!c || !strchr(others, c)))
            return false;
    }
    return name.n > 0;
}

static bool is_field_value(sl_str value)
{
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static sl_str lower(struct sl_load *l, sl_str text)
{
    sl_str copy = sl_arena_dup(l->arena, text);
    char *at = (char *)(uintptr_t)copy.p;
    for (size_t i = 0; at && i < copy.n; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] | 32);
    if (!copy.p)
        l->is_nomem = true;
    return copy;
}

/* What frames the request: a second one of these would let it be read in two ways. */
static bool is_framing_header(sl_str name)
{
    static const sl_str names[] = {
        SL_STR_INIT("host"),       SL_STR_INIT("content-length"),
        SL_STR_INIT("connection"), SL_STR_INIT("transfer-encoding"),
        SL_STR_INIT("upgrade"),    SL_STR_INIT("expect"),
        SL_STR_INIT("te"),         SL_STR_INIT("trailer"),
    };
    for (size_t i = 0; i < SL_COUNT(names); i++)
        if (sl_str_eq_nocase(name, names[i]))
            return true;
    return false;
}

static void copy_headers(struct sl_load *l, const struct sl_yaml *node,
                         const struct sl_backend_ref *ref, struct sl_backend_cfg *out)
{
    struct sl_str_pair *headers = SL_LOAD_ARRAY(l, struct sl_str_pair, ref->extra_headers.n);
    size_t length = sl_check_push(&l->c, SL_STR("extra_headers"));
    const struct sl_yaml *map = sl_yaml_get(node, SL_STR("extra_headers"));
    for (uint32_t i = 0; headers && i < ref->extra_headers.n; i++) {
        const struct sl_str_pair *pair = &ref->extra_headers.items[i];
        headers[i] = (struct sl_str_pair){lower(l, pair->name), sl_str_trim(pair->value)};
        size_t at = sl_check_push(&l->c, pair->name);
        if (!is_token(pair->name))
            sl_check_error(&l->c, map->keys[i], "this is no header name");
        if (is_framing_header(pair->name))
            sl_check_error(&l->c, map->keys[i],
                           "this header belongs to the router and cannot be set here");
        if (!is_field_value(pair->value))
            sl_check_error(&l->c, map->items[i], "found a control character in a header value");
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
    out->extra_headers = (struct sl_str_pairs){headers, headers ? ref->extra_headers.n : 0};
}

static sl_str read_key(struct sl_load *l, const struct sl_yaml *node,
                       const struct sl_backend_ref *ref)
{
    sl_str key = sl_str_trim(ref->api_key);
    if (sl_str_starts(key, SL_STR("${")) && !l->options->is_reading_only)
        key = SL_STR(""); /* an unset variable: expansion has warned */
    if (key.n || !ref->api_key_env.n || l->options->is_reading_only)
        return key;
    sl_str name = sl_arena_dup(l->arena, ref->api_key_env);
    const char *value = name.p ? sl_load_getenv(l, name.p) : NULL;
    if (!value || !*value)
        report(l, node, "api_key_env", false,
               "this environment variable is not set; requests carry no key of this backend");
    return sl_arena_dup(l->arena, sl_str_trim(sl_str_from(value)));
}

static void resolve_auth(struct sl_load *l, const struct sl_yaml *node,
                         const struct sl_backend_ref *ref, const struct kind *kind, sl_str key,
                         struct sl_backend_cfg *out)
{
    sl_str header = ref->auth_header.n ? ref->auth_header : sl_str_from(kind->auth_header);
    sl_str prefix = sl_str_from(kind->auth_prefix);
    if (ref->auth_prefix.p)
        prefix = ref->auth_prefix;
    else if (!ref->provider.n && !sl_str_eq_nocase(header, SL_STR("authorization")))
        prefix = SL_STR("");
    if (!is_token(header))
        report(l, node, "auth_header", true, "this is no header name");
    if (!is_field_value(prefix) || !is_field_value(key))
        report(l, node, "api_key", true, "found a control character in the credential");
    if (!key.n)
        return;
    out->auth_header = lower(l, header);
    out->auth_value =
        sl_arena_printf(l->arena, "%.*s%s%.*s", SL_FMT(prefix), prefix.n ? " " : "", SL_FMT(key));
    if (!out->auth_value.p)
        l->is_nomem = true;
}

static enum sl_backend_dialect dialect_of(const struct sl_backend_cfg *backend)
{
    if (!backend->has_profile)
        return SL_DIALECT_VLLM;
    if (sl_str_eq(backend->provider, SL_STR("openai")) &&
        sl_str_eq_nocase(backend->host, SL_STR("api.openai.com")))
        return SL_DIALECT_OPENAI;
    if (sl_str_eq_nocase(backend->host, SL_STR("api.deepseek.com")))
        return SL_DIALECT_DEEPSEEK;
    if (sl_str_eq_nocase(backend->host, SL_STR("openrouter.ai")))
        return SL_DIALECT_OPENROUTER;
    return SL_DIALECT_GENERIC;
}

static sl_str runtime_name(struct sl_load *l, const struct sl_backend_ref *ref, uint32_t index,
                           sl_str model)
{
    sl_str name = sl_str_trim(ref->name);
    if (name.n)
        return sl_arena_printf(l->arena, "%.*s_%.*s", SL_FMT(model), SL_FMT(name));
    if (index == 0)
        return sl_arena_printf(l->arena, "%.*s_primary", SL_FMT(model));
    return sl_arena_printf(l->arena, "%.*s_backend-%u", SL_FMT(model), index + 1);
}

void sl_load_backend(struct sl_load *l, const struct sl_yaml *node,
                     const struct sl_backend_ref *ref, uint32_t index, sl_str model,
                     struct sl_backend_cfg *out, sl_str *key)
{
    bool has_url = sl_str_trim(ref->base_url).n > 0;
    const struct kind *kind = find_kind(l, node, ref->provider);
    *key = read_key(l, node, ref);
    *out = (struct sl_backend_cfg){
        .name = runtime_name(l, ref, index, model),
        .weight = ref->weight > 0 ? (uint32_t)ref->weight : 1,
        .type = ref->type.n       ? ref->type
                : ref->provider.n ? ref->provider
                                  : SL_STR("vllm"),
        .provider = ref->provider.n ? sl_str_from(kind->name) : SL_STR(""),
        .has_profile = has_url || ref->provider.n || ref->auth_header.n || ref->auth_prefix.n ||
                       ref->chat_path.n || ref->extra_headers.n || ref->api_version.n,
    };
    if (!out->name.p)
        l->is_nomem = true;
    if (!has_url && !sl_str_trim(ref->endpoint).n) {
        sl_check_error(&l->c, node, "a backend requires endpoint or base_url");
        return;
    }
    struct address address = split_address(has_url ? ref->base_url : ref->endpoint);
    resolve_address(l, node, ref, &address, has_url ? "base_url" : "endpoint", out);
    if (has_url && !address.scheme.n)
        report(l, node, "base_url", false, "the URL has no scheme; protocol is used");
    out->dialect = dialect_of(out);
    resolve_path(l, node, ref, kind, address.path, out);
    resolve_auth(l, node, ref, kind, *key, out);
    copy_headers(l, node, ref, out);
}
