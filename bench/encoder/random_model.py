"""Writes a ModernBERT checkpoint of mmBERT-base's shape with random weights to a folder."""
import json
import pathlib
import struct
import sys

import numpy as np

CONFIG = {"model_type": "modernbert", "vocab_size": 4096, "hidden_size": 768, "intermediate_size": 1152,
          "num_hidden_layers": 22, "num_attention_heads": 12, "max_position_embeddings": 1024, "norm_eps": 1e-5,
          "global_attn_every_n_layers": 3, "local_attention": 128, "global_rope_theta": 160000.0,
          "local_rope_theta": 160000.0, "hidden_activation": "gelu", "position_embedding_type": "sans_pos"}


def shapes():
    d, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    yield "model.embeddings.tok_embeddings.weight", (CONFIG["vocab_size"], d)
    yield "model.embeddings.norm.weight", (d,)
    for i in range(CONFIG["num_hidden_layers"]):
        at = f"model.layers.{i}"
        if i:
            yield f"{at}.attn_norm.weight", (d,)
        yield f"{at}.attn.Wqkv.weight", (3 * d, d)
        yield f"{at}.attn.Wo.weight", (d, d)
        yield f"{at}.mlp_norm.weight", (d,)
        yield f"{at}.mlp.Wi.weight", (2 * inner, d)
        yield f"{at}.mlp.Wo.weight", (d, inner)
    yield "model.final_norm.weight", (d,)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    header, at = {}, 0
    for name, shape in shapes():
        n = 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + n]}
        at += n
    text = json.dumps(header).encode()
    draw = np.random.default_rng(1)
    with (folder / "model.safetensors.part").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes():
            if len(shape) == 1:
                values = 1 + 0.1 * draw.standard_normal(shape, dtype=np.float32)
            else:
                values = draw.standard_normal(shape, dtype=np.float32) / np.float32(shape[1] ** 0.5)
            file.write(values.astype(np.float32).tobytes())
    (folder / "model.safetensors.part").rename(folder / "model.safetensors")


if __name__ == "__main__":
    main()
