"""States of one token of every question: kept on the way, or moved; and of the tokens of an operand before its last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from numprobe.answers.ask import Answers, Asker
from numprobe.answers.edit import Change, Edit
from numprobe.answers.questions import Questions


@dataclass(frozen=True, eq=False)
class Earlier:
    """The tokens that stand one and the same number of places before the last token of every operand.

    Attributes
    ----------
    tokens
        int64 [questions]: which token of each question; the operand's last where it is not that long.
    held
        bool [questions]: whether the operand is that long.
    """

    tokens: np.ndarray
    held: np.ndarray

    def become(self, layer: str, states: np.ndarray) -> Edit:
        """Return the edit after which the states of these tokens are `states`, float32 [questions, width]."""

        def write(found: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
            held = torch.from_numpy(self.held[rows]).to(found.device)[:, None]
            return torch.where(held, torch.from_numpy(states[rows]).to(found), found)

        return Edit(layer, self.tokens, write)


def earlier_tokens(last: np.ndarray, lengths: np.ndarray) -> list[Earlier]:
    """Return the tokens of operands before their last, nearest first; none if all operands are single tokens.

    Parameters
    ----------
    last, lengths
        int64 [questions]: the last token of each operand, and how many tokens it is.
    """
    places = range(1, int(lengths.max(initial=1)))
    return [Earlier(np.where(lengths > back, last - back, last), lengths > back) for back in places]


def answers_and_states(
    asker: Asker, questions: Questions, layers: Sequence[str], tokens: np.ndarray
) -> tuple[Answers, dict[str, np.ndarray]]:
    """Ask as the model is, and keep the states of one token of every question.

    Parameters
    ----------
    asker, questions
        Who is asked, and what.
    layers
        Names of the states: "0", "1", ... or "final_norm".
    tokens
        int64 [questions]: which token of each question.

    Returns
    -------
    The answers, and layer -> float32 [questions, width].
    """
    kept: dict[str, _States] = {layer: {} for layer in layers}
    answers = asker.answers(questions, [Edit(layer, tokens, _keep(kept[layer])) for layer in layers])
    return answers, {layer: _stacked(found) for layer, found in kept.items()}


def states_at(asker: Asker, questions: Questions, layer: str, places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the states of some tokens of every question, without its answer.

    Parameters
    ----------
    asker, questions
        Who is asked, and what.
    layer
        Name of the state: "0", "1", ... or "final_norm".
    places
        Of each int64 [questions]: which token of each question.

    Returns
    -------
    Of each place float32 [questions, width].
    """
    kept: list[_States] = [{} for _ in places]
    edits = [Edit(layer, tokens, _keep(into)) for tokens, into in zip(places, kept, strict=True)]
    # The first token of an answer takes the one forward pass that is needed.
    asker.answers(replace(questions, answer_length=1), edits)
    return [_stacked(found) for found in kept]


#: Row -> its state.
_States = dict[int, np.ndarray]


def _keep(into: _States) -> Change:
    def store(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        into.update(zip(rows.tolist(), states.float().cpu().numpy(), strict=True))
        return states

    return store


def _stacked(states: _States) -> np.ndarray:
    return np.stack([states[row] for row in range(len(states))])


def shift(layer: str, tokens: np.ndarray, change: np.ndarray, strength: float = 1.0) -> Edit:
    """The edit that adds `strength` times `change`, float32 [questions, width], to the states of one token each."""

    def add(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return states + strength * torch.from_numpy(change[rows]).to(states)

    return Edit(layer, tokens, add)
