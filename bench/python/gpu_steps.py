#!/usr/bin/env python3
"""Cost and correctness of the logits processor inside transformers `generate`, on one GPU.

usage: PYTHONPATH=python python3 bench/python/gpu_steps.py PREPARED [--json FILE]

PREPARED: the folder that prepare_gpu_steps.py wrote. Needs torch, transformers, NumPy, python/molgen3d (no native module)
and models/qwen3-conformer. Prints
1. step time of a Qwen3-0.6B-shaped model (random weights, bfloat16, sdpa, dynamic cache) at batch 32 and 128 without a
   processor, with the study's allowlist rule, and with the exact one: median over steps of one generate call, the best
   of several calls, taken in turns;
2. the processor's own time per step, with proof that a step does not wait for the device;
3. share of strictly valid answers of the random model with the exact rule, sampled at T = 1 to their ends;
4. the default model: greedy answers against the native engine's, and teacher-forced agreement.
"""
import argparse
import json
import pathlib
import re
import statistics
import time

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3ForCausalLM, StoppingCriteria

from molgen3d import ConformerLogitsProcessor, ConstraintTables

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBER = r"-?\d{1,3}(?:\.\d{1,4})?"


def qwen3_06b(device):
    config = Qwen3Config(
        vocab_size=151936, hidden_size=1024, intermediate_size=3072, num_hidden_layers=28, num_attention_heads=16,
        num_key_value_heads=8, head_dim=128, max_position_embeddings=4096, tie_word_embeddings=True,
        attn_implementation="sdpa",
    )  # fmt: skip
    torch.manual_seed(0)
    with torch.device(device):
        model = Qwen3ForCausalLM(config)
    return model.to(torch.bfloat16).eval()


def prompt_batch(tables, copies=1, device="cuda"):
    """Left-padded ids and attention mask."""
    rows = [tables.meta["prefix"] + tables.prompt_ids(i).tolist() for i in range(len(tables.smiles))]
    rows = [row for row in rows for _ in range(copies)]
    width = max(map(len, rows))
    pad = tables.meta["eos_token_id"]
    ids = torch.tensor([[pad] * (width - len(r)) + r for r in rows], device=device)
    mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows], device=device)
    return {"input_ids": ids, "attention_mask": mask}


class StepClock(StoppingCriteria):
    """Time at the end of each step, device work included."""

    def __init__(self):
        self.times = []

    def __call__(self, input_ids, scores, **_):
        torch.cuda.synchronize()
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)

    def step_ms(self, skip):
        return statistics.median(np.diff(self.times)[skip:]) * 1e3


def timed_generate(model, tables, rule_tables, steps, skip):
    clock = StepClock()
    processors = [ConformerLogitsProcessor.from_tables(rule_tables)] if rule_tables else []
    model.generation_config.eos_token_id = None  # all modes run the same number of steps
    model.generation_config.pad_token_id = tables.meta["eos_token_id"]
    with torch.inference_mode():
        model.generate(
            **prompt_batch(tables), logits_processor=processors, stopping_criteria=[clock], do_sample=True,
            temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=steps,
        )  # fmt: skip
    return clock.step_ms(skip)


