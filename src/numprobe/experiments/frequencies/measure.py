"""Frequencies in the states of a model, layer by layer, and separability of the remainders that they suggest."""

from collections.abc import Iterator

import numpy as np

from numprobe.experiments.frequencies.waves import (
    Waves,
    consecutive,
    half_power,
    measured_waves,
    participation,
    permuted_waves,
    published_spectrum,
    rotated_waves,
)
from numprobe.experiments.given import Given
from numprobe.measure.draws import middle
from numprobe.measure.geometry import VOCABULARY, Folder, Spaces, open_spaces
from numprobe.measure.matched_tokens import token_states
from numprobe.measure.spectra import MODULI, band_of
from numprobe.measure.vocabulary import EXTRA, FEWEST, ROTATED, SHUFFLED, band_rows, kappa_rows
from numprobe.sealed import read_sealed_json
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row, read_table

TOO_FEW = f"fewer than {FEWEST} consecutive numbers"
PUBLISHED = "point value: the paper's spectrum, the largest of 64 principal components"


def evaluate_frequencies(given: Given) -> None:
    """Write the table of a model: the waves of its states, layer by layer."""
    spaces = open_spaces(given.folders("states"), [read_sealed_json(given.file("card"))])
    words = None
    if given.inputs["matched"]:
        words = token_states(given.folder("matched"), read_table(given.file("tokens")), given.run, given.run)
    rows = frequency_rows(spaces, given.run, words, given.values["seed"])
    given.write_rows(rows, EXTRA)


def frequency_rows(spaces: Spaces, model: str, words: np.ndarray | None, seed: int) -> list[Row]:
    """Return the rows of the table `frequencies` for one model (docs/files.md).

    Parameters
    ----------
    spaces
        States of the model and of its untrained control.
    model
        Its name.
    words
        [tokens, d]: input embeddings of tokens that are no numbers, in the order of the vocabulary; None: no such.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model`.
    """
    rows: list[Row] = []
    for context in (VOCABULARY, spaces.context):
        folder = spaces.get(model, context) if context else None
        if folder is None:
            continue
        numbers = consecutive(list(folder.row_of))
        if len(numbers) < FEWEST:
            rows.append({"context": context, "metric": "power_share", **not_applicable(TOO_FEW), "seed": seed})
            continue
        untrained = spaces.get(model, str(context), untrained=True)
        for layer in folder.layers:
            names = {"context": context, "layer": layer, "N": len(numbers), "seed": seed, "n_values": len(numbers)}
            found = list(_layer_rows(folder, layer, numbers, seed))
            if untrained is not None:
                found += _control_rows(untrained.states(layer, numbers), "untrained", seed)
            if layer == "embedding" and words is not None and len(words) >= FEWEST:
                size = {"N": min(len(words), len(numbers)), "n_values": min(len(words), len(numbers))}
                found += [{**row, **size} for row in _control_rows(words[: len(numbers)], "matched", seed)]
            rows += [{**names, **row} for row in found]
    return rows


def _layer_rows(folder: Folder, layer: str, numbers: np.ndarray, seed: int) -> Iterator[Row]:
    states = folder.states(layer, numbers).astype(np.float64)
    if np.ptp(states, axis=0).max() == 0:
        yield {"metric": "power_share", **constant_state()}
        return
    measured, rotated, permuted = measured_waves(states), rotated_waves(states, seed), permuted_waves(states, seed)
    yield from _spectrum_rows(measured, rotated, len(numbers), "none", ROTATED)
    yield from _spectrum_rows(None, permuted, len(numbers), "shuffled", SHUFFLED)
    yield from _summary_rows(measured, rotated, "none", ROTATED)
    yield from _summary_rows(None, permuted, "shuffled", SHUFFLED)
    for frequency, amplitude in enumerate(published_spectrum(states), 1):
        place = {"frequency": frequency, "period": len(numbers) / frequency}
        yield {"metric": "amplitude", **place, "value": float(amplitude), "note": PUBLISHED}
    for row in kappa_rows(states, numbers, seed):
        yield {key: value for key, value in row.items() if key != "n_values"}


def _control_rows(states: np.ndarray, control: str, seed: int) -> Iterator[Row]:
    """Yield sparsity, power at T and kappa of states that should hold no waves."""
    if np.ptp(states, axis=0).max() == 0:
        return
    yield from _summary_rows(measured_waves(states), rotated_waves(states, seed), control, ROTATED)
    for row in kappa_rows(states.astype(np.float64), np.arange(len(states)), seed):
        if row.get("control", "none") == "none":
            yield {**{key: value for key, value in row.items() if key != "n_values"}, "control": control}


def _spectrum_rows(measured: Waves | None, draws: Waves, count: int, control: str, unit: str) -> Iterator[Row]:
    centre = draws.shares.mean(axis=0) if measured is None else measured.shares[0]
    yield from band_rows(band_of(draws.shares, centre), count, {"control": control, "resampled": unit})


def _summary_rows(measured: Waves | None, draws: Waves, control: str, unit: str) -> Iterator[Row]:
    """Yield the number of frequencies that hold the power, and the share between the classes of n mod T."""
    names = {"control": control, "resampled": unit}
    for metric, summary in {"participation": participation, "half_power": half_power}.items():
        value = None if measured is None else summary(measured.shares)
        yield {**names, "metric": metric, **_interval(value, summary(draws.shares))}
    for place, modulus in enumerate(MODULI):
        value = None if measured is None else measured.between[:, place]
        period = {"subset": f"mod={modulus}", "period": modulus}
        yield {**names, "metric": "power_at", **period, **_interval(value, draws.between[:, place])}


def _interval(value: np.ndarray | None, draws: np.ndarray) -> Row:
    """Return the range of draws, widened to hold a measurement; without one, mean and range of the draws."""
    centre = float(draws.mean() if value is None else value[0])
    return {"value": centre, **middle(draws, centre)}
