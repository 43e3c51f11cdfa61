"""Pairs whose counterfactual answer is the model's own, right or wrong."""

from dataclasses import replace

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.interventions.asked_pairs import AskedPairs, answer_tokens


def with_own_answers(answer_model: AnswerModel, pairs: AskedPairs, maximum: int) -> AskedPairs:
    """Return pairs with the model's own answers in place of the results.

    The counterfactual answer becomes the answer to the counterfactual prompt, the base's result the answer to the base.
    Pairs in which one of the two is no number or above `maximum`, or both are the same, are left out.

    Parameters
    ----------
    answer_model, pairs
        The model, and pairs with true results.
    maximum
        Largest number of the study.

    Raises
    ------
    NumprobeError
        If no pair is left.
    """
    base, asked = (answer_model.answers(pairs.questions[name]).values for name in ("base", "counterfactual"))
    wanted = asked[pairs.order["counterfactual"]]
    kept = (base != wanted) & (np.minimum(base, wanted) >= 0) & (np.maximum(base, wanted) <= maximum)
    if not kept.any():
        raise NumprobeError(
            "no two prompts can be interchanged: the model does not answer any two of them with different numbers; "
            "show it worked examples (shots), or leave it out of this experiment"
        )
    some, wanted = pairs.take(kept), wanted[kept]
    questions = {**some.questions, "base": _answered(some.base, base[kept])}
    tokens = answer_tokens(some.questions["counterfactual"], some.order["counterfactual"], wanted, answer_model.numbers)
    table = some.table.with_columns(pl.Series("number", wanted, dtype=pl.Int32))
    return replace(some, table=table, questions=questions, answers=tokens)


def _answered(questions: Questions, values: np.ndarray) -> Questions:
    return replace(questions, table=questions.table.with_columns(pl.Series("number", values, dtype=pl.Int32)))
