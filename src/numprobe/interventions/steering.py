"""Steering: the state at an operand's last token is moved to where it lies for another number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.answers.ask import Asker
from numprobe.answers.edit import Edit
from numprobe.answers.questions import Questions
from numprobe.answers.sample import sample_questions
from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.directions import random_change, rescaled
from numprobe.interventions.folds import Folds, pattern_states, unseen_folds
from numprobe.interventions.operands import Replacement, operand_questions, operand_tokens, replace_operands
from numprobe.interventions.reach import ALL, LAST
from numprobe.interventions.states import Earlier, answers_and_states, earlier_tokens, shift
from numprobe.probes.codes import make_code
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.probes.readout import weighted_classes
from numprobe.splits import Split

#: What a state is moved along: the forward model, the read-out, or the whole difference to the state that the model
#: itself has where the other number is written.
PATTERNS, READOUT, STATE = "patterns", "readout", "state"
#: (what it is moved along, control or "none") -> float32 [questions, width], what strength 1 adds.
Changes = dict[tuple[str, str], np.ndarray]


@dataclass(frozen=True, eq=False)
class Steerable:
    """Questions that a model answers rightly with either operand, and the states at the operand's tokens.

    Attributes
    ----------
    replacement
        The questions, and what the other operand makes of them.
    tokens
        int64 [questions]: the operand's last token.
    folds
        The fold that has seen neither number, of every question.
    states, replaced_states
        Layer -> float32 [questions, width]: as the operand is, and where the other number is written in its place.
    earlier
        The operand's tokens before its last, with layer -> float32 [questions, width]: the states that they have where
        the other number is written. Empty if all operands are single tokens.
    operands_asked, right
        int64 and bool [questions asked]: their operands, and which of them these are.
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
        """Return the tokens that can be changed: the last of every operand, and all of them where some have several."""
        return (LAST, ALL) if self.earlier else (LAST,)

    def edits(self, layer: str, reach: str, change: np.ndarray, strength: float) -> list[Edit]:
        """Return the edits that add `strength` times `change` at the last token.

        `reach` = `ALL`: the earlier tokens become those of the other number, so that they do not speak for the operand.
        """
        others = [place.become(layer, states[layer]) for place, states in self.earlier] if reach == ALL else []
        return [*others, shift(layer, self.tokens, change, strength)]


@dataclass(frozen=True, eq=False)
class ReadoutDirections:
    """The directions that a `fourier` probe scores the numbers with, behind the interface of patterns."""

    probe: Probe

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return self.probe.layers

    @property
    def folds(self) -> tuple[str, ...]:
        """Names of the folds."""
        return self.probe.folds

    @property
    def width(self) -> int:
        """Components per state."""
        return self.probe.width

    def states(self, values: np.ndarray, layer: str, fold: str) -> np.ndarray:
        """Return the direction of each number, float [n, width], in units of the standardised states."""
        numbers, part = self.probe.numbers, self.probe.tensors[layer, fold]
        code = make_code(self.probe.kind, int(numbers[0]), int(numbers[-1])).matrix
        classes = weighted_classes(code, part["columns"], part["target_mean"], part["precision"])
        return np.asarray(classes[np.asarray(values) - numbers[0]] @ part["weight"].T)


def find_steerable(
    asker: Asker,
    questions: Questions,
    operand: str,
    patterns: Patterns,
    split: Split,
    layers: Sequence[str],
    per_operation: int,
    seed: int,
) -> Steerable:
    """Ask questions with either operand, and keep those that are answered rightly both times.

    What a model cannot compute from the other number it cannot follow either.

    Parameters
    ----------
    asker, questions
        The model, and all questions.
    operand
        "a" or "b": the operand whose state is moved.
    patterns, split
        The folds that were fitted, and their test numbers.
    layers
        Whose states are kept.
    per_operation
        Questions of an operation at the most.
    seed
        The study's seed.

    Raises
    ------
    NumprobeError
        If there is no question to ask.
    """
    some = sample_questions(operand_questions(questions, operand, patterns, split), per_operation, seed)
    both = replace_operands(some, operand, asker.numbers, patterns, split, seed)
    tokens, lengths = operand_tokens(both.questions, operand)
    right, states = _asked(asker, both.questions, layers, tokens)
    right_too, replaced_states = _asked(asker, both.replaced, layers, tokens)
    kept = right & right_too
    replacement = both.take(kept)
    places = earlier_tokens(tokens[kept], lengths[kept])
    earlier = [(place, answers_and_states(asker, replacement.replaced, layers, place.tokens)[1]) for place in places]
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
    asker: Asker, questions: Questions, layers: Sequence[str], tokens: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    answers, states = answers_and_states(asker, questions, layers, tokens)
    return np.asarray(answers.values == questions.table["value"].to_numpy()), states


def steering_changes(steerable: Steerable, probe: Probe, patterns: Patterns, layer: str, seed: int) -> Changes:
    """Return what is added to the states of a layer, with the controls.

    Along the patterns P that is P[m] - P[n], from the operand n to the other number m; along the read-out a[m] - a[n],
    the difference of the directions that the probe scores the two numbers with, made as long as P[m] - P[n].

    Parameters
    ----------
    steerable
        The questions.
    probe, patterns
        The read-out and the forward model of the states at the operand's token.
    layer
        Name of the state.
    seed
        The study's seed.
    """
    both, folds = steerable.replacement, steerable.folds
    here, there, elsewhere = (
        pattern_states(patterns, folds, numbers, layer) for numbers in (both.operands, both.numbers, both.wrong)
    )
    readout = ReadoutDirections(probe)
    read = pattern_states(readout, folds, both.numbers, layer) - pattern_states(readout, folds, both.operands, layer)
    along = there - here
    return {
        (PATTERNS, "none"): along,
        (PATTERNS, WRONG_NUMBER): elsewhere - here,
        (PATTERNS, RANDOM_DIRECTION): random_change(along, seed, "steering", layer),
        (READOUT, "none"): rescaled(read, along),
        (STATE, "none"): steerable.replaced_states[layer] - steerable.states[layer],
    }
