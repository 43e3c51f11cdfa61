"""A probe as scikit-learn sees it: a fitted classifier of hidden states, whose classes are the candidate numbers."""

from importlib import import_module
from typing import Any, Protocol

import numpy as np

from numprobe.errors import NumprobeError

# Kinds whose scores are log-likelihoods, so that their softmax is a probability.
PROBABILISTIC = {"fourier", "helix", "sinusoidal", "wave", "mlp"}


class Readable(Protocol):
    """What the methods need of a probe."""

    @property
    def kind(self) -> str: ...

    @property
    def numbers(self) -> np.ndarray: ...

    @property
    def layers(self) -> tuple[str, ...]: ...

    @property
    def width(self) -> int: ...

    def scores(self, hidden: Any, layer: str | int) -> np.ndarray:
        """Return the score of every candidate number."""

    def decode(self, hidden: Any, layer: str | int) -> np.ndarray:
        """Return the number that is read from each state."""

    def predict(self, states: Any, layer: str | int | None = None) -> np.ndarray:
        """Return the number that is read from each state."""


class Estimator:
    """The methods of a fitted classifier of scikit-learn, over `decode` and `scores` of a probe.

    They read one layer: `layer`, which may be left out if the probe has but one. The probe of all values reads; so
    `score` on states that it was fitted on is no held-out accuracy, which `Probe.accuracy` has.
    """

    @property
    def classes_(self: Readable) -> np.ndarray:
        """The candidate numbers, int64 [N]: the columns of `predict_proba`."""
        return self.numbers

    @property
    def n_features_in_(self: Readable) -> int:
        """Number of components of a state."""
        return self.width

    def predict(self: Readable, states: Any, layer: str | int | None = None) -> np.ndarray:
        """Return the number that is read from each state, int64 [n].

        Parameters
        ----------
        states
            [n, width], NumPy or torch, of a floating-point type.
        layer
            One of `layers`.

        Raises
        ------
        NumprobeError
            If the probe has several layers and none is named, or as `Probe.scores`.
        """
        return np.asarray(self.decode(states, _layer(self, layer)))

    def predict_proba(self: Readable, states: Any, layer: str | int | None = None) -> np.ndarray:
        """Return the probability of every candidate number, float64 [n, N]; rows sum to 1, columns are `classes_`.

        Parameters and errors are those of `predict`; kinds whose scores are not log-likelihoods have no probabilities.
        """
        if self.kind not in PROBABILISTIC:
            known = ", ".join(sorted(PROBABILISTIC))
            raise NumprobeError(
                f"scores of the probe '{self.kind}' are no log-likelihoods, so it has no probabilities: use one of "
                f"{known}, or its scores"
            )
        scores = self.scores(states, _layer(self, layer)).astype(np.float64)
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(likely / likely.sum(axis=1, keepdims=True))

    def score(
        self: Readable, states: Any, numbers: Any, layer: str | int | None = None, sample_weight: Any = None
    ) -> float:
        """Return the share of states from which their number is read, each row with the same weight.

        Parameters
        ----------
        states, layer
            As in `predict`.
        numbers
            [n] integers: the number of each state.
        sample_weight
            [n] weights of the rows. None: equal ones.

        Raises
        ------
        NumprobeError
            If there is not one number for each state, or as `predict`.
        """
        predicted, wanted = self.predict(states, layer), np.asarray(numbers)
        if wanted.shape != predicted.shape or not len(wanted):
            raise NumprobeError(
                f"score needs one number for each of {len(predicted)} states, not an array of {list(wanted.shape)}"
            )
        return float(np.average(predicted == wanted, weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn asks of an estimator: a classifier of dense arrays."""
        utils = import_module("sklearn.utils")
        return utils.Tags(
            estimator_type="classifier",
            target_tags=utils.TargetTags(required=True),
            classifier_tags=utils.ClassifierTags(),
            input_tags=utils.InputTags(),
        )

    def __repr__(self) -> str:
        """Return a line on what the probe is."""
        return str(import_module("numprobe.probes.shown").one_line(self))

    def _repr_html_(self) -> str:
        """Return what the probe is and how well it reads, for notebooks."""
        return str(import_module("numprobe.probes.shown").page(self))


def _layer(probe: Readable, layer: str | int | None) -> str:
    if layer is not None:
        return str(layer)
    if len(probe.layers) != 1:
        raise NumprobeError(f"this probe reads several layers: give layer=..., one of {', '.join(probe.layers)}")
    return probe.layers[0]
