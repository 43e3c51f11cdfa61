"""Forward passes without one block, or without what its attention or its MLP adds to the residual stream."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.answers.ask import Asker
from numprobe.answers.edit import rewrite_output
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.blocks import Inside, locate_inside

#: What of a block is removed; these are sites in the tables.
PARTS = ("block", "attention", "mlp")


@dataclass(frozen=True)
class Removal:
    """Layers to remove from a model.

    Attributes
    ----------
    block
        Number of the block, from 1.
    part
        One of `PARTS`: the block leaves its input as it is, or its attention or MLP adds nothing.
    """

    block: int
    part: str


def all_removals(blocks: int) -> list[Removal]:
    """Every part of every block."""
    return [Removal(block, part) for block in range(1, blocks + 1) for part in PARTS]


@contextmanager
def removed(parts: Architecture, inside: Sequence[Inside], removal: Removal) -> Iterator[None]:
    """Inside the block of code, forward passes go without what `removal` names.

    Parameters
    ----------
    parts, inside
        The model's (`locate_parts`, `locate_inside`).
    removal
        What is removed. What attention or MLP add is zero as it is added: after the norm behind it, where there is one.
    """
    place = removal.block - 1
    if removal.part == "block":
        handles = _skipped(parts.blocks[place])
    else:
        handles = [getattr(inside[place], removal.part).register_forward_hook(_silenced)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def removal_answers(asker: Asker, questions: Questions) -> dict[Removal, np.ndarray]:
    """Return a model's answers without each part of each block.

    Returns
    -------
    Removal -> int64 [questions], `numprobe.answers.spoken.NO_NUMBER` where the answer is no number; in the order of
    `all_removals`.

    Raises
    ------
    NumprobeError
        If attention and MLP cannot be located, or a block does more than to add what they give.
    """
    inside = locate_inside(asker.parts)
    _check(asker, inside, questions)
    found = {}
    for removal in all_removals(len(asker.parts.blocks)):
        with removed(asker.parts, inside, removal):
            found[removal] = asker.answers(questions).values
    return found


def _skipped(block: nn.Module) -> list[Any]:
    """Hooks by which a block returns what it was given."""
    given: list[torch.Tensor] = []

    def remember(module: nn.Module, args: Any, kwargs: Any) -> None:
        given.append(args[0] if args else kwargs["hidden_states"])

    def restore(module: nn.Module, args: Any, output: Any) -> Any:
        return rewrite_output(output, lambda states: given.pop())

    return [block.register_forward_pre_hook(remember, with_kwargs=True), block.register_forward_hook(restore)]


def _silenced(module: nn.Module, args: Any, output: Any) -> Any:
    return rewrite_output(output, torch.zeros_like)


def _check(asker: Asker, inside: Sequence[Inside], questions: Questions) -> None:
    """A block without attention and MLP must be no block, or what is removed is not what it adds."""

    def without(*removals: Removal) -> torch.Tensor:
        with torch.inference_mode(), ExitStack() as stack:
            for removal in removals:
                stack.enter_context(removed(asker.parts, inside, removal))
            return asker.logits(questions, np.array([0])).float()

    for block in range(1, len(asker.parts.blocks) + 1):
        whole, *parts = (Removal(block, part) for part in PARTS)
        if not torch.allclose(without(whole), without(*parts)):
            raise NumprobeError(
                f"block {block} without its attention and MLP still changes the states, so neither can be removed "
                "alone: leave 'layer_removal' out of this model's experiments"
            )
