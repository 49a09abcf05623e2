/* Usable processors: affinity mask and cgroup v2 quota. */
#include "sys/cpu.h"

#include <sched.h>
#include <stdio.h>

/* Whole processors of the quota, rounded up; 0: no quota. */
static unsigned quota(void)
{
    unsigned long granted = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file)
        return 0;
    int n = fscanf(file, "%lu %lu", &granted, &period);
    fclose(file);
    return n == 2 && period ? (unsigned)((granted + period - 1) / period) : 0;
}

unsigned sl_cpu_count(void)
{
    cpu_set_t set;
    unsigned n = 1, limit = quota();
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    if (limit && limit < n)
        n = limit;
    return n ? n : 1;
}
