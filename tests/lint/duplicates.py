#!/usr/bin/env python3
"""No block of eight lines stands twice in src and python/src.

Lines are compared without comments and white space; blank lines, #include and lines of brackets alone do not count.
Every block that two places share is reported once, at its first line.
"""
import collections
import re

import tree

LINES = 8

#: Blocks that stand twice for now, "FILE and FILE", with the reason.
EXCEPTIONS = set()

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)


def code_lines(text):
    """[(line number, text without white space)] of the lines that count."""
    text = COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)
    out = []
    for number, line in enumerate(text.split("\n"), 1):
        bare = re.sub(r"\s+", "", line)
        if re.search(r"\w", bare) and not bare.startswith("#"):
            out.append((number, bare))
    return out


def find(root, folders=("src", "python/src")):
    """{"FILE and FILE": message} of the longest block that each two files share."""
    sources = {path: code_lines(tree.read(root, path)) for path in tree.files(root, *folders, endings=tree.CPP)}
    windows = collections.defaultdict(list)
    for path, lines in sources.items():
        for start in range(len(lines) - LINES + 1):
            windows[tuple(line for _, line in lines[start:start + LINES])].append((path, start))
    found = {}
    for places in windows.values():
        for i, (path, start) in enumerate(places):
            for other, at in places[i + 1:]:
                if path == other and at < start + LINES:
                    continue  # a list that repeats itself
                a, b = sources[path], sources[other]
                size = LINES
                while start + size < len(a) and at + size < len(b) and a[start + size][1] == b[at + size][1]:
                    size += 1
                key = f"{path} and {other}"
                if size > found.get(key, (0, ""))[0]:
                    found[key] = (size, f"{path}:{a[start][0]}: {size} lines stand also in {other}:{b[at][0]}")
    return {key: message for key, (_, message) in found.items()}


def check(root, exceptions=None):
    return tree.against_list(find(root), EXCEPTIONS if exceptions is None else exceptions,
                             "EXCEPTIONS in tests/lint/duplicates.py")


if __name__ == "__main__":
    tree.main(check)
