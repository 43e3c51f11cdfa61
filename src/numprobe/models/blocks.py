"""The parts inside a residual block: what attention reads, and what attention and MLP add to the residual stream."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import nn

from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture

Paths = tuple[str, ...]

# All paths are below a block. Three projections of their own:
_PROJECTIONS: tuple[Paths, ...] = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("attention.self.query", "attention.self.key", "attention.self.value"),
    ("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    ("attn.attention.q_proj", "attn.attention.k_proj", "attn.attention.v_proj"),
    ("attn.q_proj", "attn.k_proj", "attn.v_proj"),
)
# Or one projection for all three. How it is divided cannot be seen, so the types of model are listed: all queries, then
# all keys, then all values, or the three of each head in turn.
_FUSED_BY_KIND = {"gpt2": "attn.c_attn", "modernbert": "attn.Wqkv", "phi3": "self_attn.qkv_proj"}
_FUSED_BY_HEAD = {"gpt_neox": "attention.query_key_value"}
# Modules whose outputs are added to the residual stream: the norms after attention and MLP where a family has them,
# otherwise attention and MLP themselves. The first pair that a block has counts.
_ADDED: tuple[Paths, ...] = (
    ("post_attention_layernorm", "post_feedforward_layernorm"),
    ("post_self_attn_layernorm", "post_mlp_layernorm"),
    ("self_attn", "mlp"),
    ("attention.output.dense", "output.dense"),
    ("attention.attn.o", "output.dense"),
    ("attention", "ffn"),
    ("attn", "mlp"),
    ("attention", "mlp"),
)
# Norms of the residual stream itself, after each addition (BERT and its kin).
_STREAM_NORMS: tuple[Paths, ...] = (
    ("attention.output.LayerNorm", "output.LayerNorm"),
    ("attention.LayerNorm", "output.LayerNorm"),
    ("sa_layer_norm", "output_layer_norm"),
)
# Two additions rounded to the type of the states, relative to the largest component.
_TOLERANCE = {torch.float32: 1e-3}
_COARSE_TOLERANCE = 3e-2


@dataclass(frozen=True)
class Inside:
    """The parts of one block.

    Attributes
    ----------
    projections
        Query, key and value projection, or the one for all three.
    heads
        Attention heads of the queries, and of the keys and values.
    by_head
        Whether a fused projection holds query, key and value head by head.
    attention, mlp
        The modules whose outputs, times `factor`, are added to the residual stream.
    factor
        1 for nearly all models.
    stream_norms
        Norms of the stream after the two additions, or none.
    """

    projections: tuple[nn.Module, ...]
    heads: tuple[int, int]
    by_head: bool
    attention: nn.Module
    mlp: nn.Module
    factor: float
    stream_norms: tuple[nn.Module, ...]

    def split(self, projected: list[torch.Tensor]) -> list[torch.Tensor]:
        """Queries, keys and values [n, width of each] from the outputs of `projections`, heads side by side."""
        if len(projected) == 3:
            return projected
        (fused,) = projected
        queries, keys = self.heads
        if self.by_head:
            parts = fused.view(len(fused), queries, 3, fused.shape[1] // (3 * queries)).unbind(dim=2)
            return [part.flatten(start_dim=1) for part in parts]
        width = fused.shape[1] // (queries + 2 * keys)
        return list(torch.split(fused, [queries * width, keys * width, keys * width], dim=1))

    def explains(
        self, entering: torch.Tensor, attention: torch.Tensor, mlp: torch.Tensor, leaving: torch.Tensor
    ) -> bool:
        """Whether the parts turn what enters the block into what leaves it, up to rounding; all [n, width]."""
        first, second = self.stream_norms or (nn.Identity(), nn.Identity())
        made = second(first(entering + attention) + mlp)
        scale = torch.stack([entering, attention, mlp, leaving]).float().abs().amax(dim=(0, 2))
        error = (made - leaving).float().abs().amax(dim=1)
        return bool((error <= _TOLERANCE.get(leaving.dtype, _COARSE_TOLERANCE) * scale).all())


def locate_inside(parts: Architecture) -> tuple[Inside, ...]:
    """The parts of every block.

    Raises
    ------
    NumprobeError
        If they cannot be located.
    """
    config: Any = parts.base.config
    return tuple(_inside(block, config) for block in parts.blocks)


def _inside(block: nn.Module, config: Any) -> Inside:
    projections, by_head = _projections(block, config)
    added = _first_there(block, _ADDED)
    if not projections or not added:
        what = "queries, keys and values" if added else "attention and MLP"
        raise NumprobeError(
            f"the {what} of {type(block).__name__} were not found: this architecture is not known inside"
        )
    heads = int(config.num_attention_heads)
    return Inside(
        projections,
        heads=(heads, int(getattr(config, "num_key_value_heads", None) or heads)),
        by_head=by_head,
        attention=added[0],
        mlp=added[1],
        factor=float(getattr(block, "residual_multiplier", 1.0)),
        stream_norms=_first_there(block, _STREAM_NORMS),
    )


def _projections(block: nn.Module, config: Any) -> tuple[tuple[nn.Module, ...], bool]:
    kind = config.model_type
    by_head = kind in _FUSED_BY_HEAD
    fused = (_FUSED_BY_KIND | _FUSED_BY_HEAD).get(kind)
    return _first_there(block, ((fused,),) if fused else _PROJECTIONS), by_head


def _first_there(block: nn.Module, candidates: tuple[Paths, ...]) -> tuple[nn.Module, ...]:
    """The modules of the first tuple of paths that are all there; empty if there is none."""
    for paths in candidates:
        try:
            found = tuple(attrgetter(path)(block) for path in paths)
        except AttributeError:
            continue
        if all(isinstance(module, nn.Module) for module in found):
            return found
    return ()
