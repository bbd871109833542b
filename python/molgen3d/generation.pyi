import os
from typing import Callable, Iterable, Literal

from ._molecule import Conformer as Conformer
from ._molecule import Model as Model

DEFAULT_MODEL: str

def load_model(model: str | os.PathLike[str] | Model = ...) -> Model: ...
def generate(
    smiles: str | Iterable[str],
    n: int = 1,
    *,
    model: str | os.PathLike[str] | Model = ...,
    seed: int = 0,
    rule: Literal["exact", "none", "generic", "qwen", "qwen-v4.0", "allowlist"] = "exact",
    style: Literal["canonical", "as-given"] = "canonical",
    descriptors: Literal["verbatim", "hcount", "study"] | None = None,
    sampling: str = "checkpoint",
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    max_new_tokens: int = 0,
    geometry: Literal["off", "stereo", "full", "posebusters"] | None = None,
    on_failure: Literal["fail", "keep"] = "fail",
    device: str = "auto",
    dtype: Literal["bfloat16", "float32"] = "bfloat16",
    kv_dtype: Literal["bf16", "fp8"] = "bf16",
    batch: int = 0,
    threads: int = 0,
    speculate: str = "auto",
    progress: Callable[[int, int], object] | bool | None = None,
    errors: Literal["raise", "keep"] = "raise",
) -> list[Conformer]: ...
