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
    records = [r for r in map(json.loads, Path(path).read_text().splitlines()) if "error" not in r]
    prompts = [tokenizer.encode(conformer_text.prompt(r["smiles"])) for r in records]
    answers = [tokenizer.encode(f"[CONFORMER]{r['enriched']}[/CONFORMER]") for r in records]
    return conformer_data.joined(prompts, answers, tokenizer.prefix_tokens, end), [r["smiles"] for r in records]


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
