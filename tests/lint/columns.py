#!/usr/bin/env python3
"""No line of C++, CUDA or Markdown is longer than 100 columns.

Excepted, since they cannot be broken: raw strings and what follows them on a line, strings and paths
without a space to break at, URLs; in Markdown tables, headings, what a program printed (```console) and
links that are longer than half a line. scripts/wrap_markdown.py wraps prose.
"""
import re

import tree

WIDTH = 100

#: Files that may have long lines for now.
EXCEPTIONS = set()

RAW_STRING = re.compile(r'R"([^\s()\\]{0,16})\(.*?\)\1"', re.S)


def lines_of_raw_strings(text):
    """Numbers of the lines that a raw string touches, from 1."""
    out = set()
    for found in RAW_STRING.finditer(text):
        out.update(range(text.count("\n", 0, found.start()) + 1, text.count("\n", 0, found.end()) + 2))
    return out


def unbreakable(line):
    """True where a long line holds one piece that no formatter could break to fit."""
    if re.search(r"https?://\S+", line):
        return True
    return any(len(word) > WIDTH - 20 for word in line.split())


def long_lines(path, text):
    """Numbers of the lines that are too long."""
    if path.endswith(".md"):
        kept, console = set(), False
        for i, line in enumerate(text.splitlines(), 1):
            if line.startswith("```"):
                console = line.startswith("```console")
            if console or re.match(r" *\||#", line) or re.search(r"\[[^\]]*\]\([^)]{50,}\)", line):
                kept.add(i)
    else:
        kept = lines_of_raw_strings(text)
    return [i for i, line in enumerate(text.splitlines(), 1)
            if len(line) > WIDTH and i not in kept and not unbreakable(line)]


def check(root, exceptions=None):
    exceptions = EXCEPTIONS if exceptions is None else exceptions
    found = {}
    paths = tree.files(root, "src", "tests", "bench", "python", endings=tree.CPP)
    for path in paths + tree.files(root, endings=(".md",)):
        lines = long_lines(path, tree.read(root, path))
        if lines:
            found[path] = f"{path}: lines over {WIDTH} columns: " + ", ".join(map(str, lines[:20]))
    return tree.against_list(found, exceptions, "EXCEPTIONS in tests/lint/columns.py")


if __name__ == "__main__":
    tree.main(check)
