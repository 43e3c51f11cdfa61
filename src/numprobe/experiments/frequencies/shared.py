"""Overlap of the strongest frequencies of two models, on the consecutive numbers that both have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import polars as pl

from numprobe.experiments.frequencies.measure import PUBLISHED, TOO_FEW
from numprobe.experiments.frequencies.waves import (
    consecutive,
    measured_waves,
    overlap,
    permuted_waves,
    published_spectrum,
    rotated_waves,
    strongest,
)
from numprobe.experiments.given import Given
from numprobe.measure.depth import MatchedLayers
from numprobe.measure.draws import mean_and_middle, middle
from numprobe.measure.geometry import VOCABULARY, Spaces, open_spaces
from numprobe.measure.matched_tokens import MatchedTokens, matched_names, open_matched
from numprobe.measure.similarity import p_value
from numprobe.measure.vocabulary import FEWEST, ROTATED
from numprobe.sealed import read_sealed_json
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row, measurements

#: Columns of the table beside the shared ones.
EXTRA = {
    "other_model": pl.String,
    "other_layer": pl.String,
    "depth": pl.Float64,
    "spectrum": pl.String,
    "N": pl.UInt32,
    "p_value": pl.Float64,
}
PERMUTED = "permutations of the values in both models"
_REMEMBERED = 64


@dataclass(frozen=True, eq=False)
class _Spectra:
    """Spectra [draws, F] of one state: as measured, permuted, rotated, and as the paper defines it."""

    measured: np.ndarray
    permuted: np.ndarray
    rotated: np.ndarray
    published: np.ndarray


def evaluate_shared_frequencies(given: Given) -> None:
    """Write the table of all pairs of models: overlap of their strongest frequencies."""
    spaces = open_spaces(given.folders("states"), [read_sealed_json(card) for card in given.inputs["cards"]])
    matched = open_matched(given.folders("matched"), given.inputs["tokens"])
    rows = shared_frequency_rows(spaces, matched, given.values["top"], given.values["seed"])
    given.write(measurements(rows, EXTRA))


def shared_frequency_rows(spaces: Spaces, matched: MatchedTokens, tops: Sequence[int], seed: int) -> list[Row]:
    """Return the rows of the table `shared_frequencies` (docs/files.md).

    Parameters
    ----------
    spaces
        The states of all models.
    matched
        The matched tokens of all models.
    tops
        How many of the strongest frequencies are compared.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`.
    """
    overlaps = _Overlaps(spaces, tops, seed)
    rows: list[Row] = []
    for first, second in combinations(spaces.cards, 2):
        for context, layers in _compared_layers(spaces, first, second):
            found = overlaps.rows(first, second, context, layers)
            names = {"model": first, "other_model": second, "context": context, "layer": layers.first}
            place = {"other_layer": layers.second, "depth": layers.depth, "metric": "iou", "seed": seed}
            rows += [{**names, **place, **row} for row in found]
        rows += _matched_rows(first, second, matched.of_pair(first, second), tops, seed)
    return rows or [{"metric": "iou", **not_applicable("fewer than two models"), "seed": seed}]


def _compared_layers(spaces: Spaces, first: str, second: str) -> Iterator[tuple[str, MatchedLayers]]:
    """Yield context and states of two models to compare: the input matrices, and all layers by relative depth."""
    if spaces.get(first, VOCABULARY) is not None and spaces.get(second, VOCABULARY) is not None:
        yield VOCABULARY, MatchedLayers("embedding", "embedding", None)
    for pair in spaces.layer_pairs(first, second):
        yield str(spaces.context), pair


class _Overlaps:
    """Overlaps of pairs of models; spectra are kept for the next pairs."""

    def __init__(self, spaces: Spaces, tops: Sequence[int], seed: int) -> None:
        self.spaces, self.tops, self.seed = spaces, tops, seed
        self.spectra = lru_cache(_REMEMBERED)(self._spectra)

    def rows(self, first: str, second: str, context: str, layers: MatchedLayers) -> Iterator[Row]:
        """Yield the measurements of two models in a pair of states, or why they cannot be compared."""
        folders = [self.spaces.folders[model, context] for model in (first, second)]
        numbers = consecutive(list(set(folders[0].row_of) & set(folders[1].row_of)))
        if len(numbers) < FEWEST:
            yield {**not_applicable(TOO_FEW), "N": len(numbers)}
            return
        size = (int(numbers[0]), int(numbers[-1]))
        one = self.spectra(first, context, layers.first, size, 0)
        two = self.spectra(second, context, layers.second, size, 1)
        if one is None or two is None:
            yield {**constant_state()}
            return
        for row in _pair_rows(one, two, self.tops):
            yield {**row, "N": len(numbers), "n_values": len(numbers)}

    def _spectra(self, model: str, context: str, layer: str, size: tuple[int, int], draw: int) -> _Spectra | None:
        """Return the spectra of a state; `draw` gives the two models of a pair different permutations."""
        states = self.spaces.folders[model, context].states(layer, np.arange(size[0], size[1] + 1)).astype(np.float64)
        return None if np.ptp(states, axis=0).max() == 0 else _all_spectra(states, self.seed, draw)


def _all_spectra(states: np.ndarray, seed: int, draw: int) -> _Spectra:
    return _Spectra(
        measured_waves(states).shares,
        permuted_waves(states, seed + draw).shares,
        rotated_waves(states, seed + draw).shares,
        published_spectrum(states)[None],
    )


def _pair_rows(first: _Spectra, second: _Spectra, tops: Sequence[int]) -> Iterator[Row]:
    for top in tops:
        if top > first.measured.shape[1]:
            continue
        value = float(overlap(strongest(first.measured, top), strongest(second.measured, top))[0])
        null = overlap(strongest(first.permuted, top), strongest(second.permuted, top))
        draws = overlap(strongest(first.rotated, top), strongest(second.rotated, top))
        names = {"subset": f"top={top}", "spectrum": "power"}
        yield {**names, "value": value, **middle(draws, value), "resampled": ROTATED, "p_value": p_value(value, null)}
        yield {**names, "control": "shuffled", **mean_and_middle(null, PERMUTED)}
        published = float(overlap(strongest(first.published, top), strongest(second.published, top))[0])
        yield {**names, "spectrum": "published", "value": published, "note": PUBLISHED}


def _matched_rows(
    first: str, second: str, states: tuple[np.ndarray, np.ndarray] | None, tops: Sequence[int], seed: int
) -> Iterator[Row]:
    """Yield the overlap on tokens that are no numbers, the same texts in the same order in both."""
    if states is None:
        return
    names = matched_names(first, second)
    common = {"metric": "iou", "N": len(states[0]), "n_values": len(states[0]), "seed": seed}
    if len(states[0]) < FEWEST:
        yield {**names, **common, **not_applicable(f"fewer than {FEWEST} words are single tokens in both")}
        return
    spectra = [_all_spectra(part.astype(np.float64), seed, draw) for draw, part in enumerate(states)]
    for row in _pair_rows(spectra[0], spectra[1], tops):
        if row.get("control", "none") == "none" and row["spectrum"] == "power":
            yield {**names, **common, **row}
