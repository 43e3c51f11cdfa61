"""Measure one random order of the numbers: accuracy and code length of every probe at every size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from numprobe.experiments.sample_efficiency.code_length import Coder, fit_coder, probe_scores
from numprobe.experiments.sample_efficiency.data import CONTROLS, Data, Rows, make_data
from numprobe.experiments.sample_efficiency.order import Order
from numprobe.experiments.sample_efficiency.sample import Sample
from numprobe.probes.closed_form import fit_layer, make_target
from numprobe.probes.codes import make_code
from numprobe.probes.probe import Probe
from numprobe.splits import Fold

#: Metrics: share read correctly; bits per test value; bits per value of the next block; bits per training value.
ACCURACY, BITS, BLOCK_BITS, CODE_LENGTH = "accuracy", "bits", "block_bits", "code_length"


@dataclass(frozen=True, eq=False)
class Reading:
    """Scores of single rows.

    Attributes
    ----------
    probe, control, metric
        Probe, control and metric.
    train_values, train_prompts
        Number of training values, and maximum number of rows of each.
    values
        int64 [n]: the true number of each row.
    scores
        [n]: whether it was read correctly, or bits.
    """

    probe: str
    control: str
    metric: str
    train_values: int
    train_prompts: int
    values: np.ndarray
    scores: np.ndarray


def measure_order(
    sample: Sample,
    order: Order,
    kinds: Sequence[str],
    prompts: Sequence[int],
    seed: int,
    controls: Sequence[str] = CONTROLS,
) -> list[Reading]:
    """Fit every probe to all labels at every size and, at the largest, with every number of rows per value.

    Parameters
    ----------
    sample
        The rows.
    order
        The nested training sets.
    kinds
        Closed-form probes.
    prompts
        Maximum numbers of training rows per value; the largest that the rows allow is used at all sizes.
    seed
        The study's seed.
    controls
        Labels of the fits: "none" for the true numbers, "shuffled" for permuted ones.

    Returns
    -------
    Readings; none if the states of a training set are all one vector.
    """
    data = make_data(sample, order, seed, controls)
    *fewer, most = sorted({min(count, data.most_prompts) for count in prompts})
    folds = [fold for size in order.sizes for fold in (order.fold(size), *order.inner_folds(size))]
    found = [reading for probe in _fit(data, kinds, most, folds) for reading in _sizes(data, probe, most)]
    largest = order.sizes[-1]
    for count in fewer:
        probes = _fit(data, kinds, count, [order.fold(largest)])
        found += [_accuracy(data, probe, largest, count) for probe in probes]
    return found


def _fit(data: Data, kinds: Sequence[str], prompts: int, folds: Sequence[Fold]) -> list[Probe]:
    """Fit every kind to all labels; all fits share the decompositions of the states."""
    split, sample = data.order.split, data.sample
    keys = [(kind, control) for control in data.labels for kind in kinds]
    codes = {kind: make_code(kind, split.minimum, split.maximum) for kind in kinds}
    targets = [make_target(codes[kind], data.labels[control], split.minimum) for kind, control in keys]
    fitted = fit_layer(data.statistics(prompts), split, targets, folds)
    return [
        Probe(
            kind=kind,
            numbers=split.values,
            layers=(sample.layer,),
            folds=tuple(parts),
            constant=(),
            width=sample.states.shape[1],
            metadata={"control": control},
            tensors={(sample.layer, fold): tensors for fold, tensors in parts.items()},
        )
        for (kind, control), parts in zip(keys, fitted or [], strict=fitted is not None)
    ]


def _sizes(data: Data, probe: Probe, prompts: int) -> Iterator[Reading]:
    """Yield accuracy and bits at every size, and the code length of all training values.

    Numbers are sent one by one, each with the state of its first row. The first block is sent with the uniform code,
    every other one with the probe that was fitted on the blocks before it.
    """
    sizes, control = data.order.sizes, str(probe.metadata["control"])
    sent, test = data.first_rows(control), data.test_rows(control)
    first = sent.of(data.order.values[: sizes[0]]).values
    paid = [(first, np.full(len(first), np.log2(len(probe.numbers))))]
    for size in sizes:
        coder = _coder(data, probe, sent, size)
        yield _accuracy(data, probe, size, prompts)
        yield Reading(probe.kind, control, BITS, size, prompts, test.values, _bits(data, probe, coder, test, size))
        block = sent.of(data.order.next_block(size))
        if len(block.values):
            paid.append((block.values, _bits(data, probe, coder, block, size)))
            yield Reading(probe.kind, control, BLOCK_BITS, size, prompts, *paid[-1])
    values, bits = (np.concatenate(part) for part in zip(*paid, strict=True))
    yield Reading(probe.kind, control, CODE_LENGTH, sizes[-1], prompts, values, bits)


def _accuracy(data: Data, probe: Probe, size: int, prompts: int) -> Reading:
    control = str(probe.metadata["control"])
    test = data.test_rows(control)
    right = probe.decode(test.states, data.sample.layer, str(size)) == test.labels
    return Reading(probe.kind, control, ACCURACY, size, prompts, test.values, right)


def _coder(data: Data, probe: Probe, sent: Rows, size: int) -> Coder:
    """Fit the coder on the training values of a size, each read by a fit without its group."""
    scores, labels = [], []
    for fold in data.order.inner_folds(size):
        group = sent.of(data.order.split.values_in(fold.test))
        scores.append(probe_scores(probe, group.states, data.sample.layer, fold.name))
        labels.append(group.labels)
    return fit_coder(probe, np.concatenate(scores), np.concatenate(labels) - data.order.split.minimum)


def _bits(data: Data, probe: Probe, coder: Coder, rows: Rows, size: int) -> np.ndarray:
    scores = probe_scores(probe, rows.states, data.sample.layer, str(size))
    return coder.bits(scores, rows.labels - data.order.split.minimum)
