from typing import Any, Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._core import NumberFormat, Tokenizer

class Molecule:
    """Heavy atoms in input order; immutable."""

    @staticmethod
    def from_smiles(smiles: str, title: str = ...) -> Molecule: ...
    @staticmethod
    def from_mol_block(block: str) -> Molecule: ...
    def __len__(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def smiles(self) -> str:
        """RDKit's canonical isomeric SMILES."""
    @property
    def elements(self) -> list[str]: ...
    @property
    def coordinates(self) -> NDArray[np.float64] | None:
        """Shape (atoms, 3), Angstrom."""
    def with_coordinates(self, coordinates: ArrayLike) -> Molecule: ...
    def sdf(self, add_hydrogens: bool = ...) -> str: ...
    def xyz(self, add_hydrogens: bool = ...) -> str: ...

class Model:
    """A checkpoint directory, checked and mapped into memory."""

    @staticmethod
    def load(name: str) -> Model: ...
    @property
    def name(self) -> str: ...
    @property
    def warning(self) -> str: ...
    @property
    def fallback_warning(self) -> str:
        """Why the constraint's tokens are not proved canonical, and what it means; empty when they are."""
    @property
    def settings_not_applied(self) -> list[str]:
        """What generation_config.json asks for and `sampling="checkpoint"` does not apply."""
    @property
    def end_of_sequence(self) -> list[int]:
        """Any of these ids may end an answer."""
    @property
    def directory(self) -> str: ...
    @property
    def parameters(self) -> int: ...
    @property
    def vocabulary_rows(self) -> int: ...
    @property
    def number_format(self) -> NumberFormat: ...
    @property
    def tokenizer(self) -> Tokenizer: ...

class Conformer:
    """One generated sample."""

    @property
    def ok(self) -> bool:
        """The text is the molecule's to the last byte around strict numbers, and the model ended by itself."""
    @property
    def error(self) -> str | None: ...
    @property
    def smiles(self) -> str:
        """As in the prompt."""
    @property
    def input(self) -> str: ...
    @property
    def record(self) -> int:
        """Place of the molecule in the input, from 0."""
    @property
    def sample(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def enriched(self) -> str:
        """The text between the tags."""
    @property
    def tokens(self) -> NDArray[np.int32]: ...
    @property
    def elements(self) -> list[str]:
        """Element symbols in the order of the input's atoms."""
    @property
    def coordinates(self) -> NDArray[np.float64] | None:
        """Shape (atoms, 3), Angstrom, in the order of the input's atoms; None when not ok."""
    @property
    def stereo(self) -> str | None: ...
    @property
    def log_probability(self) -> float:
        """Natural logarithm, under the law that was sampled from, before top-k and top-p."""
    def sdf(self, add_hydrogens: bool = ...) -> str: ...
    def xyz(self, add_hydrogens: bool = ...) -> str: ...

def encode(molecule: Molecule, number_format: NumberFormat, style: str, descriptors: str) -> str: ...
def decode(text: str, strict: bool, number_format: NumberFormat) -> Molecule: ...
def tagged_literals(smiles: str, style: str, descriptors: str) -> list[str]:
    """Known text of the answer, from RDKit's view of the molecule."""

def prompt_smiles(smiles: str, style: str) -> str:
    """The text that stands between [SMILES] and [/SMILES]."""

def same_molecular_graph(a: str, b: str) -> bool:
    """Equal canonical SMILES without stereo and hydrogens."""

def hard_set(smiles: str, level: str) -> tuple[NDArray[np.int32], list[str]]:
    """The hard set of a SMILES taken as it stands, as words, and the stereo that is not enforced."""

def check_smiles(smiles: list[str], style: str) -> None: ...
def generate(
    model: Model, smiles: list[str], options: dict[str, Any], progress: Callable[[int, int], object] | None
) -> list[Conformer]: ...
