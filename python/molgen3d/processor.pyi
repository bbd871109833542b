import os
from typing import Any, Literal, Sequence, TypeVar

from ._core import NumberFormat
from .tables import ConstraintTables, _Descriptors, _Rule

_Array = TypeVar("_Array")  # torch.Tensor or numpy.ndarray

class ConformerLogitsProcessor:
    supports_continuous_batching: bool
    tables: ConstraintTables
    rule: str
    def __init__(
        self,
        tokenizer: Any,
        smiles: str | Sequence[str],
        rule: _Rule = "exact",
        *,
        eos_token_id: int | Sequence[int] | None = None,
        number_format: NumberFormat | None = None,
        descriptors: _Descriptors | None = None,
        geometry: Literal["off", "stereo", "full", "posebusters"] = "off",
        check_prompts: bool = True,
    ) -> None: ...
    @classmethod
    def from_tables(
        cls, tables: ConstraintTables | str | os.PathLike[str], *, check_prompts: bool = True
    ) -> ConformerLogitsProcessor: ...
    @property
    def max_new_tokens(self) -> int: ...
    @property
    def min_new_tokens(self) -> int: ...
    @property
    def dead_ends(self) -> list[int | None]: ...
    def reset(self) -> None: ...
    def __call__(self, input_ids: _Array, scores: _Array) -> _Array: ...
