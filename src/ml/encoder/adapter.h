/* LoRA adapters in PEFT's form: adapter_config.json and adapter_model.safetensors. For the files of
 * this room. */
#ifndef SL_ML_ENCODER_ADAPTER_H
#define SL_ML_ENCODER_ADAPTER_H

#include "ml/encoder/loader.h"

/* True when the adapter changes the gated input of the MLP: that is then packed in two halves. */
bool sl_adapter_splits_glu(const struct sl_encoder *e, const struct sl_checkpoint *weights);

/* Reads the adapter at `folder` for an encoder whose own weights are in place. A tensor of the file
 * that finds no place is an error: an adapter applied by half is another model. */
SL_MUST_USE enum sl_rc sl_adapter_load(struct sl_encoder *e, struct sl_adapter *to,
                                       const char *folder, const struct sl_checkpoint *weights,
                                       enum sl_head_kind head, struct sl_err *err);
void sl_adapter_free(struct sl_adapter *a);

#endif
