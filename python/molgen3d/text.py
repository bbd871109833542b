"""Enriched SMILES: molecules with coordinates as text, and back. docs/formats.md"""
from . import checks
from ._core import TAGS, NumberFormat
from ._native import molecule_module
from .errors import DecodeError, MoleculeError

_native = molecule_module()
Molecule = _native.Molecule
prompt_smiles = _native.prompt_smiles
same_molecular_graph = _native.same_molecular_graph
tagged_literals = _native.tagged_literals


def encode(molecule, coordinates=None, *, number_format=None, style="canonical", descriptors="verbatim"):
    """Enriched text of a Molecule, or of a SMILES, with coordinates: shape (atoms, 3), Angstrom, in its atom order.

    style: "canonical", or "as-given" to keep text and atom order of a SMILES as typed.
    """
    if isinstance(molecule, str):
        molecule = Molecule.from_smiles(checks.text("molecule", molecule, MoleculeError))
    if not isinstance(molecule, Molecule):
        shown = f"{type(molecule).__name__} {checks.shown(molecule)}"
        raise MoleculeError(f"molecule: {shown} is neither a Molecule nor a SMILES")
    if coordinates is not None:
        molecule = molecule.with_coordinates(coordinates)
    return _native.encode(molecule, number_format or NumberFormat(), style, descriptors)


def decode(text, *, strict=True, number_format=None):
    """The Molecule of an enriched text, atoms in text order; the tags around it may be there or not.

    strict: each block is exactly three numbers of the format. Otherwise the study's lenient reading.
    """
    text = checks.text("text", text, DecodeError).strip()
    open_tag, end_tag = TAGS[2:]
    if text.startswith(open_tag) and text.endswith(end_tag):
        text = text[len(open_tag) : -len(end_tag)]
    return _native.decode(text, strict, number_format or NumberFormat())
