"""Changes that move an operand's state to that of another number, and their controls."""

from dataclasses import dataclass

import numpy as np

from numprobe.experiments.steering.steerable import Steerable
from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.directions import random_change, rescaled
from numprobe.interventions.folds import pattern_states
from numprobe.probes.codes import make_code
from numprobe.probes.patterns import Patterns
from numprobe.probes.probe import Probe
from numprobe.probes.readout import weighted_classes

#: Directions of a move (column `direction`): along the forward model, along the read-out, or the full difference to the
#: model's own state for the other number.
PATTERNS, READOUT, STATE = "patterns", "readout", "state"
#: (direction, control or "none") -> float32 [questions, width], the change at strength 1.
Changes = dict[tuple[str, str], np.ndarray]


@dataclass(frozen=True, eq=False)
class ReadoutDirections:
    """The directions with which a `fourier` probe scores the numbers, with the interface of patterns."""

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


def steering_changes(steerable: Steerable, probe: Probe, patterns: Patterns, layer: str, seed: int) -> Changes:
    """Return the changes of the states of a layer, with controls.

    Along the patterns P, the change is P[m] - P[n], from the operand n to the other number m; along the read-out it is
    a[m] - a[n], the difference of the directions with which the probe scores the two numbers, with the norm of P[m] -
    P[n].

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
