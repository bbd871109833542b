#!/usr/bin/env python3
"""The tags of the text format ([SMILES], [CONFORMER] and their ends) are spelled in few places.

Each file that spells one is listed; a new one uses what these offer (`prompt_text`, `tagged_literals`,
`kConformerTag`) instead.
"""
import re

import tree

TAG = re.compile(r"\[/?(?:SMILES|CONFORMER)\]")

FILES = {
    "python/src/core_module.cpp",
    "src/analysis/generated_set.cpp",
    "src/analysis/run_report_json.cpp",
    "src/analysis/sample_check.cpp",
    "src/analysis/sample_json.cpp",
    "src/cli/decode_command.cpp",
    "src/cli/encode_command.cpp",
    "src/cli/smoke_options.cpp",
    "src/cli/tokens_command.cpp",
    "src/constraint/canonical_proof.h",
    "src/constraint/position_rules.cpp",
    "src/dataset/tasks.cpp",
    "src/generation/conformer.cpp",
    "src/generation/model.cpp",
    "src/molecule/make_template.cpp",
    "src/molecule/verdict.cpp",
    "src/report/comparison.cpp",
    "src/report/run_summary.cpp",
    "src/report/samples_section.cpp",
}


def check(root, allowed=None):
    found = {}
    for path in tree.files(root, "src", "python/src", endings=tree.CPP):
        code = re.sub(r"//[^\n]*", "", tree.read(root, path))
        if TAG.search(code):
            found[path] = f"{path}: spells the tag {TAG.search(code).group()}; {len(FILES)} files do already"
    return tree.against_list(found, FILES if allowed is None else allowed, "FILES in tests/lint/tags.py")


if __name__ == "__main__":
    tree.main(check)
