"""The text of one training example: prompt and enriched SMILES (docs/formats.md), from SMILES and coordinates.

The program writes the same text (`molgen3d dataset`, `molgen3d encode`); this module exists so that a machine with
a GPU needs the compact coordinates only. tests/training compares the two, byte for byte.
"""
import re

import numpy as np

_PIECES = re.compile(r"(\[[^\]]+\]|Br|Cl|[BCNOPSFI]|[bcnops])|(%\d\d|[=#:/\\\-().\d])")

_CENTRE = re.compile("@@?")
_Z = re.compile(",([^,>]+)>")


def literals(smiles: str) -> list[str]:
    """The known text around the coordinate blocks' numbers: one more string than atoms."""
    texts, end = [""], 0
    for piece in _PIECES.finditer(smiles):
        if piece.start() != end:
            raise ValueError(f"{smiles}: cannot read {smiles[end:piece.start()]!r}")
        end = piece.end()
        atom = piece.group(1)
        if atom is None:
            texts[-1] += piece.group(2)
        else:
            texts[-1] += (atom if atom[0] == "[" else f"[{atom}]") + "<"
            texts.append(">")
    if end != len(smiles):
        raise ValueError(f"{smiles}: cannot read {smiles[end:]!r}")
    return texts


def number(ten_thousandths: int) -> str:
    """A coordinate of so many 1e-4 A: at most four decimals, trailing zeros stripped, never `-0`."""
    whole, part = divmod(abs(ten_thousandths), 10000)
    text = f"{whole}.{part:04d}".rstrip("0").rstrip(".")
    return "-" + text if ten_thousandths < 0 else text


def principal_frame(coordinates: np.ndarray) -> np.ndarray:
    """Centred coordinates (atoms, 3) along the principal axes, widest first, as a proper rotation.

    The first atom more than 0.05 A off the centre along x, and along y, lies on the positive side.
    """
    centred = coordinates - coordinates.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1].copy()
    for axis in range(2):
        along = centred @ axes[:, axis]
        off = np.flatnonzero(np.abs(along) > 0.05)
        if len(off) and along[off[0]] < 0:
            axes[:, axis] *= -1
    axes[:, 2] = np.cross(axes[:, 0], axes[:, 1])
    return centred @ axes


def mirrored(text: str) -> str:
    """Prompt or answer of the mirror image: every centre inverted, every z negated. It is the text that answer() writes
    for the reflected coordinates, since the frame's first two axes do not change."""
    text = _CENTRE.sub(lambda centre: "@" if centre[0] == "@@" else "@@", text)
    return _Z.sub(lambda z: f",{_negated(z[1])}>", text)


def _negated(number: str) -> str:
    return number if number == "0" else number[1:] if number[0] == "-" else "-" + number


def prompt(smiles: str) -> str:
    return f"[SMILES]{smiles}[/SMILES]"


def answer(smiles: str, coordinates: np.ndarray) -> str:
    """Canonical SMILES and coordinates in A, (atoms, 3) in its atom order; written in the principal frame."""
    texts = literals(smiles)
    fixed = np.trunc(principal_frame(coordinates) * 10000).astype(int).tolist()
    if len(fixed) != len(texts) - 1:
        raise ValueError(f"{smiles}: {len(texts) - 1} atoms, {len(fixed)} positions")
    blocks = (before + ",".join(map(number, position)) for before, position in zip(texts, fixed))
    return f"[CONFORMER]{''.join(blocks)}{texts[-1]}[/CONFORMER]"
