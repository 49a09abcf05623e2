/* Packing into memory or a mapped file, and trusting a file found only after its header, its
 * directory and the hash of every item that is read at start agree with what is wanted. */
#include "ml/weights/pack_file.h"

#include "base/hash.h"
#include "crypto/sha256.h"
#include "ml/weights/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_ITEMS = 1 << 16, ROWS_AT_ONCE = 64 };
#define HASH_SEED 0x534c5041434bu

struct entry {
    char name[SL_PACK_NAME];
    uint32_t kind, type, n, k, is_gated, unused;
    uint64_t offset, bytes, hash;
};

struct header {
    char magic[8];
    uint32_t layout, n_items;
    uint64_t file_bytes, directory_hash;
    char identity[72];
};

static const char magic[8] = "SLPACK2";

struct sl_pack {
    char *base;
    size_t bytes;
    uint64_t *offsets;
    bool was_kept;
    char note[256];
};

static size_t aligned(size_t bytes)
{
    return (bytes + SL_BLOB_ALIGN - 1) / SL_BLOB_ALIGN * SL_BLOB_ALIGN;
}

static size_t item_bytes(const struct sl_pack_item *item)
{
    switch (item->kind) {
    case SL_PACK_VECTOR:
        return (size_t)item->n * 4;
    case SL_PACK_MATRIX:
        return sl_packed_bytes(item->type, item->n, item->k, item->is_gated);
    case SL_PACK_TABLE:
        return (size_t)item->n * item->k * (item->type == SL_DTYPE_F32 ? 4 : 2);
    }
    return 0;
}

/* The directory that a pack of these items has; hashes are still 0. */
static struct entry *lay_out(const struct sl_pack_item *items, uint32_t n, size_t *total,
                             struct sl_err *err)
{
    struct entry *entries = calloc(n ? n : 1, sizeof(*entries));
    if (!entries) {
        sl_err_set(err, SL_NOMEM, "packing: out of memory");
        return NULL;
    }
    size_t at = aligned(sizeof(struct header) + (size_t)n * sizeof(struct entry));
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_pack_item *item = &items[i];
        struct entry *e = &entries[i];
        e->bytes = item_bytes(item);
        if (e->bytes == 0) {
            sl_err_set(err, SL_LIMIT, "%s: [%u, %u] is beyond what can be packed", item->name,
                       item->n, item->k);
            free(entries);
            return NULL;
        }
        memcpy(e->name, item->name, sizeof(e->name));
        e->kind = item->kind;
        e->type = item->type;
        e->n = item->n;
        e->k = item->k;
        e->is_gated = item->is_gated;
        e->offset = at;
        at = aligned(at + e->bytes);
    }
    *total = at;
    return entries;
}

/* Rows [from, from + count) of an item's parts, adjusted. */
static void read_rows(const struct sl_pack_item *item, uint64_t from, uint64_t count, float *out)
{
    uint64_t width = item->kind == SL_PACK_VECTOR ? 1 : item->k;
    uint64_t at = from * width, left = count * width;
    for (uint32_t p = 0; p < item->n_parts && left > 0; p++) {
        uint64_t size = item->parts[p]->count;
        if (at >= size) {
            at -= size;
            continue;
        }
        uint64_t take = size - at < left ? size - at : left;
        sl_tensor_read(item->parts[p], at, take, out);
        if (item->add != 0 || item->scale != 1) {
            for (uint64_t i = 0; i < take; i++)
                out[i] = (out[i] + item->add) * item->scale;
        }
        out += take;
        left -= take;
        at = 0;
    }
}

static void write_table(const struct sl_pack_item *item, char *blob, float *rows)
{
    for (uint64_t r = 0; r < item->n; r += ROWS_AT_ONCE) {
        uint64_t count = item->n - r < ROWS_AT_ONCE ? item->n - r : ROWS_AT_ONCE;
        read_rows(item, r, count, rows);
        for (uint64_t i = 0; i < count * item->k; i++) {
            if (item->type == SL_DTYPE_F32)
                ((float *)(void *)blob)[r * item->k + i] = rows[i];
            else
                ((uint16_t *)(void *)blob)[r * item->k + i] = sl_f32_to_bf16(rows[i]);
        }
    }
}

