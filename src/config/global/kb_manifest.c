/* Reading knowledge base manifests: {"labels": {"<label>": {"exemplars": [...]}}}. */
#include "config/global/kb_manifest.h"

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_MANIFEST_BYTES (16u << 20)
#define MAX_PARENTS        3

struct known_base {
    const char *path;
    const char *labels; /* NUL-separated, ended by an empty one */
};

static const struct known_base known[] = {
    {"knowledge_bases/privacy", "proprietary_code\0internal_document\0pii\0business_strategy\0"
                                "trade_secret_ip\0operational_infrastructure\0locality_directive\0"
                                "customer_data\0prompt_injection\0credential_exfiltration\0"
                                "jailbreak_role\0system_prompt_extraction\0architecture_analysis\0"
                                "root_cause_analysis\0multi_step_tradeoffs\0generic_coding\0"
                                "simple_task\0general_knowledge\0"},
    {"knowledge_bases/mmlu", "biology\0business\0chemistry\0computer science\0economics\0"
                             "engineering\0health\0history\0law\0math\0other\0philosophy\0"
                             "physics\0psychology\0"},
};

static sl_str without_slashes(sl_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

static bool known_labels(struct sl_arena *arena, sl_str path, struct sl_strs *out)
{
    for (size_t i = 0; i < SL_COUNT(known); i++) {
        if (!sl_str_eq(without_slashes(path), sl_str_from(known[i].path)))
            continue;
        uint32_t n = 0;
        for (const char *label = known[i].labels; *label; label += strlen(label) + 1)
            n++;
        sl_str *items = SL_NEW_ARRAY(arena, sl_str, n);
        const char *label = known[i].labels;
        for (uint32_t k = 0; items && k < n; k++, label += strlen(label) + 1)
            items[k] = sl_str_from(label);
        *out = (struct sl_strs){items, items ? n : 0};
        return items != NULL;
    }
    return false;
}

/* Opens root/path/manifest, or path/manifest when root is empty. */
static FILE *open_below(struct sl_arena *arena, sl_str root, sl_str path, sl_str manifest)
{
    path = without_slashes(path);
    sl_str name = root.n ? sl_arena_printf(arena, "%.*s/%.*s/%.*s", SL_FMT(root), SL_FMT(path),
                                           SL_FMT(manifest))
                         : sl_arena_printf(arena, "%.*s/%.*s", SL_FMT(path), SL_FMT(manifest));
    return name.p ? fopen(name.p, "rbe") : NULL;
}

static FILE *open_manifest(struct sl_arena *arena, sl_str base_dir, sl_str path, sl_str manifest)
{
    if (path.n && path.p[0] == '/')
        return open_below(arena, SL_STR(""), path, manifest);
    sl_str base = base_dir.n ? base_dir : SL_STR(".");
    FILE *file = NULL;
    if (sl_str_starts(path, SL_STR("knowledge_bases"))) {
        sl_str hidden = sl_arena_printf(arena, "%.*s/.vllm-sr", SL_FMT(base));
        file = open_below(arena, hidden, path, manifest);
    }
    if (!file)
        file = open_below(arena, base, path, manifest);
    /* Policies are kept in folders of a tree that shares its knowledge bases. */
    for (int up = 0; up < MAX_PARENTS && !file && base_dir.n; up++) {
        base = sl_arena_printf(arena, "%.*s/..", SL_FMT(base));
        file = open_below(arena, base, path, manifest);
    }
    const char *root = getenv("VLLM_SR_CONFIG_ASSET_ROOT");
    if (!file && root && *root)
        file = open_below(arena, sl_str_from(root), path, manifest);
    return file ? file : open_below(arena, SL_STR("/app/config"), path, manifest);
}

static enum sl_rc read_all(struct sl_arena *arena, FILE *file, sl_str *out, struct sl_err *err)
{
    struct sl_buf text;
    char piece[16384];
    size_t n;
    sl_buf_init(&text, MAX_MANIFEST_BYTES);
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        sl_buf_add(&text, sl_str_of(piece, n));
    *out = sl_arena_dup(arena, sl_buf_str(&text));
    bool is_whole = !text.is_full && out->p && !ferror(file);
    sl_buf_free(&text);
    return is_whole ? SL_OK
                    : sl_err_set(err, SL_LIMIT, "the manifest is unreadable or above %u bytes",
                                 MAX_MANIFEST_BYTES);
}

static struct sl_strs exemplars_of(const struct sl_json *json, sl_json_ref list,
                                   struct sl_arena *arena)
{
    sl_str *items = SL_NEW_ARRAY(arena, sl_str, sl_json_count(json, list));
    uint32_t n = 0;
    for (sl_json_ref r = sl_json_first(json, list); items && r != SL_JSON_NONE;
         r = sl_json_after(json, list, r))
        if (sl_json_type(json, r) == SL_JSON_STRING)
            items[n++] = sl_json_str(json, r, arena);
    return (struct sl_strs){items, n};
}

static enum sl_rc parse_labels(struct sl_arena *arena, sl_str text, struct sl_strs *out,
                               const struct sl_strs **all_exemplars, struct sl_err *err)
{
    struct sl_json json;
    enum sl_rc rc = sl_json_parse(&json, arena, text, NULL, err);
    if (rc != SL_OK)
        return rc;
    sl_json_ref labels = sl_json_get(&json, 0, SL_STR("labels"));
    if (labels == SL_JSON_NONE || sl_json_type(&json, labels) != SL_JSON_OBJECT)
        return sl_err_set(err, SL_INVALID, "the manifest has no object \"labels\"");
    uint32_t n = 0, n_labels = sl_json_count(&json, labels);
    sl_str *items = SL_NEW_ARRAY(arena, sl_str, n_labels);
    struct sl_strs *exemplars = SL_NEW_ARRAY(arena, struct sl_strs, n_labels);
    if (!items || !exemplars)
        return SL_NOMEM;
    for (sl_json_ref r = sl_json_first(&json, labels); r != SL_JSON_NONE;
         r = sl_json_after(&json, labels, r)) {
        sl_str label = sl_json_str(&json, r, arena);
        sl_json_ref list = sl_json_get(&json, r + 1, SL_STR("exemplars"));
        if (!sl_str_trim(label).n)
            return sl_err_set(err, SL_INVALID, "the manifest has an empty label");
        if (list == SL_JSON_NONE || sl_json_type(&json, list) != SL_JSON_ARRAY ||
            !sl_json_count(&json, list))
            return sl_err_set(err, SL_INVALID, "label \"%.*s\" must include at least one exemplar",
                              SL_FMT(label));
        exemplars[n] = exemplars_of(&json, list, arena);
        items[n++] = label;
    }
    *out = (struct sl_strs){items, n};
    *all_exemplars = exemplars;
    return SL_OK;
}

enum sl_rc sl_kb_manifest_read(struct sl_arena *arena, sl_str base_dir, sl_str path,
                               sl_str manifest, struct sl_strs *labels,
                               const struct sl_strs **exemplars, struct sl_err *err)
{
    FILE *file = open_manifest(arena, base_dir, path, manifest);
    *exemplars = NULL;
    if (!file) {
        if (sl_str_eq(manifest, SL_STR("labels.json")) && known_labels(arena, path, labels))
            return SL_OK;
        return sl_err_set(err, SL_NOTFOUND, "no file %.*s/%.*s", SL_FMT(without_slashes(path)),
                          SL_FMT(manifest));
    }
    sl_str text;
    enum sl_rc rc = read_all(arena, file, &text, err);
    fclose(file);
    return rc == SL_OK ? parse_labels(arena, text, labels, exemplars, err) : rc;
}
