/* Opening the files of a checkpoint and finding tensors in them. */
#include "ml/weights/checkpoint.h"

#include "codec/json.h"
#include "ml/weights/mapped.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_SHARDS = 512, N_SAMPLES = 32, SAMPLE_BYTES = 256 };
#define MAX_FILE_BYTES  ((size_t)1 << 40)
#define MAX_INDEX_BYTES ((size_t)64 << 20)

struct shard {
    sl_str name;
    struct sl_mapped file;
    struct sl_safetensors content;
};

struct sl_checkpoint {
    struct sl_arena arena;
    struct shard *shards;
    uint32_t n_shards;
};

static enum sl_rc open_shard(struct sl_checkpoint *c, const char *folder, sl_str name,
                             struct sl_err *err)
{
    struct shard *s = &c->shards[c->n_shards];
    s->name = sl_arena_dup(&c->arena, name);
    if (!s->name.p)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    enum sl_rc rc = sl_map_in(&s->file, folder, s->name.p, MAX_FILE_BYTES, err);
    if (rc)
        return rc;
    c->n_shards++;
    struct sl_err inner = {0};
    rc = sl_safetensors_parse(&s->content, &c->arena, s->file.bytes, &inner);
    return rc ? sl_err_set(err, rc, "%.90s/%s: %.140s", folder, s->name.p, inner.message) : SL_OK;
}

/* A shard's name must be a plain file of the folder. */
static bool is_plain_name(sl_str name)
{
    return name.n > 0 && name.n < 200 && name.p[0] != '.' && sl_str_chr(name, '/') == name.n &&
           sl_str_chr(name, '\0') == name.n;
}

static enum sl_rc add_shard_once(struct sl_checkpoint *c, const char *folder, sl_str name,
                                 struct sl_err *err)
{
    for (uint32_t i = 0; i < c->n_shards; i++) {
        if (sl_str_eq(c->shards[i].name, name))
            return SL_OK;
    }
    if (!is_plain_name(name))
        return sl_err_set(err, SL_INVALID, "index: \"%.*s\" is not the name of a file beside it",
                          SL_FMT(sl_str_sub(name, 0, 100)));
    if (c->n_shards == MAX_SHARDS)
        return sl_err_set(err, SL_LIMIT, "index: more than %d shards", MAX_SHARDS);
    enum sl_rc rc = open_shard(c, folder, name, err);
    return rc == SL_NOTFOUND
               ? sl_err_set(err, SL_INVALID, "the index names %.*s, which is not in %.100s",
                            SL_FMT(name), folder)
               : rc;
}

static enum sl_rc open_sharded(struct sl_checkpoint *c, const char *folder, sl_str index,
                               struct sl_err *err)
{
    struct sl_json j;
    struct sl_err inner = {0};
    struct sl_json_limits limits = {.max_depth = 8};
    enum sl_rc rc = sl_json_parse(&j, &c->arena, index, &limits, &inner);
    if (rc)
        return sl_err_set(err, rc, "index: %.200s", inner.message);
    sl_json_ref map = sl_json_get(&j, 0, SL_STR("weight_map"));
    if (map == SL_JSON_NONE || sl_json_type(&j, map) != SL_JSON_OBJECT ||
        sl_json_count(&j, map) == 0)
        return sl_err_set(err, SL_INVALID, "index: expected an object weight_map of tensors");
    for (sl_json_ref r = sl_json_first(&j, map); r != SL_JSON_NONE; r = sl_json_after(&j, map, r)) {
        sl_str shard = sl_json_str(&j, r + 1, &c->arena);
        sl_str tensor = sl_json_str(&j, r, &c->arena);
        if (!shard.p || !tensor.p)
            return sl_err_set(err, SL_INVALID, "index: expected \"tensor\": \"file\" pairs");
        rc = add_shard_once(c, folder, shard, err);
        if (rc)
            return rc;
        if (!sl_checkpoint_find(c, tensor))
            return sl_err_set(err, SL_INVALID, "index: \"%.*s\" is in none of the shards so far",
                              SL_FMT(sl_str_sub(tensor, 0, 100)));
    }
    return SL_OK;
}

