#!/usr/bin/env python3
"""The tags of the text format ([SMILES], [CONFORMER] and their ends) are spelled in src/text alone.

Elsewhere in src and python `kSmilesTag`, `kTags`, `prompt_text()` and their kind stand for them (src/text/tags.h;
`TAGS` and `prompt_text` of molgen3d._core). Comments and docstrings may spell them.
"""
import ast
import re

import tree

TAG = re.compile(r"\[/?(?:SMILES|CONFORMER)\]")
HOME = "src/text/"

#: Files that may spell them for now.
EXCEPTIONS = set()


def cpp_code(text):
    """The text without comments; strings stay."""
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda found: found.group(1) or "", text, flags=re.S)


def python_strings(text):
    """The strings of a Python file that are no docstrings, one a line."""
    nodes = list(ast.walk(ast.parse(text)))
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return "\n".join(node.value for node in nodes
                     if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone)


def check(root, exceptions=None):
    found = {}
    for path in tree.files(root, "src", "python", endings=tree.CPP + (".py", ".pyi")):
        if path.startswith(HOME):
            continue
        text = tree.read(root, path)
        tag = TAG.search(cpp_code(text) if path.endswith(tree.CPP) else python_strings(text))
        if tag:
            found[path] = f"{path}: spells the tag {tag.group()}; {HOME}tags.h has it"
    return tree.against_list(found, EXCEPTIONS if exceptions is None else exceptions,
                             "EXCEPTIONS in tests/lint/tags.py")


if __name__ == "__main__":
    tree.main(check)
