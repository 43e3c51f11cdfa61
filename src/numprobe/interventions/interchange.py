"""Interchange a component of the state of an operand: the base prompt gets that of the source prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Change, Edit
from numprobe.interventions.asked_pairs import AskedPairs
from numprobe.interventions.reach import ALL
from numprobe.interventions.states import Earlier, earlier_tokens, states_at


@dataclass(frozen=True, eq=False)
class Interchange:
    """Pairs with the source states that replace the base's.

    Attributes
    ----------
    pairs
        The pairs.
    layer
        Name of the layer.
    states
        float32 [pairs, width], on the model's device: the source's state at the last token of its operand.
    earlier
        The tokens of the base's operand before its last, with the source's states at the same places, float32 [pairs,
        width]. Empty if all operands are single tokens.
    """

    pairs: AskedPairs
    layer: str
    states: torch.Tensor
    earlier: Sequence[tuple[Earlier, np.ndarray]]

    def edits(self, basis: torch.Tensor | None, reach: str) -> list[Edit]:
        """Return the edits that set the base's component in the span of a basis to the source's, at the last token.

        Parameters
        ----------
        basis
            [width, rank], orthonormal columns; None: the whole state.
        reach
            `ALL`: the states of the earlier tokens become the source's too, so that they do not reveal the operand.
        """
        others = [place.become(self.layer, states) for place, states in self.earlier] if reach == ALL else []
        return [*others, Edit(self.layer, self.pairs.tokens("base"), exchange(basis, self.states))]


def find_interchange(answer_model: AnswerModel, pairs: AskedPairs, layer: str, source: str = "source") -> Interchange:
    """Compute the states of the pairs' sources ("source", or "same": with the same operand) at a layer."""
    own, theirs = (earlier_tokens(pairs.tokens(name), pairs.lengths(name)) for name in ("base", source))
    places = [pairs.tokens(source), *(place.tokens for place in theirs)]
    found = states_at(answer_model, pairs.questions[source], layer, places)
    last, *before = (states[pairs.order[source]] for states in found)
    return Interchange(
        pairs, layer, torch.from_numpy(last).to(answer_model.parts.device), list(zip(own, before, strict=True))
    )


def exchange(basis: torch.Tensor | None, source: torch.Tensor) -> Change:
    """Return a change that puts the source's coordinates in a subspace in place of a state's own.

    Parameters
    ----------
    basis
        [width, rank], orthonormal columns; None: the whole state.
    source
        [pairs, width]: the states to take the coordinates from.
    """

    def change(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        moved = source[torch.from_numpy(rows).to(source.device)].to(states.device) - states.float()
        if basis is not None:
            moved = moved @ basis.to(states.device) @ basis.to(states.device).T
        return states.float() + moved

    return change
