"""Answers of a checkpoint as token ids, and what the exact rule allows at each of their tokens."""
import json
from dataclasses import dataclass
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


@dataclass
class LegalSets:
    """The sets of ids that the rule allows somewhere, and which of them holds at each answer token of each example."""

    table: np.ndarray  # int64 (sets, width); short sets repeat their first id
    which: list[np.ndarray]  # int32, by example


def _sets_of(numbers):
    """(distinct sets as bytes of int64, by example the number of the set at each answer token)."""
    examples, smiles, compiler, descriptors = _task
    answers = [examples.tokens[examples.starts[i] + examples.prompt_lengths[i] : examples.starts[i + 1]] for i in numbers]
    rows = _core.HostRows([compiler.compile(literals_of(smiles[i], descriptors)) for i in numbers])
    known, which = {}, [np.zeros(len(answer), np.int32) for answer in answers]
    for at in range(max(map(len, answers))):
        choices = rows.choices()
        widths = (choices[:, 1:] != choices[:, :1]).sum(1) + 1
        for row, answer in enumerate(answers):
            if at < len(answer):
                which[row][at] = known.setdefault(choices[row, : widths[row]].tobytes(), len(known))
        rows.advance([int(answer[min(at, len(answer) - 1)]) for answer in answers])
    for i, answer, taken in zip(numbers, answers, rows.taken.tolist()):
        if taken != len(answer):
            raise ValueError(f"the answer for {smiles[i]} is not legal under the exact rule from token {taken} on")
    return list(known), which


def legal_sets(examples, smiles, compiler, descriptors="verbatim") -> LegalSets:
    """Of all examples, on all cores. Raises ValueError for an answer that the rule does not allow."""
    global _task
    _task = examples, smiles, compiler, descriptors  # the workers are forked and have it
    chunks = [range(at, min(at + 128, len(examples))) for at in range(0, len(examples), 128)]
    known, which = {}, []
    with conformer_data.Pool(conformer_data.share_of_cores()) as pool:
        for sets, found in pool.imap(_sets_of, chunks):
            renumbered = np.array([known.setdefault(s, len(known)) for s in sets], np.int32)
            which += [renumbered[numbers] for numbers in found]
    sets = [np.frombuffer(s, np.int64) for s in known]
    table = np.array([s[0] for s in sets], np.int64)[:, None].repeat(max(map(len, sets)), 1)
    for row, s in zip(table, sets):
        row[: len(s)] = s
    return LegalSets(table, which)
