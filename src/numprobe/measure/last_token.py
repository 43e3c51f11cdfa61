"""The floor `last_token`: what a reader of a number's last token alone can reach, without any model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions
from numprobe.digits import digit_at, has_place, places
from numprobe.intervals import mean_interval
from numprobe.measure.digits import digit_row
from numprobe.measure.tested import plain_layers, tested_rows, token_subsets
from numprobe.tables import Row

#: Name of the floor, as probe and as control.
LAST_TOKEN = "last_token"
_ENDING = "ending"


def last_token_rows(folder: str | Path, predictions: pl.DataFrame, resamples: int, seed: int) -> list[Row]:
    """Return what knowing each number's last token alone reaches, in each layer (the same in all).

    A row's candidates are the numbers of the study's range that end in its last token when they are written there.

    Parameters
    ----------
    folder
        `results/activations/{model}/{context}`.
    predictions
        Its out-of-fold readings (`numprobe.measure.predict.PREDICTION`).
    resamples, seed
        Of the bootstrap over values.

    Returns
    -------
    Rows for `numprobe.tables.measurements` that lack `model` and `context`. `accuracy`: one candidate out of all is
    right. `digit_accuracy`: the share of the most frequent digit among the candidates that have the place. `mae`: the
    distance of the number from the candidates' median. Empty where all numbers are single tokens, or none is read at
    its own tokens.
    """
    endings = read_manifest(folder).get("endings", [])
    rows = tested_rows(predictions)
    if not endings or rows.is_empty():
        return []
    known = read_positions(folder).select("row", _ENDING).drop_nulls()
    rows = rows.join(known, on="row", how="inner", maintain_order="left")
    if rows.is_empty():
        return []
    measured = list(_scores(rows, [guess(np.array(values)) for values in endings], resamples, seed))
    names = {"probe": LAST_TOKEN, "control": LAST_TOKEN}
    return [{"layer": layer, **names, **row} for layer in plain_layers(predictions) for row in measured]


@dataclass(frozen=True)
class Guess:
    """The best guess of a number from its last token.

    Attributes
    ----------
    share
        Of one candidate among all.
    middle
        Median of the candidates.
    digits
        Place -> share of the most frequent digit among the candidates that have the place.
    """

    share: float
    middle: float
    digits: Mapping[int, float]


def guess(candidates: np.ndarray) -> Guess:
    """Return the best guess among candidates, int64 [n], not empty."""
    digits = {place: digit_at(candidates[has_place(candidates, place)], place) for place in places(candidates.max())}
    shares = {place: float(np.bincount(found).max() / len(found)) for place, found in digits.items()}
    return Guess(1 / len(candidates), float(np.median(candidates)), shares)


def _scores(rows: pl.DataFrame, guesses: Sequence[Guess], resamples: int, seed: int) -> Iterator[Row]:
    """Yield the scores of all rows, then of the rows by number of tokens, then of the digits at each place."""
    for subset, part in (("all", rows), *token_subsets(rows)):
        values, guessed = _guessed(part, guesses)
        errors = np.abs(values - [one.middle for one in guessed])
        for metric, scores in (("accuracy", np.array([one.share for one in guessed])), ("mae", errors)):
            score = mean_interval(values, scores, resamples, seed)
            yield {"metric": metric, "subset": subset, **score.columns(), "seed": seed}
    for place in places(int(rows["number"].to_numpy().max())):
        values, guessed = _guessed(rows.filter(has_place(rows["number"].to_numpy(), place)), guesses)
        shares = np.array([one.digits[place] for one in guessed])
        yield digit_row(place, mean_interval(values, shares, resamples, seed), seed)


def _guessed(rows: pl.DataFrame, guesses: Sequence[Guess]) -> tuple[np.ndarray, list[Guess]]:
    """Return the number of each row, int64 [n], and the guess from its last token."""
    return rows["number"].to_numpy().astype(np.int64), [guesses[ending] for ending in rows[_ENDING]]
