"""Similarity of the number spaces of every pair of models, at the embeddings and layer by layer."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np
import polars as pl

from numprobe.experiments.given import Given
from numprobe.experiments.rsa.pairs import FEWEST, Place, places
from numprobe.experiments.rsa.remains import PERMUTED, Remains
from numprobe.intervals import BOOTSTRAP
from numprobe.measure.draws import Sampling, mean_and_middle
from numprobe.measure.geometry import VOCABULARY, Folder, Spaces, open_spaces
from numprobe.measure.matched_tokens import MatchedTokens, matched_names, open_matched
from numprobe.measure.similarity import (
    CORRELATIONS,
    DISSIMILARITIES,
    THEORIES,
    agreement,
    bootstrap_agreement,
    dissimilarity,
    graded,
    mantel_null,
    p_value,
)
from numprobe.probes.controls import gaussian_states
from numprobe.sealed import read_sealed_json
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row, measurements

#: Columns of the table beside the shared ones.
EXTRA = {
    "other_model": pl.String,
    "other_layer": pl.String,
    "theory": pl.String,
    "dissimilarity": pl.String,
    "depth": pl.Float64,
    "p_value": pl.Float64,
}
POINT = "point value: interval and controls are those of cosine and Spearman"
NO_NULL = "interval without permutations, which are made at the embeddings and the middle layer"
_REMEMBERED = 128


def evaluate_rsa(given: Given) -> None:
    """Write the table of all pairs of models, at the embeddings and layer by layer."""
    spaces = open_spaces(given.folders("states"), [read_sealed_json(card) for card in given.inputs["cards"]])
    matched = open_matched(given.folders("matched"), given.inputs["tokens"])
    sampling = Sampling(given.values["permutations"], given.values["resamples"], given.values["seed"])
    given.write(measurements(rsa_rows(spaces, matched, sampling), EXTRA))


def rsa_rows(spaces: Spaces, matched: MatchedTokens, sampling: Sampling) -> list[Row]:
    """Return the rows of the table `rsa` (docs/files.md).

    Parameters
    ----------
    spaces
        The states of all models.
    matched
        The matched tokens of all models.
    sampling
        How many draws.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`.

    Raises
    ------
    NumprobeError
        If a folder does not match its manifest.
    """
    comparison = _Comparison(spaces, sampling)
    rows: list[Row] = []
    for place in sorted(places(spaces), key=lambda place: place.layers.depth or 0.0):
        rows += comparison.rows(place)
    for model in spaces.cards:
        rows += comparison.theory_rows(model)
    for first, second in combinations(spaces.cards, 2):
        rows += _matched_rows(first, second, matched.of_pair(first, second), sampling)
    return rows or [{"metric": "spearman", **not_applicable("fewer than two models"), "seed": sampling.seed}]


class _Comparison:
    """All comparisons of states; matrices of dissimilarities are kept for the next pairs."""

    def __init__(self, spaces: Spaces, sampling: Sampling) -> None:
        self.spaces, self.sampling = spaces, sampling
        self.remains = Remains(spaces, sampling)
        self.matrix = lru_cache(_REMEMBERED)(self._matrix)

    def rows(self, place: Place) -> Iterator[Row]:
        """Yield one pair of states: measured, permuted, against the controls, and without digits and distances."""
        folders = [self.spaces.get(model, place.context) for model in (place.first, place.second)]
        numbers = _common(folders)
        common = {"seed": self.sampling.seed, "n_values": len(numbers)}
        if len(numbers) < FEWEST:
            yield {**place.names(), **common, **not_applicable(f"fewer than {FEWEST} numbers in both")}
            return
        for kind in DISSIMILARITIES:
            for metric in CORRELATIONS:
                pair = self._pair(place, numbers, kind, metric, (False, False))
                plain = (kind, metric) == ("cosine", "spearman")
                if pair is None:
                    yield {**place.names(metric, kind), **common, **constant_state()}
                elif plain:
                    yield from ({**place.names(), **common, **row} for row in self._tested(pair, place.tested))
                    yield from ({**place.names(), **common, **row} for row in self._controls(place, numbers, pair[1]))
                else:
                    yield {**place.names(metric, kind), **common, "value": agreement(*pair), "note": POINT}
        yield from self.remains.rows(place, numbers)

    def theory_rows(self, model: str) -> Iterator[Row]:
        """Yield the input embeddings of a model against what the numbers alone predict."""
        folder = self.spaces.get(model, VOCABULARY)
        if folder is None or len(folder.numbers) < FEWEST:
            return
        numbers = tuple(folder.numbers.tolist())
        names = {"model": model, "context": VOCABULARY, "layer": "embedding", "metric": "spearman"}
        common = {"dissimilarity": "cosine", "seed": self.sampling.seed, "n_values": len(numbers)}
        own = self.matrix(model, VOCABULARY, "embedding", numbers, "cosine", "spearman")
        if own is None:
            return
        # One gather per permutation serves all theories.
        others = {theory: graded(distances(folder.numbers), "spearman") for theory, distances in THEORIES.items()}
        nulls = mantel_null(own, list(others.values()), self.sampling.permutations, self.sampling.seed)
        for (theory, other), null in zip(others.items(), nulls, strict=True):
            rows = self._against((own, other), null)
            yield from ({**names, **common, "theory": theory, **row} for row in rows)

    def _tested(self, pair: tuple[np.ndarray, np.ndarray], permuted: bool) -> Iterator[Row]:
        if permuted:
            yield from self._against(
                pair, mantel_null(pair[0], [pair[1]], self.sampling.permutations, self.sampling.seed)[0]
            )
        else:
            yield {**self._measured(pair), "note": NO_NULL}

    def _against(self, pair: tuple[np.ndarray, np.ndarray], null: np.ndarray) -> Iterator[Row]:
        """Yield a measurement, and its null as the control `shuffled`."""
        measured = self._measured(pair)
        yield {**measured, "p_value": p_value(measured["value"], null)}
        yield {"control": "shuffled", **mean_and_middle(null, PERMUTED)}

    def _measured(self, pair: tuple[np.ndarray, np.ndarray]) -> Row:
        low, high = bootstrap_agreement(*pair, self.sampling.resamples, self.sampling.seed)
        return {"value": agreement(*pair), "ci_low": low, "ci_high": high, "resampled": BOOTSTRAP}

    def _controls(self, place: Place, numbers: tuple[int, ...], second: np.ndarray) -> Iterator[Row]:
        """Yield random vectors in place of the first model, and both models untrained."""
        folder = self.spaces.get(place.first, place.context)
        width = 1 if folder is None else folder.states(place.layers.first, np.array(numbers[:1])).shape[1]
        random = dissimilarity(gaussian_states(np.array(numbers), width, self.sampling.seed), "cosine")
        yield {"control": "gaussian", **self._measured((graded(random, "spearman"), second))}
        untrained = [self.spaces.get(model, place.context, True) for model in (place.first, place.second)]
        if None not in untrained:
            pair = self._pair(place, numbers, "cosine", "spearman", (True, True))
            if pair is not None:
                yield {"control": "untrained", **self._measured(pair)}

    def _pair(
        self, place: Place, numbers: tuple[int, ...], kind: str, metric: str, untrained: tuple[bool, bool]
    ) -> tuple[np.ndarray, np.ndarray] | None:
        layers = (place.layers.first, place.layers.second)
        models = (place.first, place.second)
        first, second = (
            self.matrix(model, place.context, layer, numbers, kind, metric, random)
            for model, layer, random in zip(models, layers, untrained, strict=True)
        )
        return None if first is None or second is None else (first, second)

    def _matrix(
        self, model: str, context: str, layer: str, numbers: tuple[int, ...], kind: str, metric: str,
        untrained: bool = False,
    ) -> np.ndarray | None:  # fmt: skip
        folder = self.spaces.get(model, context, untrained)
        if folder is None:
            return None
        return _graded_states(folder.states(layer, np.array(numbers)), kind, metric)


def _graded_states(states: np.ndarray, kind: str, metric: str) -> np.ndarray | None:
    """Return graded dissimilarities; None if all states are equal."""
    if np.ptp(states, axis=0).max() == 0:
        return None
    return graded(dissimilarity(states, kind), metric)


def _common(folders: list[Folder | None]) -> tuple[int, ...]:
    """Return the numbers that all folders hold, ascending."""
    sets = [set(folder.row_of) if folder is not None else set() for folder in folders]
    return tuple(sorted(set.intersection(*sets)))


def _matched_rows(
    first: str, second: str, states: tuple[np.ndarray, np.ndarray] | None, sampling: Sampling
) -> Iterator[Row]:
    """Yield the comparison of the input embeddings of two models on tokens that are no numbers, the same in both."""
    if states is None:
        return
    names = {**matched_names(first, second), "metric": "spearman", "dissimilarity": "cosine"}
    common = {"seed": sampling.seed, "n_values": len(states[0])}
    matrices = [None if len(part) < FEWEST else _graded_states(part, "cosine", "spearman") for part in states]
    if matrices[0] is None or matrices[1] is None:
        yield {**names, **common, **not_applicable(f"fewer than {FEWEST} words are single tokens in both")}
        return
    low, high = bootstrap_agreement(matrices[0], matrices[1], sampling.resamples, sampling.seed)
    value = agreement(matrices[0], matrices[1])
    yield {**names, **common, "value": value, "ci_low": low, "ci_high": high, "resampled": "tokens (bootstrap)"}
