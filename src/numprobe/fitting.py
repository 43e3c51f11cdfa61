"""Fit a probe on states that are at hand, without a study: the workflow's fit and evaluation, in memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.store import RESIDUAL
from numprobe.errors import NumprobeError
from numprobe.measure.accuracy import accuracy_rows, constant_answer_rows, constant_state_rows
from numprobe.measure.predict import PREDICTION, predict_states
from numprobe.probes.dataset import check_training_numbers, describe_split, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.measured import MEASURED, measured_rows
from numprobe.probes.probe import Probe
from numprobe.splits import StudySplit, make_split

#: Name of the layer of states that are given without one.
UNNAMED = "states"
# The fit holds a code of every candidate, [N, N] for `fourier`.
_MOST_CANDIDATES = 10_000
_TEXT_SPLITS = ("train", "test", "any")


def fit(
    states: Any,
    numbers: Any,
    kind: str = "fourier",
    *,
    minimum: int | None = None,
    maximum: int | None = None,
    text_split: Sequence[str] | None = None,
    folds: int = 10,
    inner: int = 3,
    seed: int = 0,
    resamples: int = 1000,
    threads: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Probe:
    """Fit a closed-form probe on hidden states, and measure how well it reads numbers that it has not seen.

    The split is over number values: the rows of a test value take no part in the fit of its fold, and penalty,
    shrinkage and weights are chosen on inner groups of training values.

    Parameters
    ----------
    states
        [n, width], NumPy or torch, of a floating-point type; or a mapping from names of layers ("0", "1", ...,
        "final_norm") to such arrays, with the same rows.
    numbers
        [n] integers: the number that each row stands for. Every number may have many rows.
    kind
        "fourier", "digits", "circular", "helix", "binary", "linear" or "log" (docs/probes.md).
    minimum, maximum
        Range of the candidates; rows outside are left out. None: the range of `numbers`.
    text_split
        [n] of "train", "test" or "any": what each row's text may be used for, so that no text is in both parts. None:
        every row may train and test.
    folds, inner
        Numbers of folds over values, and of inner groups of training values.
    seed
        Decides the folds, the shuffled control and the bootstrap.
    resamples
        Bootstrap samples of the values, for the intervals of `mae` and `r2`.
    threads
        Layers that are fitted side by side.
    metadata
        Stored in the probe, such as `{"model": "gpt2", "context": "prices"}`.

    Returns
    -------
    The probe. `probe.accuracy` has its accuracy on held-out numbers by layer, with 95 % intervals over numbers, beside
    the controls `shuffled` (the same fit on permuted numbers) and `constant` (the most frequent number).

    Raises
    ------
    NumprobeError
        If states and numbers do not fit together, the kind is unknown, or there are too few different numbers.
    """
    given = _layers(states)
    read = _numbers(numbers, len(next(iter(given.values()))))
    split = _split(read, minimum, maximum, folds, inner, seed)
    positions = _positions(read, text_split)
    rows = _rows(given, positions, split, metadata or {})
    check_training_numbers(rows.values, split, "the states", "fit with fewer folds, or states of more numbers")
    described = {"split": describe_split(split, [whole_fold(split), *split.folds])}
    fitted = fit_closed_form(rows, split, [kind], ["shuffled"], seed, described, threads)
    probes = list(fitted.values())
    predictions = predict_states(given.items(), positions, probes)
    measured = accuracy_rows(predictions, resamples, seed) + constant_state_rows(probes, seed)
    measured += constant_answer_rows(predictions, seed)
    probe = fitted[kind, "none"]
    return replace(probe, metadata={**probe.metadata, MEASURED: measured_rows(measured)})


@dataclass(frozen=True, eq=False)
class GivenRows:
    """The training rows of states in memory (`numprobe.probes.dataset.Rows`).

    Attributes
    ----------
    states
        Layer -> [rows, width].
    used
        bool [rows]: which of them train.
    values
        int64 [rows used]: their numbers.
    described
        Metadata for the probe.
    """

    states: Mapping[str, np.ndarray]
    used: np.ndarray
    values: np.ndarray
    described: dict[str, Any]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(self.states)

    @property
    def width(self) -> int:
        """Components per state."""
        return int(next(iter(self.states.values())).shape[1])

    def batches(self, layer: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the states and the values of the used rows, all at once."""
        yield self.states[layer][self.used], self.values


