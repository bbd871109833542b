"""Everything that molgen3d raises on bad input. One line each, naming the text and the cause."""


class Error(ValueError):
    """Something that was given cannot be used."""


class MoleculeError(Error):
    """A SMILES or mol block that cannot be read, or that enriched text cannot carry."""


class DecodeError(Error):
    """A text that is no enriched SMILES."""


class TokenizerError(Error):
    """A tokenizer that is not supported, or that does not fit the model."""


class StepError(Error):
    """A decoding loop that the processor cannot follow: other rows, beams, steps after the end."""
