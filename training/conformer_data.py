"""Training examples as token ids, packed into rows: what train.py reads."""
import itertools
import json
import lzma
import os
import queue
import threading
from dataclasses import dataclass
from multiprocessing import Pool

import numpy as np

import conformer_text


def read_conformers(path: str):
    """(canonical SMILES, coordinates in A) per line `SMILES <tab> integers of 1e-4 A in atom order`; .xz or plain."""
    opened = lzma.open(path, "rt") if path.endswith(".xz") else open(path)
    with opened as lines:
        for line in lines:
            smiles, integers = line.rstrip("\n").split("\t")
            yield smiles, np.array(integers.split(), dtype=float).reshape(-1, 3) / 1e4


def _texts(record):
    return conformer_text.prompt(record[0]), conformer_text.answer(*record)


def read_texts(path: str, part: int = 0, parts: int = 1) -> list[tuple[str, str]]:
    """(prompt, answer) of every parts-th example of a file: of `molgen3d dataset`'s .jsonl, or of compact coordinates."""
    if path.endswith(".jsonl"):
        with open(path) as lines:
            records = map(json.loads, itertools.islice(lines, part, None, parts))
            return [
                (conformer_text.prompt(r["canonical_smiles"]), f"[CONFORMER]{r['embedded_smiles']}[/CONFORMER]")
                for r in records
            ]
    with Pool(max(1, os.cpu_count() // parts)) as pool:
        return pool.map(_texts, itertools.islice(read_conformers(path), part, None, parts), chunksize=256)


@dataclass
class Examples:
    """Token ids of all examples, one after the other; the first prompt_lengths[i] of example i are its prompt."""

    tokens: np.ndarray
    starts: np.ndarray
    prompt_lengths: np.ndarray

    def __len__(self):
        return len(self.prompt_lengths)


def tokenize(texts, tokenizer, prefix: list[int], end: int) -> Examples:
    """texts: (prompt, answer) pairs. prefix: ids in front of a prompt (Llama's BOS); end: the id that ends an answer."""
    # Prompt and answer are cut apart anyway: the tags between them are added tokens.
    prompts = tokenizer.encode_batch_fast([prompt for prompt, _ in texts], add_special_tokens=False)
    answers = tokenizer.encode_batch_fast([answer for _, answer in texts], add_special_tokens=False)
    return joined([p.ids for p in prompts], [a.ids for a in answers], prefix, end)


def joined(prompts, answers, prefix: list[int], end: int) -> Examples:
    """Examples of the ids of prompts and answers; prefix and end as for tokenize()."""
    prompt_lengths = np.array([len(prefix) + len(ids) for ids in prompts])
    lengths = prompt_lengths + np.array([len(ids) + 1 for ids in answers])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.empty(starts[-1], dtype=np.int32)
    for start, stop, prompt, answer in zip(starts[:-1], starts[1:], prompts, answers):
        tokens[start:stop] = [*prefix, *prompt, *answer, end]
    return Examples(tokens, starts, prompt_lengths)


def packed_rows(examples: Examples, order: np.ndarray, row_tokens: int):
    """Lists of example numbers that fill a row of at most row_tokens, in the given order."""
    lengths = np.diff(examples.starts)
    row, used = [], 0
    for i in order.tolist():
        length = int(lengths[i])
        if used + length > row_tokens:
            yield row
            row, used = [], 0
        row.append(i)
        used += length
    if row:
        yield row


def batch_of_rows(examples: Examples, rows, row_tokens: int):
    """int32 arrays (rows, row_tokens): tokens, targets (-100 where nothing is learned: prompts, padding),
    positions within the example, first token of the example."""
    tokens = np.zeros((len(rows), row_tokens), np.int32)
    targets = np.full_like(tokens, -100)
    positions = np.zeros_like(tokens)
    first = np.zeros_like(tokens)
    for r, row in enumerate(rows):
        at = 0
        for i in row:
            ids = examples.tokens[examples.starts[i] : examples.starts[i + 1]]
            n, p = len(ids), examples.prompt_lengths[i]
            tokens[r, at : at + n] = ids
            targets[r, at + p - 1 : at + n - 1] = ids[p:]
            positions[r, at : at + n] = np.arange(n)
            first[r, at : at + n] = at
            at += n
        positions[r, at:] = np.arange(row_tokens - at)
        first[r, at:] = at
    return tokens, targets, positions, first


def batches(examples: Examples, rows_per_batch: int, row_tokens: int, seed: int):
    """Endless batches, every example once an epoch in an order of the seed's; (epoch, arrays), made ahead in a thread."""
    ready: queue.Queue = queue.Queue(maxsize=16)

    def make():
        random, epoch, rows = np.random.default_rng(seed), 0, []
        while True:
            for row in packed_rows(examples, random.permutation(len(examples)), row_tokens):
                rows.append(row)
                if len(rows) == rows_per_batch:
                    ready.put((epoch, batch_of_rows(examples, rows, row_tokens)))
                    rows = []
            epoch += 1

    threading.Thread(target=make, daemon=True).start()
    while True:
        yield ready.get()