def _rows(
    states: Mapping[str, np.ndarray], positions: pl.DataFrame, split: StudySplit, metadata: Mapping[str, Any]
) -> GivenRows:
    values = positions["number"].to_numpy().astype(np.int64)
    used = (values >= split.minimum) & (values <= split.maximum) & (positions["text_split"] != "test").to_numpy()
    return GivenRows(states, used, values[used], {"site": RESIDUAL, **metadata})


def _layers(states: Any) -> dict[str, np.ndarray]:
    """Return checked states by layer, as NumPy arrays of the type that they were given in."""
    named = states if isinstance(states, Mapping) else {UNNAMED: states}
    layers = {str(name): _array(array, str(name)) for name, array in named.items()}
    shapes = {array.shape for array in layers.values()}
    if len(shapes) != 1:
        found = ", ".join(f"{name} {list(array.shape)}" for name, array in layers.items()) or "none"
        raise NumprobeError(f"fit needs states of one shape [n, width] in all layers, not: {found}")
    return layers


def _array(states: Any, layer: str) -> np.ndarray:
    if hasattr(states, "detach"):
        if not states.is_floating_point():
            raise NumprobeError(f"hidden states must be floating-point, not {states.dtype}")
        states = states.detach().cpu()
        # NumPy has no bfloat16.
        states = (states.float() if states.dtype.itemsize < 4 else states).numpy()
    array = np.asarray(states)
    if array.dtype.kind != "f":
        raise NumprobeError(f"hidden states must be floating-point, not {array.dtype}")
    if array.ndim != 2 or not array.size:
        raise NumprobeError(f"hidden states must have shape [n, width], not {list(array.shape)}")
    if not np.isfinite(array).all():
        raise NumprobeError(f"hidden states have NaN or infinite components in layer '{layer}': leave those rows out")
    return array


def _numbers(numbers: Any, rows: int) -> np.ndarray:
    """Return the numbers, int64 [rows]."""
    given = np.asarray(numbers.detach().cpu() if hasattr(numbers, "detach") else numbers)
    if given.shape != (rows,):
        raise NumprobeError(f"fit needs one number for each of {rows} states, not an array of {list(given.shape)}")
    if given.dtype.kind not in "iu":
        raise NumprobeError(f"numbers must be integers, not {given.dtype}: convert them, such as numbers.astype(int)")
    return given.astype(np.int64)


def _split(
    numbers: np.ndarray, minimum: int | None, maximum: int | None, folds: int, inner: int, seed: int
) -> StudySplit:
    low = int(numbers.min()) if minimum is None else minimum
    high = int(numbers.max()) if maximum is None else maximum
    if not 1 <= high - low < _MOST_CANDIDATES:
        raise NumprobeError(
            f"a probe chooses among 2 to {_MOST_CANDIDATES:,} candidates, not {low}..{high}: set minimum and maximum"
        )
    if folds < 2 or inner < 2:
        raise NumprobeError(f"fit needs at least 2 folds and 2 inner groups, not {folds} and {inner}")
    return make_split(low, high, "folds", folds, inner, seed)


def _positions(numbers: np.ndarray, text_split: Sequence[str] | None) -> pl.DataFrame:
    """Return a position table, as a study has it of its states; every row stands for a prompt of its own."""
    parts = ["any"] * len(numbers) if text_split is None else [str(part) for part in text_split]
    unknown = sorted(set(parts) - set(_TEXT_SPLITS))
    if len(parts) != len(numbers) or unknown:
        found = f"'{unknown[0]}'" if unknown else f"{len(parts)} entries"
        raise NumprobeError(
            f"text_split needs one of {', '.join(_TEXT_SPLITS)} for each of {len(numbers)} rows, not {found}"
        )
    row = np.arange(len(numbers), dtype=np.uint32)
    table = pl.DataFrame({"row": row, "prompt": row, "number": numbers, "text_split": parts})
    unsaid = {name: PREDICTION[name] for name in ("start", "operation", "domain", "number_tokens")}
    return table.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in unsaid.items())
