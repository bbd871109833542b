"""Answers of a checkpoint as token ids, and what the exact rule allows at each of their tokens."""
import json
from pathlib import Path

import numpy as np

import conformer_data
import conformer_text
from molgen3d import _core
from molgen3d.tables import literals_of


def read_answers(path, tokenizer, end):
    """(Examples, SMILES of each) of the JSON lines of `molgen3d generate`; failed samples are left out."""
    prefix = np.array(tokenizer.prefix_tokens, dtype=np.int32)
    rows, smiles = [], []
    for record in map(json.loads, Path(path).read_text().splitlines()):
        if "error" in record:
            continue
        prompt = np.concatenate([prefix, tokenizer.encode(conformer_text.prompt(record["smiles"]))])
        answer = tokenizer.encode(f"[CONFORMER]{record['enriched']}[/CONFORMER]")
        rows.append((len(prompt), np.concatenate([prompt, answer, [end]])))
        smiles.append(record["smiles"])
    starts = np.concatenate([[0], np.cumsum([len(ids) for _, ids in rows])])
    lengths = np.array([length for length, _ in rows])
    return conformer_data.Examples(np.concatenate([ids for _, ids in rows]).astype(np.int32), starts, lengths), smiles


def legal_tokens(examples, numbers, smiles, compiler, descriptors="verbatim"):
    """Per answer token of the examples `numbers`, one after the other: the ids that the rule allows there (repeated
    to a common width), int64 (tokens, width)."""
    answers = [examples.tokens[examples.starts[i] + examples.prompt_lengths[i] : examples.starts[i + 1]] for i in numbers]
    rows = _core.HostRows([compiler.compile(literals_of(smiles[i], descriptors)) for i in numbers])
    found = [[] for _ in answers]
    for at in range(max(map(len, answers))):
        for row, (choices, answer) in enumerate(zip(rows.choices(), answers)):
            if at < len(answer):
                found[row].append(choices)
        rows.advance([int(answer[min(at, len(answer) - 1)]) for answer in answers])
    for i, answer, taken in zip(numbers, answers, rows.taken.tolist()):
        if taken != len(answer):
            raise ValueError(f"the answer for {smiles[i]} is not legal under the exact rule from token {taken} on")
    flat = [choices for row in found for choices in row]
    width = max(map(len, flat))
    return np.stack([np.pad(choices, (0, width - len(choices)), mode="edge") for choices in flat])
