"""The added tokens around prompt and answer (docs/formats.md)."""
TAGS = ["[SMILES]", "[/SMILES]", "[CONFORMER]", "[/CONFORMER]"]
