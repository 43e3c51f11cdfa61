"""Measure the accuracy of probes trained by gradient descent, at some sizes of one random order."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numprobe.activations.store import RESIDUAL
from numprobe.experiments.sample_efficiency.fits import ACCURACY, Reading
from numprobe.experiments.sample_efficiency.order import Order
from numprobe.experiments.sample_efficiency.sample import Sample
from numprobe.probes.dataset import TrainingRows
from numprobe.probes.fit_iterative import fit_iterative
from numprobe.probes.settings import make_settings


def measure_iterative(
    folder: str | Path,
    sample: Sample,
    order: Order,
    kinds: Sequence[str],
    sizes: Sequence[int],
    prompts: int,
    seed: int,
) -> list[Reading]:
    """Measure the accuracy on the test values after training on the first values of an order.

    Parameters
    ----------
    folder
        The activation folder.
    sample
        Its rows.
    order
        The nested training sets.
    kinds
        Iterative probes, with their default settings; validation values are taken from the training values.
    sizes
        Numbers of training values; a size that the order lacks is replaced by the nearest.
    prompts
        Maximum number of training rows per value, for the record.
    seed
        The study's seed.
    """
    nearest = sorted({min(order.sizes, key=lambda own: abs(own - size)) for size in sizes})
    folds = tuple(order.fold(size) for size in nearest)
    tested = sample.tests & np.isin(sample.values, order.test)
    values, states = sample.values[tested], sample.states[tested]
    found = []
    for kind in kinds:
        rows = _training_rows(Path(folder), sample)
        probe = fit_iterative(rows, order.split, folds, kind, make_settings(kind, {}), "none", seed, {})
        for size in nearest if probe.layers else []:
            right = probe.decode(states, sample.layer, str(size)) == values
            found.append(Reading(kind, "none", ACCURACY, size, prompts, values, right))
    return found


def _training_rows(folder: Path, sample: Sample) -> TrainingRows:
    used = np.zeros(len(sample.kept), dtype=bool)
    used[sample.kept] = sample.trains
    width = sample.states.shape[1]
    return TrainingRows(folder, (sample.layer,), width, used, sample.values[sample.trains], 4, {"site": RESIDUAL})
