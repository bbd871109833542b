"""A Hugging Face model directory from trained weights: config, weights in bfloat16, tokenizer, generation defaults."""
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def write(directory: Path, model, tokenizer, generation: dict):
    """Replaces files of the same names; a reader never sees half a weights file."""
    write_weights(directory, model)
    end = model.config["eos_token_id"]
    _json(directory / "config.json", model.config)
    _json(directory / "generation_config.json", {"eos_token_id": end, "pad_token_id": end, **generation})
    _json(
        directory / "conformer_format.json",
        {"decimals": 4, "trailing_zeros": "strip", "max_integer_digits": 2, "descriptors": "verbatim"},
    )
    tokenizer.save(str(directory / "tokenizer.json"), pretty=True)


def write_weights(directory: Path, model):
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: t.detach().to("cpu", torch.bfloat16).contiguous() for name, t in model.tensors().items()}
    half = directory / "model.safetensors.part"
    save_file(weights, half, metadata={"format": "pt"})
    half.rename(directory / "model.safetensors")


def read_into(directory: Path, model):
    """Sets a model's weights to those of a directory."""
    weights = load_file(directory / "model.safetensors")
    for name, tensor in model.tensors().items():
        tensor.data.copy_(weights[name])


def write_other_weights(source: Path, directory: Path, model):
    """The directory `source` with other weights."""
    write_weights(directory, model)
    for file in source.iterdir():
        if file.suffix == ".json" and file.resolve() != (directory / file.name).resolve():
            shutil.copy(file, directory / file.name)


def _json(path: Path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def loss_by_transformers(directory: Path, tokens, targets) -> float:
    """Mean cross entropy in nats of one example (ids, ids wanted next or -100) on the written directory."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).to(tokens.device)
    with torch.inference_mode():
        logits = model(tokens[None].long()).logits[0].float()
        return torch.nn.functional.cross_entropy(logits, targets.long(), ignore_index=-100).item()
