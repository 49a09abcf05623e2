"""ONNX graphs of the encoders, as ONNX Runtime's own transformer optimiser leaves them: fused
Attention, SkipLayerNormalization, BiasGelu and EmbedLayerNormalization from com.microsoft. Written
node by node, so that the benchmark needs no PyTorch; the outputs are compared with ours before
anything is timed. Quantised by onnxruntime.quantization.quantize_dynamic (int8 weights)."""
import json
import mmap
import pathlib
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

MS = "com.microsoft"


def read_safetensors(path):
    with open(path, "rb") as file:
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        (n,) = struct.unpack("<Q", view[:8])
        header = json.loads(view[8:8 + n])
        for name, entry in header.items():
            if name == "__metadata__" or entry["dtype"] != "F32":
                continue
            begin, end = entry["data_offsets"]
            yield name, np.frombuffer(view[8 + n + begin:8 + n + end], np.float32).reshape(entry["shape"])


class Graph:
    def __init__(self, folder):
        self.weights = dict(read_safetensors(folder / "model.safetensors"))
        self.config = json.loads((folder / "config.json").read_text())
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name, transposed=False):
        value = self.weights[name]
        return self.constant(name + (".T" if transposed else ""), value.T if transposed else value)

    def node(self, op, inputs, outputs=None, domain="", **attributes):
        name = f"{op}_{len(self.nodes)}"
        outputs = outputs or [name + "_out"]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def linear(self, x, name):
        return self.node("MatMul", [x, self.weight(name + ".weight", transposed=True)])

    def save(self, path, output, hidden):
        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT32, ["batch", "n"])]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "n", hidden])]
        graph = helper.make_graph(self.nodes, "encoder", inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)])
        model.ir_version = 8
        onnx.save(model, str(path))


def bert(folder, path):
    g = Graph(folder)
    c = g.config
    eps = c["layer_norm_eps"]
    norm = lambda at: [g.weight(f"{at}.LayerNorm.weight"), g.weight(f"{at}.LayerNorm.bias")]
    types = g.node("Sub", ["input_ids", "input_ids"])
    x = g.node("EmbedLayerNormalization",
               ["input_ids", types, g.weight("embeddings.word_embeddings.weight"),
                g.weight("embeddings.position_embeddings.weight"), g.weight("embeddings.token_type_embeddings.weight"),
                *norm("embeddings")], ["embedded", "mask"], domain=MS, epsilon=eps)
    for i in range(c["num_hidden_layers"]):
        at = f"encoder.layer.{i}"
        names = [f"{at}.attention.self.{n}" for n in ("query", "key", "value")]
        qkv = g.constant(f"{at}.qkv", np.concatenate([g.weights[f"{n}.weight"].T for n in names], axis=1))
        bias = g.constant(f"{at}.qkv.bias", np.concatenate([g.weights[f"{n}.bias"] for n in names]))
        a = g.node("Attention", [x, qkv, bias], domain=MS, num_heads=c["num_attention_heads"])
        o = g.linear(a, f"{at}.attention.output.dense")
        x = g.node("SkipLayerNormalization", [o, x, *norm(f"{at}.attention.output"),
                                              g.weight(f"{at}.attention.output.dense.bias")], domain=MS, epsilon=eps)
        h = g.linear(x, f"{at}.intermediate.dense")
        h = g.node("BiasGelu", [h, g.weight(f"{at}.intermediate.dense.bias")], domain=MS)
        o = g.linear(h, f"{at}.output.dense")
        x = g.node("SkipLayerNormalization", [o, x, *norm(f"{at}.output"), g.weight(f"{at}.output.dense.bias")],
                   domain=MS, epsilon=eps)
    g.save(path, x, c["hidden_size"])


def modernbert(folder, path):
    """Rotary positions and masks as constants for sequences up to max_position_embeddings."""
    g = Graph(folder)
    c = g.config
    d, heads, inner, n = (c["hidden_size"], c["num_attention_heads"], c["intermediate_size"],
                          c["max_position_embeddings"])
    half = d // heads // 2
    eps = c["norm_eps"]
    zero = g.constant("zero", np.zeros(d, np.float32))
    position = np.arange(n, dtype=np.float32)[:, None]
    angles = {k: position * (t ** (-np.arange(half, dtype=np.float32) / half))[None]
              for k, t in (("global", c["global_rope_theta"]), ("local", c["local_rope_theta"]))}
    tables = {k: (g.constant(f"cos.{k}", np.cos(a).astype(np.float32)),
                  g.constant(f"sin.{k}", np.sin(a).astype(np.float32))) for k, a in angles.items()}
    distance = np.abs(position - position.T)
    mask = np.where(distance <= c["local_attention"] // 2, 0, -1e9).astype(np.float32)
    mask = g.constant("mask.local", mask[None, None])
    length = g.node("Slice", [g.node("Shape", ["input_ids"]), g.constant("one", np.array([1])),
                              g.constant("two", np.array([2]))])
    ends = g.node("Concat", [length, length], axis=0)
    cut = g.node("Slice", [mask, g.constant("zeros", np.array([0, 0])), ends, g.constant("axes", np.array([2, 3]))])
    ids = g.node("Range", [g.constant("from", np.array(0)), g.node("Squeeze", [length]), g.constant("step", np.array(1))])
    ids = g.node("Unsqueeze", [ids, g.constant("axis", np.array([0]))])
    norm = lambda x, name: g.node("LayerNormalization", [x, g.weight(name + ".weight"), zero], axis=-1, epsilon=eps)
    x = g.node("Gather", [g.weight("model.embeddings.tok_embeddings.weight"), "input_ids"])
    x = norm(x, "model.embeddings.norm")
    for i in range(c["num_hidden_layers"]):
        at = f"model.layers.{i}"
        kind = "local" if i % c["global_attn_every_n_layers"] else "global"
        a = norm(x, f"{at}.attn_norm") if i else x
        qkv = g.linear(a, f"{at}.attn.Wqkv")
        q, k, v = [f"{at}.{p}" for p in "qkv"]
        g.node("Split", [qkv], [q, k, v], axis=-1)
        q, k = [g.node("RotaryEmbedding", [t, ids, *tables[kind]], domain=MS, num_heads=heads,
                       rotary_embedding_dim=0) for t in (q, k)]
        bias = [cut] if kind == "local" else []
        a = g.node("MultiHeadAttention", [q, k, v, "", "", *bias], domain=MS, num_heads=heads)
        x = g.node("Add", [x, g.linear(a, f"{at}.attn.Wo")])
        h = g.linear(norm(x, f"{at}.mlp_norm"), f"{at}.mlp.Wi")
        value, gate = f"{at}.value", f"{at}.gate"
        g.node("Split", [h], [value, gate], axis=-1)
        h = g.node("Mul", [g.node("Gelu", [value], domain=MS), gate])
        x = g.node("Add", [x, g.linear(h, f"{at}.mlp.Wo")])
    g.save(path, norm(x, "model.final_norm"), d)


def build(folder, out):
    """(f32, int8) model files."""
    folder, out = pathlib.Path(folder), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    f32, int8 = out / f"{kind}.onnx", out / f"{kind}.int8.onnx"
    {"bert": bert, "modernbert": modernbert}[kind](folder, f32)
    quantize_dynamic(str(f32), str(int8), weight_type=QuantType.QInt8,
                     op_types_to_quantize=["MatMul", "Attention", "EmbedLayerNormalization"],
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})
    return f32, int8
