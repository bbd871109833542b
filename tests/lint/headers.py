#!/usr/bin/env python3
"""Every header of src opens with a comment that says what it is; a public one (cmake/library.cmake) whose
implementation throws says so, and public floating-point figures have units."""
import os
import re

import tree

LEAST_WORDS = 4
PUBLIC = re.compile(r"^set\(molgen3d_headers\n(.*?)\)", re.M | re.S)
COMMENT = re.compile(r"//[^\n]*")
#: A floating-point member without a comment on its line; one for all members may stand above them.
FIGURE = re.compile(r"^  (?:double|float) \w+ = [^;]*;$", re.M)


def public_headers(root):
    """Paths of the headers that cmake/library.cmake promises."""
    path = os.path.join(root, "cmake", "library.cmake")
    named = PUBLIC.search(tree.read(root, "cmake/library.cmake")) if os.path.exists(path) else None
    return ["src/" + header for header in named.group(1).split()] if named else []


def public_faults(root, path):
    text = tree.read(root, path)
    source = path[:-2] + ".cpp"
    code = text + (tree.read(root, source) if os.path.exists(os.path.join(root, source)) else "")
    throws = re.search(r"\bthrow\b", COMMENT.sub("", code))
    if throws and not re.search(r"[Tt]hrows|Error", text):
        yield f"{path}: throws, and does not say when"
    for found in FIGURE.finditer(text):
        if "///" not in text[:found.start()].rpartition("\n\n")[2]:
            yield f"{path}: no word on the unit of {found.group().strip()}"


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
    for path in public_headers(root):
        out += public_faults(root, path)
    return out


if __name__ == "__main__":
    tree.main(check)
