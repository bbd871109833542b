#!/usr/bin/env python3
"""The texts of errors have one form: one line that names the thing, then the cause.

Of every Error("...") and Error::format("...") of src and python/src: no line break, no full stop at the end, no capital
at the beginning but in names, a text of more than one word, and values that are shown, not announced (no format
without a placeholder).
"""
import re

import tree

#: Words that begin with a capital wherever they stand.
NAMES = re.compile(r"(?:[A-Z]{2}|[A-Z][a-z]*[A-Z0-9]|RDKit|Highway|Hugging Face|Hopper|Llama|Qwen|NVIDIA|PyTorch|SQLite|Unicode|Python)")
CALL = re.compile(r'\bError(::format)?\(\s*((?:"(?:[^"\\\n]|\\.)*"\s*)+)([,)+]?)')
PIECE = re.compile(r'"((?:[^"\\\n]|\\.)*)"')

#: "FILE: text" of texts that another form suits, with the reason.
EXCEPTIONS = set()


def faults(text, formatted, whole):
    """What is wrong with one text; `whole`: nothing is joined to it at its end."""
    if "\\n" in text:
        yield "has a line break"
    if whole and re.search(r"[.!]$", text) and not text.endswith("..."):
        yield "ends with a full stop"
    if re.match(r"[A-Z]", text) and not NAMES.match(text):
        yield "begins with a capital"
    if whole and len(text.split()) < 2:
        yield "is one word"
    if formatted and "{" not in text:
        yield "is formatted and shows nothing"


def check(root, exceptions=None):
    found = {}
    for path in tree.files(root, "src", "python/src", endings=tree.CPP):
        source = tree.read(root, path)
        for call in CALL.finditer(source):
            text = "".join(PIECE.findall(call.group(2)))
            line = source.count("\n", 0, call.start()) + 1
            for fault in faults(text, bool(call.group(1)), call.group(3) in (",", ")")):
                found[f"{path}: {text}"] = f'{path}:{line}: the error text "{text}" {fault}'
    return tree.against_list(found, EXCEPTIONS if exceptions is None else exceptions,
                             "EXCEPTIONS in tests/lint/error_texts.py")


if __name__ == "__main__":
    tree.main(check)
