"""Words with an order, at the middle state of every model."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from scipy.stats import false_discovery_control

from numprobe.layers import middle_layer
from numprobe.status import Status
from numprobe.tell.section import Grid, Part, Reason, Section, Share, Statement, cell_of

_OWN = (pl.col("metric") == "accuracy") & pl.col("reader").is_in(["circle", "line"])
_READ = pl.col("metric") == "read_among_set"

_METHOD = (
    "Two readings of the words, in per cent. The first is the share of the words whose place in the set is read by a "
    "code that was fitted without them; the second is the share that the probe of digits reads as their value, among "
    "the values of the set. The state is the one after the middle block; brackets hold exact intervals over words. "
    "`permuted` is the mean over permuted orders, which also give p."
)
_SMALL = "The sets are small, so the absence of an effect is weak evidence."
_COUNTS = (
    " beyond {comparison} (p below .05) in {found} of {sets} sets, in {firm} of them also with the false discovery "
    "rate of the {sets} tests held below .05."
)
_ORDER = f"At the middle state the order is read from the other words{_COUNTS}"
_DIGITS = f"At the middle state the probe of digits reads the words{_COUNTS}"
_HEADS = (
    *("model", "words", "n", "layer", "from the other words", "permuted", "p"),
    *("by the probe of digits", "permuted (digits)", "p (digits)"),
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the middle state of every set and model, against permuted orders."""
    table = tables["ordinals"]
    measured = table.filter(pl.col("value").is_not_null())
    sets = measured.filter(context="word").partition_by("model", "subset", maintain_order=True)
    middles = [_middle_rows(part) for part in sets]
    statements = [_beyond_chance(middles, chosen, wording) for chosen, wording in ((_OWN, _ORDER), (_READ, _DIGITS))]
    told = [said for said in statements if said]
    grids = [Grid(_HEADS, [_cells(rows) for rows in middles])] if middles else []
    parts: list[Part] = [_METHOD, *grids, *told, *([_SMALL] if told else []), *_reasons(table)]
    return Section("Beyond cardinal numbers (`ordinals`)", parts)


def _middle_rows(part: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the state after the middle block."""
    return part.filter(layer=middle_layer(part["layer"].drop_nulls()))


def _cells(rows: pl.DataFrame) -> list[Any]:
    names = [rows["model"][0], rows["subset"][0], rows["n_values"][0], rows["layer"][0]]
    return [*names, *_reading(rows.filter(_OWN)), *_reading(rows.filter(_READ))]


def _reading(rows: pl.DataFrame) -> list[Any]:
    """Return the share that is read, its mean over permuted orders, and p; nothing where it was not measured."""
    plain, null = (rows.filter(control=control) for control in ("none", "shuffled"))
    if plain.is_empty() or null.is_empty():
        return [None, None, None]
    row = plain.row(0, named=True)
    return [cell_of(row), Share(null["value"][0]), float(f"{row['p_value']:.2g}")]


def _beyond_chance(middles: list[pl.DataFrame], chosen: pl.Expr, wording: str) -> Statement | None:
    """Return in how many sets a reading beats the permuted orders; None where it was not measured."""
    rows = [part.filter(chosen, control="none") for part in middles]
    found = pl.concat(rows) if rows else pl.DataFrame()
    if found.is_empty():
        return None
    # Many small sets are tested: the share of false ones among those found is held below .05 (Benjamini, Hochberg).
    firm = int((false_discovery_control(found["p_value"].to_numpy()) < 0.05).sum())
    numbers = {"found": found.filter(pl.col("p_value") < 0.05).height, "sets": found.height, "firm": firm}
    return Statement("all models", "chance", numbers, wording)


def _reasons(table: pl.DataFrame) -> Iterator[Reason]:
    """Yield, by model, the sets with how many of their words are single tokens, or why the model is left out."""
    for part in table.filter(status=Status.NOT_APPLICABLE).partition_by("model", maintain_order=True):
        rows = list(part.iter_rows(named=True))
        sets = [f"{row['subset']} {row['n_values']} of {row['N']}" for row in rows if row["N"]]
        few = ["too few single tokens: " + ", ".join(sets)] if sets else []
        yield Reason(part["model"][0], None, "; ".join([*few, *(row["note"] for row in rows if not row["N"])]))
