/* How many files and sockets the process may hold. */
#ifndef SL_SYS_DESCRIPTORS_H
#define SL_SYS_DESCRIPTORS_H

#include <stdint.h>

/* Raises the soft limit to the hard one, as far as the system lets it; what holds then. */
uint64_t sl_descriptors_raise(void);

#endif
