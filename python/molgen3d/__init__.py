"""3D molecules from language models, exact by construction.

``ConformerLogitsProcessor`` constrains the ``generate`` of Hugging Face transformers; ``generate`` runs
molgen3d's own engine; ``encode`` and ``decode`` read and write enriched SMILES. Importing the package loads
nothing else: the parts that need the native modules, RDKit's libraries or torch load them when used.
"""
import importlib
import pathlib

from .errors import DecodeError, Error, MoleculeError, StepError, TokenizerError



def _read_version():
    """The text of VERSION: beside this file where the package is installed, else in the repository's root."""
    here = pathlib.Path(__file__).resolve()
    installed = here.with_name("VERSION")
    return (installed if installed.is_file() else here.parents[2] / "VERSION").read_text().strip()


__version__ = _read_version()

_HOMES = {
    "Client": "client",
    "ConformerLogitsProcessor": "processor",
    "ConstraintTables": "tables",
    "Conformer": "generation",
    "Model": "generation",
    "Molecule": "text",
    "NumberFormat": "_core",
    "PositionRuleCompiler": "_core",
    "ServerError": "client",
    "Program": "_core",
    "TemplateCompiler": "_core",
    "Tokenizer": "_core",
    "decode": "text",
    "encode": "text",
    "generate": "generation",
    "literals_of_smiles": "_core",
    "load_model": "generation",
    "prompt_smiles": "text",
    "same_molecular_graph": "text",
    "tagged_literals": "text",
}

__all__ = sorted([*_HOMES, "DecodeError", "Error", "MoleculeError", "StepError", "TokenizerError"])


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *_HOMES])
