#!/usr/bin/env python3
"""Makes the golden logits: tiny random Qwen3 and Llama checkpoints, and what transformers computes
with them.

    python3 make_logits.py OUT          (needs torch, transformers, safetensors; CPU only)

Writes one folder per case into OUT:

    qwen3_tied        F32; tied embeddings, head_dim 32 where hidden / heads is 24
    qwen3_untied      F16; untied, head_dim 16 = hidden / heads, as many key-value heads as heads
    llama_tied        F32; tied, head_dim 16 where hidden / heads is 12, 4 heads on 1 key-value head
    llama_untied      F16; untied, llama3 rope scaling
    qwen3_tied_bf16   BF16; shape of qwen3_tied
    llama_untied_bf16 BF16; shape of llama_untied

(F16 where F32 would push the committed files past 1 MB; it covers the third storage type too.)

Each folder holds

    config.json, generation_config.json, model.safetensors     a Hugging Face model directory
    golden.json          the same token ids, positions and greedy ids readable, the seed, the
                         smallest greedy gap, versions
    golden.safetensors   per sequence s = 0, 1, 2 (lengths 1, 17, 70):
        tokens.s     I32 [length]             prompt token ids
        positions.s  I32 [P]                  0-based prompt positions whose logits are stored,
                                              ascending; the last one is always length - 1
        logits.s     F32 [P, vocabulary]      logits after the token at that position (what comes
                                              next), model and arithmetic in float32
        greedy.s     I32 [32]                 greedy continuation of the prompt in float32 arithmetic
                                              without any stop token
        gaps.s       F32 [32]                 best minus second-best logit of each greedy step
        logits_bf16.s F32 [P, vocabulary]     (*_bf16 folders only) the same positions, model and
                                              arithmetic in bfloat16, logits cast to float32

`logits.s` and `greedy.s` come from the weights as stored, widened to float32: a float32 engine that
reads the file must reproduce them whatever the storage type. Each case takes the first of the seeds
seed, seed + 100, ... whose greedy paths have no near-tie, so that summation order cannot turn them.
Attention is "eager". Every number follows from the seeds below and the versions in golden.json.
"""

import itertools
import json
import os
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

VOCABULARY = 259
LENGTHS = (1, 17, 70)
GREEDY = 32
# On both sides of 16 and 64, where pages and tiles of engines end.
POSITIONS = {1: (0,), 17: (0, 7, 15, 16), 70: (0, 15, 16, 31, 63, 64, 69)}
# Float32 engines differ by some 1e-5 here.
LEAST_GAP = 5e-3
BYTES_LIMIT = 1_000_000

COMMON = dict(
    vocab_size=VOCABULARY,
    max_position_embeddings=512,
    attention_dropout=0.0,
    bos_token_id=None,
    eos_token_id=VOCABULARY - 1,
    pad_token_id=None,
    hidden_act="silu",
)
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    # Small, so that all three frequency bands of the rule occur with these few dimensions.
    "original_max_position_embeddings": 64,
}
CASES = {
    "qwen3_tied": dict(
        seed=11, kind="qwen3", tied=True, theta=1e6, scaling=None, dtype=torch.float32,
        shape=dict(hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                   num_key_value_heads=1, head_dim=32, rms_norm_eps=1e-6)),
    "qwen3_untied": dict(
        seed=12, kind="qwen3", tied=False, theta=1e4, scaling=None, dtype=torch.float16,
        shape=dict(hidden_size=48, intermediate_size=48, num_hidden_layers=2, num_attention_heads=3,
                   num_key_value_heads=3, head_dim=16, rms_norm_eps=1e-6)),
    "llama_tied": dict(
        seed=13, kind="llama", tied=True, theta=5e5, scaling=None, dtype=torch.float32,
        shape=dict(hidden_size=48, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=1, head_dim=16, rms_norm_eps=1e-5)),
    "llama_untied": dict(
        seed=14, kind="llama", tied=False, theta=1e4, scaling=LLAMA3, dtype=torch.float16,
        shape=dict(hidden_size=48, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                   num_key_value_heads=2, head_dim=16, rms_norm_eps=1e-5)),
}
BF16_CASES = ("qwen3_tied", "llama_untied")


def make_config(case):
    cls = Qwen3Config if case["kind"] == "qwen3" else LlamaConfig
    rope = {"rope_theta": case["theta"], "rope_type": "default"}
    if case["scaling"]:
        rope.update(case["scaling"])
    config = cls(**COMMON, **case["shape"], tie_word_embeddings=case["tied"], rope_parameters=rope)
    config._attn_implementation = "eager"
    return config