def step_times(model, prepared, batch, repeats, result):
    exact = ConstraintTables.load(prepared / f"qwen3_{batch}_exact.npz")
    modes = {"none": None, "allowlist": ConstraintTables.load(prepared / f"qwen3_{batch}_allowlist.npz"), "exact": exact}
    # No row may end inside the window.
    steps = min(128, *(int(t.arrays["min_tokens"].min()) - 1 for t in modes.values() if t))
    skip = min(16, steps // 4)
    found = {mode: [] for mode in modes}
    for _ in range(repeats):
        for mode, tables in modes.items():
            found[mode].append(timed_generate(model, exact, tables, steps, skip))
    best = {mode: min(times) for mode, times in found.items()}
    print(f"\nbatch {batch}: {steps} steps, median of steps {skip}..{steps}, best of {repeats} (all: ms)")
    for mode, times in found.items():
        shown = " ".join(f"{t:.3f}" for t in times)
        print(f"  {mode:10s} {best[mode]:8.3f} ms/step   {best[mode] / best['none']:.4f} x none   ({shown})")
    result[f"step_ms_batch_{batch}"] = found


def processor_times(prepared, batch, rule, rows, result):
    """Processor alone: host time to issue a step, and time until the device is done with it."""
    tables = ConstraintTables.load(prepared / f"qwen3_{batch}_{rule}.npz")
    processor = ConformerLogitsProcessor.from_tables(tables)
    ids = prompt_batch(tables)["input_ids"]
    steps = int(tables.arrays["min_tokens"].max()) - 1
    scores = torch.randn(batch, rows, device="cuda")
    issue, device = [], []
    for step in range(min(200, steps)):
        reads = step < 2 or step & (step - 1) == 0  # the steps at which counts are read back
        torch.cuda.synchronize()
        begin = torch.cuda.Event(enable_timing=True)
        end = torch.cuda.Event(enable_timing=True)
        torch.cuda.set_sync_debug_mode("default" if reads else "error")
        start = time.perf_counter()
        begin.record()
        masked = processor(ids, scores)
        end.record()
        took = time.perf_counter() - start
        torch.cuda.set_sync_debug_mode("default")
        torch.cuda.synchronize()
        if not reads:
            issue.append(took * 1e6)
            device.append(begin.elapsed_time(end) * 1e3)
        ids = torch.cat([ids, masked.argmax(dim=1, keepdim=True)], dim=1)
    print(
        f"  batch {batch:3d} {rule:10s} issue {statistics.median(issue):7.1f} us, until done "
        f"{statistics.median(device):7.1f} us; no synchronization in {len(issue)} steps"
    )
    result[f"processor_us_batch_{batch}_{rule}"] = [statistics.median(issue), statistics.median(device)]


def is_answer(text, literals):
    block = ",".join([NUMBER] * 3)
    return re.fullmatch(block.join(re.escape(literal) for literal in literals), text) is not None


def answers_of(ids, eos, tokens):
    """Texts up to end of sequence; None for rows without one or with a token that no choice offers."""
    for row in ids.tolist():
        cut = row[: row.index(eos)] if eos in row else None
        known = cut is not None and all(str(i) in tokens for i in cut)
        yield "".join(tokens[str(i)] for i in cut) if known else None


def pass_rate(model, prepared, batch, result):
    tables = ConstraintTables.load(prepared / f"qwen3_{batch}_exact.npz")
    written = json.loads((prepared / f"qwen3_{batch}.json").read_text())
    processor = ConformerLogitsProcessor.from_tables(tables)
    prompt = prompt_batch(tables)
    eos = tables.meta["eos_token_id"]
    model.generation_config.eos_token_id = eos
    start = time.perf_counter()
    with torch.inference_mode():
        ids = model.generate(
            **prompt, logits_processor=[processor], do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            max_new_tokens=processor.max_new_tokens,
        )  # fmt: skip
    took = time.perf_counter() - start
    new = ids[:, prompt["input_ids"].shape[1] :]
    good = sum(
        text is not None and is_answer(text, literals)
        for text, literals in zip(answers_of(new, eos, written["tokens"]), written["literals"])
    )
    print(f"\nrandom weights, T = 1, exact, batch {batch}: {good} of {batch} answers strictly valid, "
          f"{new.shape[1]} steps, {took:.1f} s")  # fmt: skip
    result[f"pass_batch_{batch}"] = [good, batch]


def teacher_forced(model, tables, prompt, native):
    """(agreeing, all) tokens: the masked argmax after each native prefix against the native token."""
    width = prompt["input_ids"].shape[1]
    longest = max(map(len, native))
    pad = tables.meta["eos_token_id"]
    tail = torch.tensor([row + [pad] * (longest - len(row)) for row in native], device="cuda")
    ids = torch.cat([prompt["input_ids"], tail], dim=1)
    mask = torch.cat([prompt["attention_mask"], torch.ones_like(tail)], dim=1)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits.float()
    lengths = torch.tensor([len(row) for row in native], device="cuda")
    processor = ConformerLogitsProcessor.from_tables(tables)
    agreed = total = 0
    for step in range(longest):
        chosen = processor(ids[:, : width + step], logits[:, width + step - 1]).argmax(dim=1)
        running = step < lengths
        agreed += int(((chosen == ids[:, width + step]) & running).sum())
        total += int(running.sum())
    return agreed, total


def compare_default(prepared, result):
    tables = ConstraintTables.load(prepared / "default_exact.npz")
    written = json.loads((prepared / "default.json").read_text())
    native, eos = written["greedy"], tables.meta["eos_token_id"]
    prompt = prompt_batch(tables)
    print("\ndefault model, greedy, against the native engine (float32, CPU):")
    folder = ROOT / "models/qwen3-conformer"
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    same = all(
        fast(f"[SMILES]{s}[/SMILES]")["input_ids"] == tables.prompt_ids(i).tolist() for i, s in enumerate(tables.smiles)
    )
    print(f"  prompts: {len(native)}, ids equal those of transformers' tokenizer: {same}; "
          f"backend_tokenizer.to_str(): {hasattr(fast, 'backend_tokenizer')}")  # fmt: skip
    for dtype in (torch.float32, torch.bfloat16):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to("cuda").eval()
        processor = ConformerLogitsProcessor.from_tables(tables)
        model.generation_config = transformers.GenerationConfig(eos_token_id=eos, pad_token_id=eos)
        with torch.inference_mode():
            ids = model.generate(
                **prompt, logits_processor=[processor], do_sample=False, max_new_tokens=processor.max_new_tokens
            )
        new = ids[:, prompt["input_ids"].shape[1] :].tolist()
        ended = [row[: row.index(eos) + 1] if eos in row else row for row in new]
        equal = sum(a == b for a, b in zip(ended, native))
        good = sum(
            text is not None and is_answer(text, literals)
            for text, literals in zip(answers_of(torch.tensor(new), eos, written["tokens"]), written["literals"])
        )
        agreed, total = teacher_forced(model, tables, prompt, native)
        name = str(dtype).split(".")[1]
        print(f"  {name:9s} {equal} of {len(native)} answers equal token for token, {good} strictly valid; teacher-forced "
              f"{agreed} of {total} tokens agree ({100 * agreed / total:.3f} %)")  # fmt: skip
        result[f"default_{name}"] = {"equal": equal, "of": len(native), "valid": good, "agreed": agreed, "tokens": total}
    result["prompts_equal_transformers"] = same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    result = {
        "torch": torch.__version__, "transformers": transformers.__version__, "gpu": torch.cuda.get_device_name(),
    }  # fmt: skip
    print(", ".join(f"{k} {v}" for k, v in result.items()))

    def save():
        if options.json:
            options.json.write_text(json.dumps(result, indent=1))

    compare_default(options.prepared, result)
    save()
    print("\nprocessor alone:")
    for batch in (32, 128):
        for rule in ("allowlist", "exact"):
            processor_times(options.prepared, batch, rule, 151936, result)
    model = qwen3_06b("cuda")
    print(f"\nQwen3-0.6B shape, random weights, attention: {model.config._attn_implementation}")
    for batch in (32, 128):
        step_times(model, options.prepared, batch, options.repeats, result)
        save()
    pass_rate(model, options.prepared, 128, result)
    save()


if __name__ == "__main__":
    main()
