"""Findings on the code that halves, layers and models share."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.tell.independent import independent
from numprobe.tell.section import Grid, Reason, Section, Share, Statement, reasons_of, spread_out

_INTRODUCTION = (
    "Two probes that are compared are fitted on different halves of the numbers. `cka` is the similarity of the number "
    "kernels (intervals over numbers, with the fits held fixed), `overlap` the mean squared cosine of the "
    "read-out subspaces, and `iou_top10` the overlap of the ten strongest frequencies (both: mean and range over the "
    "divisions). All values are times 100."
)
_OF_HALVES = "The two halves in one layer, at the embedding and the middle block:"
_OF_LAYERS = "Medians over layers, with the range:"
_OF_MODELS = "Pairs of models:"
_NO_NUMBER = "The paper compares probes of one model by eye and gives no number."
_MEDIANS = (
    "{subject}: the kernels of two layers agree by {layers}, those of {comparison} by {halves}; the subspaces of two "
    "layers agree by {across}, those of {comparison} by {same}."
)
_PAIRS = (
    "The medians over {subject}, with the range, are {kernels} for kernels and {waves} for the ten strongest waves; "
    "{above} of {pairs} pairs share more waves than {comparison} do (95 %). The two measures have no common scale."
)
_METRICS = ("cka", "overlap", "iou_top10")
_PLAIN = pl.col("control") == "none"


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return halves against halves with their controls, layers, pairs of models, and what they say."""
    control = pl.when(_PLAIN).then(pl.lit("")).otherwise(" " + pl.col("control"))
    table = tables["consistency"].with_columns((pl.col("metric") + control).alias("measure"))
    between = table.filter(pl.col("other_model").is_not_null() & pl.col("metric").is_in(["cka", "iou_top10"]))
    return Section(
        "Agreement of the codes of halves, layers and models (`consistency`)",
        [_INTRODUCTION, _OF_HALVES, _halves(table), _OF_LAYERS, *_layers(table), *_models(between), *_reasons(table)],
    )


def _halves(table: pl.DataFrame) -> Grid:
    halves = table.filter(pl.col("metric").is_in(_METRICS), compared="halves")
    # The places that stand for a model are those that have a control.
    controlled = halves.filter(pl.col("control").is_in(["shuffled", "untrained"])).select("model", "context", "layer")
    shown = halves.join(controlled.unique(), on=["model", "context", "layer"], how="semi")
    return spread_out(shown, ["model", "context", "layer"], "measure")


def _layers(table: pl.DataFrame) -> Iterator[Statement]:
    """Yield how far the layers of each model agree, beside two halves in one layer."""
    plain = table.filter(_PLAIN & pl.col("value").is_not_null() & pl.col("other_model").is_null())
    for part in plain.partition_by("model", maintain_order=True):
        kernels, spaces = (part.filter(metric=name) for name in ("cka", "overlap"))
        numbers = {
            "layers": _median(kernels, "layers"),
            "halves": _median(kernels, "halves"),
            "across": _median(spaces, "layers"),
            "same": _median(spaces, "halves"),
        }
        layers, halves = numbers["layers"], numbers["halves"]
        if isinstance(layers, Share) and isinstance(halves, Share):
            yield Statement(str(part["model"][0]), "two halves of the numbers", numbers, _MEDIANS)


def _models(between: pl.DataFrame) -> list[str | Grid | Statement]:
    """Return all pairs of models, and whether their waves or the weights of these are alike; nothing without pairs."""
    if between.is_empty():
        return []
    pairs = between.with_columns(pl.concat_str("model", "other_model", separator=" – ").alias("pair"))
    found: list[str | Grid | Statement] = [_OF_MODELS, spread_out(pairs, ["pair", "compared", "context"], "measure")]
    counted = independent(between)
    plain = counted.filter(_PLAIN & pl.col("value").is_not_null())
    waves = plain.filter(metric="iou_top10")["value"].to_numpy()
    random = between.filter(metric="iou_top10", control="random")
    chance = random["ci_high"].drop_nulls().to_numpy()
    kernels_agree, waves_agree = (_range(plain.filter(metric=name)) for name in ("cka", "iou_top10"))
    if not isinstance(kernels_agree, Share) or not isinstance(waves_agree, Share) or not len(chance):
        return found
    numbers: dict[str, Any] = {"kernels": kernels_agree, "waves": waves_agree}
    numbers |= {"above": int((waves > chance.max()).sum()), "pairs": len(waves)}
    return [*found, Statement("pairs of models", "random sets", numbers, _PAIRS), _NO_NUMBER]


def _median(rows: pl.DataFrame, compared: str) -> Share | str:
    return _range(rows.filter(compared=compared))


def _range(rows: pl.DataFrame) -> Share | str:
    """Return the median of the values, and their range."""
    values = rows["value"]
    if values.is_empty():
        return "an unknown amount"
    return Share(float(str(values.median())), values.to_numpy().min(), values.to_numpy().max())


def _reasons(table: pl.DataFrame) -> list[Reason]:
    """Return the reasons of models, and of comparisons for which no two models are alike enough."""
    of_models = table.filter(pl.col("model").is_not_null())
    of_all = table.filter(pl.col("model").is_null()).with_columns(pl.col("compared").alias("model"))
    return [*reasons_of(of_models), *reasons_of(of_all)]
