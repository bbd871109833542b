#!/usr/bin/env python3
"""No source file of the product is longer than 400 lines and no function longer than 80.

With --list every file over 300 lines and every function over 60 is printed, longest first.
"""
import sys

import functions
import tree

FILE_LINES = 400
FUNCTION_LINES = 80

#: What is longer now. A new name here needs a reason; one that is no longer needed is an error.
FILES = set()
FUNCTIONS = {
    "src/engine/cuda/plan.cu: plan_kernel",
}


def measure(root):
    """({path: lines}, {"path: function": lines}) of the product's sources."""
    files, found = {}, {}
    for path in tree.files(root, "src", "python", "training", "scripts", endings=tree.CPP + (".py",)):
        text = tree.read(root, path)
        files[path] = text.count("\n")
        of = functions.python_functions if path.endswith(".py") else functions.cpp_functions
        for name, first, last in of(text):
            key = f"{path}: {name}"
            found[key] = max(found.get(key, 0), last - first + 1)
    return files, found


def over(lengths, limit, what):
    return {key: f"{key}: {lines} lines, {what} have {limit} at most"
            for key, lines in lengths.items() if lines > limit}


def check(root, file_list=None, function_list=None):
    files, found = measure(root)
    place = "in tests/lint/lengths.py"
    return (tree.against_list(over(files, FILE_LINES, "files"), FILES if file_list is None else file_list,
                              f"FILES {place}")
            + tree.against_list(over(found, FUNCTION_LINES, "functions"),
                                FUNCTIONS if function_list is None else function_list, f"FUNCTIONS {place}"))


def print_list(root):
    for lengths, least in zip(measure(root), (300, 60)):
        for key, lines in sorted(lengths.items(), key=lambda entry: -entry[1]):
            if lines > least:
                print(f"{lines:5} {key}")


if __name__ == "__main__":
    if "--list" in sys.argv:
        print_list(tree.ROOT)
    else:
        tree.main(check)
