"""Questions that a model answers correctly with either of two operands, and the edits that move the operand's state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.answers.ask import AnswerModel
from numprobe.answers.edit import Edit
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.experiments.steering.replacement import Replacement, replace_operands
from numprobe.interventions.folds import Folds, unseen_folds
from numprobe.interventions.operands import operand_questions, operand_tokens
from numprobe.interventions.reach import ALL, LAST
from numprobe.interventions.states import Earlier, answers_and_states, earlier_tokens, shift
from numprobe.probes.patterns import Patterns
from numprobe.splits import Split


@dataclass(frozen=True, eq=False)
class Steerable:
    """Questions that a model answers correctly with either operand, and the states at the operand's tokens.

    Attributes
    ----------
    replacement
        The questions, with and without the other operand.
    tokens
        int64 [questions]: the operand's last token.
    folds
        For every question, the fold that has seen neither number.
    states, replaced_states
        Layer -> float32 [questions, width]: the states with the operand, and with the other number in its place.
    earlier
        The operand's tokens before its last, with layer -> float32 [questions, width]: their states with the other
        number. Empty if all operands are single tokens.
    operands_asked, right
        int64 and bool [questions asked]: the operands of all questions asked, and which of them are kept.
    """

    replacement: Replacement
    tokens: np.ndarray
    folds: Folds
    states: Mapping[str, np.ndarray]
    replaced_states: Mapping[str, np.ndarray]
    earlier: Sequence[tuple[Earlier, Mapping[str, np.ndarray]]]
    operands_asked: np.ndarray
    right: np.ndarray

    @property
    def reaches(self) -> tuple[str, ...]:
        """The tokens that can be edited: the last of every operand, and all of them if some have several."""
        return (LAST, ALL) if self.earlier else (LAST,)

    def edits(self, layer: str, reach: str, change: np.ndarray, strength: float) -> list[Edit]:
        """Return the edits that add `strength` times `change` at the last token.

        `reach` = `ALL`: the earlier tokens become those of the other number, so that they do not reveal the operand.
        """
        others = [place.become(layer, states[layer]) for place, states in self.earlier] if reach == ALL else []
        return [*others, shift(layer, self.tokens, change, strength)]


def find_steerable(
    answer_model: AnswerModel,
    questions: Questions,
    operand: str,
    patterns: Patterns,
    split: Split,
    layers: Sequence[str],
    per_operation: int,
    seed: int,
) -> Steerable:
    """Answer questions with either operand, and keep those that are answered correctly both times.

    A model that cannot compute with the other number cannot be steered to it either.

    Parameters
    ----------
    answer_model, questions
        The model, and all questions.
    operand
        "a" or "b": the operand whose state is moved.
    patterns, split
        The folds that were fitted, and their test numbers.
    layers
        Layers whose states are recorded.
    per_operation
        Maximum number of questions per operation.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If there is no question to ask.
    """
    some = sample_questions(operand_questions(questions, operand, patterns, split), per_operation, seed)
    both = replace_operands(some, operand, answer_model.numbers, patterns, split, seed)
    tokens, lengths = operand_tokens(both.questions, operand)
    right, states = _asked(answer_model, both.questions, layers, tokens)
    right_too, replaced_states = _asked(answer_model, both.replaced, layers, tokens)
    kept = right & right_too
    replacement = both.take(kept)
    places = earlier_tokens(tokens[kept], lengths[kept])
    earlier = [
        (place, answers_and_states(answer_model, replacement.replaced, layers, place.tokens)[1]) for place in places
    ]
    return Steerable(
        replacement,
        tokens[kept],
        unseen_folds(replacement.operands, split, patterns.folds),
        {layer: found[kept] for layer, found in states.items()},
        {layer: found[kept] for layer, found in replaced_states.items()},
        earlier,
        both.operands,
        kept,
    )


def _asked(
    answer_model: AnswerModel, questions: Questions, layers: Sequence[str], tokens: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    answers, states = answers_and_states(answer_model, questions, layers, tokens)
    return np.asarray(answers.values == questions.table["number"].to_numpy()), states
