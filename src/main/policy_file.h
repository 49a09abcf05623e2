/* Loading a policy for a command: the file, its mistakes on standard error, the compiled plan. */
#ifndef SL_MAIN_POLICY_FILE_H
#define SL_MAIN_POLICY_FILE_H

#include "infer/engine.h"

#include <stdio.h>

/*
 * The compiled snapshot of a file, or NULL after its mistakes have been printed. Warnings are
 * printed too unless `is_quiet`. Freed with sl_config_unref.
 */
struct sl_config *sl_policy_file_load(const char *path, bool is_quiet);

/*
 * Attaches what answers the policy's signals that need a model (infer/engine.h). What fails is said
 * on standard error; rules that need it fail.
 */
void sl_policy_file_attach(struct sl_config *config);

/* "file:line:column: error: path: message", one a line. */
void sl_diags_print(FILE *to, const struct sl_diags *diags, sl_str file, bool errors_only);

#endif
