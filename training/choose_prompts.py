#!/usr/bin/env python3
"""Chooses molecules for distill_constraint.py: at random, new to the model.

  python3 training/choose_prompts.py zinc_train.smi --exclude zinc_test.smi geom_drugs_test.csv --known train.tsv.xz \\
      --count 3200 -o prompts.smi

Canonical SMILES of one component, 6 to 40 heavy atoms. Molecules whose constitution (canonical SMILES without stereo)
is in an excluded list are never taken, nor those that the training data hold.
"""
import argparse
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lists", nargs="+", help="SMILES lists, .xz or plain; SMILES may stand in the first three columns of a CSV")
    parser.add_argument("--exclude", nargs="*", default=[], help="lists whose molecules must not be taken: test sets")
    parser.add_argument("--known", required=True, help="training data, whose molecules are not taken: SMILES <tab> coordinates (.xz)")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", required=True)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    excluded = {constitution(s) for path in arguments.exclude for s in smiles_lines(path)}
    known = {smiles for smiles, _ in conformer_data.read_conformers(arguments.known)}
    chosen = list(itertools.islice(candidates(arguments.lists, excluded, known, order), arguments.count))
    if len(chosen) < arguments.count:
        raise SystemExit(f"the lists hold only {len(chosen)} such molecules")
    with open(arguments.out, "w") as file:
        file.writelines(smiles + "\n" for smiles in chosen)
    print(f"{len(chosen)} molecules; {len(excluded)} constitutions were excluded", file=sys.stderr)


if __name__ == "__main__":
    main()
