from numpy.typing import ArrayLike

from ._core import NumberFormat
from ._molecule import Molecule as Molecule
from ._molecule import prompt_smiles as prompt_smiles
from ._molecule import same_molecular_graph as same_molecular_graph
from ._molecule import tagged_literals as tagged_literals

def encode(
    molecule: Molecule | str,
    coordinates: ArrayLike | None = None,
    *,
    number_format: NumberFormat | None = None,
    style: str = "canonical",
    descriptors: str = "verbatim",
) -> str: ...
def decode(text: str, *, strict: bool = True, number_format: NumberFormat | None = None) -> Molecule: ...
