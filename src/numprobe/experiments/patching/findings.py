"""The section on patching: what the true result repairs and harms when it is written into the last state."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.layers import layer_order
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import operation_grid, over_controls, reported, setting_grid
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Listed, Part, Section, Statement
from numprobe.tell.tested import Tally

_TITLE = "The true result written into the last state (`patching`, an oracle)"
_METHOD = """
The true result is written into the state at the last token. This is an oracle, not a repair: it uses the result. The
prompts of half of the true results choose layer and strength; the table shows the other half. `size`: mean length of
the change divided by that of the state. `repaired`: share of the wrong answers that become right, also when another
number is written or when the state moves in a random direction. `harmed`: share of the right answers that become wrong.
"""
_NO_ERRORS = "No prompt is answered wrongly, so there is nothing to repair."
_TESTS = (
    "Share of the wrong answers that the true number repairs, less that of {comparison}, on the same prompts: {tests}. "
)
_NO_EFFECT = _TESTS + (
    "In none of {cases} cases is it shown that the true number repairs more than both: that a result written along "
    "these directions reaches the answer is not shown."
)
_EFFECT = _TESTS + (
    "In {ahead} of {cases} cases the true number repairs more than both: there the answer follows a result that is "
    "written into the state at the last token, along the directions in which states move with the number."
)
_LAST = (
    "In {last} of {cases} cases ({subject}) the chosen layer is the last of those that were changed. What leaves the "
    "last block meets only the norm and the output matrix, so a number written there is right by construction: the "
    "output matrix reads it, and nothing says that the model computes with it."
)
#: Head of a column -> metric, control.
_COLUMNS = {
    "right before": ("accuracy_before", "none"),
    "right after": ("accuracy_after", "none"),
    "repaired": ("repaired", "none"),
    "repaired, wrong number": ("repaired", WRONG_NUMBER),
    "repaired, random direction": ("repaired", RANDOM_DIRECTION),
    "harmed": ("harmed", "none"),
    "answers the wrong number": ("follows", WRONG_NUMBER),
}


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `patching`."""
    rows = reported(tables["patching"])
    keys = ("model", "settings") if rows["settings"].n_unique() > 1 else ("model",)
    parts: list[Part] = [_METHOD, setting_grid(rows, _COLUMNS, keys)]
    parts += ["Repaired, by operation:", operation_grid(rows, "repaired", keys)]
    parts += ["Harmed, by operation:", operation_grid(rows, "harmed", keys)]
    counted = independent(rows.filter(metric="repaired_over_control"), "context")
    effect = _effect(*over_controls(counted, keys))
    return Section(_TITLE, [*parts, effect, *_last(tables["patching"], rows, keys)])


def _effect(ahead: Mapping[str, bool], tests: Mapping[str, Tally]) -> Statement:
    """State in how many cases the true number repairs more than both controls."""
    numbers: dict[str, Any] = {"ahead": sum(ahead.values()), "cases": len(ahead)}
    if not ahead:
        return Statement("all models", "both controls", numbers, _NO_ERRORS)
    numbers["tests"] = Listed(tests)
    return Statement(", ".join(ahead), "both controls", numbers, _EFFECT if any(ahead.values()) else _NO_EFFECT)


def _last(table: pl.DataFrame, rows: pl.DataFrame, keys: Sequence[str]) -> Iterator[Statement]:
    """Yield the cases in which the chosen layer is the last, where the written number is right by construction."""
    chosen = rows.filter(pl.col("strength").is_not_null()).unique(keys, keep="first", maintain_order=True)
    layers = named_by_context(table.filter(pl.col("layer").is_not_null()))
    last = []
    for row in chosen.iter_rows(named=True):
        tried = layer_order(layers.filter(model=row["model"])["layer"])
        if len(tried) > 1 and row["layer"] == tried[-1]:
            last.append(" ".join(row[key] for key in keys))
    if last:
        yield Statement(", ".join(last), "", {"last": len(last), "cases": chosen.height}, _LAST)
