"""Measurements on the number embeddings of one model: spectra, and separability of n mod T."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.errors import NumprobeError
from numprobe.measure.draws import mean_and_middle
from numprobe.measure.separability import held_out_classes, kappa, kappa_interval
from numprobe.measure.spectra import MODULI, PERMUTATIONS, Band, rotation_band, shuffled_band
from numprobe.seeding import generator
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row

#: Columns of the table beside the shared ones: cycles per N numbers, its period in numbers, and N itself.
EXTRA = {"frequency": pl.UInt32, "period": pl.Float64, "N": pl.UInt32}
FEWEST = 50
RESAMPLES = 1000
ROTATED = "random rotations and dimensions"
SHUFFLED = "permutations of the values"


def vocabulary_rows(folder: str | Path, card: Mapping[str, Any], seed: int) -> list[Row]:
    """Return power shares and kappas of the input and output embeddings of consecutive single-token numbers.

    Parameters
    ----------
    folder
        `results/activations/{model}/vocabulary`.
    card
        The model's card: its range of numbers from the minimum on that are all single tokens is what is analysed.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model`. Metric `power_share`: `none` with its range
    over rotations, `shuffled` with the mean and the 95 % range of the permutations. Metric `kappa`: linear separability
    of n mod T, subset `mod=T`. One row with a status where there are too few consecutive numbers.

    Raises
    ------
    NumprobeError
        If the folder lacks a number that the card calls a single token.
    """
    found = card["single_token_numbers"]["contiguous_from_minimum"]
    if not found or found[1] - found[0] + 1 < FEWEST:
        reason = not_applicable(f"fewer than {FEWEST} consecutive single-token numbers")
        return [{"context": "vocabulary", "metric": "power_share", **reason, "seed": seed}]
    numbers = np.arange(found[0], found[1] + 1)
    order = _rows_of(folder, numbers)
    rows = []
    for state in read_manifest(folder)["states"]:
        names = {"context": "vocabulary", "layer": state["layer"], "N": len(numbers), "seed": seed}
        states = read_states(folder, state["layer"])[order]
        if np.ptp(states, axis=0).max() == 0:
            rows.append({**names, "metric": "power_share", **constant_state()})
            continue
        rows += [{**names, **row} for row in [*_spectrum_rows(states, seed), *kappa_rows(states, numbers, seed)]]
    return rows


def _rows_of(folder: str | Path, numbers: np.ndarray) -> np.ndarray:
    row_of = dict(read_positions(folder, ["number"]).select("number", "row").iter_rows())
    missing = [int(number) for number in numbers if number not in row_of]
    if missing:
        raise NumprobeError(
            f"{folder} has no row for {missing[0]}, which the card calls a single token: run extract_vocabulary again"
        )
    return np.array([row_of[number] for number in numbers])


def _spectrum_rows(states: np.ndarray, seed: int) -> Iterator[Row]:
    rotated, shuffled = rotation_band(states, seed), shuffled_band(states, seed)
    yield from band_rows(rotated, len(states), {"control": "none", "resampled": ROTATED})
    yield from band_rows(shuffled, len(states), {"control": "shuffled", "resampled": SHUFFLED})


def band_rows(band: Band, count: int, names: Row) -> Iterator[Row]:
    """Yield the shares of all frequencies.

    Parameters
    ----------
    band
        The shares and their limits.
    count
        How many consecutive numbers there are.
    names
        Further columns.
    """
    for place, (centre, low, high) in enumerate(zip(band.centre, band.low, band.high, strict=True)):
        frequency = place + 1
        yield {
            **names,
            "metric": "power_share",
            "frequency": frequency,
            "period": count / frequency,
            "value": float(centre),
            "ci_low": float(low),
            "ci_high": float(high),
            "n_values": count,
        }


def kappa_rows(states: np.ndarray, numbers: np.ndarray, seed: int) -> Iterator[Row]:
    """Yield kappas of n mod T for every T of `MODULI`, and of permuted numbers.

    Parameters
    ----------
    states
        [N, d], not all equal.
    numbers
        int64 [N]: the number of each row.
    seed
        The study's seed.
    """
    rng = generator(seed, "separability", "permutations")
    labels = np.column_stack([numbers, *(rng.permutation(numbers) for _ in range(PERMUTATIONS))])
    # All moduli share the decompositions of the states.
    labellings = [labels % period for period in MODULI]
    found_classes = held_out_classes(states, numbers, np.hstack(labellings), seed)
    parts = np.split(found_classes, len(MODULI), axis=1)
    for period, classes, predicted in zip(MODULI, labellings, parts, strict=True):
        kappas = [kappa(true, found) for true, found in zip(classes.T, predicted.T, strict=True)]
        low, high, resampled = kappa_interval(classes[:, 0], predicted[:, 0], RESAMPLES, seed)
        names = {"subset": f"mod={period}", "metric": "kappa", "period": period, "n_values": len(numbers)}
        yield {**names, "value": kappas[0], "ci_low": low, "ci_high": high, "resampled": resampled}
        yield {**names, "control": "shuffled", **mean_and_middle(kappas[1:], SHUFFLED)}