static enum sl_rc nothing_there(const char *folder, const char *stem, struct sl_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/pytorch_model.bin", folder);
    if (access(path, F_OK) == 0)
        return sl_err_set(err, SL_NOTFOUND,
                          "%.120s: found pytorch_model.bin (a pickle), expected %s.safetensors; "
                          "convert it",
                          folder, stem);
    return sl_err_set(err, SL_NOTFOUND, "%.120s: no %s.safetensors and no index of shards", folder,
                      stem);
}

static enum sl_rc open_files(struct sl_checkpoint *c, const char *folder, const char *stem,
                             struct sl_err *err)
{
    char name[128];
    if (snprintf(name, sizeof(name), "%s.safetensors", stem) >= (int)sizeof(name))
        return sl_err_set(err, SL_LIMIT, "the name \"%.40s...\" is too long", stem);
    enum sl_rc rc = open_shard(c, folder, sl_str_from(name), err);
    if (rc != SL_NOTFOUND)
        return rc;
    snprintf(name, sizeof(name), "%.100s.safetensors.index.json", stem);
    struct sl_mapped index;
    rc = sl_map_in(&index, folder, name, MAX_INDEX_BYTES, err);
    if (rc == SL_NOTFOUND)
        return nothing_there(folder, stem, err);
    if (rc == SL_OK)
        rc = open_sharded(c, folder, index.bytes, err);
    sl_unmap_file(&index);
    return rc;
}

enum sl_rc sl_checkpoint_open(struct sl_checkpoint **out, const char *folder, const char *stem,
                              struct sl_err *err)
{
    *out = NULL;
    struct sl_checkpoint *c = calloc(1, sizeof(*c));
    if (!c)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    sl_arena_init(&c->arena, NULL, (size_t)2 << 30);
    c->shards = SL_NEW_ARRAY(&c->arena, struct shard, MAX_SHARDS);
    enum sl_rc rc =
        c->shards ? open_files(c, folder, stem, err) : sl_err_set(err, SL_NOMEM, "out of memory");
    if (rc) {
        sl_checkpoint_close(c);
        return rc;
    }
    *out = c;
    return SL_OK;
}

void sl_checkpoint_close(struct sl_checkpoint *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->n_shards; i++)
        sl_unmap_file(&c->shards[i].file);
    sl_arena_reset(&c->arena);
    free(c);
}

const struct sl_tensor *sl_checkpoint_find(const struct sl_checkpoint *c, sl_str name)
{
    for (uint32_t i = 0; i < c->n_shards; i++) {
        const struct sl_tensor *t = sl_safetensors_find(&c->shards[i].content, name);
        if (t)
            return t;
    }
    return NULL;
}

const struct sl_tensor *sl_checkpoint_at(const struct sl_checkpoint *c, uint32_t i)
{
    for (uint32_t s = 0; s < c->n_shards; s++) {
        if (i < c->shards[s].content.n)
            return &c->shards[s].content.tensors[i];
        i -= c->shards[s].content.n;
    }
    return NULL;
}

void sl_checkpoint_identify(const struct sl_checkpoint *c, struct sl_buf *identity)
{
    for (uint32_t i = 0; i < c->n_shards; i++) {
        const struct shard *s = &c->shards[i];
        sl_str file = s->file.bytes;
        sl_buf_printf(identity, "%s %zu %lld.%ld\n", s->name.p, file.n,
                      (long long)s->file.changed.tv_sec, s->file.changed.tv_nsec);
        for (size_t k = 0; k < N_SAMPLES; k++) {
            size_t at = file.n / N_SAMPLES * k;
            sl_buf_add(identity, sl_str_sub(file, at, at + SAMPLE_BYTES));
        }
        sl_buf_add(identity,
                   sl_str_sub(file, file.n > SAMPLE_BYTES ? file.n - SAMPLE_BYTES : 0, file.n));
    }
}
