"""Several numbers planted in one vector, and read back by probes where the answer is known.

x = W_1 code(n_1) + ... + W_k code(n_k) + noise, each code the cosines and sines of a few periods, each W random.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from numprobe.experiments.given import Given
from numprobe.experiments.multi_token.pigeonhole import whole_numbers
from numprobe.intervals import accuracy_interval
from numprobe.probes.controls import control_labels
from numprobe.probes.held_out import Reading, read_held_out
from numprobe.seeding import generator
from numprobe.splits import make_split
from numprobe.tables import Row, measurements

#: Columns beside those of all measurements.
EXTRA = {"numbers": pl.UInt8, "place": pl.UInt8, "noise": pl.Float64, "width": pl.UInt32}
MODEL, CONTEXT, PROBE = "planted", "superposed", "fourier"
PERIODS = (2, 5, 10, 100, 1000)
SIZES = (1, 2, 3)
#: Standard deviation of the noise, in units of one number's contribution per component.
NOISES = (0.0, 0.1, 0.2, 0.4, 0.8)
WIDTH, ROWS, FOLDS, INNER = 64, 2000, 5, 3


def planted_numbers(values: np.ndarray, width: int, noise: float, seed: int) -> np.ndarray:
    """Return states in which every row holds several numbers.

    Parameters
    ----------
    values
        int [n, k]: the numbers of each row, 0..999.
    width
        Components.
    noise
        Standard deviation of the noise per component; a single number's contribution has about 1.
    seed
        Of the directions and the noise.

    Returns
    -------
    float64 [n, width].
    """
    random = generator(seed, "superposition", width, values.shape[1])
    states = noise * random.standard_normal((len(values), width))
    for column in values.T:
        angle = 2 * np.pi * column[:, None] / np.array(PERIODS)
        code = np.hstack([np.cos(angle), np.sin(angle)])
        states += code @ random.standard_normal((code.shape[1], width)) / np.sqrt(len(PERIODS))
    return states


def evaluate_superposition(given: Given) -> None:
    """Write the table."""
    given.write(measurements(superposition_rows(given.values["resamples"], given.values["seed"]), EXTRA))


def superposition_rows(
    resamples: int, seed: int, sizes: Sequence[int] = SIZES, noises: Sequence[float] = NOISES, width: int = WIDTH
) -> Iterator[Row]:
    """Yield the accuracy of each of k planted numbers, of all together, and the product of the single accuracies.

    Parameters
    ----------
    resamples, seed
        Of the bootstrap over values; the seed also draws the states.
    sizes
        How many numbers a state holds.
    noises
        As in `planted_numbers`.
    width
        Components per state.

    Yields
    ------
    Rows for `numprobe.tables.measurements` with the columns `EXTRA`; with the control "shuffled".
    """
    split = make_split(0, 999, "folds", FOLDS, INNER, seed)
    shuffled = control_labels("shuffled", split.values, split, seed)
    for size in sizes:
        values = generator(seed, "superposition", "values", size).integers(0, 1000, size=(ROWS, size))
        for noise in noises:
            states = planted_numbers(values, width, noise, seed)
            found = [read_held_out(states, column, split, PROBE, [None, shuffled]) or [] for column in values.T]
            common = {"model": MODEL, "context": CONTEXT, "probe": PROBE, "seed": seed, "numbers": size}
            common |= {"noise": noise, "width": width}
            for index, control in enumerate(("none", "shuffled")):
                readings = [place[index] for place in found]
                named = common | {"control": control}
                yield from ({**named, **row} for row in _scored(values, readings, resamples, seed))


def _scored(values: np.ndarray, readings: list[Reading], resamples: int, seed: int) -> Iterator[Row]:
    for place, reading in enumerate(readings):
        one = accuracy_interval(reading.labels, reading.right)
        yield {"place": place, "metric": "accuracy", **one.columns()}
    right = np.stack([reading.right for reading in readings], axis=1)
    whole = whole_numbers(values, right[None], resamples, seed)
    for metric, found in (("joint_accuracy", whole.joint), ("product_accuracy", whole.product)):
        yield {
            "metric": metric,
            "value": float(found.value[0]),
            "ci_low": float(found.low[0]),
            "ci_high": float(found.high[0]),
            "resampled": found.resampled[0],
            "n_values": len(np.unique(values[:, 0])),
            "n_prompts": len(values),
        }
