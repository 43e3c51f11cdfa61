"""The same questions asked again and again with a state of their last token changed.

What stands before the last token is the same every time, and in a causal model no change of the last token reaches it:
its keys and values are computed once, and only the last token is run again.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from numprobe.answers.ask import Answers, Asker, greedy
from numprobe.answers.edit import Edit, edited
from numprobe.answers.questions import Questions


@dataclass(frozen=True, eq=False)
class _Prefix:
    """Keys and values of all tokens but the last, per layer, in a cache that forward passes extend."""

    cache: Any
    stored: tuple[tuple[torch.Tensor, torch.Tensor], ...]

    def restored(self) -> Any:
        for layer, (keys, values) in zip(self.cache.layers, self.stored, strict=True):
            layer.keys, layer.values = keys, values
        return self.cache


class RepeatedAsker:
    """Asks questions as `numprobe.answers.ask.Asker` does, as often as wanted, each time at the cost of a token.

    A model without a plain cache of keys and values is asked in full each time.

    Parameters
    ----------
    asker
        The model.
    questions
        What it is asked. The cache of all questions stays in memory: 2 states of each layer and token, or less where
        heads share keys.
    """

    def __init__(self, asker: Asker, questions: Questions) -> None:
        self._asker, self._questions = asker, questions
        with torch.inference_mode():
            self._prefixes = {int(rows[0]): self._prefix(rows) for rows, _ in asker.groups(questions)}

    def answers(self, edits: Sequence[Edit] = ()) -> Answers:
        """Ask all questions.

        Parameters
        ----------
        edits
            Changes of states of the last token of every question.

        Raises
        ------
        ValueError
            If an edit changes another token.
        """
        if any(not np.array_equal(edit.tokens, self._questions.last) for edit in edits):
            raise ValueError("only states of the last token can be changed: ask in full")
        if None in self._prefixes.values():
            return self._asker.answers(self._questions, edits)
        # Of what is run, the last token is the first.
        moved = [replace(edit, tokens=np.zeros_like(edit.tokens)) for edit in edits]
        return self._asker.collect(self._questions, lambda rows, length: self._ask(rows, length, moved))

    def _prefix(self, rows: np.ndarray) -> _Prefix | None:
        sequences = self._questions.sequences(rows)
        ids = torch.from_numpy(sequences).to(self._asker.parts.device)
        cache: Any = getattr(self._asker.model(ids, use_cache=True, logits_to_keep=1), "past_key_values", None)
        if not _is_plain(cache, sequences.shape[1]):
            return None
        stored = [(layer.keys[..., :-1, :].clone(), layer.values[..., :-1, :].clone()) for layer in cache.layers]
        return _Prefix(cache, tuple(stored))

    def _ask(self, rows: np.ndarray, length: int, edits: Sequence[Edit]) -> tuple[np.ndarray, np.ndarray]:
        prefix = self._prefixes[int(rows[0])]
        assert prefix is not None
        cache, last = prefix.restored(), self._questions.sequences(rows)[:, -1:]

        def logits_after(said: np.ndarray) -> torch.Tensor:
            with ExitStack() as stack:
                for edit in edits if said.shape[1] == 0 else ():
                    stack.enter_context(edited(self._asker.parts, edit, rows))
                ids = torch.from_numpy(said[:, -1:] if said.shape[1] else last).to(self._asker.parts.device)
                logits: torch.Tensor = self._asker.model(
                    ids, past_key_values=cache, use_cache=True, logits_to_keep=1
                ).logits
            return logits[:, -1]

        return greedy(logits_after, len(rows), length)


def _is_plain(cache: Any, tokens: int) -> bool:
    """Whether a cache holds the keys and values of all tokens, and nothing else."""
    if not isinstance(cache, DynamicCache):
        return False
    return all(type(layer) is DynamicLayer and layer.get_seq_length() == tokens for layer in cache.layers)
