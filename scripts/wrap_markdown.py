#!/usr/bin/env python3
"""Wraps prose of Markdown files at 100 columns, in place: scripts/wrap_markdown.py FILE.md ...

Only paragraphs and list items that hold a longer line are touched; tables, code blocks, headings
and HTML comments stay as they are. Inline code and links are not broken, where they fit on a line.
"""
import re
import sys

WIDTH = 100
ITEM = re.compile(r"( *)([-*+]|\d+\.) +")
# What a new line must not begin with: it would become a list item, a heading, a quote or a table.
OPENS_BLOCK = re.compile(r"(?:[-*+]|\d+[.)]|#+|>+|\|.*|```.*|=+|-+)$")
WORD = re.compile(r"(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|[^\s`\[]|\[|`)+")


def words(text):
    """Words of a text; code spans and links are parts of one word unless they are long."""
    for found in WORD.finditer(text):
        word = found.group()
        if len(word) > 60:
            yield from word.split()
        else:
            yield word


def wrapped(lines):
    """The lines of one paragraph or list item, at most WIDTH columns each where that is possible."""
    item = ITEM.match(lines[0])
    first = item.group() if item else re.match(" *", lines[0]).group()
    indent = " " * len(first)
    out = [[]]
    length = len(indent)
    for word in words(" ".join([lines[0][len(first):]] + [line.strip() for line in lines[1:]])):
        if out[-1] and length + 1 + len(word) > WIDTH:
            moved = []
            if OPENS_BLOCK.match(word) and len(out[-1]) > 1:
                moved = [out[-1].pop()]
            out.append(moved)
            length = len(indent) + sum(len(w) + 1 for w in moved) - bool(moved)
        length += len(word) + bool(out[-1])
        out[-1].append(word)
    return [(indent if i else first) + " ".join(line) for i, line in enumerate(out)]


def blocks(lines):
    """(kind, lines) of a page; kind is "prose" for what may be wrapped."""
    prose, fence = [], None
    for line in lines:
        opens = re.match(r" *(```|~~~)", line)
        if fence or opens:
            if prose:
                yield "prose", prose
            prose = []
            if fence:
                fence = None if line.strip().startswith(fence) else fence
            else:
                fence = opens.group(1)
            yield "kept", [line]
            continue
        kept = not line.strip() or re.match(r"\||#|<!--|    +[^-*+\d ]", line) and not (
            prose and line.startswith("    "))
        if prose and (kept or ITEM.match(line)):
            yield "prose", prose
            prose = []
        if kept:
            yield "kept", [line]
        else:
            prose.append(line)
    if prose:
        yield "prose", prose


def wrap_page(text):
    out = []
    for kind, lines in blocks(text.splitlines()):
        long = kind == "prose" and any(len(line) > WIDTH for line in lines)
        out += wrapped(lines) if long else lines
    return "\n".join(out) + "\n"


def main():
    for path in sys.argv[1:]:
        text = open(path, encoding="utf-8").read()
        new = wrap_page(text)
        if new != text:
            open(path, "w", encoding="utf-8").write(new)


if __name__ == "__main__":
    main()
