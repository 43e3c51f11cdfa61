"""Run forward passes without one block, or without the contribution of its attention or MLP."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import rewrite_output
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.models.architecture import Architecture
from numprobe.models.blocks import Inside, locate_inside

#: The removed part of a block; in tables, the site.
PARTS = ("block", "attention", "mlp")


@dataclass(frozen=True)
class Removal:
    """A part of a model to remove.

    Attributes
    ----------
    block
        Number of the block, from 1.
    part
        One of `PARTS`: the block returns its input, or its attention or MLP adds nothing.
    """

    block: int
    part: str


def all_removals(blocks: int) -> list[Removal]:
    """Return every part of every block."""
    return [Removal(block, part) for block in range(1, blocks + 1) for part in PARTS]


@contextmanager
def removed(parts: Architecture, inside: Sequence[Inside], removal: Removal) -> Iterator[None]:
    """Remove a part of the model from forward passes inside the `with` block.

    Parameters
    ----------
    parts, inside
        Parts of the model (`locate_parts`, `locate_inside`).
    removal
        The part to remove. The contribution of attention or MLP is zeroed where it is added, after its norm if any.
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


def removal_answers(answer_model: AnswerModel, questions: Questions) -> dict[Removal, np.ndarray]:
    """Return a model's answers without each part of each block.

    Returns
    -------
    Removal -> int64 [questions], `numprobe.answers.spoken.NO_NUMBER` if the answer is no number; in the order of
    `all_removals`.

    Raises
    ------
    NumprobeError
        If attention and MLP cannot be located, or a block does more than add their outputs.
    """
    inside = locate_inside(answer_model.parts)
    _check(answer_model, inside, questions)
    found = {}
    for removal in all_removals(len(answer_model.parts.blocks)):
        with removed(answer_model.parts, inside, removal):
            found[removal] = answer_model.answers(questions).values
    return found


def _skipped(block: nn.Module) -> list[Any]:
    """Register hooks that make a block return its input."""
    given: list[torch.Tensor] = []

    def remember(module: nn.Module, args: Any, kwargs: Any) -> None:
        given.append(args[0] if args else kwargs["hidden_states"])

    def restore(module: nn.Module, args: Any, output: Any) -> Any:
        return rewrite_output(output, lambda states: given.pop())

    return [block.register_forward_pre_hook(remember, with_kwargs=True), block.register_forward_hook(restore)]


def _silenced(module: nn.Module, args: Any, output: Any) -> Any:
    return rewrite_output(output, torch.zeros_like)


def _check(answer_model: AnswerModel, inside: Sequence[Inside], questions: Questions) -> None:
    """Check that a block without attention and MLP is the identity, so that the removed parts are all it adds."""

    def without(*removals: Removal) -> torch.Tensor:
        with torch.inference_mode(), ExitStack() as stack:
            for removal in removals:
                stack.enter_context(removed(answer_model.parts, inside, removal))
            return answer_model.logits(questions, np.array([0])).float()

    for block in range(1, len(answer_model.parts.blocks) + 1):
        whole, *parts = (Removal(block, part) for part in PARTS)
        if not torch.allclose(without(whole), without(*parts)):
            raise NumprobeError(
                f"block {block} without its attention and MLP still changes the states, so neither can be removed "
                "alone: leave 'layer_removal' out of this model's experiments"
            )
