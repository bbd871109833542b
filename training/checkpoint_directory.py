"""A Hugging Face model directory from trained weights: config, weights in bfloat16, tokenizer, generation defaults."""
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file


def write(directory: Path, model, tokenizer_file: Path, generation: dict):
    """Replaces files of the same names; a reader never sees half a weights file."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: t.detach().to("cpu", torch.bfloat16).contiguous() for name, t in model.tensors().items()}
    half = directory / "model.safetensors.part"
    save_file(weights, half, metadata={"format": "pt"})
    half.rename(directory / "model.safetensors")
    end = model.config["eos_token_id"]
    _json(directory / "config.json", model.config)
    _json(directory / "generation_config.json", {"eos_token_id": end, "pad_token_id": end, **generation})
    _json(
        directory / "conformer_format.json",
        {"decimals": 4, "trailing_zeros": "strip", "max_integer_digits": 2, "descriptors": "verbatim"},
    )
    if tokenizer_file.resolve() != (directory / "tokenizer.json").resolve():
        shutil.copyfile(tokenizer_file, directory / "tokenizer.json")


def _json(path: Path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def difference_from_transformers(directory: Path, model, tokens, targets) -> tuple[float, float]:
    """Mean loss per target (nats) of one example by transformers on the written directory, and by this model."""
    from transformers import AutoModelForCausalLM

    reference = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).to(tokens.device)
    logits = reference(tokens[None].long()).logits[0].float()
    theirs = torch.nn.functional.cross_entropy(logits, targets.long(), ignore_index=-100)
    padded = -(-len(tokens) // 128) * 128
    row = lambda values, fill: torch.nn.functional.pad(values, (0, padded - len(tokens)), value=fill)[None]
    positions = torch.arange(padded, device=tokens.device)[None]
    first = torch.zeros_like(positions, dtype=torch.int32)
    summed = model.summed_loss(row(tokens, 0), row(targets, -100), positions, first, padded)
    return theirs.item(), (summed / (targets >= 0).sum()).item()
