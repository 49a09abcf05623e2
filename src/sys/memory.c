/*
 * Trimming, see memory.h. Only segments that the file maps read-only are dropped: nothing in them
 * can differ from the file. The program's own segments stay, where a debugger's breakpoints are.
 */
#include "sys/memory.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int drop_library(struct dl_phdr_info *library, size_t size, void *ctx)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size, (void)ctx;
    if (!library->dlpi_name[0])
        return 0; /* the program */
    for (unsigned i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
            continue;
        uintptr_t from = (library->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t to = library->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        madvise((void *)from, to - from, MADV_DONTNEED); /* advice: nothing depends on it */
    }
    return 0;
}

void sl_memory_trim(void)
{
    malloc_trim(0);
    dl_iterate_phdr(drop_library, NULL);
}
