/* Cases of tests/vectors/encoder: a small model written to a folder of its own, and what it is
 * expected to compute. */
#ifndef SL_TESTS_ENCODER_CASE_H
#define SL_TESTS_ENCODER_CASE_H

#include "codec/json.h"
#include "ml/encoder/encoder.h"

enum { CASE_ADAPTERS = 4 };

struct encoder_case {
    struct sl_arena arena;
    char name[64], folder[64];
    struct sl_json json;
    char adapters[CASE_ADAPTERS][96];
    const char *adapter_names[CASE_ADAPTERS];
    uint32_t n_adapters;
    bool honours_rope_scaling;

    uint32_t *ids, *starts;
    uint8_t *types; /* or NULL */
    uint32_t n_sequences, n_tokens;
};

/* Reads tests/vectors/encoder/`name`.json and writes its folder under /tmp. Fails the test when it
 * cannot. */
void encoder_case_open(struct encoder_case *c, const char *name);
/* Removes the folder. */
void encoder_case_close(struct encoder_case *c);

struct sl_encoder *encoder_case_encoder(const struct encoder_case *c, enum sl_dtype precision,
                                        const struct sl_kernels *kernels);

struct sl_sequences encoder_case_sequences(const struct encoder_case *c);

/* The numbers of array `values` of an expectation; *n of them. In the case's arena. */
const float *encoder_case_values(struct encoder_case *c, sl_json_ref expectation, uint32_t *n);

/* Replaces every value of tensors whose name contains `part` by `value` and writes the model anew.
 */
void encoder_case_spoil(struct encoder_case *c, const char *part, float value);

/* The names of all cases, sorted; NULL-terminated, static. */
const char *const *encoder_case_names(void);

#endif
