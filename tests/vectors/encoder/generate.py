"""Writes the *.json beside it: small encoders of every family, and what transformers computes.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python generate.py

A case holds config.json, the names, shapes and seeds of the weights (not the weights: both sides
make them, see value_of), token ids and the expected outputs in F32. The unit test reads them
without Python: tests/unit/ml_encoder/test_families.c.
"""
import json
import pathlib

import numpy as np
import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from transformers import (BertConfig, BertForSequenceClassification, BertForTokenClassification, BertModel,
                          DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2ForTokenClassification,
                          DebertaV2Model, Gemma3TextConfig, Gemma3TextModel, ModernBertConfig,
                          ModernBertForSequenceClassification, ModernBertForTokenClassification, ModernBertModel,
                          Qwen3Config, Qwen3ForSequenceClassification, Qwen3Model, RobertaConfig,
                          RobertaForSequenceClassification)

HERE = pathlib.Path(__file__).parent
VOCAB = 97
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def values_of(name, count):
    """[-1, 1): splitmix64 from the FNV-1a hash of the name, the top 24 bits of each draw."""
    seed = 14695981039346656037
    for byte in name.encode():
        seed = (seed ^ byte) * 1099511628211 % 2**64
    with np.errstate(over="ignore"):
        x = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9e3779b97f4a7c15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1


def recipe(name, shape, is_gemma):
    """(offset, scale) of a tensor's values."""
    if len(shape) == 1:
        is_norm = "norm" in name.lower() and name.endswith("weight")
        return (0.0 if is_gemma else 1.0, 0.25) if is_norm else (0.0, 0.2)
    if "embed" in name:
        return 0.0, 1.0
    if "lora_B" in name:
        return 0.0, 0.2  # the change stays small beside the weights, as training leaves it
    return 0.0, float((4 / shape[1]) ** 0.5)


def fill(named, is_gemma=False, dtype="F32"):
    """Gives every tensor its values; returns the list that the case stores."""
    entries = []
    for name, tensor in named.items():
        if not tensor.is_floating_point():
            continue
        offset, scale = recipe(name, tensor.shape, is_gemma)
        values = torch.tensor(offset + scale * values_of(name, tensor.numel()), dtype=torch.float32)
        with torch.no_grad():
            tensor.copy_(values.to(DTYPES[dtype]).float().reshape(tensor.shape))
        entries.append([name, list(tensor.shape), offset, scale, dtype])
    return entries


def rounded(tensor):
    return [float(f"{v:.6g}") for v in tensor.detach().float().reshape(-1).tolist()]


def sequences_of(lengths, seed=1):
    draw = np.random.default_rng(seed)
    return [[int(v) for v in draw.integers(1, VOCAB, n)] for n in lengths]


def write(name, case):
    (HERE / f"{name}.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
    print(name, (HERE / f"{name}.json").stat().st_size)


def config_of(model, **more):
    config = {**json.loads(model.config.to_json_string(use_diff=True)), **more}
    config["architectures"] = [type(model).__name__]
    return config


class Case:
    def __init__(self, model, lengths, dtype="F32", is_gemma=False, types=False, **more):
        self.model = model.eval()
        entries = fill(model.state_dict(), is_gemma, dtype)
        self.case = {"config": config_of(model), "tensors": entries, "sequences": sequences_of(lengths), **more}
        if types:
            self.case["types"] = [[i % 2 for i in range(len(s))] for s in self.case["sequences"]]

    def run(self, model=None, **options):
        for i, ids in enumerate(self.case["sequences"]):
            extra = {"token_type_ids": torch.tensor([self.case["types"][i]])} if "types" in self.case else {}
            with torch.no_grad():
                yield (model or self.model)(input_ids=torch.tensor([ids]), **extra, **options)

    def states(self, layers, norm=None):
        """Final states of the whole model (layer 0), or of an exit: norm(states behind a layer)."""
        outputs = list(self.run(output_hidden_states=True))
        for layer in layers:
            values = [o.last_hidden_state[0] if layer == 0 else (norm or (lambda x: x))(o.hidden_states[layer][0])
                      for o in outputs]
            self.case.setdefault("hidden", []).append({"layer": layer, "values": rounded(torch.cat(values))})
        return self

    def embeddings(self, pool, layer=0, dim=0, norm=None, then=lambda v: v):
        rows = []
        for o in self.run(output_hidden_states=True):
            x = o.last_hidden_state[0] if layer == 0 else (norm or (lambda x: x))(o.hidden_states[layer][0])
            order = torch.arange(1, len(x) + 1, dtype=torch.float32)
            v = then({"mean": x.mean(0), "first": x[0], "last": x[-1], "root": x.sum(0) / len(x) ** 0.5,
                      "weighted": (x * order[:, None]).sum(0) / order.sum()}[pool])
            v = v[:dim] if dim else v
            rows.append(v / v.norm())
        self.case.setdefault("embeddings", []).append({"layer": layer, "dim": dim, "values": rounded(torch.stack(rows))})
        return self

    def logits(self, model=None, adapter=None):
        values = [o.logits[0].reshape(-1) for o in self.run(model)]
        self.case.setdefault("logits", []).append({"adapter": adapter, "values": rounded(torch.cat(values))})
        return self


BERT = dict(vocab_size=VOCAB, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=88,
            max_position_embeddings=64, type_vocab_size=2, pad_token_id=0)
MODERN = dict(vocab_size=VOCAB, hidden_size=48, num_hidden_layers=5, num_attention_heads=4, intermediate_size=72,
              max_position_embeddings=256, local_attention=12, pad_token_id=0, bos_token_id=1, eos_token_id=2,
              cls_token_id=1, sep_token_id=2)
QWEN = dict(vocab_size=VOCAB, hidden_size=40, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            head_dim=16, intermediate_size=72, max_position_embeddings=128, pad_token_id=0, bos_token_id=1,
            eos_token_id=2, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})
