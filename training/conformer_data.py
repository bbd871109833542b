"""Training examples as token ids, packed into rows: what train.py reads."""
import contextlib
import functools
import itertools
import json
import lzma
import os
import queue
import threading
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np

import conformer_text

Pool = get_context("fork").Pool  # workers inherit what cannot be pickled


def read_conformers(path: str):
    """(canonical SMILES, coordinates in A) per line `SMILES <tab> integers of 1e-4 A in atom order`; .xz or plain."""
    opened = lzma.open(path, "rt") if path.endswith(".xz") else open(path)
    with opened as lines:
        for line in lines:
            smiles, integers = line.rstrip("\n").split("\t")
            yield smiles, np.array(integers.split(), dtype=float).reshape(-1, 3) / 1e4


def _texts_of_coordinates(record):
    return conformer_text.prompt(record[0]), conformer_text.answer(*record)


def _texts_of_line(line):
    record = json.loads(line)
    return conformer_text.prompt(record["canonical_smiles"]), f"[CONFORMER]{record['embedded_smiles']}[/CONFORMER]"


def read_texts(path: str, part: int = 0, parts: int = 1) -> list[tuple[str, str]]:
    """(prompt, answer) of every parts-th example of a file: of `molgen3d dataset`'s .jsonl, or of compact coordinates."""
    records, texts_of = (open(path), _texts_of_line) if path.endswith(".jsonl") else (read_conformers(path), _texts_of_coordinates)
    with contextlib.closing(records), Pool(share_of_cores(parts)) as pool:
        return pool.map(texts_of, itertools.islice(records, part, None, parts), chunksize=256)


def read_all_texts(paths, mirrored: bool, part: int = 0, parts: int = 1, limit: int | None = None) -> list[tuple[str, str]]:
    """read_texts() of several files, the first `limit` of them, followed by their mirror images where asked for."""
    texts = [text for path in paths for text in read_texts(str(path), part, parts)][:limit]
    if not mirrored:
        return texts
    with Pool(share_of_cores(parts)) as pool:
        return texts + pool.map(_mirrored, texts, chunksize=1024)


def _mirrored(text):
    return tuple(map(conformer_text.mirrored, text))


def share_of_cores(parts: int = 1) -> int:
    """Of those that this process may use, when so many processes share them."""
    return max(1, len(os.sched_getaffinity(0)) // parts)


@dataclass
class Examples:
    """Token ids of all examples, one after the other; the first prompt_lengths[i] of example i are its prompt."""

    tokens: np.ndarray
    starts: np.ndarray
    prompt_lengths: np.ndarray

    def __len__(self):
        return len(self.prompt_lengths)


def tokenize(texts, encode, prefix: list[int], end: int) -> Examples:
    """texts: (prompt, answer) pairs. encode(list of texts) gives a list of ids for each. prefix: ids in front of a prompt
    (Llama's BOS); end: the id that ends an answer."""
    # Prompt and answer are cut apart anyway: the tags between them are added tokens.
    return joined(encode([prompt for prompt, _ in texts]), encode([answer for _, answer in texts]), prefix, end)


def _tokenize_chunk(texts):
    return tokenize(texts, *_tokenize_as)


def tokenize_all(texts, encode, prefix: list[int], end: int, parts: int = 1) -> Examples:
    """tokenize() on all cores, of which parts processes have their share."""
    global _tokenize_as
    _tokenize_as = encode, prefix, end  # the workers are forked and have it
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread a worker
    chunks = [texts[at : at + 2048] for at in range(0, len(texts), 2048)]
    with Pool(share_of_cores(parts)) as pool:
        made = pool.map(_tokenize_chunk, chunks, chunksize=1)
    ends = np.cumsum([0] + [len(part.tokens) for part in made])
    starts = [part.starts[:-1] + begin for part, begin in zip(made, ends)]
    return Examples(
        np.concatenate([part.tokens for part in made]), np.concatenate([*starts, ends[-1:]]),
        np.concatenate([part.prompt_lengths for part in made]),
    )


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


def batches(examples: Examples, rows_per_batch: int, row_tokens: int, seed: int, add=None):
    """Endless batches, every example once an epoch in an order of the seed's; (epoch, arrays), made ahead in a thread.
    add(rows) gives further arrays of a batch, from the example numbers of its rows."""
    ready: queue.Queue = queue.Queue(maxsize=16)

    def make():
        random, epoch, rows = np.random.default_rng(seed), 0, []
        while True:
            for row in packed_rows(examples, random.permutation(len(examples)), row_tokens):
                rows.append(row)
                if len(rows) == rows_per_batch:
                    further = add(rows) if add else ()
                    ready.put((epoch, (*batch_of_rows(examples, rows, row_tokens), *further)))
                    rows = []
            epoch += 1

    threading.Thread(target=make, daemon=True).start()
    while True:
        yield ready.get()
