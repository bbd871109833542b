#!/usr/bin/env python3
"""Teaches a checkpoint what its answers must satisfy in space, from those of its own that do.

  molgen3d generate prompts.smi --model runs/taught -n 2 --temperature 1 --top-p 1 --top-k 0 --seed 2 -o answers.jsonl
  python3 training/learn_answers.py runs/taught answers.jsonl --steps 400 -o runs/answers

Answers under `--geometry full` are the checkpoint's own, given that they satisfy the hard set (docs/geometry.md): learning them
(cross entropy; rejection-sampled fine-tuning) moves its law towards what is kept, so that less is drawn in vain. Answers of which
more than --most-masked blocks were not drawn freely are left out: they say less about the law. With --data each step also learns
as many rows of training data as in training.

Runs on one GPU, or on a CPU with any PyTorch from 1.13. Progress goes to OUT/training_log.jsonl, one object a line.
"""
import argparse
import json
import lzma
import time
from pathlib import Path

import torch

import checkpoint_directory
import conformer_data
import conformer_text
from model import ON_GPU, Decoder
from run_log import RunLog
from train import load_tokenizer

DEVICE = "cuda" if ON_GPU else "cpu"


def accepted(paths, most_masked):
    """(prompt, answer) of the samples in JSON lines of `molgen3d generate` that satisfy the hard set."""
    texts, left_out = [], 0
    for path in paths:
        with (lzma.open if str(path).endswith(".xz") else open)(path, "rt") as lines:
            for record in map(json.loads, lines):
                geometry = record.get("geometry", {"satisfied": False})
                blocks = geometry.get("masked_blocks", 0) + geometry.get("set_blocks", 0)
                if "error" in record or not geometry["satisfied"] or blocks > most_masked:
                    left_out += 1
                    continue
                texts.append((conformer_text.prompt(record["smiles"]), f"[CONFORMER]{record['enriched']}[/CONFORMER]"))
    return texts, left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("answers", type=Path, nargs="+", help="JSON lines of `molgen3d generate --geometry full` at temperature 1 (.xz too)")
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--data", nargs="*", default=[], help="training data to go on learning from, as for train.py")
    parser.add_argument("--mirrored", action="store_true", help="learn their mirror images too")
    parser.add_argument("--most-masked", type=int, default=0, help="blocks of an answer that were not drawn freely (0)")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--rows", type=int, default=8, help="rows of answers a step, and of training data (8)")
    parser.add_argument("--row-tokens", type=int, default=16384 if ON_GPU else 2048, help="tokens a row (16384; without a GPU 2048)")
    parser.add_argument("--learning-rate", type=float, default=3e-4, help="at most; linear warm-up of 20 steps, then linear to zero (3e-4)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.time()
    torch.set_num_threads(conformer_data.share_of_cores())
    config = json.loads((arguments.checkpoint / "config.json").read_text())
    tokenizer = load_tokenizer(arguments.checkpoint / "tokenizer.json")
    encode = lambda texts: [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]  # noqa: E731
    prefix = [config["bos_token_id"]] if config.get("bos_token_id") is not None else []
    shape = arguments.rows, arguments.row_tokens, arguments.seed

    def batches_of(texts):
        examples = conformer_data.tokenize_all(texts, encode, prefix, config["eos_token_id"])
        return len(examples), conformer_data.batches(examples, *shape)

    texts, left_out = accepted(arguments.answers, arguments.most_masked)
    sources = [batches_of(texts)]
    if arguments.data:
        sources.append(batches_of(conformer_data.read_all_texts(arguments.data, arguments.mirrored)))
    model = Decoder(config, 0).to(DEVICE)
    checkpoint_directory.read_into(arguments.checkpoint, model)
    report = RunLog(arguments.out / "training_log.jsonl", begun)
    settings = {k: v for k, v in vars(arguments).items() if k not in ("checkpoint", "answers", "out", "data")}
    report(checkpoint=arguments.checkpoint.name, answers=len(texts), left_out=left_out, examples=[n for n, _ in sources],
           **settings, torch=torch.__version__, device=torch.cuda.get_device_name() if ON_GPU else DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.0)
    sums, since = torch.zeros(len(sources), device=DEVICE), time.time()
    for step in range(arguments.steps):
        losses = []
        for _, batches in sources:
            tokens, targets, positions, first = (torch.from_numpy(a).to(DEVICE) for a in next(batches)[1])
            loss = model.summed_loss(tokens, targets.long(), positions, first, 1 << 30) / (targets >= 0).sum()
            loss.backward()
            losses.append(loss.detach())
        sums += torch.stack(losses)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = arguments.learning_rate * min((step + 1) / 20, 1 - step / arguments.steps)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 20 == 0 or step + 1 == arguments.steps:
            taken = (step + 1) % 20 or 20
            # Nats a token: answers, then training data.
            report(step=step + 1, losses=[round(s / taken, 4) for s in sums.tolist()],
                   tokens_per_second=round(taken * len(sources) * arguments.rows * arguments.row_tokens / (time.time() - since)))
            sums.zero_()
            since = time.time()
    checkpoint_directory.write_other_weights(arguments.checkpoint, arguments.out, model)
    report(done=True)


if __name__ == "__main__":
    main()
