"""Answer the same questions repeatedly with edits of their last token, from a cached prefix.

In a causal model, no edit of the last token reaches the tokens before it: their keys and values are computed once, and
only the last token is run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from numprobe.answers.ask import AnswerModel, Answers, Said, is_plain
from numprobe.answers.edit import Edit
from numprobe.answers.questions import Questions


@dataclass(frozen=True, eq=False)
class _Prefix:
    """Keys and values of all tokens but the last, per layer, in a cache that forward passes extend."""

    cache: Any
    stored: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    def restored(self) -> Any:
        """Return the cache as it was before any forward pass."""
        for layer, (keys, values) in zip(self.cache.layers, self.stored, strict=True):
            layer.keys, layer.values = keys, values
        return self.cache


class CachedPrefixModel:
    """Answers like `numprobe.answers.ask.AnswerModel`, any number of times, each at the cost of one token per question.

    A model without a plain cache of keys and values runs all tokens each time.

    Parameters
    ----------
    answer_model
        The model.
    questions
        The questions. Their cache stays in memory: 2 states per layer and token, or less if heads share keys.
    """

    def __init__(self, answer_model: AnswerModel, questions: Questions) -> None:
        self._answer_model, self._questions = answer_model, questions
        with torch.inference_mode():
            batches = questions.batches(answer_model.batch_tokens)
            self._prefixes = {int(rows[0]): self._prefix(rows) for rows in batches}

    def answers(self, edits: Sequence[Edit] = ()) -> Answers:
        """Answer all questions.

        Parameters
        ----------
        edits
            Edits of states of the last token of every question.

        Raises
        ------
        ValueError
            If an edit changes another token.
        """
        if any(not np.array_equal(edit.tokens, self._questions.last) for edit in edits):
            raise ValueError("only states of the last token can be changed: ask in full")
        if None in self._prefixes.values():
            return self._answer_model.answers(self._questions, edits)
        return self._answer_model.collect(self._questions, lambda rows: self._ask(rows, edits))

    def _prefix(self, rows: np.ndarray) -> _Prefix | None:
        sequences = self._questions.sequences(rows)
        ids = torch.from_numpy(sequences).to(self._answer_model.parts.device)
        cache: Any = getattr(self._answer_model.model(ids, use_cache=True, logits_to_keep=1), "past_key_values", None)
        if not is_plain(cache, sequences.shape[1]):
            return None
        stored = [(layer.keys[..., :-1, :].clone(), layer.values[..., :-1, :].clone()) for layer in cache.layers]
        return _Prefix(cache, tuple(stored))

    def _ask(self, rows: np.ndarray, edits: Sequence[Edit]) -> Said:
        prefix, questions = self._prefixes[int(rows[0])], self._questions
        assert prefix is not None
        known = int(questions.last[rows[0]])
        return self._answer_model.say(
            questions.sequences(rows), rows, edits, questions.answer_length, prefix.restored(), known
        )
