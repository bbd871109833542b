"""What a processor needs of a batch of molecules, as arrays: compiled here, saved, loaded anywhere."""
import json
import pathlib

import numpy as np

from . import checks
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
        path = checks.path("tokenizer", tokenizer)
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
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as problem:
        raise Error(f"{path}: {problem}") from None
    if not isinstance(found, dict):
        raise Error(f"{path}: not a JSON object")
    return found


def _ids(name, value):
    """Ids of `value`, one or several; empty when there is none."""
    if value is None:
        return []
    if isinstance(value, (list, tuple, np.ndarray)):
        return [checks.integer(name, item, 0, 2**31 - 1) for item in value]
    return [checks.integer(name, value, 0, 2**31 - 1)]


def end_of_sequence_of(tokenizer, directory):
    """Ids that end an answer, found as by the native engine: generation_config.json, else config.json; without
    these files the tokenizer's own."""
    for name in ("generation_config.json", "config.json"):
        ids = _ids(f"{name}: eos_token_id", _read_json(directory, name).get("eos_token_id"))
        if ids:
            return ids
    ids = _ids("the tokenizer's eos_token_id", getattr(tokenizer, "eos_token_id", None))
    if not ids:
        raise TokenizerError(
            "eos_token_id is not known: neither a generation_config.json, a config.json nor the tokenizer names it"
        )
    return ids


def number_format_of(directory):
    """conformer_format.json of a checkpoint; both dialects, up to 3 integer digits, when there is none."""
    from ._core import NumberFormat

    declared = _read_json(directory, "conformer_format.json")
    known = ("decimals", "trailing_zeros", "max_integer_digits", "descriptors")
    for key in declared:
        if key not in known:
            raise Error(f"{directory / 'conformer_format.json'}: unknown key {key!r}")
    try:
        return NumberFormat(**{k: v for k, v in declared.items() if k != "descriptors"})
    except Error as problem:
        raise Error(f"{directory / 'conformer_format.json'}: {problem}") from None


def _check_ends(tokenizer, ids):
    for id_ in ids:
        if id_ >= tokenizer.vocabulary_size:
            raise TokenizerError(
                f"{tokenizer.name}: eos_token_id {id_} is outside its {tokenizer.vocabulary_size} tokens"
            )
        if not tokenizer.is_added(id_) and not tokenizer.token_bytes(id_):
            raise TokenizerError(f"{tokenizer.name}: eos_token_id {id_} is no token of it")


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


_EXACT_ARRAYS = {
    "edge_key": 1, "edge_next": 1, "after_first": 1, "choice_row": 1, "choices": 2, "done": 0,
    "start_node": 1, "start_segment": 1,
}  # fmt: skip
_POSITION_ARRAYS = {"forced": 2, "blocked_row": 2, "blocked": 2, "length": 1}
_PROMPT_ARRAYS = {"program_of_prompt": 1, "prompt_begin": 1, "prompt_ids": 1, "min_tokens": 1, "max_tokens": 1}


def _damage(meta, arrays):
    """What is wrong with the contents of a file of tables; empty when they can be used."""
    kinds = dict(rule=str, smiles=list, prefix=list, vocabulary=int, tokenizer=str, flat=bool, warning=str)
    for key, kind in kinds.items():
        if not isinstance(meta.get(key), kind):
            return f"{key} is missing"
    if meta["rule"] not in RULES:
        return f"unknown rule {meta['rule']!r}"
    wanted = _EXACT_ARRAYS if meta["rule"] == "exact" else _POSITION_ARRAYS
    for name, dimensions in {**_PROMPT_ARRAYS, **wanted}.items():
        array = arrays.get(name)
        if array is None or array.ndim != dimensions or array.dtype.kind not in "ib":
            return f"array {name} is missing or of another kind"
    programs = len(arrays["min_tokens"])
    places = arrays["program_of_prompt"]
    if len(places) != len(meta["smiles"]) or len(places) == 0:
        return "another number of prompts than of SMILES"
    if places.min() < 0 or places.max() >= programs or len(arrays["prompt_begin"]) != programs + 1:
        return "prompts of programs that are not there"
    return ""


