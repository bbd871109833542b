"""A Qwen3- or Llama-shaped decoder for training, with the tensor names and the arithmetic of Hugging Face's.

Weights stay in float32; products run in bfloat16. Examples are packed into rows, attention sees only the tokens
of the same example. On a GPU the pieces of a layer are compiled once and serve all layers; without one everything
runs as it stands, on any PyTorch from 1.13.
"""
import math

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

BLOCK = 128  # tokens a side of an attention block
ON_GPU = torch.cuda.is_available()
if ON_GPU:
    from torch.nn.attention.flex_attention import BlockMask, flex_attention

    _compiled = torch.compile(dynamic=False)
else:
    _compiled = lambda function: function  # noqa: E731


def _linear(x, weight):
    return F.linear(x, weight.to(x.dtype))


def _norm(x, weight, eps):
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return wide.to(x.dtype) * weight.to(x.dtype)


def _rotate(x, cosine, sine):
    low, high = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-high, low), dim=-1) * sine


@_compiled
def _queries_keys_values(x, norm, q, k, v, q_norm, k_norm, cosine, sine, head_dim: int, eps: float):
    rows, length, _ = x.shape
    h = _norm(x, norm, eps)
    queries, keys, values = [_linear(h, w).view(rows, length, -1, head_dim).transpose(1, 2) for w in (q, k, v)]
    if q_norm is not None:
        queries, keys = _norm(queries, q_norm, eps), _norm(keys, k_norm, eps)
    return _rotate(queries, cosine, sine), _rotate(keys, cosine, sine), values


@_compiled
def _rest_of_layer(x, attended, o, norm, gate, up, down, eps: float):
    x = x + _linear(attended.transpose(1, 2).flatten(2), o)
    h = _norm(x, norm, eps)
    return x + _linear(F.silu(_linear(h, gate)) * _linear(h, up), down)


@_compiled
def _summed_loss(x, norm, embedding, targets, eps: float):
    logits = _linear(_norm(x, norm, eps), embedding).float()
    return F.cross_entropy(logits, targets, ignore_index=-100, reduction="sum")


if ON_GPU:
    _flex_attention = _compiled(flex_attention)


def _attend(queries, keys, values, mask):
    """Grouped queries (rows, heads, length, head_dim); mask: example_mask()'s."""
    if ON_GPU:
        return _flex_attention(queries, keys, values, block_mask=mask, enable_gqa=True)
    rows, heads, length, head_dim = queries.shape
    groups = keys.shape[1]
    together = (queries * head_dim**-0.5).reshape(rows * groups, -1, head_dim)
    scores = torch.bmm(together, keys.flatten(0, 1).transpose(1, 2)).view(rows, heads, length, length)
    weights = (scores + mask).softmax(-1).view(rows * groups, -1, length)
    return torch.bmm(weights, values.flatten(0, 1)).view(rows, heads, length, head_dim)


def example_mask(first: torch.Tensor):
    """Causal attention within examples; first (rows, length): index of the first token of each token's example."""
    rows, length = first.shape
    if not ON_GPU:
        at = torch.arange(length)
        seen = (at[:, None] >= at) & (first[:, :, None] <= at)
        return torch.zeros(1).masked_fill(~seen, -1e9).bfloat16()[:, None]
    blocks = length // BLOCK
    lowest = first[:, ::BLOCK] // BLOCK
    counts = torch.arange(blocks, device=first.device, dtype=torch.int32) + 1 - lowest
    indices = lowest[..., None] + torch.arange(blocks, device=first.device, dtype=torch.int32)
    return BlockMask.from_kv_blocks(
        counts[:, None].to(torch.int32),
        indices[:, None].clamp(max=blocks - 1).to(torch.int32),
        BLOCK_SIZE=BLOCK,
        mask_mod=lambda row, head, query, key: (query >= key) & (first[row, query] <= key),
    )


