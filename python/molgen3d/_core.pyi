from typing import Any, Literal, Sequence

import numpy as np
from numpy.typing import NDArray

class Tokenizer:
    """Byte-level BPE from a Hugging Face tokenizer.json; immutable. Ids are those of the reference encoder."""

    @staticmethod
    def from_file(path: str) -> Tokenizer: ...
    @staticmethod
    def from_json(json: str, name: str = ...) -> Tokenizer: ...
    def encode(self, text: str) -> NDArray[np.int32]:
        """No BOS or other post-processing tokens: see prefix_tokens."""
    def encode_with_offsets(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids, and the half-open byte range (UTF-8) of each: shape (tokens, 2)."""
    def decode(self, ids: Sequence[int] | NDArray[Any], skip_special: bool = ...) -> str:
        """Bytes that are no UTF-8 become U+FFFD."""
    def token_bytes(self, id: int) -> bytes: ...
    def token_id(self, token: str | bytes) -> int | None: ...
    def is_added(self, id: int) -> bool: ...
    def is_special(self, id: int) -> bool: ...
    def with_added_tokens(self, extra: Sequence[tuple[int, str, bool]]) -> Tokenizer:
        """A copy with more (id, content, special) tokens."""
    @property
    def added_tokens(self) -> list[tuple[int, str, bool]]: ...
    @property
    def prefix_tokens(self) -> list[int]: ...
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def fingerprint(self) -> int: ...
    @property
    def name(self) -> str: ...
    def __len__(self) -> int: ...

class NumberFormat:
    """How coordinates are written: conformer_format.json of a checkpoint."""

    def __init__(
        self,
        decimals: int = 4,
        trailing_zeros: Literal["strip", "fixed", "either"] = "either",
        max_integer_digits: int = 3,
    ) -> None: ...
    @property
    def decimals(self) -> int: ...
    @property
    def trailing_zeros(self) -> str: ...
    @property
    def max_integer_digits(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

class Program:
    """The compiled constraint of one molecule."""

    @property
    def min_tokens(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def reachable(self) -> NDArray[np.int32]:
        """Every id that can be chosen among two or more; empty when that is nearly the whole vocabulary."""
    def follow(self, ids: Sequence[int]) -> tuple[int, bool]:
        """How many of the ids are legal one after the other, and whether the answer is complete then."""
    def choices_after(self, ids: Sequence[int]) -> tuple[str, NDArray[np.int32]]:
        """("forced" | "listed" | "allowed" | "blocked", ids) after a legal beginning."""

class TemplateCompiler:
    """Exact constraints for one tokenizer; thread-safe, and quick from the second molecule on."""

    def __init__(self, tokenizer: Tokenizer, end_of_sequence: int | Sequence[int], number_format: NumberFormat = ...) -> None: ...
    def compile(self, literals: Sequence[str]) -> Program:
        """literals: as from literals_of_smiles; a coordinate `x,y,z` stands between neighbours."""
    @property
    def fallback_reason(self) -> str:
        """Empty when tokens are provably canonical; else why the byte-level automaton is used."""
    @property
    def fallback_warning(self) -> str:
        """That reason and what it means, in one line; empty without one."""

class PositionRuleCompiler:
    """The study's position rules: "generic", "qwen", "qwen-v4.0", "allowlist"."""

    def __init__(self, tokenizer: Tokenizer, rule: str, end_of_sequence: int | Sequence[int], vocabulary_rows: int) -> None: ...
    def compile(self, literals: Sequence[str]) -> Program: ...

class HostRows:
    def __init__(self, rows: Sequence[Program]) -> None: ...
    def advance(self, tokens: Sequence[int]) -> None: ...
    def choices(self) -> NDArray[np.int64]: ...
    @property
    def taken(self) -> NDArray[np.int64]: ...
    @property
    def finished(self) -> NDArray[np.bool_]: ...

def geometry_level(words: str) -> str:
    """The level of --geometry that the words ask for, as they are read; Error for other words."""

class TokenTexts:
    def __init__(self, tokenizer: Tokenizer, number_format: NumberFormat) -> None: ...

class GeometryRows:
    """Exact templates with hard sets, words as `_molecule.hard_set` gives them."""

    def __init__(
        self, rows: Sequence[Program], hard_sets: Sequence[NDArray[np.int32]], texts: TokenTexts
    ) -> None: ...
    def advance(self, tokens: Sequence[int]) -> None: ...
    def choices(self) -> NDArray[np.int64]: ...
    @property
    def taken(self) -> NDArray[np.int64]: ...
    @property
    def finished(self) -> NDArray[np.bool_]: ...
    @property
    def dead_ends(self) -> NDArray[np.int64]:
        """By row: the atom from which on nothing is enforced, or -1."""

TAGS: tuple[str, str, str, str]
"""The tags around prompt and answer, in the order of a whole text."""

def prompt_text(smiles: str) -> str: ...
def literals_of_smiles(smiles: str) -> list[str]:
    """Known text of the answer, tags included, of a SMILES that is taken as it stands. Knows no chemistry: valences
    and aromaticity are not checked. Raises MoleculeError for what enriched text cannot carry."""

def template_tables(programs: Sequence[Program]) -> dict[str, Any] | None: ...
def position_tables(programs: Sequence[Program], vocabulary: int) -> dict[str, Any]: ...
