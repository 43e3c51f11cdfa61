"""Findings on probes that read layers which they have never seen."""

from collections.abc import Iterator, Mapping

import polars as pl

from numprobe.draw.published import read_published
from numprobe.layers import layer_order
from numprobe.tell.controls import highest_controls
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared, rows_compared
from numprobe.tell.section import Difference, Estimate, Grid, Section, Share, Statement, cell_of, spread_out
from numprobe.tell.tested import tallies
from numprobe.verdicts import Margin, Verdict, family_verdicts

#: Accuracy that the inner layers are compared with, and what does not matter there.
_READ = 0.95
_NEAR = Margin(0.02, "two numbers in a hundred")
#: A layer is lost if its own probe is shown to read this much more than that of the others.
_LOST = 0.2
_OTHERS = pl.col("fit_layer") == "others"
_PLAIN = pl.col("control") == "none"
_OWN_SCALE = pl.col("normalisation") == "layer"
_PLACE = ["model", "context", "layer"]
_LIKENESS = ("scale_ratio", "mean_offset", "code_cosine")

_NOTE = """One `fourier` probe for each layer is fitted on all OTHER layers and reads numbers that it has not seen. Each
layer is centred and scaled by its own training states, without labels:"""
_COMMON = """Each layer with the common mean and scale of the fitted layers instead (arXiv 2510.26285 does not normalise
states):"""
_NO_LAYER = "No layer could be left out: no model has two layers that vary."
_INNER = (
    "{subject}: compared with {comparison}, inner layers are {tests}; the mean of {layers} is {mean}. The lowest is "
    "layer {layer} of {model}, {low}."
)
_PUBLISHED = (
    "The {subject}, fitted on all other layers, read {first_low} to {first_high} % of the numbers at layer 0 and "
    "{last_low} to {last_high} % after the final norm."
)
_END = "{subject}: the mean accuracy over models is {plain} with {comparison} and {scaled} with the layer's own."
_NONE_LOST = "No layer is shown to lose more than {points} points against {comparison}."
_WHY = """These layers are shown to lose more than 20 points against their own probe even on their own scale.
`scale_ratio` is the scale of the layer divided by that of the others; `mean_offset` is the distance of the means in
units of that scale;
`code_cosine` is the cosine between the number vectors of the layer and of the others (1: numbers differ in the same
directions)."""
_COSINES = "The mean `code_cosine` is {lost} in {subject} and {kept} in {comparison}."


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `cross_layer`."""
    table = tables["cross_layer"]
    accuracies = table.filter(pl.col("value").is_not_null(), metric="accuracy")
    left_out = accuracies.filter(_OTHERS)
    title = "One code in all layers? (`cross_layer`)"
    if left_out.is_empty():
        return Section(title, [_NO_LAYER])
    plain = left_out.filter(_PLAIN)
    own_scale = plain.filter(_OWN_SCALE)
    parts = [
        _NOTE,
        spread_out(own_scale, ["model", "context"], "layer"),
        _COMMON,
        spread_out(plain.filter(normalisation="none"), ["model", "context"], "layer"),
        *_inner_layers(independent(own_scale.filter(_inner()))),
        *highest_controls(left_out, ("shuffled", "untrained", "constant")),
        _published(),
        *_ends(independent(plain.filter(~_inner()))),
        *_lost_layers(table, accuracies),
    ]
    return Section(title, parts)


def _inner() -> pl.Expr:
    """Return the condition of inner layers: neither what enters the first block nor what leaves the final norm."""
    return ~pl.col("layer").is_in(["0", "final_norm"])


def _inner_layers(rows: pl.DataFrame) -> Iterator[Statement]:
    """Yield, by context, the tests of the inner layers against the mark; all contexts are one family."""
    parts = {part["context"][0]: part for part in rows.partition_by("context", maintain_order=True)}
    tested = tallies(
        {name: [compared(row, _NEAR, _READ) for row in part.iter_rows(named=True)] for name, part in parts.items()}
    )
    for context, part in parts.items():
        lowest = part.sort("value", maintain_order=True).row(0, named=True)
        mean = float(part["value"].to_numpy().mean())
        numbers = {
            "tests": tested[context],
            "layers": part.height,
            "layer": lowest["layer"],
            "model": lowest["model"],
            "low": cell_of(lowest),
            "mean": Share(mean),
        }
        yield Statement(f"`{context}`", f"{Share(_READ)} %", numbers, _INNER)


def _published() -> Statement:
    """Return the range of the published probes at the ends."""
    rows = read_published().filter(pl.col("probe") != "binary", experiment="cross_layer")
    numbers: dict[str, Share] = {}
    for name, layer in (("first", "0"), ("last", "final_norm")):
        values = rows.filter(layer=layer)["value"].to_numpy()
        numbers |= {f"{name}_low": Share(float(values.min())), f"{name}_high": Share(float(values.max()))}
    return Statement("sinusoidal and wave probes of arXiv 2510.26285", "", numbers, _PUBLISHED)


def _ends(rows: pl.DataFrame) -> Iterator[Statement]:
    """Yield what the layer's own mean and scale change at the ends, where the published probes fail."""
    for part in rows.partition_by("context", "layer", maintain_order=True):
        plain, scaled = _mean(part, "none"), _mean(part, "layer")
        numbers = {"plain": Share(plain), "scaled": Share(scaled), "gain": Difference(scaled - plain)}
        yield Statement(f"`{part['context'][0]}`, layer {part['layer'][0]}", "the common mean and scale", numbers, _END)


