#!/usr/bin/env python3
"""Writes the small tokenizers of this folder: python3 make_golden.py (standard library only).

Each is trained here, by plain byte-pair counting on the texts below, and laid out as the family's
published tokenizer.json is. expected.json then comes from make_expected.mjs.
"""
import collections
import json
import pathlib
import random
import re

HERE = pathlib.Path(__file__).parent
QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
# The same three patterns for the ASCII texts below, in Python's dialect.
ASCII_QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\na-zA-Z0-9]?[a-zA-Z]+|[0-9]| ?[^\sa-zA-Z0-9]+[\r\n]*"
              r"|\s*[\r\n]+|\s+(?!\S)|\s+")
ASCII_LLAMA = ASCII_QWEN.replace("|[0-9]|", "|[0-9]{1,3}|")
ASCII_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?[a-zA-Z]+| ?[0-9]+| ?[^\sa-zA-Z0-9]+|\s+(?!\S)|\s+"


def byte_table():
    own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in own]
    return {b: chr(b) for b in own} | {b: chr(256 + i) for i, b in enumerate(rest)}


def texts():
    rng = random.Random(7)
    atoms = ["[C]", "[N]", "[O]", "[c]", "[n]", "[C@H]", "[C@@H]", "[nH]", "[S]", "[Cl]"]
    out = ["The molecule's shape isn't fixed; we'll see 12 of 345 atoms, said the chemist.",
           "Don't they've it's I'm you'd we're conformer conformers energy  energies\n\n"]
    for _ in range(400):
        out.append("".join(
            rng.choice(atoms) + "<" + ",".join(f"{rng.uniform(-9, 9):.4f}" for _ in range(3)) + ">"
            + rng.choice(["", "", "=", "(", ")", "1", "2", ")("]) for _ in range(6)))
    return out


def train(pattern, count):
    table = byte_table()
    words = collections.Counter(
        "".join(table[b] for b in piece.encode()) for t in texts() for piece in re.findall(pattern, t))
    words = {tuple(w): n for w, n in words.items()}
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        merged = {}
        for word, n in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + n
        words = merged
    vocab = {}
    for token in [*(table[b] for b in range(256)), *(a + b for a, b in merges)]:
        vocab.setdefault(token, len(vocab))
    return vocab, merges


def byte_level(prefix_space=False, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix_space, "trim_offsets": False,
            "use_regex": use_regex}


def split(pattern):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
        byte_level()]}


def added(first, names):
    return [{"id": first + i, "content": name, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": special}
            for i, (name, special) in enumerate(names)]


def write(name, vocab, merges, tokens, pre, decoder, normalizer=None, post=None, ignore=False):
    data = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens,
            "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post,
            "decoder": decoder,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": ignore,
                      "vocab": vocab, "merges": merges}}
    (HERE / name).write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")


TAGS = [("[SMILES]", False), ("[/SMILES]", False), ("[CONFORMER]", False), ("[/CONFORMER]", False)]


def main():
    vocab, merges = train(ASCII_QWEN, 120)
    write("qwen_like.json", vocab, [list(m) for m in merges],
          added(len(vocab), [("<|endoftext|>", True), *TAGS]), split(QWEN), byte_level(),
          {"type": "NFC"}, byte_level())

    vocab, merges = train(ASCII_LLAMA, 120)
    for number in ("987", "65", "4"):  # whole pieces that no merge builds
        vocab.setdefault(number, len(vocab))
    vocab["Ġenergetic"] = len(vocab)
    tokens = added(len(vocab), [("<|begin_of_text|>", True), ("<|end_of_text|>", True), *TAGS])
    bos = tokens[0]["content"]
    post = {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": bos, "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {bos: {"id": bos, "ids": [tokens[0]["id"]], "tokens": [bos]}}}
    write("llama_like.json", vocab, [f"{a} {b}" for a, b in merges], tokens, split(LLAMA),
          byte_level(True, True), None, post, True)

    vocab, merges = train(ASCII_GPT2, 160)
    write("gpt2_like.json", vocab, [f"{a} {b}" for a, b in merges],
          added(len(vocab), [("<|endoftext|>", True), *TAGS]), byte_level(False, True), byte_level(),
          None, byte_level())

    characters = {chr(c): c - 32 for c in range(32, 127)}
    write("characters.json", characters, [], added(len(characters), [("<eos>", True), *TAGS]), None,
          {"type": "Fuse"})


if __name__ == "__main__":
    main()
