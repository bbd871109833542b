#!/usr/bin/env python3
"""Teaches a checkpoint the rule that it is decoded under, with no data but its own answers.

  molgen3d generate prompts.smi --constraint exact --temperature 1 --top-p 1 --top-k 0 --seed 1 -o answers.jsonl
  python3 training/distill_constraint.py models/qwen3-conformer answers.jsonl -o models/taught

At every position of an answer that the checkpoint gave under the exact rule, the target is its own distribution with
the illegal tokens taken out and the rest renormalized. The loss is the Kullback-Leibler divergence from that target:

  KL(target || model) = -log(legal mass of the model)  +  KL(target || model among the legal tokens)

The first part, times --mass-weight, makes illegal tokens rare; summed over an answer it is -log P(a free answer stays
legal on this path). The second is zero at the start and holds everything else where it was: numbers are not relearned.
Prompts need no coordinates, so molecules that training never saw serve best.

Runs on one GPU, or on a CPU with any PyTorch from 1.13. Progress goes to OUT/training_log.jsonl, one object a line.
"""
import argparse
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

import checkpoint_directory
import conformer_data
import molgen3d
from legal_answers import legal_tokens, read_answers
from model import ON_GPU, Decoder
from molgen3d import tables
from rule_loss import divergence

DEVICE = "cuda" if ON_GPU else "cpu"


def batches(examples, smiles, compiler, size, seed, device):
    """Endless lists of the parts of a step; a part: the model's inputs, where its targets stand, legal ids there."""
    random, lengths = np.random.default_rng(seed), np.diff(examples.starts)
    while True:
        order = random.permutation(len(examples))
        for begin in range(0, len(order) - size + 1, size):
            numbers = order[begin : begin + size]
            numbers = numbers[np.argsort(lengths[numbers])]
            parts = []
            for part in np.split(numbers, range(8, size, 8)):
                # One example a row; the compiled attention of a GPU wants whole blocks of one size.
                row_tokens = 2048 if device == "cuda" else int(lengths[part].max())
                arrays = conformer_data.batch_of_rows(examples, [[i] for i in part], row_tokens)
                legal = legal_tokens(examples, part, smiles, compiler)
                parts.append([torch.from_numpy(a).to(device) for a in (*arrays, legal)])
            yield parts


def write(source: Path, out: Path, model):
    """The checkpoint with other weights."""
    checkpoint_directory.write_weights(out, model)
    for file in source.iterdir():
        if file.suffix == ".json" and file.resolve() != (out / file.name).resolve():
            shutil.copy(file, out / file.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("answers", type=Path, help="JSON lines of `molgen3d generate --constraint exact` at temperature 1")
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--batch", type=int, default=16, help="answers a step (16)")
    parser.add_argument("--steps", type=int, help="instead of one pass over the answers")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="at most; linear warm-up of 20 steps, then linear to zero (1e-4)")
    parser.add_argument("--mass-weight", type=float, default=5.0, help="of the first part of the loss (5)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.time()
    torch.set_num_threads(len(os.sched_getaffinity(0)))  # some builds start with one
    config = json.loads((arguments.checkpoint / "config.json").read_text())
    tokenizer, _ = tables.load_tokenizer(arguments.checkpoint)
    end = tables.end_of_sequence_of(tokenizer, arguments.checkpoint)
    compiler = molgen3d.TemplateCompiler(tokenizer, end_of_sequence=end, number_format=tables.number_format_of(arguments.checkpoint))
    examples, smiles = read_answers(arguments.answers, tokenizer, end)
    steps = arguments.steps or len(examples) // arguments.batch

    weights = load_file(arguments.checkpoint / "model.safetensors")
    model, teacher = (Decoder(config, 0).to(DEVICE) for _ in range(2))
    for decoder in (model, teacher):
        for name, tensor in decoder.tensors().items():
            tensor.data.copy_(weights[name])
    teacher.requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.0)
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = open(arguments.out / "training_log.jsonl", "w")

    def report(**values):
        line = json.dumps({**values, "seconds": round(time.time() - begun, 1)})
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    report(checkpoint=arguments.checkpoint.name, answers=len(examples),
           tokens=len(examples.tokens), steps=steps, batch=arguments.batch, learning_rate=arguments.learning_rate,
           mass_weight=arguments.mass_weight, seed=arguments.seed, torch=torch.__version__, device=DEVICE)
    made = batches(examples, smiles, compiler, arguments.batch, arguments.seed, DEVICE)
    sums, answers, since = np.zeros(3), 0, time.time()
    for step in range(steps):
        parts = next(made)
        tokens = sum(len(part[-1]) for part in parts)
        for part in parts:
            mass, apart = divergence(model, teacher, part)
            ((arguments.mass_weight * mass + apart) / tokens).backward()
            sums += mass.item(), apart.item(), len(part[-1])
        answers += arguments.batch
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = arguments.learning_rate * min((step + 1) / 20, 1 - step / steps)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 10 == 0 or step + 1 == steps:
            # Per answer: nats of illegal mass along it, and of distance among the legal tokens.
            report(step=step + 1, illegal_per_answer=round(sums[0] / answers, 4), apart_per_answer=round(sums[1] / answers, 4),
                   tokens_per_second=round(sums[2] / (time.time() - since)))
            sums[:], answers, since = 0, 0, time.time()
        if (step + 1) % 100 == 0 or step + 1 == steps:
            write(arguments.checkpoint, arguments.out, model)
    report(done=True)


if __name__ == "__main__":
    main()