def fill(model, seed):
    """Weights wide enough that logits are far from flat, norms away from 1 so that leaving one out
    shows. Drawn tensor by tensor in name order: independent of how the library initializes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            noise = torch.randn(weight.shape, generator=generator, dtype=torch.float32)
            if "norm" in name:
                weight.copy_(1.0 + 0.2 * noise)
            elif "embed_tokens" in name or "lm_head" in name:
                weight.copy_(0.6 * noise)
            else:
                weight.copy_(noise * (1.6 / weight.shape[1] ** 0.5))


def logits_of(model, tokens):
    with torch.no_grad():
        out = model(input_ids=tokens[None].long(), use_cache=False)
    return out.logits[0].float()


def greedy_of(model, tokens):
    """No cache: every step reads the whole sequence, so that the cache is not part of the oracle."""
    ids, gaps = tokens.clone(), []
    for _ in range(GREEDY):
        best = logits_of(model, ids)[-1].topk(2)
        gaps.append(float(best.values[0] - best.values[1]))
        ids = torch.cat([ids, best.indices[:1].to(torch.int32)])
    return ids[len(tokens):].contiguous(), torch.tensor(gaps, dtype=torch.float32)


def make_model(case, dtype, seed):
    """The model in float32, its weights already rounded to `dtype`."""
    config = make_config(case)
    cls = Qwen3ForCausalLM if case["kind"] == "qwen3" else LlamaForCausalLM
    model = cls(config).eval().float()
    assert model.config._attn_implementation == "eager"
    fill(model, seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.to(dtype).float())
    tied = model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert tied == case["tied"]
    return model


def compute(model, seed):
    tensors = {}
    generator = torch.Generator().manual_seed(1000 + seed)
    for s, length in enumerate(LENGTHS):
        assert POSITIONS[length][-1] == length - 1
        tokens = torch.randint(0, VOCABULARY, (length,), generator=generator).to(torch.int32)
        positions = torch.tensor(POSITIONS[length], dtype=torch.int32)
        greedy, gaps = greedy_of(model, tokens)
        tensors[f"tokens.{s}"] = tokens
        tensors[f"positions.{s}"] = positions
        tensors[f"logits.{s}"] = logits_of(model, tokens)[positions.long()].contiguous()
        tensors[f"greedy.{s}"] = greedy
        tensors[f"gaps.{s}"] = gaps
    return tensors


def all_rows(tensors, name):
    return torch.cat([tensors[f"{name}.{s}"].flatten() for s in range(len(LENGTHS))])


def write_case(out, name, case, dtype):
    folder = os.path.join(out, name)
    os.makedirs(folder)
    for seed in itertools.count(case["seed"], 100):
        model = make_model(case, dtype, seed)
        tensors = compute(model, seed)
        gap = float(all_rows(tensors, "gaps").min())
        if gap > LEAST_GAP:
            break

    state = {k: v.detach().to(dtype).clone().contiguous() for k, v in model.state_dict().items()
             if not (case["tied"] and k == "lm_head.weight")}
    save_file(state, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    model.config.dtype = str(dtype).replace("torch.", "")
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    with open(os.path.join(folder, "generation_config.json"), "w") as f:
        f.write('{"eos_token_id": %d}\n' % (VOCABULARY - 1))

    relative = ""
    if dtype == torch.bfloat16:
        # The parameters alone: buffers (inverse frequencies) stay float32, as when a checkpoint is
        # loaded in bfloat16. Assigning .data keeps tied matrices one parameter.
        with torch.no_grad():
            for weight in model.parameters():
                weight.data = weight.data.to(torch.bfloat16)
        for s in range(len(LENGTHS)):
            rows = logits_of(model, tensors[f"tokens.{s}"])
            tensors[f"logits_bf16.{s}"] = rows[tensors[f"positions.{s}"].long()].contiguous()
        low, full = all_rows(tensors, "logits_bf16"), all_rows(tensors, "logits")
        relative = f", bf16 against fp32 relative L2 {float((low - full).norm() / full.norm()):.4f}"
    save_file(tensors, os.path.join(folder, "golden.safetensors"))

    sequences = [dict(length=length, tokens=tensors[f"tokens.{s}"].tolist(),
                      positions=tensors[f"positions.{s}"].tolist(),
                      greedy=tensors[f"greedy.{s}"].tolist())
                 for s, length in enumerate(LENGTHS)]
    spread = float(all_rows(tensors, "logits").std())
    summary = dict(case=name, seed=seed, weights=str(dtype).replace("torch.", ""),
                   attention="eager", sequences=sequences, min_greedy_gap=gap,
                   logits_deviation=spread,
                   versions=dict(torch=torch.__version__, transformers=transformers.__version__))
    with open(os.path.join(folder, "golden.json"), "w") as f:
        json.dump(summary, f, separators=(",", ":"))
        f.write("\n")
    print(f"{name}: seed {seed}, {sum(v.numel() for v in state.values())} parameters, logits "
          f"deviation {spread:.2f}, smallest greedy gap {gap:.4f}{relative}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = sys.argv[1]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    os.makedirs(out)  # must be new: nothing is overwritten
    for name, case in CASES.items():
        write_case(out, name, case, case["dtype"])
    for name in BF16_CASES:
        write_case(out, name + "_bf16", CASES[name], torch.bfloat16)
    total = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(out) for f in fs)
    print(f"{total} bytes in all")
    assert total < BYTES_LIMIT


if __name__ == "__main__":
    main()
