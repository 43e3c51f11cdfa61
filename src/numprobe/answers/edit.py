"""Edit the states of some tokens during forward passes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from numprobe.models.architecture import Architecture
from numprobe.models.hooks import hook_final_norm

#: (states [n, width], rows int64 [n] of the questions that they belong to) -> new states [n, width].
Change = Callable[[torch.Tensor, np.ndarray], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Edit:
    """An edit of one state of every question.

    Attributes
    ----------
    layer
        Name of the state: "0", "1", ... or "final_norm".
    tokens
        int64 [questions]: index of the edited token of each question.
    change
        Called batch by batch with the states at these tokens and the questions' rows.
    """

    layer: str
    tokens: np.ndarray
    change: Change


@contextmanager
def edited(parts: Architecture, edit: Edit, rows: np.ndarray) -> Iterator[None]:
    """Apply an edit to forward passes over the questions `rows` (int64 [batch]) inside the block.

    Everything after the state reads the change: later blocks, and later tokens through attention.
    """
    tokens = torch.as_tensor(edit.tokens[rows], dtype=torch.long)

    def rewrite(hidden: torch.Tensor) -> torch.Tensor:
        where = (torch.arange(len(rows), device=hidden.device), tokens.to(hidden.device))
        changed = hidden.clone()
        changed[where] = edit.change(hidden[where], rows).to(hidden.dtype)
        return changed

    handles = _rewrite_state(parts, edit.layer, rewrite)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _rewrite_state(parts: Architecture, layer: str, rewrite: Callable[[torch.Tensor], torch.Tensor]) -> list[Any]:
    if layer == "0":
        return [
            parts.blocks[0].register_forward_pre_hook(
                lambda module, args, kwargs: _with_first(args, kwargs, rewrite), with_kwargs=True
            )
        ]

    def hook(module: Any, args: Any, output: Any) -> Any:
        return rewrite_output(output, rewrite)

    if layer == "final_norm":
        return hook_final_norm(parts, hook)
    return [parts.blocks[int(layer) - 1].register_forward_hook(hook)]


def _with_first(args: Any, kwargs: Any, rewrite: Callable[[torch.Tensor], torch.Tensor]) -> tuple[Any, Any]:
    if args:
        return (rewrite(args[0]), *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": rewrite(kwargs["hidden_states"])}


def rewrite_output(output: Any, rewrite: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Return a module's output with rewritten states, which are all of the output or the first of several parts."""
    if isinstance(output, torch.Tensor):
        return rewrite(output)
    return (rewrite(output[0]), *output[1:])
