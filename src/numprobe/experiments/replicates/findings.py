"""Accuracy and transfer over several trainings of a model, with the wider of two intervals."""

from collections.abc import Iterator, Mapping

import polars as pl

from numprobe.draw.style import probe_order
from numprobe.probes.leading import choose_leading
from numprobe.tell.section import Grid, Part, Section, Share, Span, Statement, reasons_of, spread_out

_TITLE = "Several trainings of one model (`replicates`)"
_METHOD = """Every model here was trained several times, with other initial weights and another order of the data; data,
numbers, prompts and folds are the same. The table gives the mean accuracy of `{probe}` over trainings. The brackets
hold the wider of two 95 % intervals: over trainings (Student's t on logits), or over numbers for given weights."""
_MOVED = "Mean accuracy in contexts other than that of the fit, over trainings:"
_WIDER = (
    "{subject}: of {cells} means over {trainings} trainings (contexts and layers), {wider} have a wider interval over "
    "trainings than over {comparison}. From end to end the widest over trainings has {widest} points, the widest over "
    "{comparison} {widest_numbers}."
)
_FARTHEST = (
    "{subject}: trainings lie farthest apart in layer {layer}, `{context}`, where {comparison} reads {span} % of the "
    "numbers."
)
_WEIGHTS = (
    "On the other pages every model is one training: the intervals there are about these weights, not about what "
    "another training would give."
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `replicates`."""
    table = tables["replicates"].filter(pl.col("value").is_not_null())
    probe = choose_leading(probe_order(table["probe"]))
    here = pl.col("fit_context") == pl.col("context")
    own = table.filter(here, probe=probe)
    moved = table.filter(~here, probe=probe)
    parts: list[Part] = [_METHOD.format(probe=probe), *_grids(own)]
    parts += [_MOVED, spread_out(moved, ["model", "fit_context", "context"], "layer")] if moved.height else []
    return Section(_TITLE, [*parts, *_meaning(own, probe), _WEIGHTS, *reasons_of(tables["replicates"])])


def _grids(own: pl.DataFrame) -> list[Grid]:
    """Return a grid of the embedding matrices and one of the states in prompts."""
    matrices = pl.col("context") == "vocabulary"
    parts = [own.filter(matrices), own.filter(~matrices)]
    return [spread_out(part, ["model", "context"], "layer") for part in parts if part.height]


def _meaning(own: pl.DataFrame, probe: str) -> Iterator[Statement]:
    """Yield, for each model, how the two intervals compare, and where trainings differ most."""
    for part in own.partition_by("model", maintain_order=True):
        over = part.select(
            trainings=pl.col("trainings_high") - pl.col("trainings_low"),
            numbers=pl.col("numbers_high") - pl.col("numbers_low"),
        )
        numbers = {
            "cells": part.height,
            "trainings": int(part["n_trainings"][0]),
            "wider": part.filter(wider="trainings").height,
            "widest": Share(float(over["trainings"].to_numpy().max())),
            "widest_numbers": Share(float(over["numbers"].fill_null(0).to_numpy().max())),
        }
        yield Statement(part["model"][0], "numbers", numbers, _WIDER)
        apart = part.sort(pl.col("highest") - pl.col("lowest"), descending=True, maintain_order=True)
        row = apart.row(0, named=True)
        place = {"layer": row["layer"], "context": row["context"]}
        span = Span(Share(row["lowest"]), Share(row["highest"]))
        yield Statement(part["model"][0], f"`{probe}`", {**place, "span": span}, _FARTHEST)
