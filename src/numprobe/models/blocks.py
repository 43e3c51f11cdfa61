"""The parts of a residual block: attention's projections, and what attention and MLP add to the residual stream."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import nn

from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.projections import Cut, apart, by_group, by_kind, by_slices, gated, latent

Paths = tuple[str, ...]

# Attribute paths within a block. Separate projections of queries, keys and values:
_PROJECTIONS: tuple[Paths, ...] = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("attention.self.query", "attention.self.key", "attention.self.value"),
    ("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    ("attn.attention.q_proj", "attn.attention.k_proj", "attn.attention.v_proj"),
    ("attn.q_proj", "attn.k_proj", "attn.v_proj"),
    ("temporal_block.q_proj", "temporal_block.k_proj", "temporal_block.v_proj"),
)
# Separate queries; keys and values projected from a latent state (DeepSeek and related models).
_LATENT: tuple[Paths, ...] = (
    ("self_attn.q_b_proj", "self_attn.kv_b_proj"),
    ("self_attn.q_proj", "self_attn.kv_b_proj"),
)
# One fused projection. Its layout cannot be inferred, so the model types are listed.
_FUSED = {
    "bloom": "self_attention.query_key_value",
    "codegen": "attn.qkv_proj",
    "falcon": "self_attention.query_key_value",
    "gpt2": "attn.c_attn",
    "gpt_bigcode": "attn.c_attn",
    "gpt_neox": "attention.query_key_value",
    "modernbert": "attn.Wqkv",
    "mpt": "attn.Wqkv",
    "persimmon": "self_attn.query_key_value",
    "phi3": "self_attn.qkv_proj",
}
_BY_HEAD = {"bloom", "gpt_neox", "persimmon"}
# CodeGen's fused projection keeps the slices of the devices that it was trained on.
_CODEGEN_SLICES = 4
# The query projection also holds a gate for each head's output.
_GATED = {"qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"}
# Modules whose outputs are added to the residual stream: the norms after attention and MLP where a family has them,
# otherwise attention and MLP themselves. The first pair found in a block is used.
_ADDED: tuple[Paths, ...] = (
    ("post_attention_layernorm", "post_feedforward_layernorm"),
    ("post_self_attn_layernorm", "post_mlp_layernorm"),
    ("post_attention_layernorm", "post_mlp_layernorm"),
    ("self_attn", "mlp"),
    ("self_attn", "feed_forward"),
    ("self_attn", "block_sparse_moe"),
    ("self_attn", "fc2"),
    ("self_attention.dense", "mlp.dense_4h_to_h"),
    ("temporal_block", "mlp_block"),
    ("attn", "ffn.down_proj"),
    ("attention.output.dense", "output.dense"),
    ("attention.attn.o", "output.dense"),
    ("attention", "ffn"),
    ("attn", "mlp"),
    ("attention", "mlp"),
)
# Norms of the residual stream itself, after each addition (BERT and related models).
_STREAM_NORMS: tuple[Paths, ...] = (
    ("attention.output.LayerNorm", "output.LayerNorm"),
    ("attention.LayerNorm", "output.LayerNorm"),
    ("sa_layer_norm", "output_layer_norm"),
)
# Attributes that hold the factor of both additions.
_FACTORS = ("residual_multiplier", "residual_scale")
# Rounding error of two additions in the dtype of the states, relative to the largest component.
_TOLERANCE = {torch.float32: 1e-3}
_COARSE_TOLERANCE = 3e-2


@dataclass(frozen=True)
class Inside:
    """The parts of one block.

    Attributes
    ----------
    projections
        Query, key and value projection, or those for several of them.
    split
        Splits the outputs of `projections` into queries, keys and values [n, width of each], heads side by side.
    attention, mlp
        The modules whose outputs, times `factor`, are added to the residual stream.
    factor
        Factor of both additions, 1 for nearly all models.
    stream_norms
        Norms of the stream after the two additions, or none.
    """

    projections: tuple[nn.Module, ...]
    split: Cut
    attention: nn.Module
    mlp: nn.Module
    factor: float
    stream_norms: tuple[nn.Module, ...]

    def explains(
        self, entering: torch.Tensor, attention: torch.Tensor, mlp: torch.Tensor, leaving: torch.Tensor
    ) -> bool:
        """Return whether the parts account for the block's output, up to rounding; all [n, width]."""
        first, second = self.stream_norms or (nn.Identity(), nn.Identity())
        made = second(first(entering + attention) + mlp)
        scale = torch.stack([entering, attention, mlp, leaving]).float().abs().amax(dim=(0, 2))
        error = (made - leaving).float().abs().amax(dim=1)
        return bool((error <= _TOLERANCE.get(leaving.dtype, _COARSE_TOLERANCE) * scale).all())


def locate_inside(parts: Architecture) -> tuple[Inside, ...]:
    """Return the parts of every block.

    Raises
    ------
    NumprobeError
        If they cannot be located.
    """
    return tuple(_inside(block, parts.config) for block in parts.blocks)


def locate_attention(parts: Architecture) -> dict[str, Inside]:
    """Return the parts of the blocks with attention by block number, from 1; hybrid models also have other blocks.

    Raises
    ------
    NumprobeError
        If no block has parts that can be located.
    """
    found: dict[str, Inside] = {}
    for number, block in enumerate(parts.blocks, start=1):
        try:
            found[str(number)] = _inside(block, parts.config)
        except NumprobeError as error:
            refusal = error
    if not found:
        raise refusal
    return found


def _inside(block: nn.Module, config: Any) -> Inside:
    projections, split = _projections(block, config)
    added = _first_there(block, _ADDED)
    if not projections or not added:
        what = "queries, keys and values" if added else "attention and MLP"
        raise NumprobeError(
            f"the {what} of {type(block).__name__} were not found: the layout of these blocks is unknown"
        )
    return Inside(
        projections,
        split,
        attention=added[0],
        mlp=added[1],
        factor=float(next((getattr(block, name) for name in _FACTORS if hasattr(block, name)), 1.0)),
        stream_norms=_first_there(block, _STREAM_NORMS),
    )


def _projections(block: nn.Module, config: Any) -> tuple[tuple[nn.Module, ...], Cut]:
    kind, heads = config.model_type, int(getattr(config, "num_attention_heads", 0))
    if kind in _FUSED:
        return _first_there(block, ((_FUSED[kind],),)), _cut_of_fused(config)
    if narrow := _first_there(block, _LATENT):
        return narrow, latent(heads, int(config.qk_nope_head_dim))
    return _first_there(block, _PROJECTIONS), gated(heads) if kind in _GATED else apart


def _cut_of_fused(config: Any) -> Cut:
    kind, heads = config.model_type, int(getattr(config, "num_attention_heads", 0))
    if kind == "codegen":
        return by_slices(_CODEGEN_SLICES)
    if kind == "falcon" and config.new_decoder_architecture:
        return by_group(heads, int(config.num_kv_heads))
    if kind in ("falcon", "gpt_bigcode"):
        return by_group(heads, 1 if config.multi_query else heads)
    if kind in _BY_HEAD:
        return by_group(heads, heads)
    return by_kind(heads, int(getattr(config, "num_key_value_heads", None) or heads))


def _first_there(block: nn.Module, candidates: tuple[Paths, ...]) -> tuple[nn.Module, ...]:
    """Return the modules of the first tuple of paths that all exist; empty if there is none."""
    for paths in candidates:
        try:
            found = tuple(attrgetter(path)(block) for path in paths)
        except AttributeError:
            continue
        if all(isinstance(module, nn.Module) for module in found):
            return found
    return ()
