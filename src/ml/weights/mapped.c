/* Files are mapped, not read: weights go from the page cache into the packing, and a packed file
 * is used where it lies. */
#include "ml/weights/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static enum sl_rc refused(const char *path, struct sl_err *err)
{
    char reason[128];
    int number = errno;
    return sl_err_set(err, number == ENOENT || number == ENOTDIR ? SL_NOTFOUND : SL_IO, "%s: %s",
                      path, strerror_r(number, reason, sizeof(reason)));
}

static enum sl_rc map_open(struct sl_mapped *out, int fd, const char *path, size_t max_bytes,
                           struct sl_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return refused(path, err);
    if (!S_ISREG(st.st_mode))
        return sl_err_set(err, SL_IO, "%s: expected a regular file", path);
    if ((uint64_t)st.st_size > max_bytes)
        return sl_err_set(err, SL_LIMIT, "%s: %lld bytes, at most %zu are read", path,
                          (long long)st.st_size, max_bytes);
    out->changed = st.st_mtim;
    if (st.st_size == 0)
        return SL_OK;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return refused(path, err);
    out->bytes = sl_str_of(p, (size_t)st.st_size);
    return SL_OK;
}

enum sl_rc sl_map_file(struct sl_mapped *out, const char *path, size_t max_bytes,
                       struct sl_err *err)
{
    *out = (struct sl_mapped){.bytes = {NULL, 0}};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refused(path, err);
    enum sl_rc rc = map_open(out, fd, path, max_bytes, err);
    close(fd);
    return rc;
}

void sl_unmap_file(struct sl_mapped *m)
{
    if (m->bytes.p)
        munmap((void *)(uintptr_t)m->bytes.p, m->bytes.n);
    m->bytes = (sl_str){NULL, 0};
}

enum sl_rc sl_map_in(struct sl_mapped *out, const char *folder, const char *name, size_t max_bytes,
                     struct sl_err *err)
{
    char path[PATH_MAX];
    *out = (struct sl_mapped){.bytes = {NULL, 0}};
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return sl_err_set(err, SL_LIMIT, "%.60s...: the path is too long", folder);
    return sl_map_file(out, path, max_bytes, err);
}
