#!/usr/bin/env python3
"""What Hugging Face `generate` needs for the same work: random weights of a given shape, bf16, sdpa,
prompts of 100 tokens, a fixed number of new tokens, sampling at T = 1 without an end token.

    python3 transformers_baseline.py [--tokens N] [--batches 32,128] [--caches dynamic,static]

Prints one line per case: ms a step, and the time that 1,000 x 560 tokens would take at that pace."""

import argparse
import time

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--tokens", type=int, default=96)
parser.add_argument("--batches", default="32,128")
parser.add_argument("--caches", default="dynamic,static")
parser.add_argument("--models", default="qwen3-0.6b,llama-380m")
options = parser.parse_args()

CONFIGS = {
    "qwen3-0.6b": (Qwen3ForCausalLM, Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28,
        num_attention_heads=16, num_key_value_heads=8, head_dim=128, tie_word_embeddings=True,
        max_position_embeddings=4096)),
    "llama-380m": (LlamaForCausalLM, LlamaConfig(
        vocab_size=128330, hidden_size=1024, intermediate_size=4096, num_hidden_layers=16,
        num_attention_heads=16, num_key_value_heads=8, head_dim=64, tie_word_embeddings=True,
        max_position_embeddings=4096)),
}
print(f"torch {torch.__version__}, transformers {transformers.__version__}, "
      f"{torch.cuda.get_device_name()}, {options.tokens} new tokens after 100")
print(f"{'model':12s} {'cache':8s} {'batch':>5s} {'ms/step':>8s} {'1000 x 560 tokens, s':>21s}")
for name in options.models.split(","):
    cls, config = CONFIGS[name]
    config._attn_implementation = "sdpa"
    torch.manual_seed(0)
    with torch.device("cuda"):
        model = cls(config).to(torch.bfloat16).eval()
    for cache in options.caches.split(","):
        for batch in map(int, options.batches.split(",")):
            ids = torch.randint(0, 1000, (batch, 100), device="cuda")
            settings = dict(attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0,
                            top_k=0, top_p=1.0, eos_token_id=None, pad_token_id=0, use_cache=True,
                            cache_implementation=None if cache == "dynamic" else "static")
            try:
                model.generate(ids, max_new_tokens=4 if cache == "dynamic" else options.tokens,
                               min_new_tokens=4, **settings)
                times = []
                for _ in range(2):
                    torch.cuda.synchronize()
                    start = time.perf_counter()
                    model.generate(ids, max_new_tokens=options.tokens, min_new_tokens=options.tokens,
                                   **settings)
                    torch.cuda.synchronize()
                    times.append(time.perf_counter() - start)
                step = min(times) / options.tokens
                print(f"{name:12s} {cache:8s} {batch:5d} {step * 1e3:8.2f} "
                      f"{step * 560 * (1000 / batch):21.1f}", flush=True)
            except Exception as error:
                print(f"{name:12s} {cache:8s} {batch:5d} failed: {error}"[:300], flush=True)
    del model
