#!/usr/bin/env python3
"""Writes a checkpoint of the Qwen3-0.6B shape that answers as a smaller Qwen3 checkpoint does.

usage: widen_checkpoint.py SMALL BIG

The small model's weights are placed in the larger matrices; what is left is filled with random
numbers where nothing reads the result, and with zeros where the residual stream would (output and
down projections). So a step costs what it costs at that shape, and the tokens are those of a
trained model: how often drafts agree can be measured beside what their rows cost. Head dimensions
keep their rotation: pair i of 64 dimensions turns as pair 2i of 128.
"""
import json
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

HIDDEN, LAYERS, HEADS, KV_HEADS, DIM, INNER = 1024, 28, 16, 8, 128, 3072


def read(path):
    """{name: float32 array} of a bf16 safetensors file."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        bits = np.frombuffer(data[8 + length + begin:8 + length + end], np.uint16)
        out[name] = (bits.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])
    return out


def bf16(array):
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def write(path, tensors):
    header, at = {}, 0
    for name, bits in tensors.items():
        header[name] = {"dtype": "BF16", "shape": list(bits.shape),
                        "data_offsets": [at, at + bits.nbytes]}
        at += bits.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for bits in tensors.values():
            file.write(bits.tobytes())


def widen(small, config):
    rng = np.random.default_rng(3)

    def noise(*shape):
        return rng.standard_normal(shape, np.float32) * np.float32(0.02)

    hidden, inner, dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    group = config["num_attention_heads"] // config["num_key_value_heads"]
    shrink = np.float32(np.sqrt(hidden / HIDDEN))  # zeros lower the mean square
    place = np.arange(dim // 2) * (DIM // dim)
    place = np.concatenate([place, DIM // 2 + place])  # of a head's dimensions
    # Query heads that share keys stay together: two of the large shape for each pair of the small.
    heads = {}
    for kv in range(config["num_key_value_heads"]):
        for i in range(group):
            heads[kv * group + i] = 2 * (kv * ((group + 1) // 2) + i // 2) + i % 2
    rows = {head: big * DIM + place for head, big in heads.items()}

    def norm(name):
        weight = np.zeros(HIDDEN, np.float32)
        weight[:hidden] = small[name] * shrink
        return weight

    embedding = np.zeros((small["model.embed_tokens.weight"].shape[0], HIDDEN), np.float32)
    embedding[:, :hidden] = small["model.embed_tokens.weight"]
    out = {"model.embed_tokens.weight": embedding, "model.norm.weight": norm("model.norm.weight")}
    for layer in range(LAYERS):
        p = f"model.layers.{layer}."
        query, key = noise(HEADS * DIM, HIDDEN), noise(KV_HEADS * DIM, HIDDEN)
        value, attention = noise(KV_HEADS * DIM, HIDDEN), np.zeros((HIDDEN, HEADS * DIM), np.float32)
        gate, up = noise(INNER, HIDDEN), noise(INNER, HIDDEN)
        down = np.zeros((HIDDEN, INNER), np.float32)
        norms = {name: np.ones(HIDDEN, np.float32)
                 for name in ("input_layernorm", "post_attention_layernorm")}
        query_norm, key_norm = np.ones(DIM, np.float32), np.ones(DIM, np.float32)
        if layer < config["num_hidden_layers"]:
            narrow = np.float32(np.sqrt(dim / DIM))
            query_norm[:], key_norm[:] = 0, 0
            # The smaller scale of larger heads, 1 / sqrt(DIM), meets the larger norm.
            query_norm[place] = small[p + "self_attn.q_norm.weight"]
            key_norm[place] = small[p + "self_attn.k_norm.weight"] * narrow
            norms = {name: norm(p + name + ".weight") for name in norms}
            for head, at in rows.items():
                of = slice(head * dim, (head + 1) * dim)
                query[heads[head] * DIM:(heads[head] + 1) * DIM] = 0
                query[at, :hidden] = small[p + "self_attn.q_proj.weight"][of]
                attention[:hidden, at] = small[p + "self_attn.o_proj.weight"][:, of]
                kv, big = head // group, heads[head] // 2
                of = slice(kv * dim, (kv + 1) * dim)
                for wide, name in ((key, "k_proj"), (value, "v_proj")):
                    wide[big * DIM:(big + 1) * DIM] = 0
                    wide[big * DIM + place, :hidden] = small[p + f"self_attn.{name}.weight"][of]
            gate[:inner, :hidden] = small[p + "mlp.gate_proj.weight"]
            up[:inner, :hidden] = small[p + "mlp.up_proj.weight"]
            down[:hidden, :inner] = small[p + "mlp.down_proj.weight"]
        for name, array in {**norms, "self_attn.q_proj": query, "self_attn.k_proj": key,
                            "self_attn.v_proj": value, "self_attn.o_proj": attention,
                            "self_attn.q_norm": query_norm, "self_attn.k_norm": key_norm,
                            "mlp.gate_proj": gate, "mlp.up_proj": up,
                            "mlp.down_proj": down}.items():
            out[f"{p}{name}.weight"] = array
    return {name: bf16(array) for name, array in out.items()}


def main(source, target):
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    tensors = widen(read(source / "model.safetensors"), config)
    for file in source.glob("*.json"):
        shutil.copy(file, target / file.name)
    config.update(hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                  num_key_value_heads=KV_HEADS, head_dim=DIM, intermediate_size=INNER)
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    write(target / "model.safetensors", tensors)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