static enum sl_rc write_items(char *base, struct entry *entries, const struct sl_pack_item *items,
                              uint32_t n, struct sl_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_pack_item *item = &items[i];
        size_t rows =
            item->kind == SL_PACK_TABLE && item->n > ROWS_AT_ONCE ? ROWS_AT_ONCE : item->n;
        size_t width = item->kind == SL_PACK_VECTOR ? 1 : item->k;
        float *values = malloc((rows * width + 1) * sizeof(float));
        if (!values)
            return sl_err_set(err, SL_NOMEM, "packing %s: out of memory", item->name);
        char *blob = base + entries[i].offset;
        if (item->kind == SL_PACK_TABLE) {
            write_table(item, blob, values);
        } else if (item->kind == SL_PACK_MATRIX) {
            read_rows(item, 0, item->n, values);
            sl_pack(blob, item->type, item->n, item->k, values, item->k, item->is_gated);
        } else {
            read_rows(item, 0, item->n, (float *)(void *)blob);
        }
        free(values);
        if (item->kind != SL_PACK_TABLE)
            entries[i].hash = sl_hash(sl_str_of(blob, entries[i].bytes), HASH_SEED);
    }
    return SL_OK;
}

static void write_head(char *base, size_t total, const struct entry *entries, uint32_t n,
                       const char identity[65])
{
    struct header h = {.layout = SL_PACK_LAYOUT, .n_items = n, .file_bytes = total};
    memcpy(h.magic, magic, sizeof(magic));
    memcpy(h.identity, identity, 65);
    h.directory_hash = sl_hash(sl_str_of(entries, n * sizeof(*entries)), HASH_SEED);
    memcpy(base + sizeof(h), entries, n * sizeof(*entries));
    memcpy(base, &h, sizeof(h));
}

/* Whether the file at `bytes` is a pack of just these items from just these sources. */
static const char *why_unusable(sl_str bytes, size_t total, const struct entry *wanted, uint32_t n,
                                const char identity[65])
{
    struct header h;
    if (bytes.n < sizeof(h))
        return "is cut";
    memcpy(&h, bytes.p, sizeof(h));
    if (memcmp(h.magic, magic, sizeof(magic)) != 0)
        return "is no packed file";
    if (h.layout != SL_PACK_LAYOUT)
        return "has another layout";
    if (memcmp(h.identity, identity, 65) != 0)
        return "was made from other sources";
    if (h.n_items != n || h.file_bytes != total || bytes.n != total)
        return bytes.n < h.file_bytes ? "is cut" : "holds other items";
    sl_str directory = sl_str_sub(bytes, sizeof(h), sizeof(h) + n * sizeof(struct entry));
    if (sl_hash(directory, HASH_SEED) != h.directory_hash)
        return "has a damaged directory";
    for (uint32_t i = 0; i < n; i++) {
        struct entry e;
        memcpy(&e, directory.p + i * sizeof(e), sizeof(e));
        uint64_t hash = e.hash;
        e.hash = 0;
        if (memcmp(&e, &wanted[i], sizeof(e)) != 0)
            return "holds other items";
        if (e.kind != SL_PACK_TABLE &&
            sl_hash(sl_str_sub(bytes, e.offset, e.offset + e.bytes), HASH_SEED) != hash)
            return "has damaged weights";
    }
    return NULL;
}

static bool use_file(struct sl_pack *p, const char *path, size_t total, const struct entry *wanted,
                     uint32_t n, const char identity[65])
{
    struct sl_mapped m;
    struct sl_err err = {0};
    enum sl_rc rc = sl_map_file(&m, path, (size_t)1 << 42, &err);
    if (rc == SL_NOTFOUND)
        return false;
    const char *why = rc ? "cannot be read" : why_unusable(m.bytes, total, wanted, n, identity);
    if (why) {
        sl_unmap_file(&m);
        snprintf(p->note, sizeof(p->note), "%.180s %s; packed anew", path, why);
        return false;
    }
    p->base = (char *)(uintptr_t)m.bytes.p;
    p->bytes = m.bytes.n;
    p->was_kept = true;
    return true;
}