class ConstraintTables:
    """Constraints of a batch of prompts. ``compile`` needs the native module, using it needs NumPy only."""

    def __init__(self, meta, arrays, programs=None):
        self.meta = meta
        self.arrays = arrays
        self.programs = programs  #: native constraints, when compiled in this process
        self.hard_sets = self.token_texts = None  #: what must hold in space, by program; kept in no file
        self.not_enforced = []  #: stereo that is not, by program

    @classmethod
    def compile(
        cls,
        tokenizer,
        smiles,
        rule="exact",
        *,
        eos_token_id=None,
        number_format=None,
        descriptors=None,
        geometry="off",
    ):
        """See ConformerLogitsProcessor for the arguments."""
        from . import _core

        if rule not in RULES:
            raise Error(f"rule {rule!r}: not one of {', '.join(RULES)}")
        smiles = checks.texts("smiles", smiles, MoleculeError)
        if not smiles:
            raise Error("smiles: at least one is needed")
        geometry = _core.geometry_level(checks.text("geometry", geometry))
        if geometry != "off" and rule != "exact":
            raise Error(f"geometry {geometry!r} needs rule exact, not {rule}")
        ours, directory = load_tokenizer(tokenizer)
        ends = _ids("eos_token_id", eos_token_id) or end_of_sequence_of(tokenizer, directory)
        for tag in _core.TAGS:
            id_ = ours.token_id(tag)
            if id_ is None or not ours.is_added(id_):
                raise TokenizerError(f"{ours.name}: no added token {tag}: not the tokenizer of a conformer model")
        _check_ends(ours, ends)

        warning = ""
        if rule == "exact":
            compiler = _core.TemplateCompiler(ours, ends, number_format or number_format_of(directory))
            warning = compiler.fallback_warning
        else:
            compiler = _core.PositionRuleCompiler(ours, rule, ends, ours.vocabulary_size)
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
        prompts = [ours.encode(_core.prompt_text(text)) for text in distinct]
        arrays["prompt_begin"] = np.cumsum([0] + [len(ids) for ids in prompts])
        arrays["prompt_ids"] = np.concatenate(prompts).astype(np.int64)
        arrays["min_tokens"] = np.array([p.min_tokens for p in programs], dtype=np.int64)
        arrays["max_tokens"] = np.array([p.max_tokens for p in programs], dtype=np.int64)
        meta = {
            "version": _VERSION,
            "rule": rule,
            "smiles": smiles,
            "prefix": ours.prefix_tokens,
            "eos_token_id": ends[0],
            "eos_token_ids": sorted(set(ends)),
            "vocabulary": ours.vocabulary_size,
            "tokenizer": ours.name,
            "flat": "edge_key" in arrays or rule != "exact",
            "warning": warning,
        }
        tables = cls(meta, arrays, programs)
        if geometry != "off":
            tables._add_hard_sets(distinct, geometry, ours, number_format or number_format_of(directory))
        return tables

    def _add_hard_sets(self, distinct, level, tokenizer, number_format):
        from . import _core, _native

        made = [_native.molecule_module().hard_set(text, level) for text in distinct]
        self.hard_sets = [words for words, _ in made]
        self.not_enforced = [left_out for _, left_out in made]
        self.token_texts = _core.TokenTexts(tokenizer, number_format)

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
        if self.hard_sets is not None:
            raise Error("cannot be saved: hard sets of geometry are kept in no file")
        if not self.meta["flat"]:
            raise Error(f"cannot be saved: the constraint has no tables ({self.meta['warning']})")
        try:
            np.savez_compressed(path, meta=np.array(json.dumps(self.meta)), **self.arrays)
        except OSError as problem:
            raise Error(f"{path}: {problem}") from None

    @classmethod
    def load(cls, path):
        path = checks.path("path", path)
        if path.exists() and not path.is_file():
            raise Error(f"{path}: no constraint tables: not a regular file")
        try:
            # A file that was cut short or damaged fails in ways of zipfile, zlib and NumPy.
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            meta = json.loads(str(arrays.pop("meta")))
        except Exception as problem:  # noqa: BLE001
            cause = " ".join(str(problem).split()) or type(problem).__name__
            raise Error(f"{path}: no constraint tables: {cause}") from None
        if not isinstance(meta, dict) or meta.get("version") != _VERSION:
            version = meta.get("version") if isinstance(meta, dict) else None
            raise Error(f"{path}: tables of version {version}, this is {_VERSION}")
        problem = _damage(meta, arrays)
        if problem:
            raise Error(f"{path}: no constraint tables: {problem}")
        if "done" in arrays:
            arrays["done"] = int(arrays["done"])
        return cls(meta, arrays)
