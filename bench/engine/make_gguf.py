#!/usr/bin/env python3
"""Writes a GGUF file (version 3) with random weights in a Qwen3 shape, for speed comparisons.

    make_gguf.py qwen3-0.6b|default bf16|f16 OUT.gguf

No vocabulary: the file is for feeding token ids. Needs numpy.
"""
import struct
import sys

import numpy as np

SHAPES = {  # layers, hidden, intermediate, heads, kv heads, head dim, vocabulary
    "qwen3-0.6b": (28, 1024, 3072, 16, 8, 128, 151936),
    "default": (10, 384, 1024, 6, 2, 64, 472),
}
F32, F16, BF16 = 0, 1, 30  # ggml tensor types
ALIGNMENT = 32


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    return text(key) + struct.pack("<II", 4, value)


def main():
    name, kind, path = sys.argv[1:]
    layers, hidden, wide, heads, kv_heads, dim, vocabulary = SHAPES[name]
    matrix = {"bf16": BF16, "f16": F16}[kind]
    meta = {
        "general.architecture": "qwen3",
        "general.name": name,
        "qwen3.block_count": layers,
        "qwen3.context_length": 2048,
        "qwen3.embedding_length": hidden,
        "qwen3.feed_forward_length": wide,
        "qwen3.attention.head_count": heads,
        "qwen3.attention.head_count_kv": kv_heads,
        "qwen3.attention.key_length": dim,
        "qwen3.attention.value_length": dim,
        "qwen3.attention.layer_norm_rms_epsilon": 1e-6,
        "qwen3.rope.freq_base": 1e6,
        "qwen3.vocab_size": vocabulary,
        "tokenizer.ggml.model": "no_vocab",
    }
    tensors = [("token_embd.weight", (hidden, vocabulary)), ("output_norm.weight", (hidden,))]
    for layer in range(layers):
        for part, shape in [
            ("attn_norm", (hidden,)),
            ("attn_q", (hidden, heads * dim)),
            ("attn_k", (hidden, kv_heads * dim)),
            ("attn_v", (hidden, kv_heads * dim)),
            ("attn_q_norm", (dim,)),
            ("attn_k_norm", (dim,)),
            ("attn_output", (heads * dim, hidden)),
            ("ffn_norm", (hidden,)),
            ("ffn_gate", (hidden, wide)),
            ("ffn_up", (hidden, wide)),
            ("ffn_down", (wide, hidden)),
        ]:
            tensors.append((f"blk.{layer}.{part}.weight", shape))

    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    header += b"".join(entry(key, value) for key, value in meta.items())
    offset = 0
    for tensor, shape in tensors:
        header += text(tensor) + struct.pack("<I", len(shape))
        header += struct.pack(f"<{len(shape)}Q", *shape)
        header += struct.pack("<IQ", F32 if len(shape) == 1 else matrix, offset)
        size = int(np.prod(shape)) * (4 if len(shape) == 1 else 2)
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    random = np.random.default_rng(1)
    with open(path, "wb") as out:
        out.write(header + bytes(-len(header) % ALIGNMENT))
        for _, shape in tensors:
            if len(shape) == 1:
                data = np.ones(shape, np.float32).tobytes()
            else:
                values = random.standard_normal(int(np.prod(shape)), np.float32) * np.float32(0.02)
                if matrix == F16:
                    data = values.astype(np.float16).tobytes()
                else:
                    data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
            out.write(data + bytes(-len(data) % ALIGNMENT))


main()