/* A file beside `path`, of full size with all its blocks (a full disk is found here, not by a
 * signal while writing), mapped for writing. */
static char *map_new_file(const char *temporary, size_t total, int *fd)
{
    *fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0)
        return NULL;
    int refused = posix_fallocate(*fd, 0, (off_t)total);
    void *p = refused ? MAP_FAILED : mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (p == MAP_FAILED) {
        errno = refused ? refused : errno;
        close(*fd);
        unlink(temporary);
        return NULL;
    }
    return p;
}

static void note_failure(struct sl_pack *p, const char *path)
{
    char reason[80];
    snprintf(p->note, sizeof(p->note), "%.150s cannot be written: %s; kept in memory", path,
             strerror_r(errno, reason, sizeof(reason)));
}

static enum sl_rc pack_now(struct sl_pack *p, struct entry *entries,
                           const struct sl_pack_item *items, uint32_t n, size_t total,
                           const char identity[65], const char *path, struct sl_err *err)
{
    char temporary[PATH_MAX] = "";
    int fd = -1;
    if (path && snprintf(temporary, sizeof(temporary), "%s.%ld.new", path, (long)getpid()) <
                    (int)sizeof(temporary)) {
        p->base = map_new_file(temporary, total, &fd);
        if (!p->base)
            note_failure(p, path);
    }
    bool is_file = p->base != NULL;
    if (!is_file) {
        void *memory =
            mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return sl_err_set(err, SL_NOMEM, "packing: no memory for %zu bytes of weights", total);
        p->base = memory;
    }
    p->bytes = total;
    enum sl_rc rc = write_items(p->base, entries, items, n, err);
    if (rc == SL_OK) {
        write_head(p->base, total, entries, n, identity);
        mprotect(p->base, total, PROT_READ);
    }
    if (is_file) {
        if (rc == SL_OK && (fsync(fd) != 0 || rename(temporary, path) != 0)) {
            note_failure(p, path);
            unlink(temporary);
        } else if (rc) {
            unlink(temporary);
        }
        close(fd);
    }
    return rc;
}

enum sl_rc sl_pack_open(struct sl_pack **out, const struct sl_pack_item *items, uint32_t n_items,
                        sl_str identity, const char *path, struct sl_err *err)
{
    *out = NULL;
    char hash[65];
    size_t total = 0;
    if (n_items > MAX_ITEMS)
        return sl_err_set(err, SL_LIMIT, "packing: %u items, at most %d", n_items, MAX_ITEMS);
    enum sl_rc rc = sl_sha256_hex(identity, hash);
    if (rc)
        return sl_err_set(err, rc, "packing: no SHA-256");
    struct entry *entries = lay_out(items, n_items, &total, err);
    if (!entries)
        return err ? err->code : SL_NOMEM;
    struct sl_pack *p = calloc(1, sizeof(*p));
    if (p)
        p->offsets = calloc(n_items ? n_items : 1, sizeof(*p->offsets));
    if (!p || !p->offsets) {
        rc = sl_err_set(err, SL_NOMEM, "packing: out of memory");
    } else {
        for (uint32_t i = 0; i < n_items; i++)
            p->offsets[i] = entries[i].offset;
        if (!path || !use_file(p, path, total, entries, n_items, hash))
            rc = pack_now(p, entries, items, n_items, total, hash, path, err);
    }
    free(entries);
    if (rc) {
        sl_pack_close(p);
        return rc;
    }
    *out = p;
    return SL_OK;
}

void sl_pack_close(struct sl_pack *p)
{
    if (!p)
        return;
    if (p->base)
        munmap(p->base, p->bytes);
    free(p->offsets);
    free(p);
}

const void *sl_pack_item_at(const struct sl_pack *p, uint32_t i)
{
    return p->base + p->offsets[i];
}

size_t sl_pack_bytes(const struct sl_pack *p)
{
    return p->bytes;
}

bool sl_pack_was_kept(const struct sl_pack *p)
{
    return p->was_kept;
}

const char *sl_pack_note(const struct sl_pack *p)
{
    return p->note;
}
