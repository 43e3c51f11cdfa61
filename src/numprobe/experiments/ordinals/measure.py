"""Read the place of months, letters and number words in their order, and their value by the probe of digits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.experiments.given import Given
from numprobe.experiments.ordinals.leave_out import (
    LeaveOut,
    assign_groups,
    circular_agreement,
    code_of,
    exact,
    permuted_orders,
    rank_correlation,
)
from numprobe.experiments.ordinals.words import SETS, OrderedSet
from numprobe.intervals import BOOTSTRAP, EXACT, exact_bounds, resampling_weights
from numprobe.measure.draws import Sampling, mean_and_middle, middle
from numprobe.measure.similarity import p_value
from numprobe.probes.probe import Probe, load_probe
from numprobe.status import constant_state, not_applicable
from numprobe.tables import Row

#: Columns of the table beside the shared ones.
EXTRA = {"reader": pl.String, "fit_context": pl.String, "N": pl.UInt32, "p_value": pl.Float64}
#: A set with fewer members that are single tokens is left out.
FEWEST = 6
PERMUTED = "permutations of the order"
_SMALLEST_SHARE = 0.5


def evaluate_ordinals(given: Given) -> None:
    """Write the table of a model: the place of every word in its set, and what probes of numbers read in it."""
    sampling = Sampling(given.values["permutations"], given.values["resamples"], given.values["seed"])
    untrained = next(iter(given.folders("untrained")), None)
    rows = ordinal_rows(given.folder("states"), untrained, given.inputs["probes"], sampling)
    given.write_rows(rows, EXTRA)


@dataclass(frozen=True, eq=False)
class _Words:
    """The members of a set that are single tokens: their rows, places in the set (as read), and values."""

    ordered: OrderedSet
    rows: np.ndarray
    places: np.ndarray
    values: np.ndarray


def ordinal_rows(
    folder: str | Path, untrained: str | Path | None, probes: Sequence[str | Path], sampling: Sampling
) -> list[Row]:
    """Return the rows of the table `ordinals` for one model (docs/files.md).

    Parameters
    ----------
    folder
        The states of the model's words.
    untrained
        Those of its untrained control, if it has one.
    probes
        Files of probes that were fitted on numbers; each reads the words in the states that it knows.
    sampling
        How many draws.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model`.
    """
    loaded = [load_probe(path) for path in probes]
    layers = [state["layer"] for state in read_manifest(folder)["states"]]
    rows: list[Row] = []
    for words in _sets(folder):
        size = len(words.ordered.members)
        names = {"subset": words.ordered.name, "N": size, "n_values": len(words.rows), "seed": sampling.seed}
        if len(words.rows) < max(FEWEST, _SMALLEST_SHARE * size):
            reason = f"{len(words.rows)} of {size} are single tokens"
            rows.append({**names, "context": "word", "metric": "accuracy", **not_applicable(reason)})
            continue
        for layer in layers:
            context = "vocabulary" if layer == "embedding" else "word"
            found = list(_layer_rows(folder, untrained, words, layer, sampling))
            found += [row for probe in loaded for row in _probe_rows(folder, words, layer, probe, sampling)]
            rows += [{**names, "context": context, "layer": layer, **row} for row in found]
    return rows


def _sets(folder: str | Path) -> Iterator[_Words]:
    positions = read_positions(folder, ["number"])
    for name in read_manifest(folder)["members"]:
        part = positions.filter(pl.col("set") == name).sort("place")
        yield _Words(SETS[name], *(part[column].to_numpy().astype(np.int64) for column in ("row", "place", "number")))


def _layer_rows(
    folder: str | Path, untrained: str | Path | None, words: _Words, layer: str, sampling: Sampling
) -> Iterator[Row]:
    states = read_states(folder, layer)[words.rows]
    if np.ptp(states, axis=0).max() == 0:
        yield {"metric": "accuracy", **constant_state()}
        return
    yield from _place_rows(states, words, sampling)
    if untrained is not None:
        control = read_states(untrained, layer)[words.rows]
        if np.ptp(control, axis=0).max() > 0:
            few = Sampling(0, sampling.resamples, sampling.seed)
            yield from ({**row, "control": "untrained"} for row in _place_rows(control, words, few))


def _place_rows(states: np.ndarray, words: _Words, sampling: Sampling) -> Iterator[Row]:
    """Yield the readings of the place of every word by a code that was fitted without it."""
    count, size, cyclic = len(words.rows), len(words.ordered.members), words.ordered.cyclic
    orders = permuted_orders(count, sampling.permutations, sampling.seed)
    reader = LeaveOut(states, assign_groups(count, sampling.seed))
    for name, code in _codes(words).items():
        read = reader.read(code[orders])
        found = np.take_along_axis(words.places[orders], read, axis=0)
        true = words.places[orders]
        names = {"reader": name}
        yield from _tested({**names, "metric": "accuracy"}, exact(true, found), _share(true[:, 0] == found[:, 0]))
        if cyclic:
            draws = circular_agreement(true, found, size)
            cosines = np.cos(2 * np.pi * (true[:, 0] - found[:, 0]) / size)
            interval = _mean_interval(cosines, sampling)
            yield from _tested({**names, "metric": "circular_agreement"}, draws, interval)
        else:
            interval = _correlation_interval(true[:, 0], found[:, 0], sampling)
            yield from _tested({**names, "metric": "rank_correlation"}, rank_correlation(true, found), interval)


def _codes(words: _Words) -> dict[str, np.ndarray]:
    """Return the codes of the words that are there, float64 [n, c], by reader."""
    size = len(words.ordered.members)
    if words.ordered.cyclic:
        return {"circle": code_of(words.places, size, cyclic=True)}
    rank, value = (part.astype(np.float64)[:, None] for part in (words.places, words.values))
    return {"line": code_of(words.places, size, cyclic=False), "linear": rank, "log": np.log1p(value)}


def _probe_rows(folder: str | Path, words: _Words, layer: str, probe: Probe, sampling: Sampling) -> Iterator[Row]:
    """Yield the readings of a probe of numbers in the words: among the values of the set, and among all candidates."""
    known = np.isin(words.values, probe.numbers)
    if layer not in probe.layers or not known.all():
        return
    scores = probe.scores(read_states(folder, layer)[words.rows], layer)
    numbers = words.values - probe.numbers[0]
    among = scores[:, numbers].argmax(axis=1)
    places = np.arange(len(numbers))
    orders = permuted_orders(len(numbers), sampling.permutations, sampling.seed)
    # Which word has which value is permuted; what is read stays.
    found = np.repeat(among[:, None], orders.shape[1], axis=1)
    names = {"probe": probe.kind, "fit_context": probe.metadata.get("context")}
    right = _share(places == among)
    yield from _tested({**names, "metric": "read_among_set"}, exact(orders, found), right)
    interval = _correlation_interval(places, among, sampling)
    yield from _tested({**names, "metric": "read_correlation"}, rank_correlation(orders, found), interval)
    overall = probe.numbers[scores.argmax(axis=1)]
    draws = exact(words.values[orders], np.repeat(overall[:, None], orders.shape[1], axis=1))
    yield from _tested({**names, "metric": "read_exactly"}, draws, _share(words.values == overall))


def _tested(names: Row, draws: np.ndarray, interval: Row) -> Iterator[Row]:
    """Yield the measurement (the first of `draws`) with its interval, and the mean and range of the permuted orders."""
    null = draws[1:]
    tested = {"p_value": p_value(float(draws[0]), null)} if len(null) else {}
    yield {**names, "value": float(draws[0]), **interval, **tested}
    if len(null):
        yield {**names, "control": "shuffled", **mean_and_middle(null, PERMUTED)}


def _share(right: np.ndarray) -> Row:
    low, high = exact_bounds(float(right.sum()), len(right))
    return {"ci_low": low, "ci_high": high, "resampled": EXACT}


def _mean_interval(scores: np.ndarray, sampling: Sampling) -> Row:
    weights = resampling_weights(len(scores), sampling.resamples, sampling.seed)
    return _percentiles(weights @ scores / len(scores), float(scores.mean()))


def _correlation_interval(places: np.ndarray, read: np.ndarray, sampling: Sampling) -> Row:
    """Return a bootstrap interval over the words; samples of one word have no correlation and are left out."""
    weights = resampling_weights(len(places), sampling.resamples, sampling.seed) / len(places)
    first, second = places.astype(np.float64), read.astype(np.float64)
    mean = {name: weights @ part for name, part in {"a": first, "b": second}.items()}
    square = {name: weights @ part**2 - mean[name] ** 2 for name, part in {"a": first, "b": second}.items()}
    size = np.sqrt(np.maximum(square["a"] * square["b"], 0))
    samples = (weights @ (first * second) - mean["a"] * mean["b"])[size > 1e-9] / size[size > 1e-9]
    value = float(rank_correlation(places[:, None], read[:, None])[0])
    return _percentiles(samples if len(samples) else np.array([value]), value)


def _percentiles(samples: np.ndarray, value: float) -> Row:
    return {**middle(samples, value), "resampled": BOOTSTRAP}