class Decoder(torch.nn.Module):
    """config: a Hugging Face config.json as a dictionary."""

    def __init__(self, config: dict, seed: int):
        super().__init__()
        self.config = config
        hidden, wide = config["hidden_size"], config["intermediate_size"]
        head = config["head_dim"]
        queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
        generator = torch.Generator().manual_seed(seed)
        depth_scale = 1 / math.sqrt(2 * config["num_hidden_layers"])
        self._tensors = {}

        def matrix(name, rows, columns, scale=1.0):
            values = torch.randn(rows, columns, generator=generator) * (0.02 * scale)
            self._add(name, values)

        matrix("model.embed_tokens.weight", config["vocab_size"], hidden)
        for i in range(config["num_hidden_layers"]):
            layer = f"model.layers.{i}."
            self._add(layer + "input_layernorm.weight", torch.ones(hidden))
            matrix(layer + "self_attn.q_proj.weight", queries, hidden)
            matrix(layer + "self_attn.k_proj.weight", keys, hidden)
            matrix(layer + "self_attn.v_proj.weight", keys, hidden)
            matrix(layer + "self_attn.o_proj.weight", hidden, queries, depth_scale)
            if config["model_type"] == "qwen3":
                self._add(layer + "self_attn.q_norm.weight", torch.ones(head))
                self._add(layer + "self_attn.k_norm.weight", torch.ones(head))
            self._add(layer + "post_attention_layernorm.weight", torch.ones(hidden))
            matrix(layer + "mlp.gate_proj.weight", wide, hidden)
            matrix(layer + "mlp.up_proj.weight", wide, hidden)
            matrix(layer + "mlp.down_proj.weight", hidden, wide, depth_scale)
        self._add("model.norm.weight", torch.ones(hidden))

    def _add(self, name, values):
        parameter = torch.nn.Parameter(values)
        self.register_parameter(name.replace(".", "/"), parameter)  # a parameter's name may hold no dot
        self._tensors[name] = parameter

    def tensors(self) -> dict[str, torch.nn.Parameter]:
        """By their Hugging Face names; the output matrix is the embedding."""
        return self._tensors

    def matrices(self):
        """The weights of linear layers inside the decoder."""
        return [t for name, t in self._tensors.items() if name.endswith("_proj.weight")]

    def others(self):
        return [t for name, t in self._tensors.items() if not name.endswith("_proj.weight")]

    def hidden(self, tokens, positions, mask):
        """Before the last norm, bfloat16 (rows, length, hidden)."""
        config, t = self.config, self._tensors
        head, eps = config["head_dim"], config["rms_norm_eps"]
        powers = torch.arange(0, head, 2, device=tokens.device) / head
        angles = positions[:, None, :, None] * config["rope_parameters"]["rope_theta"] ** -powers.float()
        cosine, sine = (torch.cat((f, f), -1).bfloat16() for f in (angles.cos(), angles.sin()))
        x = F.embedding(tokens, t["model.embed_tokens.weight"]).bfloat16()
        for i in range(config["num_hidden_layers"]):
            w = {n: t.get(f"model.layers.{i}.{n}.weight") for n in _LAYER}
            q, k, v = _queries_keys_values(
                x, w["input_layernorm"], w["self_attn.q_proj"], w["self_attn.k_proj"], w["self_attn.v_proj"],
                w["self_attn.q_norm"], w["self_attn.k_norm"], cosine, sine, head, eps,
            )
            attended = _attend(q, k, v, mask)
            x = _rest_of_layer(
                x, attended, w["self_attn.o_proj"], w["post_attention_layernorm"], w["mlp.gate_proj"],
                w["mlp.up_proj"], w["mlp.down_proj"], eps,
            )
        return x

    def logits(self, tokens, positions, first):
        """float32 (rows, length, vocabulary)."""
        x = self.hidden(tokens, positions, example_mask(first))
        norm, embedding = self._tensors["model.norm.weight"], self._tensors["model.embed_tokens.weight"]
        return _linear(_norm(x, norm, self.config["rms_norm_eps"]), embedding).float()

    def summed_loss(self, tokens, targets, positions, first, logits_rows: int):
        """Cross entropy in nats, summed over targets that are not -100. Logits exist for logits_rows tokens at a time."""
        x = self.hidden(tokens, positions, example_mask(first)).flatten(0, 1)
        norm, embedding = self._tensors["model.norm.weight"], self._tensors["model.embed_tokens.weight"]
        eps, total = self.config["rms_norm_eps"], 0.0
        for part, wanted in zip(x.split(logits_rows), targets.flatten().split(logits_rows)):
            if len(part) == len(x):
                return _summed_loss(part, norm, embedding, wanted, eps)
            total = total + checkpoint(_summed_loss, part, norm, embedding, wanted, eps, use_reentrant=False)
        return total


_LAYER = (
    "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.q_norm",
    "self_attn.k_norm", "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
)
