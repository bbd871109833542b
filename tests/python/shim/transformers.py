"""The part of transformers that docs/python.md uses, on random weights: a left-padding tokenizer and the sampling loop.

It calls logits processors as transformers 4 and 5 do: with the ids so far and float32 scores, rows of one prompt in a
row, ended rows fed with the padding token.
"""
import json
import pathlib

import torch

import molgen3d


class Batch(dict):
    def to(self, device):
        return self

    def __getattr__(self, name):
        return self[name]


class AutoTokenizer:
    @classmethod
    def from_pretrained(cls, path, padding_side="right"):
        self = cls()
        self.name_or_path = str(path)
        self.padding_side = padding_side
        self._path = pathlib.Path(path) / "tokenizer.json"
        self._tokenizer = molgen3d.Tokenizer.from_file(str(self._path))
        self.eos_token_id = self.pad_token_id = json.loads(
            (pathlib.Path(path) / "generation_config.json").read_text()
        )["eos_token_id"]
        self.backend_tokenizer = self
        return self

    def to_str(self):
        return self._path.read_text()

    def __call__(self, texts, return_tensors, padding):
        assert return_tensors == "pt" and padding
        rows = [self._tokenizer.encode(text).tolist() for text in texts]
        width = max(map(len, rows))
        fill = [[self.pad_token_id] * (width - len(row)) for row in rows]
        left = self.padding_side == "left"
        ids = [f + row if left else row + f for f, row in zip(fill, rows)]
        mask = [[0] * len(f) + [1] * len(row) if left else [1] * len(row) + [0] * len(f) for f, row in zip(fill, rows)]
        return Batch(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))

    def batch_decode(self, ids, skip_special_tokens=False):
        stop = {self.pad_token_id} if skip_special_tokens else set()
        return [self._tokenizer.decode([int(i) for i in row if int(i) not in stop]) for row in ids]


class AutoModelForCausalLM:
    @classmethod
    def from_pretrained(cls, path, **_):
        self = cls()
        config = json.loads((pathlib.Path(path) / "config.json").read_text())
        self._rows = config["vocab_size"]
        self._eos = json.loads((pathlib.Path(path) / "generation_config.json").read_text())["eos_token_id"]
        self.device = torch.device("cpu")
        return self

    def generate(self, input_ids, attention_mask, logits_processor, max_new_tokens, do_sample=False,
                 num_return_sequences=1):  # fmt: skip
        assert attention_mask[:, -1].all(), "decoder-only models are padded on the left"
        ids = input_ids.repeat_interleave(num_return_sequences, dim=0)
        alive = torch.ones(len(ids), dtype=torch.bool)
        draw = torch.Generator().manual_seed(0)
        for _ in range(max_new_tokens):
            scores = torch.randn(len(ids), self._rows, generator=draw) * 3
            for processor in logits_processor:
                scores = processor(ids, scores)
            if do_sample:
                chosen = torch.multinomial(scores.softmax(dim=1), 1, generator=draw)[:, 0]
            else:
                chosen = scores.argmax(dim=1)
            chosen = torch.where(alive, chosen, torch.full_like(chosen, self._eos))
            ids = torch.cat([ids, chosen[:, None]], dim=1)
            alive &= chosen != self._eos
            if not alive.any():
                break
        return ids
