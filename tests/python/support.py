"""A decoding loop like that of transformers, on random scores, for NumPy and torch alike."""
import pathlib
import re
import sys

import numpy as np

import molgen3d

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "skips"))
import skips  # noqa: E402,F401 (notes skipped tests)
GOLDEN = ROOT / "tests" / "tokenizer" / "golden"
MODEL = ROOT / "models" / "qwen3-conformer"
TOKENIZERS = ("qwen_like", "gpt2_like", "llama_like", "characters")
NUMBER = r"-?\d{1,3}(?:\.\d{1,4})?"

try:
    import torch
except ImportError:
    torch = None


def tokenizer(name):
    return molgen3d.Tokenizer.from_file(str(GOLDEN / f"{name}.json"))


def end_of(tok):
    for content in ("<|endoftext|>", "<|end_of_text|>", "<eos>"):
        if tok.token_id(content) is not None:
            return tok.token_id(content)
    raise AssertionError("no end of sequence")


def prompt_batch(tok, smiles, copies, pad):
    """Left-padded ids, each prompt `copies` times in a row."""
    prompts = [list(tok.prefix_tokens) + list(tok.encode(f"[SMILES]{s}[/SMILES]")) for s in smiles]
    width = max(map(len, prompts))
    rows = [[pad] * (width - len(p)) + p for p in prompts for _ in range(copies)]
    return np.array(rows, dtype=np.int64)


def random_scores(seed, step, rows, columns):
    return np.random.default_rng([seed, step]).normal(0, 4, (rows, columns)).astype(np.float32)


def decode_loop(processor, prompt, columns, eos, pad, seed=0, xp="numpy", on_step=None, limit=4000):
    """Greedy on random scores; ended rows get `pad`, as in transformers. Returns the generated ids."""
    ids, alive, steps = prompt.copy(), np.ones(len(prompt), bool), 0
    while alive.any():
        scores = random_scores(seed, steps, len(ids), columns)
        if xp == "torch":
            masked = processor(torch.from_numpy(ids), torch.from_numpy(scores)).numpy()
        else:
            masked = processor(ids, scores)
        if on_step is not None:
            on_step(ids[:, prompt.shape[1] :], scores, masked, alive)
        chosen = np.where(alive, masked.argmax(axis=1), pad)
        ids = np.concatenate([ids, chosen[:, None]], axis=1)
        alive &= chosen != eos
        steps += 1
        assert steps < limit, "no end"
    return ids[:, prompt.shape[1] :]


def answer(tok, ids, eos):
    ids = list(map(int, ids))
    return tok.decode(ids[: ids.index(eos)])


def is_answer(text, literals):
    """The known text with three numbers in each hole, to the last character."""
    block = ",".join([NUMBER] * 3)
    return re.fullmatch(block.join(re.escape(literal) for literal in literals), text) is not None
