#!/usr/bin/env python3
"""Chooses molecules for distill_constraint.py: new to the model, at random and by the tokens that it has seen least.

  python3 training/choose_prompts.py zinc_train.smi --exclude zinc_test.smi geom_drugs_test.csv --known train.tsv.xz \\
      --tokenizer models/qwen3-conformer/tokenizer.json --random 4096 -o prompts.smi

Canonical SMILES of one component, 6 to 40 heavy atoms. Molecules whose constitution (canonical SMILES without stereo)
is in an excluded list are never taken, nor those that the training data hold.
"""
import argparse
import collections
import itertools
import random
import re
import sys

import conformer_data
import conformer_text
import molgen3d
from trim_tokenizer import smiles_lines


def canonical(smiles: str) -> str | None:
    """None for what RDKit does not read."""
    try:
        return molgen3d.Molecule.from_smiles(smiles).smiles
    except molgen3d.Error:
        return None


def constitution(smiles: str) -> str | None:
    return canonical(re.sub(r"[@/\\]", "", smiles))


def candidates(lists, excluded: set[str], known: set[str], order: random.Random):
    """Canonical SMILES of the molecules that may be taken, in a random order, each once."""
    lines = [smiles for path in lists for smiles in smiles_lines(path) if "." not in smiles]
    order.shuffle(lines)
    given = set(known)
    for line in lines:
        smiles = canonical(line)
        if smiles is None or smiles in given:
            continue
        atoms = len(conformer_text.literals(smiles)) - 1
        if 6 <= atoms <= 40 and constitution(smiles) not in excluded:
            given.add(smiles)
            yield smiles


def token_counts(known: set[str], tokenizer) -> collections.Counter:
    """In how many of the training prompts each token stands."""
    counts = collections.Counter()
    for smiles in known:
        counts.update(set(tokenizer.encode(conformer_text.prompt(smiles)).tolist()))
    return counts


def with_rare_tokens(molecules, counts, tokenizer, wanted: int, below: int, each: int):
    """Molecules with a token that fewer than `below` training prompts hold; no token is asked for more than `each` times."""
    taken, found = collections.Counter(), []
    for smiles in molecules:
        if len(found) == wanted:
            break
        rare = [t for t in set(tokenizer.encode(conformer_text.prompt(smiles)).tolist()) if counts[t] < below and taken[t] < each]
        if rare:
            taken.update(rare)
            found.append(smiles)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", help="SMILES lists, .xz or plain; SMILES may stand in the first three columns of a CSV")
    parser.add_argument("--exclude", nargs="*", default=[], help="lists whose molecules must not be taken: test sets")
    parser.add_argument("--known", required=True, help="training data: SMILES <tab> coordinates (.xz)")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--random", type=int, default=0, help="so many molecules at random")
    parser.add_argument("--rare", type=int, default=0, help="and so many with rare tokens")
    parser.add_argument("--below", type=int, default=1500, help="a token is rare when fewer training prompts hold it (1500)")
    parser.add_argument("--each", type=int, default=40, help="molecules for one rare token, at most (40)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", required=True)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    excluded = {constitution(s) for path in arguments.exclude for s in smiles_lines(path)}
    known = {smiles for smiles, _ in conformer_data.read_conformers(arguments.known)}
    molecules = candidates(arguments.lists, excluded, known, order)
    chosen = list(itertools.islice(molecules, arguments.random))
    if arguments.rare:
        tokenizer = molgen3d.Tokenizer.from_file(arguments.tokenizer)
        counts = token_counts(known, tokenizer)
        chosen += with_rare_tokens(molecules, counts, tokenizer, arguments.rare, arguments.below, arguments.each)
    order.shuffle(chosen)
    with open(arguments.out, "w") as file:
        file.writelines(smiles + "\n" for smiles in chosen)
    print(f"{len(chosen)} of {arguments.random + arguments.rare} molecules found, {len(excluded)} constitutions excluded", file=sys.stderr)
    if len(chosen) < arguments.random + arguments.rare:
        raise SystemExit(f"{arguments.out}: the lists hold too few such molecules")


if __name__ == "__main__":
    main()
