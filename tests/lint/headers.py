#!/usr/bin/env python3
"""Every header of src opens with a comment that says what it is."""
import re

import tree

LEAST_WORDS = 4


def check(root):
    out = []
    for path in tree.files(root, "src", "python/src", endings=(".h", ".cuh")):
        comment = re.match(r"(?://[^\n]*\n)*", tree.read(root, path)).group()
        if not comment:
            out.append(f"{path}: does not begin with a comment that says what it is")
        elif len(re.findall(r"\w+", comment)) < LEAST_WORDS:
            out.append(f"{path}: its first comment says too little: {comment.strip()}")
        elif re.search(r"copyright|licen[sc]e", comment.splitlines()[0], re.I):
            out.append(f"{path}: begins with a licence, not with what it is")
    return out


if __name__ == "__main__":
    tree.main(check)