GEMMA = dict(vocab_size=VOCAB, hidden_size=40, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=1,
             head_dim=20, intermediate_size=56, max_position_embeddings=128, sliding_window=10,
             query_pre_attn_scalar=24, pad_token_id=0, bos_token_id=1, eos_token_id=2,
             layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"])
DEBERTA = dict(vocab_size=VOCAB, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=88,
               max_position_embeddings=80, relative_attention=True, position_buckets=12, norm_rel_ebd="layer_norm",
               share_att_key=True, pos_att_type="p2c|c2p", position_biased_input=False, type_vocab_size=0,
               max_relative_positions=-1, pad_token_id=0, pooler_hidden_size=48)
LABELS = {"id2label": {0: "benign", 1: "jailbreak", 2: "unsure"}, "label2id": {"benign": 0, "jailbreak": 1, "unsure": 2}}
MIXED = [1, 2, 19, 37, 7]


def bert():
    write("bert", Case(BertModel(BertConfig(**BERT)), MIXED, types=True).states([0, 2]).case)
    write("bert_embedding", Case(BertModel(BertConfig(**BERT)), [*MIXED, 64])
          .embeddings("mean").embeddings("mean", layer=2, dim=17).case)
    write("bert_cls_pooling", Case(BertModel(BertConfig(**BERT)), MIXED, dtype="F16", modules=[
        {"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling",
         "config": {"word_embedding_dimension": 48, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}},
        {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}]).embeddings("first").case)
    for pool, flag in (("root", "pooling_mode_mean_sqrt_len_tokens"), ("weighted", "pooling_mode_weightedmean_tokens")):
        write(f"bert_{pool}_pooling", Case(BertModel(BertConfig(**BERT)), MIXED, modules=[
            {"type": "sentence_transformers.models.Transformer", "path": ""},
            {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling",
             "config": {"word_embedding_dimension": 48, "pooling_mode_mean_tokens": False, flag: True}}])
              .embeddings(pool).case)
    write("bert_sequence", Case(BertForSequenceClassification(BertConfig(**BERT, **LABELS)), MIXED, dtype="BF16",
                                shards=2).logits().case)
    write("bert_tokens", Case(BertForTokenClassification(BertConfig(**BERT, num_labels=5)), MIXED).logits().case)
    multi = BertConfig(**BERT, num_labels=4, problem_type="multi_label_classification")
    write("bert_multi_label", Case(BertForSequenceClassification(multi), [3, 9]).logits().case)
    roberta = RobertaConfig(**{**BERT, "max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1},
                            num_labels=3)
    case = Case(RobertaForSequenceClassification(roberta), MIXED)
    for sequence in case.case["sequences"]:  # a padding id would not be counted as a position
        sequence[:] = [v if v != 1 else 5 for v in sequence]
    write("roberta_sequence", case.logits().case)


def modernbert():
    case = Case(ModernBertModel(ModernBertConfig(**MODERN)), MIXED)
    write("modernbert", case.states([0, 3], case.model.final_norm).case)
    case = Case(ModernBertModel(ModernBertConfig(**MODERN)), [*MIXED, 256])
    write("modernbert_embedding", case.embeddings("mean").embeddings("mean", 3, 16, case.model.final_norm).case)
    theta = {"full_attention": {"rope_type": "default", "rope_theta": 160000.0},
             "sliding_attention": {"rope_type": "default", "rope_theta": 160000.0}}
    biased = ModernBertConfig(**MODERN, rope_parameters=theta, norm_bias=True, attention_bias=True, mlp_bias=True,
                              hidden_activation="gelu_pytorch_tanh")
    write("mmbert_biased", Case(ModernBertModel(biased), [2, 37]).states([0]).case)
    yarn = {"full_attention": {"rope_type": "yarn", "rope_theta": 160000.0, "factor": 4.0,
                               "original_max_position_embeddings": 64},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
    write("modernbert_yarn", Case(ModernBertModel(ModernBertConfig(**MODERN, rope_parameters=yarn)), [70],
                                  honours_rope_scaling=True).states([0]).case)
    for pooling in ("cls", "mean"):
        config = ModernBertConfig(**MODERN, **LABELS, classifier_pooling=pooling, norm_eps=1e-3)
        write(f"modernbert_sequence_{pooling}", Case(ModernBertForSequenceClassification(config), MIXED).logits().case)
    config = ModernBertConfig(**MODERN, num_labels=5, classifier_bias=True, classifier_activation="silu")
    write("modernbert_tokens", Case(ModernBertForTokenClassification(config), MIXED).logits().case)


def decoders():
    write("qwen3", Case(Qwen3Model(Qwen3Config(**QWEN)), MIXED).states([0]).case)
    write("qwen3_embedding", Case(Qwen3Model(Qwen3Config(**QWEN)), [*MIXED, 128]).embeddings("last")
          .embeddings("last", dim=8).case)
    write("qwen3_sequence", Case(Qwen3ForSequenceClassification(Qwen3Config(**QWEN, num_labels=3)), MIXED)
          .logits().case)
    model = Gemma3TextModel(Gemma3TextConfig(**GEMMA, use_bidirectional_attention=True))
    shapes = {"2_Dense": (64, 40), "3_Dense": (24, 64)}
    weights = {path: torch.zeros(shape) for path, shape in shapes.items()}
    dense = {path: fill({"linear.weight": w}) for path, w in weights.items()}
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""},
               {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling",
                "config": {"word_embedding_dimension": 40, "pooling_mode_mean_tokens": True}}]
    for path, (n, k) in shapes.items():
        modules.append({"type": "sentence_transformers.models.Dense", "path": path, "tensors": dense[path], "config": {
            "in_features": k, "out_features": n, "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity"}})
    modules.append({"type": "sentence_transformers.models.Normalize", "path": "4_Normalize"})
    through = lambda v: weights["3_Dense"] @ (weights["2_Dense"] @ v)
    write("gemma3", Case(model, [19, 37], is_gemma=True).states([0]).case)
    write("gemma3_embedding", Case(model, [*MIXED, 128], is_gemma=True, modules=modules)
          .embeddings("mean", then=through).embeddings("mean", dim=12, then=through).case)
    write("gemma3_causal", Case(Gemma3TextModel(Gemma3TextConfig(**GEMMA)), [2, 37], is_gemma=True).states([0]).case)


def deberta():
    write("deberta", Case(DebertaV2Model(DebertaV2Config(**DEBERTA)), [1, 37, 80]).states([0]).case)
    other = {**DEBERTA, "share_att_key": False, "pos_att_type": ["c2p"], "position_biased_input": True,
             "type_vocab_size": 2, "embedding_size": 24}
    write("deberta_own_keys", Case(DebertaV2Model(DebertaV2Config(**other)), [2, 37], types=True).states([0]).case)
    flat = {**DEBERTA, "share_att_key": False, "pos_att_type": ["p2c"], "position_buckets": -1, "norm_rel_ebd": "none",
            "max_relative_positions": 16}
    write("deberta_flat", Case(DebertaV2Model(DebertaV2Config(**flat)), [2, 37]).states([0]).case)
    config = DebertaV2Config(**DEBERTA, num_labels=2)
    write("deberta_sequence", Case(DebertaV2ForSequenceClassification(config), MIXED).logits().case)
    write("deberta_tokens", Case(DebertaV2ForTokenClassification(DebertaV2Config(**DEBERTA, num_labels=5)), MIXED)
          .logits().case)


def lora(name, make, targets, extra):
    """One base, two adapters with heads of their own, all three run as lanes."""
    base = make()
    case = Case(base, MIXED)
    case.logits()
    plain = {k: v.clone() for k, v in base.state_dict().items()}
    adapters = []
    for i, options in enumerate(({"r": 4, "lora_alpha": 8}, {"r": 6, "lora_alpha": 3, "use_rslora": True})):
        model = make()
        model.load_state_dict(plain)
        config = LoraConfig(task_type=extra, target_modules=targets[i], **options)
        peft = get_peft_model(model, config).eval()
        saved = get_peft_model_state_dict(peft)
        saved = {k: v.clone() for k, v in saved.items()}
        entries = fill({f"{i}.{k}": v for k, v in saved.items()})
        set_peft_model_state_dict(peft, saved)
        entries = [[e[0].split(".", 1)[1], *e[1:], e[0]] for e in entries]
        adapters.append({"tensors": entries, "config": {
            "peft_type": "LORA", "target_modules": targets[i], "bias": "none", **options}})
        case.logits(peft, i)
    case.case["adapters"] = adapters
    write(name, case.case)


def lora_mixed(name, base, kinds):
    """A base without a head; adapters for texts and for tokens, with other numbers of labels."""
    case = Case(base, MIXED)
    case.states([0])
    plain = base.state_dict()
    adapters = []
    for i, (model, task, modules, targets) in enumerate(kinds):
        getattr(model, model.base_model_prefix).load_state_dict(plain, strict=False)
        peft = get_peft_model(model, LoraConfig(task_type=task, target_modules=targets, r=3, lora_alpha=6,
                                                modules_to_save=modules)).eval()
        saved = {k: v.clone() for k, v in get_peft_model_state_dict(peft).items()}
        entries = fill({f"{i}.{k}": v for k, v in saved.items()})
        set_peft_model_state_dict(peft, saved)
        entries = [[e[0].split(".", 1)[1], *e[1:], e[0]] for e in entries]
        adapters.append({"tensors": entries, "config": {
            "peft_type": "LORA", "task_type": task, "target_modules": targets, "bias": "none", "r": 3, "lora_alpha": 6}})
        case.logits(peft, i)
    case.case["adapters"] = adapters
    write(name, case.case)


def mixed():
    modern = lambda n: ModernBertConfig(**MODERN, num_labels=n)
    lora_mixed("lora_mixed_modernbert", ModernBertModel(modern(2)), [
        (ModernBertForSequenceClassification(modern(4)), "SEQ_CLS", ["classifier", "head"], ["Wqkv", "Wi"]),
        (ModernBertForTokenClassification(modern(7)), "TOKEN_CLS", ["classifier", "head"], ["Wo"])])
    bert = lambda n: BertConfig(**BERT, num_labels=n)  # the pooler is the base's
    lora_mixed("lora_mixed_bert", BertModel(bert(2)), [
        (BertForTokenClassification(bert(5)), "TOKEN_CLS", ["classifier"], ["query"]),
        (BertForSequenceClassification(bert(4)), "SEQ_CLS", ["classifier"], ["value", "key"])])


def main():
    torch.manual_seed(0)
    bert()
    modernbert()
    decoders()
    deberta()
    lora("lora_modernbert", lambda: ModernBertForSequenceClassification(ModernBertConfig(**MODERN, num_labels=3)),
         (["Wqkv", "Wo", "Wi"], ["Wqkv"]), "SEQ_CLS")
    lora("lora_bert", lambda: BertForSequenceClassification(BertConfig(**BERT, num_labels=3)),
         (["query", "value"], ["query", "key", "dense"]), "SEQ_CLS")
    lora("lora_tokens", lambda: ModernBertForTokenClassification(ModernBertConfig(**MODERN, num_labels=5)),
         (["Wi"], ["Wo"]), "TOKEN_CLS")
    lora("lora_qwen3", lambda: Qwen3ForSequenceClassification(Qwen3Config(**QWEN, num_labels=3)),
         (["q_proj", "v_proj", "gate_proj"], ["k_proj", "o_proj", "up_proj", "down_proj"]), "SEQ_CLS")
    mixed()


if __name__ == "__main__":
    main()
