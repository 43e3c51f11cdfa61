"""Summarise the readings of several random orders as measurements with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from numprobe.experiments.sample_efficiency.fits import ACCURACY, CODE_LENGTH, Reading
from numprobe.intervals import EXACT, Interval, accuracy_interval, change_interval, exact_bounds, mean_interval
from numprobe.seeding import generator

#: Name of the bootstrap over random orders and, within each, over values.
ORDERS = "orders and values (bootstrap)"
#: Additional columns: number of training values, training rows per value, and number of candidates.
EXTRA = {"train_values": pl.UInt32, "train_prompts": pl.UInt32, "candidates": pl.UInt32}
_PER_ORDER = (ACCURACY, CODE_LENGTH)
#: Paired differences to the leading probe on the same orders and values, positive where it is better: share read
#: correctly, and bits per number.
ACCURACY_LEAD, BITS_SAVED = "accuracy_lead", "bits_saved"
#: The uniform code's length over the probe's.
COMPRESSION = "compression"

Row = dict[str, Any]


def measurement_rows(
    orders: Sequence[Sequence[Reading]], candidates: int, resamples: int, seed: int, leading: str = "fourier"
) -> list[Row]:
    """Return every metric over all orders together, and accuracy and code length of each order (column `fold`).

    Parameters
    ----------
    orders
        The readings of each order.
    candidates
        Number of candidates.
    resamples, seed
        Number of resamples and seed of the bootstrap.
    leading
        The probe to which the others are compared.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, which lack `model`, `context` and `layer`.
    """
    groups: dict[tuple[Any, ...], list[tuple[str, Reading]]] = {}
    for name, readings in enumerate(orders):
        for reading in [*readings, *_differences(readings, leading)]:
            key = (reading.probe, reading.control, reading.metric, reading.train_values, reading.train_prompts)
            groups.setdefault(key, []).append((str(name), reading))
    rows = []
    for parts in groups.values():
        rows += list(_group_rows(parts, candidates, resamples, seed))
    return rows


def order_interval(
    parts: Sequence[tuple[np.ndarray, np.ndarray]], resamples: int, seed: int, shares: bool = False
) -> Interval:
    """Return the mean over orders of the mean over values of the mean score of a value's rows.

    The percentile bootstrap draws orders, and values within each drawn order, so the interval covers the variation over
    both.

    Parameters
    ----------
    parts
        Per order: values int [n] and scores [n].
    resamples, seed
        Number of resamples and seed of the bootstrap.
    shares
        Whether scores are right or wrong: if all are 0, or all 1, the exact interval over the distinct values is used.
    """
    means = [_means(values, scores) for values, scores in parts]
    distinct = len(np.unique(np.concatenate([values for values, _ in parts])))
    size = (distinct, sum(len(values) for values, _ in parts))
    estimate = float(np.mean([mean.mean() for mean in means]))
    if shares and estimate in (0.0, 1.0):
        return Interval(estimate, *exact_bounds(estimate * distinct, distinct), EXACT, *size)
    low, high = np.quantile(_draws(means, resamples, seed), (0.025, 0.975))
    return Interval(estimate, min(float(low), estimate), max(float(high), estimate), ORDERS, *size)


def _differences(readings: Sequence[Reading], leading: str) -> Iterator[Reading]:
    """Yield the differences between the leading probe and every other, row by row."""
    plain = [reading for reading in readings if reading.control == "none" and reading.metric in _PER_ORDER]
    at = {(r.metric, r.train_values, r.train_prompts): r for r in plain if r.probe == leading}
    for reading in plain:
        best = at.get((reading.metric, reading.train_values, reading.train_prompts))
        if best is None or reading.probe == leading:
            continue
        gain = best.scores.astype(np.float64) - reading.scores
        if reading.metric == ACCURACY:
            yield replace(reading, metric=ACCURACY_LEAD, scores=gain)
        else:
            yield replace(reading, metric=BITS_SAVED, scores=-gain)


def _draws(means: Sequence[np.ndarray], resamples: int, seed: int) -> np.ndarray:
    """Return bootstrap means, float64 [resamples]."""
    rng = generator(seed, "bootstrap", "orders", len(means), resamples)
    total = np.zeros(resamples)
    for picked in rng.integers(len(means), size=(len(means), resamples)):
        for order, mean in enumerate(means):
            of_order = np.flatnonzero(picked == order)
            total[of_order] += mean[rng.integers(len(mean), size=(len(of_order), len(mean)))].mean(axis=1)
    return total / len(means)


def _means(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the mean score of each value."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray(np.bincount(place, weights=np.asarray(scores, dtype=np.float64)) / count)


def _group_rows(parts: Sequence[tuple[str, Reading]], candidates: int, resamples: int, seed: int) -> Iterator[Row]:
    first = parts[0][1]
    described = {
        "probe": first.probe,
        "control": first.control,
        "train_values": first.train_values,
        "train_prompts": first.train_prompts,
        "candidates": candidates,
        "seed": seed,
    }
    single = {name: _interval(reading, resamples, seed) for name, reading in parts}
    joint = _joint([reading for _, reading in parts], resamples, seed) if len(parts) > 1 else single[parts[0][0]]
    note = None if len(parts) > 1 else "one order"
    yield {**described, "metric": first.metric, **joint.columns(), "note": note}
    if first.metric == CODE_LENGTH:
        yield {**described, "metric": COMPRESSION, **_compression(joint, candidates).columns(), "note": note}
    if len(parts) > 1 and first.metric in _PER_ORDER:
        for name, interval in single.items():
            yield {**described, "metric": first.metric, "fold": name, **interval.columns()}


def _joint(readings: Sequence[Reading], resamples: int, seed: int) -> Interval:
    parts = [(reading.values, reading.scores) for reading in readings]
    return order_interval(parts, resamples, seed, shares=readings[0].metric == ACCURACY)


def _interval(reading: Reading, resamples: int, seed: int) -> Interval:
    if reading.metric == ACCURACY:
        return accuracy_interval(reading.values, reading.scores)
    if reading.metric == ACCURACY_LEAD:
        return change_interval(reading.values, reading.scores < 0, reading.scores > 0)
    return mean_interval(reading.values, reading.scores, resamples, seed)


def _compression(bits: Interval, candidates: int) -> Interval:
    """Return the factor by which a code is shorter than the uniform code."""
    uniform = float(np.log2(candidates))
    value, low, high = (None if bound is None else uniform / bound for bound in (bits.value, bits.high, bits.low))
    return replace(bits, value=value, low=low, high=high)
