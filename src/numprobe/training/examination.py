"""Measure the accuracy of a small model on pairs of operands that it never saw."""

from typing import Any

import numpy as np
from scipy.stats import binomtest
from transformers import PreTrainedModel

from numprobe.prompts.templates import ARITHMETIC_TEMPLATES
from numprobe.training.forward import correct, precision
from numprobe.training.rows import Batch, Encode, stack
from numprobe.training.sentences import ARITHMETIC
from numprobe.training.tasks import Sentences, Symbols, TwoTokenSums

#: Rows per operation and form.
QUESTIONS = 300


class Examination:
    """Fixed questions of held-out pairs: symbol form, sentences, sums of two-token numbers."""

    def __init__(self, encode: Encode, maximum: int, random: np.random.Generator, dtype: str) -> None:
        symbols, sentences = Symbols(encode, maximum), Sentences(encode, maximum)
        self._dtype = dtype
        self._questions: dict[tuple[str, str], Batch] = {}
        for operation in ARITHMETIC_TEMPLATES:
            self._questions[operation, "symbol"] = stack([symbols.one(operation, random, QUESTIONS, held=True)])
            self._questions[operation, "sentence"] = sentences.of(ARITHMETIC[operation], random, QUESTIONS, held=True)
        (self._two_token,) = TwoTokenSums(encode).draw(random, QUESTIONS, held=True)

    def ask(self, model: PreTrainedModel) -> list[dict[str, Any]]:
        """Return one row per operation and form: metric, operation, form, value, ci_low, ci_high (exact, 95 %), n.

        The low token of a two-token sum is predicted after the true high token.
        """
        with precision(self._dtype):
            marks = {key: correct(model, batch)[:, 0].numpy() for key, batch in self._questions.items()}
            high, low = correct(model, self._two_token).T.numpy()
        marks["+", "two-token high"], marks["+", "two-token low"] = high, low
        return [_score(operation, form, mark) for (operation, form), mark in marks.items()]


def _score(operation: str, form: str, mark: np.ndarray) -> dict[str, Any]:
    interval = binomtest(int(mark.sum()), len(mark)).proportion_ci(method="exact")
    return {
        "metric": "accuracy",
        "operation": operation,
        "form": form,
        "value": float(mark.mean()),
        "ci_low": float(interval.low),
        "ci_high": float(interval.high),
        "n": len(mark),
    }
