#!/usr/bin/env python3
"""Cuts a tokenizer.json down to the tokens that conformer texts use, without changing how any text is cut.

  PYTHONPATH=build/release/python python3 training/trim_tokenizer.py FULL/tokenizer.json -o OUT/tokenizer.json \\
      --end '<|endoftext|>' --data train.tsv.xz --smiles zinc_test_smiles.txt.xz ...

Kept: every token met in the texts, every single byte, with --digits N every string of up to N digits, and whatever
their merges are built from. A kept token keeps its rank among the merges, so a text made of kept tokens is cut as
before; every text read here is encoded with both tokenizers and compared. Tags become added tokens, as in training.
"""
import argparse
import csv
import itertools
import json
import lzma
from pathlib import Path

import conformer_data
import conformer_text
import molgen3d
from conformer_tags import TAGS


def smiles_lines(path: str):
    """First column of each line (header lines are no SMILES and drop out later), second where that is a CSV file's."""
    with lzma.open(path, "rt") if path.endswith(".xz") else open(path) as lines:
        for row in csv.reader(lines):
            for field in row[:3]:
                yield field.split()[0] if field.split() else ""


def texts_of(arguments):
    for record in conformer_data.read_conformers(arguments.data):
        yield conformer_text.prompt(record[0]) + conformer_text.answer(*record)
    for smiles in dict.fromkeys(itertools.chain.from_iterable(map(smiles_lines, arguments.smiles))):
        try:
            pieces = conformer_text.literals(smiles)
        except ValueError:
            continue  # a header, a number, or what the format cannot carry
        for block in ("0,0,0", "-0.1,-0.1,-0.1"):
            yield f"{conformer_text.prompt(smiles)}[CONFORMER]{block.join(pieces)}[/CONFORMER]"


def kept_tokens(used: set[str], vocabulary: dict, merges: list, digits: int) -> set[str]:
    made = {}
    for left, right in merges:
        made.setdefault(left + right, (left, right))
    wanted = list(used) + [token for token in vocabulary if len(token) == 1]
    wanted += [f"{n:0{width}d}" for width in range(1, digits + 1) for n in range(10**width)]
    kept = set()
    while wanted:
        token = wanted.pop()
        if token in kept:
            continue
        kept.add(token)
        wanted.extend(made.get(token, ()))
    return kept


def trimmed(full: dict, used: set[str], begin: str | None, end: str, digits: int) -> dict:
    """used: tokens as written in the vocabulary (byte-level letters)."""
    vocabulary = full["model"]["vocab"]
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in full["model"]["merges"]]
    kept = kept_tokens(used, vocabulary, merges, digits)
    result = json.loads(json.dumps(full))
    ids = {token: i for i, token in enumerate(sorted(kept, key=vocabulary.__getitem__))}
    result["model"]["vocab"] = ids
    result["model"]["merges"] = [[a, b] for a, b in merges if a in ids and b in ids and a + b in ids]
    specials = [begin, end] if begin else [end]
    result["added_tokens"] = [
        dict(id=len(ids) + k, content=token, single_word=False, lstrip=False, rstrip=False, normalized=False,
             special=token in specials)
        for k, token in enumerate(specials + TAGS)
    ]
    if begin:
        first = {"SpecialToken": {"id": begin, "type_id": 0}}
        result["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {begin: {"id": begin, "ids": [len(ids)], "tokens": [begin]}},
        }
    return result


def byte_letters() -> dict[int, str]:
    """The printable letter that stands for each byte in a byte-level vocabulary (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in printable}
    for b in range(256):
        letters.setdefault(b, chr(256 + len(letters) - len(printable)))
    return letters


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("full", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--begin", help="token in front of every prompt, as Llama's")
    parser.add_argument("--end", required=True, help="token that ends an answer")
    parser.add_argument("--digits", type=int, default=1, help="longest digit string to keep whole (Llama-3: 3)")
    parser.add_argument("--data", required=True, help="the training conformers")
    parser.add_argument("--smiles", nargs="*", default=[], help="further SMILES lists whose texts must be cut alike")
    arguments = parser.parse_args()

    source = arguments.full.read_text()
    full_json = json.loads(source)
    plain = molgen3d.Tokenizer.from_json(source)
    next_id = max([plain.vocabulary_size - 1, *(t[0] for t in plain.added_tokens)]) + 1
    full = plain.with_added_tokens([(next_id + k, tag, False) for k, tag in enumerate(TAGS)])
    met, texts = set(), 0
    for text in texts_of(arguments):
        met.update(full.encode(text).tolist())
        texts += 1
    letters = byte_letters()
    used = {"".join(letters[b] for b in full.token_bytes(i)) for i in met if not full.is_added(i)}
    result = trimmed(full_json, used, arguments.begin, arguments.end, arguments.digits)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2, ensure_ascii=False))

    small = molgen3d.Tokenizer.from_json(arguments.out.read_text())
    for text in texts_of(arguments):
        before = [full.token_bytes(i) for i in full.encode(text).tolist()]
        after = [small.token_bytes(i) for i in small.encode(text).tolist()]
        if before != after:
            raise SystemExit(f"cut differently: {text}")
    print(f"{len(result['model']['vocab'])} of {len(full_json['model']['vocab'])} tokens kept, "
          f"{len(result['model']['merges'])} merges; {texts} texts cut alike")


if __name__ == "__main__":
    main()
