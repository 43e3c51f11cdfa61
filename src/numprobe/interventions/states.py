"""Record or shift the states of one token of every question, and of an operand's tokens before its last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from numprobe.answers.ask import AnswerModel, Answers
from numprobe.answers.edit import Change, Edit
from numprobe.answers.questions import Questions


@dataclass(frozen=True, eq=False)
class Earlier:
    """The tokens at a fixed number of places before the last token of every operand.

    Attributes
    ----------
    tokens
        int64 [questions]: index of the token; the operand's last token if the operand is too short.
    held
        bool [questions]: whether the operand is long enough.
    """

    tokens: np.ndarray
    held: np.ndarray

    def become(self, layer: str, states: np.ndarray) -> Edit:
        """Return the edit that sets the states of these tokens to `states`, float32 [questions, width]."""

        def write(found: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
            held = torch.from_numpy(self.held[rows]).to(found.device)[:, None]
            return torch.where(held, torch.from_numpy(states[rows]).to(found), found)

        return Edit(layer, self.tokens, write)


def earlier_tokens(last: np.ndarray, lengths: np.ndarray) -> list[Earlier]:
    """Return the tokens of operands before their last, nearest first; empty if all operands are single tokens.

    Parameters
    ----------
    last, lengths
        int64 [questions]: last token and number of tokens of each operand.
    """
    places = range(1, int(lengths.max(initial=1)))
    return [Earlier(np.where(lengths > back, last - back, last), lengths > back) for back in places]


def answers_and_states(
    answer_model: AnswerModel, questions: Questions, layers: Sequence[str], tokens: np.ndarray
) -> tuple[Answers, dict[str, np.ndarray]]:
    """Answer questions without edits, and record the states of one token of every question.

    Parameters
    ----------
    answer_model, questions
        The model and the questions.
    layers
        Names of the states: "0", "1", ... or "final_norm".
    tokens
        int64 [questions]: index of the token in each question.

    Returns
    -------
    The answers, and layer -> float32 [questions, width].
    """
    kept: dict[str, _States] = {layer: {} for layer in layers}
    answers = answer_model.answers(questions, [Edit(layer, tokens, _keep(kept[layer])) for layer in layers])
    return answers, {layer: _stacked(found) for layer, found in kept.items()}


def states_at(
    answer_model: AnswerModel, questions: Questions, layer: str, places: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Return the states of some tokens of every question.

    Parameters
    ----------
    answer_model, questions
        The model and the questions.
    layer
        Name of the state: "0", "1", ... or "final_norm".
    places
        For each place int64 [questions]: index of the token in each question.

    Returns
    -------
    For each place float32 [questions, width].
    """
    kept: list[_States] = [{} for _ in places]
    edits = [Edit(layer, tokens, _keep(into)) for tokens, into in zip(places, kept, strict=True)]
    # One answer token costs exactly the one forward pass that is needed.
    answer_model.answers(replace(questions, answer_length=1), edits)
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
    """Return the edit that adds `strength` times `change`, float32 [questions, width], to one token's state each."""

    def add(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return states + strength * torch.from_numpy(change[rows]).to(states)

    return Edit(layer, tokens, add)


def of_some(edit: Edit, questions: np.ndarray) -> Edit:
    """Return the edit of some of the questions alone; `questions`: int64, their rows, ascending."""
    return Edit(edit.layer, edit.tokens[questions], lambda states, rows: edit.change(states, questions[rows]))
