"""Summarise the readings of several random orders as measurements with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from numprobe.experiments.sample_efficiency.fits import ACCURACY, CODE_LENGTH, Reading
from numprobe.intervals import Interval, accuracy_interval, change_interval, mean_interval
from numprobe.training_interval import t_bounds, training_interval

#: Methods of intervals over random orders: of shares, of bits, and of differences.
ORDERS_ON_LOGITS, ORDERS_ON_LOGS, ORDERS = "orders (t on logits)", "orders (t on logs)", "orders (t)"
#: Orders whose means lie closer together than this are equal but for rounding.
_ROUNDING = 1e-12
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
        Number of resamples and seed of the bootstrap over the numbers of one order.
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


def order_interval(readings: Sequence[Reading], resamples: int, seed: int) -> Interval:
    """Return the mean over orders of the mean over values of the mean score of a value's rows.

    Every order trains on other numbers and tests on other ones, so what its mean varies by holds both. The interval is
    Student's over orders, on logits of accuracies (`numprobe.training_interval`) and on logs of bits. A percentile
    bootstrap over a handful of orders would be too narrow.

    Parameters
    ----------
    readings
        Of at least two orders, one each, of the same metric.
    resamples, seed
        Number of resamples and seed of a bootstrap over values.

    Notes
    -----
    Orders that all have the same mean do not show how much orders differ. Their interval is that over the tested values
    of all orders, never of zero width for shares.
    """
    means = np.array([_means(reading.values, reading.scores).mean() for reading in readings])
    values, scores = (np.concatenate([getattr(one, name) for one in readings]) for name in ("values", "scores"))
    estimate = float(means.mean())
    if np.ptp(means) < _ROUNDING:
        return replace(_interval(replace(readings[0], values=values, scores=scores), resamples, seed), value=estimate)
    fewest = min(len(np.unique(reading.values)) for reading in readings)
    low, high, method = _bounds(readings[0].metric, means, fewest)
    return Interval(estimate, min(low, estimate), max(high, estimate), method, len(np.unique(values)), len(values))


def _bounds(metric: str, means: np.ndarray, values: int) -> tuple[float, float, str]:
    """Return the bounds over orders and their method, from the mean of each order and the count of its values."""
    if metric == ACCURACY:
        low, high, _ = training_interval(means.tolist(), values)
        return low, high, ORDERS_ON_LOGITS
    if metric == ACCURACY_LEAD:
        low, high = t_bounds(means)
        return max(low, -1.0), min(high, 1.0), ORDERS
    if metric == BITS_SAVED:
        return *t_bounds(means), ORDERS
    low, high = t_bounds(np.log(means))
    return float(np.exp(low)), float(np.exp(high)), ORDERS_ON_LOGS


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
    several = len(parts) > 1
    joint = order_interval([one for _, one in parts], resamples, seed) if several else single[parts[0][0]]
    note = None if several else "one order"
    yield {**described, "metric": first.metric, **joint.columns(), "note": note}
    if first.metric == CODE_LENGTH:
        yield {**described, "metric": COMPRESSION, **_compression(joint, candidates).columns(), "note": note}
    if several and first.metric in _PER_ORDER:
        for name, interval in single.items():
            yield {**described, "metric": first.metric, "fold": name, **interval.columns()}


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
