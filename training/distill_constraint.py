#!/usr/bin/env python3
"""Teaches a checkpoint the rule that it is decoded under, from its own answers.

  molgen3d generate prompts.smi --model runs/trained --geometry off --temperature 1 --top-p 1 --top-k 0 --seed 1 -o answers.jsonl
  python3 training/distill_constraint.py runs/trained answers.jsonl --data train.tsv.xz --mirrored --steps 500 -o runs/taught

At every position of an answer that the checkpoint gave under the exact rule, the target is its own distribution with
the illegal tokens taken out and the rest renormalized. The loss is the Kullback-Leibler divergence from that target:

  KL(target || model) = -log(legal mass of the model)  +  KL(target || model among the legal tokens)

The first part, times --mass-weight, makes illegal tokens rare; summed over an answer it is -log P(a free answer stays
legal on this path). The second is zero at the start and holds everything else where it was: numbers are not relearned.
Prompts need no coordinates, so molecules that training never saw serve best. With --data each step also learns as many
rows of training data as in training, so that what the model knows about conformers is not worn away.

Runs on one GPU, or on a CPU with any PyTorch from 1.13. Progress goes to OUT/training_log.jsonl, one object a line.
"""
import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch

import checkpoint_directory
import conformer_data
import molgen3d
from legal_answers import legal_sets, read_answers
from model import ON_GPU, Decoder
from molgen3d import tables
from rule_loss import divergence
from run_log import RunLog

DEVICE = "cuda" if ON_GPU else "cpu"


def answer_batches(path, checkpoint, tokenizer, end, shape):
    """(description, table of legal sets, endless batches of answers); a batch ends with the set at each answer token and
    how many answers it holds."""
    compiler = molgen3d.TemplateCompiler(tokenizer, end_of_sequence=end, number_format=tables.number_format_of(checkpoint))
    examples, smiles = read_answers(path, tokenizer, end)
    legal = legal_sets(examples, smiles, compiler)
    description = dict(answers=len(examples), tokens=len(examples.tokens), legal_sets=len(legal.table))

    def further(rows):
        numbers = list(itertools.chain.from_iterable(rows))
        return np.concatenate([legal.which[i] for i in numbers]).astype(np.int64), np.array(len(numbers))

    return description, legal.table, conformer_data.batches(examples, *shape, add=further)


def data_batches(paths, mirrored, tokenizer, end, shape):
    """(description, endless batches of training data)."""
    encode = lambda texts: [tokenizer.encode(text) for text in texts]  # noqa: E731
    texts = conformer_data.read_all_texts(paths, mirrored)
    examples = conformer_data.tokenize_all(texts, encode, tokenizer.prefix_tokens, end)
    return dict(training_examples=len(examples)), conformer_data.batches(examples, *shape)


def on_device(arrays):
    return [torch.from_numpy(a).to(DEVICE) for a in arrays]


def data_loss(model, part):
    """Cross entropy of training data, nats a token."""
    tokens, targets, positions, first = part
    return model.summed_loss(tokens, targets.long(), positions, first, 1 << 30) / (targets >= 0).sum()


def decoders(checkpoint: Path):
    """(model, teacher), alike."""
    config = json.loads((checkpoint / "config.json").read_text())
    both = [Decoder(config, 0).to(DEVICE) for _ in range(2)]
    for decoder in both:
        checkpoint_directory.read_into(checkpoint, decoder)
    both[1].requires_grad_(False)
    return both


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("answers", type=Path, help="JSON lines of `molgen3d generate --constraint exact` at temperature 1")
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--data", nargs="*", default=[], help="training data to go on learning from, as for train.py")
    parser.add_argument("--mirrored", action="store_true", help="learn their mirror images too")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--rows", type=int, default=4, help="rows of answers a step, and of training data (4)")
    parser.add_argument("--row-tokens", type=int, default=16384 if ON_GPU else 2048, help="tokens a row (16384; without a GPU 2048)")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="at most; linear warm-up of 20 steps, then linear to zero (1e-4)")
    parser.add_argument("--mass-weight", type=float, default=5.0, help="of the first part of the loss (5)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.time()
    torch.set_num_threads(conformer_data.share_of_cores())  # some builds start with one
    shape = arguments.rows, arguments.row_tokens, arguments.seed
    tokenizer, _ = tables.load_tokenizer(arguments.checkpoint)
    # Any id of the list may end an answer; texts are made with the first.
    end = tables.end_of_sequence_of(tokenizer, arguments.checkpoint)[0]
    description, table, answers = answer_batches(arguments.answers, arguments.checkpoint, tokenizer, end, shape)
    table, data = torch.from_numpy(table).to(DEVICE), None
    if arguments.data:
        further, data = data_batches(arguments.data, arguments.mirrored, tokenizer, end, shape)
        description |= further
    model, teacher = decoders(arguments.checkpoint)
    steps = arguments.steps
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.0)
    report = RunLog(arguments.out / "training_log.jsonl", begun)
    settings = {k: v for k, v in vars(arguments).items() if k not in ("checkpoint", "answers", "out", "data")}
    report(checkpoint=arguments.checkpoint.name, **description, **settings, torch=torch.__version__,
           device=torch.cuda.get_device_name() if ON_GPU else DEVICE)
    sums, counts, since = torch.zeros(3, device=DEVICE), np.zeros(3, int), time.time()
    for step in range(steps):
        *arrays, held = next(answers)[1]
        *part, which = on_device(arrays)
        mass, apart = divergence(model, teacher, part, table[which])
        ((arguments.mass_weight * mass + apart) / len(which)).backward()
        loss = torch.zeros((), device=DEVICE)
        if data:
            loss = data_loss(model, on_device(next(data)[1]))
            loss.backward()
        sums += torch.stack([mass, apart, loss]).detach()
        counts += 1, len(which), held
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = arguments.learning_rate * min((step + 1) / 20, 1 - step / steps)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 10 == 0 or step + 1 == steps:
            # Per answer: nats of illegal mass along it, and of distance among the legal tokens. Training data: nats a token.
            (mass, apart, loss), (taken, tokens, held) = sums.tolist(), counts
            report(step=step + 1, illegal_per_answer=round(mass / held, 4), apart_per_answer=round(apart / held, 4),
                   **(dict(data_loss=round(loss / taken, 4)) if data else {}), tokens_per_second=round(tokens / (time.time() - since)))
            sums.zero_()
            counts[:], since = 0, time.time()
        if (step + 1) % 100 == 0 or step + 1 == steps:
            checkpoint_directory.write_other_weights(arguments.checkpoint, arguments.out, model)
    report(done=True)


if __name__ == "__main__":
    main()
