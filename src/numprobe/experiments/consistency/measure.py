"""Kernels, read-out subspaces and frequencies of halves of the numbers, layers and models, compared.

Two probes that are compared never saw the same number: one is fitted on one half of the values, the other on the other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from numprobe.activations.store import read_manifest, read_positions, read_states
from numprobe.experiments.consistency.half_fits import (
    HalfFits,
    Key,
    Tensors,
    fit_state,
    load_kernels,
    save_kernels,
    stored_kernel,
)
from numprobe.experiments.consistency.kernels import centre, similarity
from numprobe.experiments.consistency.sets import iou, random_iou
from numprobe.experiments.given import Given
from numprobe.layers import middle_layer
from numprobe.measure.subspaces import overlap, principal_angles, random_angles
from numprobe.probes.codes import make_code
from numprobe.probes.readout import frequency_weights, number_kernel, readout_basis
from numprobe.status import constant_state, not_applicable, undefined
from numprobe.tables import Row, measurements

#: Columns of the table beside the shared ones: what is compared with what.
EXTRA = {
    "compared": pl.String,
    "other_model": pl.String,
    "other_context": pl.String,
    "other_layer": pl.String,
    "angle": pl.UInt32,
    "rank": pl.UInt32,
    "other_rank": pl.UInt32,
}
PROBE = "fourier"
#: Values of the column `compared`.
HALVES, LAYERS, MODELS, ONE_RUN, SEEDS = "halves", "layers", "models", "one run", "training seeds"
#: How many of the frequencies that carry most information are compared, besides all that count.
TOPS = (10, 20)
NUMBERS = "numbers (bootstrap)"
DRAWS = "draws of halves (range)"
RANDOM_SETS = "random sets (95 %)"
RANDOM_SUBSPACES = "random subspaces (95 %)"
FEWEST = 40

#: (context, layer)
Place = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """The candidates, how often they are divided into halves, and the bootstrap."""

    minimum: int
    maximum: int
    draws: tuple[int, ...]
    resamples: int
    seed: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """The fits of one model: per place, all draws, halves and controls; or the columns that say why it has none."""

    fits: Mapping[Place, HalfFits]
    without: Mapping[Place, Row]


def fit_halves(given: Given) -> None:
    """Write the table of a model or of its untrained control, and the kernels that other models are compared with."""
    settings, trained = _settings(given, given.values["draws"]), given.control == "none"
    fitted = fit_places(given.by_context("states"), settings, shuffled=trained, everywhere=trained)
    rows = within_rows(fitted, settings)
    if not trained:
        rows = [row | {"control": given.control} for row in rows if row.get("control") != "random"]
    given.write_rows(rows, EXTRA)
    shown = shown_places(list(fitted.fits)) if fitted.fits else []
    record = {**given.provenance, "model": given.model, "seed": settings.seed}
    save_kernels(given.outputs["kernels"], {place: fitted.fits[place] for place in shown}, record)


def compare_models(given: Given) -> None:
    """Write the table of all pairs of models, trained and untrained."""
    settings = _settings(given, draws=0)
    names = {name: (run, specification) for name, run, specification in given.values["models"]}
    stored = dict(zip(names, map(load_kernels, given.inputs["kernels"]), strict=True))
    rows = []
    for control in ("none", "shuffled"):
        codes = [model_codes(name, *names[name], found, control, settings) for name, found in stored.items()]
        rows += between_rows(codes, settings, control)
    rows += without_seeds(rows)
    untrained = dict(zip(given.values["untrained"], map(load_kernels, given.inputs["untrained"]), strict=True))
    codes = [model_codes(name, *names[name], found, "none", settings) for name, found in untrained.items()]
    rows += between_rows(codes, settings, "untrained")
    given.write(measurements(rows, EXTRA))


def _settings(given: Given, draws: int) -> Settings:
    minimum, maximum = given.values["numbers"]
    return Settings(minimum, maximum, tuple(range(draws)), given.values["resamples"], given.values["seed"])


def fit_places(folders: Mapping[str, Path], settings: Settings, shuffled: bool, everywhere: bool) -> Fitted:
    """Fit the probe on both halves of every draw, place by place.

    Parameters
    ----------
    folders
        Context -> activation folder.
    settings
        The study's.
    shuffled
        Fit permuted numbers too, at the places that stand for the model (`shown_places`).
    everywhere
        All states, or only those places.
    """
    places = [(context, state["layer"]) for context, f in folders.items() for state in read_manifest(f)["states"]]
    shown = shown_places(places)
    fits, without = {}, {}
    for place in places if everywhere else shown:
        states, values = _numbers(folders[place[0]], place[1], settings)
        if len(values) < FEWEST:
            without[place] = not_applicable(f"fewer than {FEWEST} numbers")
            continue
        controls = ("none", "shuffled") if shuffled and place in shown else ("none",)
        fitted = fit_state(states, values, settings.minimum, settings.maximum, settings.draws, controls, settings.seed)
        if fitted is None:
            without[place] = constant_state()
        else:
            fits[place] = fitted
    return Fitted(fits, without)


def shown_places(places: Sequence[Place]) -> list[Place]:
    """Return one place for each context: the embedding, or the middle block."""
    layers: dict[str, list[str]] = {}
    for context, layer in places:
        layers.setdefault(context, []).append(layer)
    return [
        (context, "embedding" if "embedding" in names else middle_layer(names)) for context, names in layers.items()
    ]


def _numbers(folder: Path, layer: str, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    values = read_positions(folder, ["number"])["number"].to_numpy().astype(np.int64)
    used = np.flatnonzero((values >= settings.minimum) & (values <= settings.maximum))
    return read_states(folder, layer)[used], values[used]


# --- within one model -------------------------------------------------------------------------------------------------


def within_rows(fitted: Fitted, settings: Settings) -> list[Row]:
    """Compare all states of one model with each other, and each with itself.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`, without `model`. Metrics `cka`, `overlap` (mean squared cosine
    of the principal angles), `angle` (degrees; against the middle block only), `iou`, `iou_top10`, `iou_top20`. Control
    `random`: what random subspaces or sets of the same sizes show.
    """
    rows: list[Row] = [
        {**_names(place, place), "compared": HALVES, "metric": "cka", **reason, "seed": settings.seed}
        for place, reason in fitted.without.items()
    ]
    shown = shown_places(list(fitted.fits)) if fitted.fits else []
    for control in ("none", "shuffled"):
        kernels = {
            place: _by_half(fits, control, lambda tensors, code: centre(number_kernel(tensors, code).matrix()))
            for place, fits in fitted.fits.items()
            if control in fits.controls
        }
        for one, other in combinations_with_replacement(kernels, 2):
            names = {**_names(one, other), "compared": HALVES if one == other else LAYERS, "seed": settings.seed}
            pair = (fitted.fits[one], fitted.fits[other])
            found = [_cka_row(_opposite(kernels[one], kernels[other]), settings), *_set_rows(*pair, control)]
            found += _angle_rows(*pair, control, settings.seed, each=shown[-1] in (one, other))
            rows += _labelled(found, names, control)
    return rows


def _labelled(found: Sequence[Row], names: Row, control: str) -> list[Row]:
    """Return the rows of one comparison; random sets and subspaces stand beside the fits without a control alone."""
    return [{**names, "control": control, **row} for row in found if control == "none" or "control" not in row]


def _names(one: Place, other: Place) -> Row:
    return {
        "probe": PROBE, "context": one[0], "layer": one[1], "other_context": other[0], "other_layer": other[1],
    }  # fmt: skip


def _by_half(fits: HalfFits, control: str, of: Callable[[Tensors, np.ndarray], T]) -> dict[tuple[int, str], T]:
    """Return what `of` makes of the fit and the code, by (draw, half)."""
    return {(draw, half): of(fit, fits.code) for (kind, draw, half), fit in fits.tensors.items() if kind == control}


def _opposite(one: Mapping[tuple[int, str], T], other: Mapping[tuple[int, str], T]) -> list[tuple[T, T]]:
    """Return pairs: each half of a draw of one with the OTHER half of the other."""
    return [(part, other[draw, "1" if half == "0" else "0"]) for (draw, half), part in one.items()]


def _cka_row(pairs: list[tuple[np.ndarray, np.ndarray]], settings: Settings) -> Row:
    found = similarity(pairs, settings.resamples, settings.seed)
    if found.value is None:
        return {"metric": "cka", **undefined("no wave is read better than chance")}
    single = [float(np.vdot(one, other)) for one, other in pairs]
    return {
        "metric": "cka",
        "value": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "resampled": NUMBERS,
        "n_values": len(pairs[0][0]),
        "note": f"mean of {len(pairs)} pairs of disjoint halves, {min(single):.3f} to {max(single):.3f}",
    }


def _range_row(metric: str, values: Sequence[float], **more: Any) -> Row:
    ends = {"ci_low": min(values), "ci_high": max(values), "resampled": DRAWS}
    note = f"mean of {len(values)} pairs of disjoint halves"
    return {"metric": metric, "value": float(np.mean(values)), **ends, "note": note, **more}


def _set_rows(one: HalfFits, other: HalfFits, control: str) -> Iterator[Row]:
    pairs = _opposite(*(_by_half(fits, control, frequency_weights) for fits in (one, other)))
    yield from set_rows(pairs, len(one.code) // 2)


def set_rows(pairs: Sequence[tuple[Mapping[int, float], Mapping[int, float]]], total: int) -> Iterator[Row]:
    """Yield the overlap of the frequencies that count, of the strongest ones, and of random sets of these sizes.

    Parameters
    ----------
    pairs
        Frequency -> information, of the two sides of each pair.
    total
        How many frequencies there are.
    """
    for top in (None, *TOPS):
        metric = "iou" if top is None else f"iou_top{top}"
        sets = [(_strongest(one, top), _strongest(other, top)) for one, other in pairs]
        yield _range_row(metric, [iou(*pair) for pair in sets])
        null = np.array([random_iou(total, len(one), len(other)) for one, other in sets])
        mean, low, high = null.mean(axis=0).tolist()
        yield {
            "metric": metric, "control": "random", "value": mean, "ci_low": low, "ci_high": high,
            "resampled": RANDOM_SETS,
        }  # fmt: skip


def _strongest(weights: Mapping[int, float], top: int | None) -> list[int]:
    return sorted(weights, key=lambda frequency: (-weights[frequency], frequency))[:top]


def _angle_rows(one: HalfFits, other: HalfFits, control: str, seed: int, each: bool) -> Iterator[Row]:
    """Yield the overlap of the read-out subspaces; with `each`, every principal angle too."""
    pairs = _opposite(_bases(one, control), _bases(other, control))
    rank, other_rank = (min(basis.shape[1] for basis in side) for side in zip(*pairs, strict=True))
    if not rank or not other_rank:
        return
    ranks = {"rank": rank, "other_rank": other_rank}
    angles = np.array([principal_angles(a[:, :rank], b[:, :other_rank]) for a, b in pairs])
    null = random_angles(one.width, rank, other_rank, seed)
    yield _range_row("overlap", [overlap(row) for row in angles], **ranks)
    bounds = {"control": "random", "resampled": RANDOM_SUBSPACES, **ranks}
    yield {
        "metric": "overlap", "value": null.overlap, "ci_low": null.overlap_low, "ci_high": null.overlap_high, **bounds,
    }  # fmt: skip
    for index in range(angles.shape[1] if each else 0):
        yield _range_row("angle", angles[:, index].tolist(), angle=index + 1, **ranks)
        low, high = float(null.angle_low[index]), float(null.angle_high[index])
        mean = {"value": float(null.angle[index]), "ci_low": low, "ci_high": high}
        yield {"metric": "angle", "angle": index + 1, **mean, **bounds}


def _bases(fits: HalfFits, control: str) -> dict[tuple[int, str], np.ndarray]:
    """Return orthonormal read-out directions of each (draw, half), as many as the place needs and the fit has."""
    return _by_half(fits, control, lambda tensors, code: readout_basis(tensors)[:, : fits.rank])


# --- between models ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ModelCodes:
    """A model as it is compared with others: its names, and the kernels and frequencies of its places.

    Attributes
    ----------
    name
        The model.
    run
        The training run that it belongs to: equal for a model and its checkpoints.
    specification
        Equal for models that differ in nothing but their seed.
    kernels
        Place -> key -> centred kernel [N, N].
    frequencies
        Place -> key -> frequency -> information.
    """

    name: str
    run: str
    specification: str
    kernels: Mapping[Place, Mapping[Key, np.ndarray]]
    frequencies: Mapping[Place, Mapping[Key, Mapping[int, float]]]


def model_codes(
    name: str,
    run: str,
    specification: str,
    stored: Mapping[Place, Mapping[Key, Mapping[str, np.ndarray]]],
    control: str,
    settings: Settings,
) -> ModelCodes:
    """Return the codes of one model under one control, from what `load_kernels` read."""
    code = make_code(PROBE, settings.minimum, settings.maximum).matrix
    parts = {place: {key: part for key, part in keys.items() if key[0] == control} for place, keys in stored.items()}
    kernels = {
        place: {key: centre(stored_kernel(tensors, code).matrix()) for key, tensors in keys.items()}
        for place, keys in parts.items()
        if keys
    }
    frequencies = {
        place: {key: frequency_weights(tensors, code) for key, tensors in keys.items()}
        for place, keys in parts.items()
        if keys
    }
    return ModelCodes(name, run, specification, kernels, frequencies)


def between_rows(models: Sequence[ModelCodes], settings: Settings, control: str) -> list[Row]:
    """Compare kernels and frequencies of all pairs of models, context by context.

    Parameters
    ----------
    models
        In the order of the configuration. Each has one place for each context.
    settings
        The study's.
    control
        "none", "shuffled" or "untrained": written into the rows.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `EXTRA`: metrics `cka` and `iou*`. Angles between models of which each
    has axes of its own mean nothing.
    """
    rows: list[Row] = []
    for one, other in combinations(models, 2):
        for place, other_place in _same_context(one, other):
            names = {
                **_names(place, other_place), "model": one.name, "other_model": other.name,
                "compared": _relation(one, other), "seed": settings.seed,
            }  # fmt: skip
            kernels = _opposite(_plain(one.kernels[place]), _plain(other.kernels[other_place]))
            sets = _opposite(_plain(one.frequencies[place]), _plain(other.frequencies[other_place]))
            total = (settings.maximum - settings.minimum + 1) // 2
            rows += _labelled([_cka_row(kernels, settings), *set_rows(sets, total)], names, control)
    return rows


def without_seeds(rows: Sequence[Row]) -> list[Row]:
    """Return a row that says so if no two models differ in their training seed alone."""
    if any(row["compared"] == SEEDS for row in rows):
        return []
    reason = not_applicable("no two models have the same training specification")
    return [{"metric": "cka", "compared": SEEDS, "probe": PROBE, **reason}]


def _relation(one: ModelCodes, other: ModelCodes) -> str:
    if one.run == other.run:
        return ONE_RUN
    return SEEDS if one.specification == other.specification else MODELS


def _same_context(one: ModelCodes, other: ModelCodes) -> Iterator[tuple[Place, Place]]:
    places = {place[0]: place for place in other.kernels}
    return ((place, places[place[0]]) for place in one.kernels if place[0] in places)


def _plain(parts: Mapping[Key, T]) -> dict[tuple[int, str], T]:
    """Return the parts without the control in their keys, which is the same in all."""
    return {(draw, half): part for (_, draw, half), part in parts.items()}
