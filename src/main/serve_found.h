/* Zero configuration for `sluice serve`: the policy of what is found here. Main thread only. */
#ifndef SL_MAIN_SERVE_FOUND_H
#define SL_MAIN_SERVE_FOUND_H

#include "main/serve.h"

/*
 * Discovers, prints what was found and the policy that follows, and loads it. Sets on_ready, which
 * prints one curl line. NULL when nothing was found (how to change that has been printed).
 */
struct sl_config *sl_serve_found(struct sl_serve_options *options);

#endif
