"""From decoded numbers to measurements: accuracy, error, explained variance, with intervals, subsets and controls."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.intervals import (
    Interval,
    accuracy_interval,
    mean_interval,
    prompt_accuracy_interval,
    r2_interval,
    shares_by_value,
)
from numprobe.measure.digits import constant_digit_rows, digit_rows
from numprobe.measure.last_token import last_token_rows
from numprobe.measure.predict import control_of, predict
from numprobe.measure.tested import measured_layer, plain_layers, tested_rows, token_subsets
from numprobe.probes.probe import Probe
from numprobe.status import constant_state
from numprobe.tables import Row

#: A leading range of fewer numbers than these says nothing.
_FEWEST = 20

Score = Callable[[np.ndarray, np.ndarray, int, int], Interval]


def _accuracy(labels: np.ndarray, decoded: np.ndarray, resamples: int, seed: int) -> Interval:
    return accuracy_interval(labels, labels == decoded)


def _accuracy_prompts(labels: np.ndarray, decoded: np.ndarray, resamples: int, seed: int) -> Interval:
    return prompt_accuracy_interval(labels, labels == decoded)


def _mae(labels: np.ndarray, decoded: np.ndarray, resamples: int, seed: int) -> Interval:
    return mean_interval(labels, np.abs(labels - decoded), resamples, seed)


#: Every metric of decoded numbers: from labels [n], decoded [n], resamples and seed to a score with interval.
METRICS: Mapping[str, Score] = {
    "accuracy": _accuracy,
    "accuracy_prompts": _accuracy_prompts,
    "mae": _mae,
    "r2": r2_interval,
}


def evaluate(
    folder: str | Path,
    probes: Sequence[Probe],
    card: Mapping[str, Any],
    control: str,
    resamples: int,
    seed: int,
    layers: Sequence[str] = (),
) -> tuple[pl.DataFrame, list[Row]]:
    """All that is measured of one model in one context.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    probes
        Its probes, controls included.
    card
        The model's card: subsets by single-token numbers where only some are.
    control
        "none", or "untrained", "mixed" and the like if the states are those of a control: its rows are marked so, and
        the constant answer and the floor of the last token, which are the same for the trained model, are left out.
    resamples, seed
        Of the bootstrap over values.
    layers
        The model's layers, where the states of its control stand for all of them.

    Returns
    -------
    The out-of-fold readings, and rows for `numprobe.tables.measurements` that lack `model` and `context`.

    Raises
    ------
    NumprobeError
        If the probes do not fit the states, or no row tests.
    """
    predictions = predict(folder, probes)
    ranges = single_token_ranges(card, int(probes[0].numbers[0]), int(probes[0].numbers[-1]))
    rows = accuracy_rows(predictions, resamples, seed, ranges) + constant_state_rows(probes, seed)
    rows += digit_rows(predictions, seed)
    if control != "none":
        return predictions, in_layers([{**row, "control": control} for row in rows], layers)
    rows += constant_answer_rows(predictions, seed) + constant_digit_rows(predictions, seed)
    return predictions, rows + last_token_rows(folder, predictions, resamples, seed)


def in_layers(rows: Sequence[Row], layers: Sequence[str]) -> list[Row]:
    """Return the rows of a control without layers once for each layer of its model; as they are if there are none."""
    return [{**row, "layer": layer} for layer in layers for row in rows] if layers else list(rows)


def accuracy_row(predictions: pl.DataFrame, seed: int) -> Row:
    """Return the measurement of accuracy alone, whose interval draws nothing; otherwise as `score`."""
    labels, decoded = (predictions[name].to_numpy().astype(np.int64) for name in ("label", "decoded"))
    return {"metric": "accuracy", **accuracy_interval(labels, labels == decoded).columns(), "seed": seed}


def score(predictions: pl.DataFrame, metrics: Iterable[str], resamples: int, seed: int) -> Iterator[Row]:
    """One measurement per metric of a set of decoded rows (columns `label` and `decoded`; not empty)."""
    labels = predictions["label"].to_numpy().astype(np.int64)
    decoded = predictions["decoded"].to_numpy().astype(np.int64)
    for metric in metrics:
        interval = METRICS[metric](labels, decoded, resamples, seed)
        yield {"metric": metric, **interval.columns(), "seed": seed}


def accuracy_rows(
    predictions: pl.DataFrame, resamples: int, seed: int, ranges: Sequence[tuple[int, int]] = ()
) -> list[Row]:
    """Measurements of every layer, probe and control, in the order of the predictions.

    Parameters
    ----------
    predictions
        Out-of-fold readings (`numprobe.measure.predict`).
    resamples, seed
        Of the bootstrap.
    ranges
        (first, last) of ranges of written numbers that are subsets of their own.

    Returns
    -------
    Rows for `numprobe.tables.measurements` that lack `model` and `context`: all metrics of all folds together, for all
    rows and each subset; the accuracy of each fold, for probes that are not controls. The layer of the Gaussian
    control, which has none, is None.
    """
    found = []
    for group in predictions.partition_by("layer", "probe", "control", maintain_order=True):
        names = {"layer": measured_layer(group["layer"][0]), **{name: group[name][0] for name in ("probe", "control")}}
        found += [{**names, **row} for row in _group_rows(group, resamples, seed, ranges)]
    return found


def _group_rows(group: pl.DataFrame, resamples: int, seed: int, ranges: Sequence[tuple[int, int]]) -> Iterator[Row]:
    for subset, part in _subsets(group, ranges):
        yield from ({"subset": subset, **row} for row in score(part, METRICS, resamples, seed))
    if group["control"][0] == "none":
        yield from _fold_rows(group, seed)


def _subsets(group: pl.DataFrame, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "all", group
    for column in ("operation", "domain"):
        for kind in group[column].drop_nulls().unique().sort():
            yield f"{column}={kind}", group.filter(pl.col(column) == kind)
    yield from token_subsets(group)
    for first, last in ranges:
        part = group.filter(pl.col("number").is_between(first, last))
        if part.height:
            yield f"values={first}..{last}", part


def _fold_rows(group: pl.DataFrame, seed: int) -> Iterator[Row]:
    """The accuracy of each fold: its spread is what the choice of the test values does, so it has no interval."""
    for part in group.partition_by("fold", maintain_order=True):
        labels = part["label"].to_numpy().astype(np.int64)
        shares = shares_by_value(labels, labels == part["decoded"].to_numpy())
        yield {
            "metric": "accuracy",
            "value": float(shares.mean()),
            "n_values": len(shares),
            "n_prompts": part.height,
            "seed": seed,
            "fold": part["fold"][0],
        }


def constant_answer_rows(predictions: pl.DataFrame, seed: int) -> list[Row]:
    """Return the accuracy of always answering the most frequent label of a fold's test rows (the same in all layers).

    Generous to the rival: it knows the test labels. The smallest of equally frequent labels answers.
    """
    rows = tested_rows(predictions)
    if rows.is_empty():
        return []
    answered = rows.with_columns(pl.col("label").mode().min().over("fold").alias("decoded"))
    labels, decoded = (answered[name].to_numpy().astype(np.int64) for name in ("label", "decoded"))
    over_prompts = prompt_accuracy_interval(labels, labels == decoded)
    scored = [
        accuracy_row(answered, seed),
        {"metric": "accuracy_prompts", **over_prompts.columns(), "seed": seed},
    ]
    names = {"probe": "constant", "control": "constant"}
    return [{"layer": layer, **names, **row} for layer in plain_layers(predictions) for row in scored]


def constant_state_rows(probes: Sequence[Probe], seed: int) -> list[Row]:
    """One row without a value for each layer in which all states are one vector, per probe and control."""
    return [
        {
            "layer": layer,
            "probe": probe.kind,
            "control": control_of(probe),
            "metric": "accuracy",
            **constant_state(),
            "seed": seed,
        }
        for probe in probes
        for layer in probe.constant
    ]


def single_token_ranges(card: Mapping[str, Any], minimum: int, maximum: int) -> list[tuple[int, int]]:
    """The leading numbers that are all single tokens, and the rest, where only some of the later ones are.

    One average hides two regimes: a probe trains densely on the first range and sparsely on the second.

    Parameters
    ----------
    card
        A model's card (`results/cards/{model}.json`).
    minimum, maximum
        The study's range.

    Returns
    -------
    [(minimum, last), (last + 1, maximum)]; empty if all numbers are single tokens, or hardly any are.
    """
    found = card["single_token_numbers"]["contiguous_from_minimum"]
    if not found or found[1] >= maximum or found[1] - minimum + 1 < _FEWEST:
        return []
    return [(minimum, int(found[1])), (int(found[1]) + 1, maximum)]
