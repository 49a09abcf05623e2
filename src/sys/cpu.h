/* How many processors this process may use. */
#ifndef SL_SYS_CPU_H
#define SL_SYS_CPU_H

/* The affinity mask, cut to the cgroup's quota rounded up (containers); at least 1. */
unsigned sl_cpu_count(void);

#endif
