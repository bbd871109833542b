"""The native modules, with one clear error when a build lacks one."""
from .errors import Error


def prompt_text(smiles):
    """The prompt of a SMILES for messages; without the native modules, which saved tables do without, the SMILES."""
    try:
        from . import _core
    except ImportError:
        return smiles
    return _core.prompt_text(smiles)


def molecule_module():
    try:
        from . import _molecule
    except ImportError as problem:
        raise Error(
            f"molecules need the RDKit libraries that molgen3d was built with, or a build with RDKit: {problem}"
        ) from None
    return _molecule
