"""States of one token of every question: kept on the way, or moved."""

from collections.abc import Sequence

import numpy as np
import torch

from numprobe.answers.ask import Answers, Asker
from numprobe.answers.edit import Change, Edit
from numprobe.answers.questions import Questions


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
    kept: dict[str, dict[int, np.ndarray]] = {layer: {} for layer in layers}

    def keep(into: dict[int, np.ndarray]) -> Change:
        def store(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
            into.update(zip(rows.tolist(), states.float().cpu().numpy(), strict=True))
            return states

        return store

    answers = asker.answers(questions, [Edit(layer, tokens, keep(kept[layer])) for layer in layers])
    return answers, {layer: np.stack([found[row] for row in range(len(questions))]) for layer, found in kept.items()}


def shift(layer: str, tokens: np.ndarray, change: np.ndarray, strength: float = 1.0) -> Edit:
    """The edit that adds `strength` times `change`, float32 [questions, width], to the states of one token each."""

    def add(states: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        return states + strength * torch.from_numpy(change[rows]).to(states)

    return Edit(layer, tokens, add)
