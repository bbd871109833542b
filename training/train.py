#!/usr/bin/env python3
"""Trains a conformer language model and writes a Hugging Face directory.

  torchrun --nproc-per-node 2 training/train.py training/configs/qwen3-conformer.json \\
      --data train.tsv.xz more/train.jsonl --tokenizer models/qwen3-conformer/tokenizer.json -o models/qwen3-conformer

Without torchrun it uses one GPU. The configuration holds the model's shape and every hyperparameter; data, seed,
configuration and number of GPUs decide the run up to the order of sums on the device. Progress goes to OUT/training_log.jsonl, one object a line.
"""
import argparse
import json
import os
import time
from pathlib import Path

import tokenizers
import torch
import torch.distributed as distributed

import checkpoint_directory
import conformer_data
from conformer_tags import TAGS
from model import Decoder
from muon import Muon


def load_tokenizer(path):
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.add_tokens([tokenizers.AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    return tokenizer


def hugging_face_config(settings, tokenizer):
    """The configuration's `model` part, completed with what depends on the tokenizer."""
    config = dict(settings["model"])
    end, begin = tokenizer.token_to_id(settings["end_token"]), settings.get("begin_token")
    config.setdefault("vocab_size", -(-tokenizer.get_vocab_size() // 8) * 8)
    config.update(
        eos_token_id=end, pad_token_id=end, bos_token_id=tokenizer.token_to_id(begin) if begin else None,
        dtype="bfloat16", tie_word_embeddings=True, attention_bias=False, hidden_act="silu", use_cache=True,
    )
    return config


def learning_rate(settings, step):
    """Linear warm-up, then constant, or linear down to zero at the last step."""
    warm = min(1.0, (step + 1) / settings["warmup_steps"])
    if settings["schedule"] == "constant":
        return settings["learning_rate"] * warm
    return settings["learning_rate"] * min(warm, 1 - step / settings["steps"])


def optimizers(model, settings):
    """Muon for the matrices (steps scaled as AdamW's, so one learning rate serves both), AdamW for the rest."""
    rest = model.others() if settings["optimizer"] == "muon" else list(model.parameters())
    decay = settings["weight_decay"]
    groups = [
        {"params": [p for p in rest if p.ndim == 2], "weight_decay": decay},
        {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
    ]
    result = [torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.95), fused=True)]
    if settings["optimizer"] == "muon":
        result.append(Muon(model.matrices(), lr=1.0, weight_decay=decay))
    return result


def average_gradients(model, ranks: int):
    """Over all GPUs, in one message."""
    gradients = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in gradients])
    distributed.all_reduce(flat)
    flat /= ranks
    torch._foreach_copy_(gradients, [part.view_as(g) for part, g in zip(flat.split([g.numel() for g in gradients]), gradients)])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", required=True, nargs="+", help="molgen3d dataset's .jsonl, or SMILES <tab> integers of 1e-4 A (.xz)")
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("-o", "--out", required=True, type=Path)
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--limit", type=int, help="only the first so many molecules of each process, and their mirror images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="compare the written checkpoint with transformers")
    return parser.parse_args()


def compare_with_transformers(model, examples, rows, row_tokens, logits_rows, out, report):
    """Loss of the first example here and of the checkpoint in `out` as transformers reads it; ends the program when
    they differ."""
    arrays = conformer_data.batch_of_rows(examples, [[0]] + [[]] * (rows - 1), row_tokens)
    tokens, targets, positions, first = (torch.from_numpy(a).cuda() for a in arrays)
    ours = model.summed_loss(tokens, targets.long(), positions, first, logits_rows).item()
    ours /= (targets >= 0).sum().item()
    length = int(examples.starts[1])
    theirs = checkpoint_directory.loss_by_transformers(out, tokens[0, :length], targets[0, :length])
    report(loss_here=round(ours, 5), loss_by_transformers=round(theirs, 5))
    if not abs(theirs - ours) < 0.02:
        raise SystemExit(f"the written checkpoint does not compute what was trained: {theirs} against {ours} nats")


def main():
    arguments = parse_arguments()
    begun = time.time()
    settings = json.loads(arguments.config.read_text())
    train = settings["training"]
    train["steps"] = arguments.steps or train["steps"]
    tokenizer = load_tokenizer(arguments.tokenizer)
    config = hugging_face_config(settings, tokenizer)
    prefix = [config["bos_token_id"]] if config["bos_token_id"] is not None else []

    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    # Every GPU learns its own share of the examples.
    texts = conformer_data.read_all_texts(arguments.data, train.get("mirrored", False), rank, ranks, arguments.limit)
    encode = lambda texts: [e.ids for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]  # noqa: E731
    examples = conformer_data.tokenize_all(texts, encode, prefix, config["eos_token_id"], ranks)
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if ranks > 1:
        distributed.init_process_group("nccl")
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = open(arguments.out / "training_log.jsonl" if rank == 0 else os.devnull, "w")

    def report(**values):
        values["seconds"] = round(time.time() - begun, 1)
        line = json.dumps(values)
        if rank == 0:
            print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    model = Decoder(config, arguments.seed).cuda()
    report(examples=len(examples), tokens=len(examples.tokens), parameters=sum(p.numel() for p in model.parameters()),
           settings=train, seed=arguments.seed, gpus=ranks, torch=torch.__version__, device=torch.cuda.get_device_name())
    both = optimizers(model, train)
    row_tokens, parts = train["row_tokens"], train.get("accumulate", 1)
    rows = train["rows_per_step"] // ranks // parts
    batches = conformer_data.batches(examples, rows, row_tokens, arguments.seed + rank)
    started, seen, losses = None, 0, torch.zeros((), device="cuda")
    for step in range(train["steps"]):
        if step == 3:  # what is compiled is compiled
            torch.cuda.synchronize()
            started, seen = time.time(), 0
        made = [next(batches) for _ in range(parts)]
        learned = sum(int((arrays[1] >= 0).sum()) for _, arrays in made)
        for epoch, arrays in made:
            tensors = [torch.from_numpy(a).pin_memory().cuda(non_blocking=True) for a in arrays]
            tensors[1] = tensors[1].long()
            loss = model.summed_loss(*tensors, train.get("logits_rows", 1 << 30)) / learned
            loss.backward()
            losses += loss.detach()
            seen += tensors[0].numel() * ranks
        if ranks > 1:
            average_gradients(model, ranks)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in both:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(train, step)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        every = train.get("report_every", 200)
        if (step + 1) % every == 0 or step + 1 == train["steps"]:
            pace = seen / (time.time() - started) if started else 0
            since = (step + 1) % every or every
            report(step=step + 1, epoch=epoch, loss=round(losses.item() / since, 4), tokens_per_second=round(pace))
            losses.zero_()
        snapshots = train.get("snapshot_steps", [])
        if rank > 0:
            continue
        if step + 1 in snapshots:
            checkpoint_directory.write(arguments.out / f"step_{step + 1}", model, tokenizer, settings["generation"])
        elif (step + 1) % train.get("save_every", 1000) == 0 or step + 1 == train["steps"]:
            checkpoint_directory.write(arguments.out, model, tokenizer, settings["generation"])

    if arguments.check and rank == 0:
        compare_with_transformers(model, examples, rows, row_tokens, train.get("logits_rows", 1 << 30), arguments.out, report)
    if ranks > 1:
        distributed.destroy_process_group()
    report(done=True, peak_gib=round(torch.cuda.max_memory_allocated() / 2**30, 1))


if __name__ == "__main__":
    main()
