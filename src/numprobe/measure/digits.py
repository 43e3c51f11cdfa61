"""Accuracy of each digit of a number, whatever the other digits are."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from numprobe.digits import digit_at, has_place, place_name, places
from numprobe.intervals import Interval, accuracy_interval, accuracy_intervals
from numprobe.measure.tested import measured_layer, plain_layers, tested_rows
from numprobe.tables import Row

#: The metric; its subsets are `place=units`, `place=tens`, ...
METRIC = "digit_accuracy"


def digit_rows(predictions: pl.DataFrame, seed: int) -> list[Row]:
    """Return the accuracy of the digits at every place in every layer, for all probes and controls.

    A place is judged on the numbers that have it; a decoded number that lacks it is wrong.

    Parameters
    ----------
    predictions
        Out-of-fold readings (`numprobe.measure.predict.PREDICTION`).
    seed
        The study's seed, for the rows.

    Returns
    -------
    Rows for `numprobe.tables.measurements` that lack `model` and `context`, in the order of the readings. The layer
    of the Gaussian control, which has none, is None.
    """
    groups = predictions.partition_by("layer", "probe", "control", maintain_order=True)
    # Readings that were asked for the same labels are scored together.
    alike: dict[bytes, list[int]] = {}
    for index, group in enumerate(groups):
        alike.setdefault(group["label"].to_numpy().tobytes(), []).append(index)
    measured: dict[int, list[Row]] = {}
    for indices in alike.values():
        scores = _scores([groups[index] for index in indices], seed)
        measured.update(zip(indices, scores, strict=True))
    return [
        {"layer": measured_layer(group["layer"][0]), "probe": group["probe"][0], "control": group["control"][0], **row}
        for index, group in enumerate(groups)
        for row in measured[index]
    ]


def _scores(groups: Sequence[pl.DataFrame], seed: int) -> list[list[Row]]:
    """Return the scores at every place, a list for each of some readings with the same labels."""
    labels = groups[0]["label"].to_numpy().astype(np.int64)
    decoded = np.column_stack([group["decoded"].to_numpy() for group in groups]).astype(np.int64)
    found: list[list[Row]] = [[] for _ in groups]
    for place in places(int(labels.max())):
        held = has_place(labels, place)
        right = digit_at(decoded[held], place) == digit_at(labels[held], place)[:, None]
        for rows, interval in zip(found, accuracy_intervals(labels[held], right), strict=True):
            rows.append(digit_row(place, interval, seed))
    return found


def constant_digit_rows(predictions: pl.DataFrame, seed: int) -> list[Row]:
    """Return what always answering the most frequent digit of the fold's test rows reaches, in each layer.

    Generous to the rival, as the constant answer: it knows the test labels. The smallest of equally frequent digits
    answers. Parameters and rows as `digit_rows`.
    """
    rows = tested_rows(predictions)
    if rows.is_empty():
        return []
    labels, fold = rows["label"].to_numpy().astype(np.int64), rows["fold"].to_numpy()
    measured = []
    for place in places(int(labels.max())):
        held = has_place(labels, place)
        right = _most_frequent(digit_at(labels[held], place), fold[held])
        measured.append(digit_row(place, accuracy_interval(labels[held], right), seed))
    names = {"probe": "constant", "control": "constant"}
    return [{"layer": layer, **names, **row} for layer in plain_layers(predictions) for row in measured]


def _most_frequent(digits: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return whether each digit is the most frequent one of its fold, bool [n]."""
    right = np.zeros(len(digits), dtype=bool)
    for name in np.unique(fold):
        inside = fold == name
        right[inside] = digits[inside] == np.bincount(digits[inside]).argmax()
    return right


def digit_row(place: int, score: Interval, seed: int) -> Row:
    """Return the row of a score at one place."""
    return {"metric": METRIC, "subset": f"place={place_name(place)}", **score.columns(), "seed": seed}
