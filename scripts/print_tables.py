#!/usr/bin/env python3
"""Puts tables of bench/records into the pages that quote them: scripts/print_tables.py [--check]

A record names a table by a line `<!-- table: NAME -->` above it. A page quotes it by a line
`<!-- table: NAME from bench/records/FILE.md -->`; what follows, up to a blank line, is replaced by
the record's table. So a figure is written once. With --check nothing is written: the exit code is 1
when a page differs from its record.
"""
import argparse
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QUOTE = re.compile(r"^<!-- table: (\S+) from (\S+) -->\n((?:\|.*\n)*)", re.M)


def table(root, name, record):
    """The lines of a named table of a record."""
    text = open(os.path.join(root, record), encoding="utf-8").read()
    found = re.search(rf"^<!-- table: {re.escape(name)} -->\n((?:\|.*\n)+)", text, re.M)
    if not found:
        sys.exit(f"{record}: no table {name}")
    return found.group(1)


def printed(root, text):
    """A page with every table that it quotes as its record has it."""
    return QUOTE.sub(
        lambda m: f"<!-- table: {m.group(1)} from {m.group(2)} -->\n"
        + table(root, m.group(1), m.group(2)), text)


def pages(root):
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=root, text=True, capture_output=True)
    if listed.returncode == 0 and listed.stdout:
        return listed.stdout.split()
    return [os.path.relpath(os.path.join(folder, file), root)  # a source archive has no git
            for folder, _, files in os.walk(root) for file in files if file.endswith(".md")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--root", default=ROOT)
    options = parser.parse_args()
    differ = 0
    for page in pages(options.root):
        path = os.path.join(options.root, page)
        text = open(path, encoding="utf-8").read()
        new = printed(options.root, text)
        if new == text:
            continue
        differ += 1
        if options.check:
            print(f"{page}: a table differs from its record (scripts/print_tables.py)")
        else:
            open(path, "w", encoding="utf-8").write(new)
    sys.exit(1 if options.check and differ else 0)


if __name__ == "__main__":
    main()
