/* What each family wants from its checkpoint: one file a family. */
#ifndef SL_ML_ENCODER_FAMILIES_H
#define SL_ML_ENCODER_FAMILIES_H

#include "ml/encoder/loader.h"

void sl_want_bert(struct sl_loader *l);
void sl_want_modernbert(struct sl_loader *l);
void sl_want_qwen3(struct sl_loader *l);
void sl_want_gemma3(struct sl_loader *l);
void sl_want_deberta(struct sl_loader *l);

#endif
