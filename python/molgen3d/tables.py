"""What a processor needs of a batch of molecules, as arrays: compiled here, saved, loaded anywhere."""
import json
import pathlib

import numpy as np

from .errors import Error, MoleculeError, TokenizerError

#: Rules by their command-line names; all but the first are the study's (docs/constraint.md).
RULES = ("exact", "generic", "qwen", "qwen-v4.0", "allowlist")
_VERSION = 1


def load_tokenizer(tokenizer):
    """(molgen3d Tokenizer, directory it came from or None) of what a caller may hand over: our Tokenizer, a
    transformers tokenizer, or a path to a tokenizer.json or to the directory that holds one."""
    from ._core import Tokenizer

    if isinstance(tokenizer, Tokenizer):
        return tokenizer, None
    if isinstance(tokenizer, (str, pathlib.Path)):
        path = pathlib.Path(tokenizer)
        if path.is_dir():
            path = path / "tokenizer.json"
        return Tokenizer.from_file(str(path)), path.parent
    directory = pathlib.Path(str(getattr(tokenizer, "name_or_path", "") or ""))
    found = directory if str(directory) != "." and directory.is_dir() else None
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        return Tokenizer.from_json(backend.to_str(), str(directory)), found
    raise TokenizerError(
        f"{type(tokenizer).__name__}: not a molgen3d Tokenizer, a fast transformers tokenizer, or a path; slow "
        "tokenizers have no tokenizer.json"
    )


def _read_json(directory, name):
    path = directory / name if directory is not None else None
    if path is None or not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise Error(f"{path}: {problem}") from None


def end_of_sequence_of(tokenizer, directory):
    """Id of the token that ends an answer: generation_config.json first, as for the native engine."""
    ids = _read_json(directory, "generation_config.json").get("eos_token_id")
    if ids is None:
        ids = getattr(tokenizer, "eos_token_id", None)
    if isinstance(ids, (list, tuple)):
        ids = ids[0] if ids else None
    if ids is None:
        raise TokenizerError("eos_token_id is not known: neither a generation_config.json nor the tokenizer names it")
    return int(ids)


def number_format_of(directory):
    """conformer_format.json of a checkpoint; both dialects, up to 3 integer digits, when there is none."""
    from ._core import NumberFormat

    declared = _read_json(directory, "conformer_format.json")
    return NumberFormat(**{k: v for k, v in declared.items() if k != "descriptors"})


def literals_of(smiles, descriptors):
    """Known text of the answer. `verbatim` needs no chemistry; the others count hydrogens with RDKit."""
    if descriptors == "verbatim":
        from ._core import literals_of_smiles

        return literals_of_smiles(smiles)
    try:
        from ._molecule import tagged_literals
    except ImportError as problem:
        raise Error(
            f"descriptors {descriptors!r} count hydrogens, which needs molgen3d built with RDKit ({problem}); "
            "pass descriptors='verbatim'"
        ) from None
    return tagged_literals(smiles, "as-given", descriptors)


class ConstraintTables:
    """Constraints of a batch of prompts. ``compile`` needs the native module, using it needs NumPy only."""

    def __init__(self, meta, arrays, programs=None):
        self.meta = meta
        self.arrays = arrays
        self.programs = programs  #: native constraints, when compiled in this process

    @classmethod
    def compile(cls, tokenizer, smiles, rule="exact", *, eos_token_id=None, number_format=None, descriptors=None):
        """See ConformerLogitsProcessor for the arguments."""
        from . import _core

        if rule not in RULES:
            raise Error(f"rule {rule!r}: not one of {', '.join(RULES)}")
        smiles = [smiles] if isinstance(smiles, str) else list(smiles)
        if not smiles:
            raise Error("smiles: at least one is needed")
        for i, text in enumerate(smiles):
            if not isinstance(text, str):
                raise MoleculeError(f"smiles[{i}]: {type(text).__name__} is no text")
        ours, directory = load_tokenizer(tokenizer)
        if eos_token_id is None:
            eos_token_id = end_of_sequence_of(tokenizer, directory)
        for tag in ("[SMILES]", "[/SMILES]", "[CONFORMER]", "[/CONFORMER]"):
            id_ = ours.token_id(tag)
            if id_ is None or not ours.is_added(id_):
                raise TokenizerError(f"{ours.name}: no added token {tag}: not the tokenizer of a conformer model")
        if not 0 <= eos_token_id < ours.vocabulary_size:
            raise TokenizerError(
                f"{ours.name}: eos_token_id {eos_token_id} is outside its {ours.vocabulary_size} tokens"
            )

        warning = ""
        if rule == "exact":
            compiler = _core.TemplateCompiler(ours, eos_token_id, number_format or number_format_of(directory))
            warning = compiler.fallback_reason
        else:
            compiler = _core.PositionRuleCompiler(ours, rule, eos_token_id, ours.vocabulary_size)
        if descriptors is None:
            declared = _read_json(directory, "conformer_format.json").get("descriptors", "verbatim")
            descriptors = declared if rule == "exact" else "study"
        # Repeated molecules are compiled once.
        distinct = list(dict.fromkeys(smiles))
        programs = [compiler.compile(literals_of(text, descriptors)) for text in distinct]
        if rule == "exact":
            arrays = _core.template_tables(programs) or {}
        else:
            arrays = _core.position_tables(programs, ours.vocabulary_size)
        place = {text: i for i, text in enumerate(distinct)}
        arrays["program_of_prompt"] = np.array([place[text] for text in smiles], dtype=np.int64)
        prompts = [ours.encode(f"[SMILES]{text}[/SMILES]") for text in distinct]
        arrays["prompt_begin"] = np.cumsum([0] + [len(ids) for ids in prompts])
        arrays["prompt_ids"] = np.concatenate(prompts).astype(np.int64)
        arrays["min_tokens"] = np.array([p.min_tokens for p in programs], dtype=np.int64)
        arrays["max_tokens"] = np.array([p.max_tokens for p in programs], dtype=np.int64)
        meta = {
            "version": _VERSION,
            "rule": rule,
            "smiles": smiles,
            "prefix": ours.prefix_tokens,
            "eos_token_id": int(eos_token_id),
            "vocabulary": ours.vocabulary_size,
            "tokenizer": ours.name,
            "flat": "edge_key" in arrays or rule != "exact",
            "warning": warning,
        }
        return cls(meta, arrays, programs)

    @property
    def smiles(self):
        return self.meta["smiles"]

    def prompt_ids(self, prompt):
        """Token ids of `[SMILES]...[/SMILES]`, without what the tokenizer puts in front of every text."""
        begin = self.arrays["prompt_begin"]
        program = int(self.arrays["program_of_prompt"][prompt])
        return self.arrays["prompt_ids"][begin[program] : begin[program + 1]]

    def save(self, path):
        """Writes one .npz file that needs nothing but NumPy to be used: no native module, no RDKit."""
        if not self.meta["flat"]:
            raise Error(f"cannot be saved: the constraint has no tables ({self.meta['warning']})")
        np.savez_compressed(path, meta=np.array(json.dumps(self.meta)), **self.arrays)

    @classmethod
    def load(cls, path):
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(str(arrays.pop("meta")))
        except (OSError, KeyError, ValueError) as problem:
            raise Error(f"{path}: no constraint tables: {problem}") from None
        if meta.get("version") != _VERSION:
            raise Error(f"{path}: tables of version {meta.get('version')}, this is {_VERSION}")
        for name in ("done",):
            if name in arrays:
                arrays[name] = int(arrays[name])
        return cls(meta, arrays)
