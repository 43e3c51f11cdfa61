"""Findings on one number code for all models."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from numprobe.layers import middle_layer
from numprobe.tell.section import Estimate, Grid, Part, Section, Share, Statement, reasons_of, spread_out

_NAMES = {"shared": "others' code", "own": "own code", "shuffled": "shuffled others", "random": "random waves"}
_NAMES |= {"unweighted": "all waves"}
_CODE = pl.col("code").replace(_NAMES)
_PLACE = ["model", "context", "layer"]
# A model whose own code reads this much is one in which a code of others can succeed or fail.
_READABLE = 0.1
_NEAR = 0.9
_INTRODUCTION = (
    "The waves that count, and their weights, are learned from the other models. A linear map alone is fitted on half "
    "of the model's numbers, and the other half is tested, in all divisions together. The rows are those of "
    "`vocabulary` at the embedding and of other contexts at the middle block. Models that the workflow trains share "
    "their data and tokenizer; pretrained ones do not."
)
_MEASURED = (
    "{subject} reads {lowest} to {highest} % of what {comparison} reads ({near} of {states} states at least {most} %), "
    "and no control reads more than {control} % of the numbers: "
)
_SHARED = f"{_MEASURED}models differ in where they write the waves, not in which waves they write."
_PARTLY = f"{_MEASURED}the code is shared in part, and what is missing is particular to the model."
_UNREADABLE = (
    "{comparison} reads {readable} % of its numbers in {states} states, so nothing can be said about {subject}."
)
_NO_MEASUREMENT = "The paper has no such measurement."
_OF_SINGLES = "Accuracy of the code of a single other model (columns), read in each model (rows):"
_OF_RANGES = "Accuracy where only some numbers are single tokens (`vocabulary`):"


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the codes at the embedding and the middle block of each model, and what they say."""
    table = tables["shared_code"]
    shown = _shown(table)
    readers = pl.when(pl.col("control") == "untrained").then(pl.lit("untrained")).otherwise(_CODE)
    codes = shown.filter(pl.col("code") != "one model").with_columns(readers.alias("reader"))
    singles = shown.filter(code="one model")
    of_singles: list[Part] = [_OF_SINGLES, spread_out(singles, _PLACE, "source")] if singles.height else []
    return Section(
        "One number code for all models (`shared_code`)",
        [
            _INTRODUCTION,
            spread_out(codes, _PLACE, "reader"),
            *_meaning(shown),
            *_ranges(table),
            *of_singles,
            *reasons_of(table),
        ],
    )


def _shown(table: pl.DataFrame) -> pl.DataFrame:
    """Return all codes on all numbers, at the embedding or the middle block."""
    rows = table.filter(pl.col("value").is_not_null(), subset="all")
    parts = []
    for part in rows.partition_by("model", "context", maintain_order=True):
        layers = part["layer"].unique().to_list()
        parts.append(part.filter(layer="embedding" if "embedding" in layers else middle_layer(layers)))
    return pl.concat(parts) if parts else rows


def _meaning(shown: pl.DataFrame) -> list[Statement | str]:
    """Return how much of the own codes the code of the others reads, in states whose own code reads the numbers."""
    measured = shown.filter(pl.col("code").is_in(["shared", "own"]), control="none")
    pairs = measured.pivot("code", index=_PLACE, values="value").filter(pl.col("own") >= _READABLE)
    numbers: dict[str, Any] = {"states": pairs.height}
    if pairs.is_empty():
        numbers["readable"] = Share(_READABLE)
        return [Statement("the code of the others", "A model's own code", numbers, _UNREADABLE)]
    shares = (pairs["shared"] / pairs["own"]).to_numpy()
    near = int((shares >= _NEAR).sum())
    numbers |= {"lowest": Share(shares.min()), "highest": Share(shares.max()), "near": near, "most": Share(_NEAR)}
    controls = shown.filter(pl.col("control") != "none")["value"].to_numpy()
    numbers["control"] = Estimate(100 * controls.max())
    wording = _SHARED if near == len(shares) else _PARTLY
    return [Statement("The code of the others", "the own code", numbers, wording), _NO_MEASUREMENT]


def _ranges(table: pl.DataFrame) -> list[str | Grid]:
    """Return the accuracies by range of numbers, for models that have only some numbers as single tokens."""
    rows = table.filter(pl.col("subset").str.starts_with("values=") & pl.col("code").is_in(["shared", "own"]))
    rows = rows.filter(context="vocabulary").with_columns(_CODE.alias("reader"))
    return [] if rows.is_empty() else [_OF_RANGES, spread_out(rows, ["model", "layer", "subset"], "reader")]