def _mean(part: pl.DataFrame, normalisation: str) -> float:
    return float(part.filter(normalisation=normalisation)["value"].to_numpy().mean())


def _lost_layers(table: pl.DataFrame, accuracies: pl.DataFrame) -> Iterator[str | Grid | Statement]:
    """Yield the layers that only their own probe reads well, and their differences from the others."""
    own = accuracies.filter(_PLAIN, _OWN_SCALE, fit_layer=pl.col("layer"))
    layers = accuracies.filter(_PLAIN & _OWN_SCALE & _OTHERS)
    bounds = ("value", "ci_low", "ci_high")
    layers = layers.join(own.select(*_PLACE, *bounds), on=_PLACE, suffix="_own", maintain_order="left")
    for metric in _LIKENESS:
        facts = table.filter(_PLAIN, metric=metric).select(*_PLACE, pl.col("value").alias(metric))
        layers = layers.join(facts, on=_PLACE, how="left", maintain_order="left")
    tests = [
        rows_compared({name: row[f"{name}_own"] for name in bounds}, row, _NEAR, _LOST)
        for row in layers.iter_rows(named=True)
    ]
    verdicts = [found == Verdict.HIGHER for found in family_verdicts(tests)]
    layers = layers.with_columns(pl.Series("is_lost", verdicts, dtype=pl.Boolean))
    lost = layers.filter("is_lost")
    if lost.is_empty():
        numbers = {"layers": layers.height, "points": round(100 * _LOST)}
        yield Statement("all layers", "its own probe", numbers, _NONE_LOST)
        return
    yield _WHY
    yield _differences(lost)
    counted = independent(layers)
    yield from _contrast(counted.filter("is_lost"), counted.filter(~pl.col("is_lost")))


def _differences(lost: pl.DataFrame) -> Grid:
    order = layer_order(lost["layer"])
    ranked = lost.with_columns(place=pl.col("layer").replace_strict(order, list(range(len(order)))))
    rows = [
        [
            *(row[name] for name in _PLACE),
            Share(row["value_own"]),
            cell_of(row),
            *(_estimate(row[name]) for name in _LIKENESS),
        ]
        for row in ranked.sort("model", "context", "place", maintain_order=True).iter_rows(named=True)
    ]
    return Grid([*_PLACE, "own probe", "all others", *_LIKENESS], rows)


def _estimate(value: float | None) -> Estimate | None:
    return None if value is None else Estimate(value)


def _contrast(lost: pl.DataFrame, kept: pl.DataFrame) -> Iterator[Statement]:
    """Yield how alike directions are in the lost layers and in the others, where both were measured."""
    there, elsewhere = (part["code_cosine"].drop_nulls().to_numpy() for part in (lost, kept))
    if len(there) and len(elsewhere):
        numbers = {"lost": Estimate(float(there.mean())), "kept": Estimate(float(elsewhere.mean()))}
        yield Statement("these layers", "the others", numbers, _COSINES)
