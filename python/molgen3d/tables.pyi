import os
import pathlib
from typing import Any, Literal, Sequence

import numpy as np
from numpy.typing import NDArray

from ._core import NumberFormat, Program, Tokenizer

_Rule = Literal["exact", "generic", "qwen", "qwen-v4.0", "allowlist"]
_Descriptors = Literal["verbatim", "hcount", "study"]
RULES: tuple[str, ...]

def load_tokenizer(tokenizer: Any) -> tuple[Tokenizer, pathlib.Path | None]: ...
def end_of_sequence_of(tokenizer: Any, directory: pathlib.Path | None) -> list[int]: ...
def number_format_of(directory: pathlib.Path | None) -> NumberFormat: ...
def literals_of(smiles: str, descriptors: str) -> list[str]: ...

class ConstraintTables:
    meta: dict[str, Any]
    arrays: dict[str, Any]
    programs: list[Program] | None
    def __init__(self, meta: dict[str, Any], arrays: dict[str, Any], programs: list[Program] | None = None) -> None: ...
    @classmethod
    def compile(
        cls,
        tokenizer: Any,
        smiles: str | Sequence[str],
        rule: _Rule = "exact",
        *,
        eos_token_id: int | Sequence[int] | None = None,
        number_format: NumberFormat | None = None,
        descriptors: _Descriptors | None = None,
        geometry: Literal["off", "stereo", "full", "posebusters"] = "off",
    ) -> ConstraintTables: ...
    @property
    def smiles(self) -> list[str]: ...
    def prompt_ids(self, prompt: int) -> NDArray[np.int64]: ...
    def save(self, path: str | os.PathLike[str]) -> None: ...
    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ConstraintTables: ...
