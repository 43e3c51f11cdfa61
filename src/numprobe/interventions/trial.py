"""Make a trial from prompts: the questions, the folds that never saw their results, and the states to move."""

from collections.abc import Collection, Sequence

import numpy as np

from numprobe.answers.ask import AnswerModel
from numprobe.answers.cached_prefix import CachedPrefixModel
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.errors import NumprobeError
from numprobe.interventions.folds import Folds, is_tested, unseen_folds
from numprobe.interventions.measure import Trial
from numprobe.interventions.states import answers_and_states
from numprobe.splits import Split


def last_token_trial(
    answer_model: AnswerModel,
    questions: Questions,
    split: Split,
    folds: Collection[str],
    layers: Sequence[str],
    per_operation: int,
    seed: int,
) -> tuple[Trial, Folds]:
    """Answer some questions whose true result a fold has not seen, and record the states of their last tokens.

    Parameters
    ----------
    answer_model, questions
        The model and the questions.
    split, folds
        Values and folds, and the names of the fitted folds.
    layers
        Layers whose states are recorded.
    per_operation
        Questions of each operation, at most.
    seed
        The study's seed.

    Returns
    -------
    The trial, and its prompts by fold that never saw their result.

    Raises
    ------
    NumprobeError
        If no question has a result that a fold tests.
    """
    unseen = is_tested(_results(questions), split, folds)
    if not unseen.any():
        raise NumprobeError("no fold tests the result of any prompt: use more prompts, or a probe with folds")
    some = sample_questions(questions.take(unseen), per_operation, seed)
    _, states = answers_and_states(answer_model, some, layers, some.last)
    again = CachedPrefixModel(answer_model, some)
    return Trial(again, some, again.answers(), states), unseen_folds(_results(some), split, folds)


def _results(questions: Questions) -> np.ndarray:
    return questions.table["number"].to_numpy().astype(np.int64)
