"""Findings on how much of a number's state is more than its digits."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from numprobe.layers import layer_order
from numprobe.tell.section import Estimate, Grid, Layers, Section, Statement, cell_of, reasons_of, spread_out
from numprobe.verdicts import Comparison, Margin, Verdict, by_rows, family_verdicts

Rows = Mapping[str, Mapping[str, Any]]

_INTRODUCTION = (
    "The variance between numbers is the one that two halves of the prompts have in common. *Additive* is the share "
    "that a sum of one vector per digit and place explains; tables of pairs of digits explain *pairs* more, and "
    "*whole* is left. Brackets hold 95 % intervals over prompts; there are none where a state depends on nothing but "
    "the number. A number of several tokens is read as soon as its digits are gathered at the last token. A share "
    "below those of the controls at the same layer shows more: the model composes the digits (arXiv 2410.05864 and "
    "2606.08562 describe it for words)."
)
_OF_LENGTH = "Shares of the variance between numbers of {digits} digits:"
_COURSE = "{subject}, {digits} digits: additive {first} at {first_layer}, then {last} at {last_layer}. "
_UNIFORM = "{subject}, {digits} digits: additive {first} at {first_layer}. "
_BELOW = "Shown to be below {comparison} at {below}: there the state is more than gathered digits."
_ABOVE = "Shown to be above {comparison} at {above}: more of the state is a sum of digits than there."
_NOT_APART = "At no layer a difference of more than five points from {comparison} is shown."
_ALONE = "There is no control to compare it with."
_ADDED = (
    "{subject}: beyond the digits of {digits}-digit numbers, `{columns}` adds at most {points} points of the variance"
)
_BY_CHANCE = f"{_ADDED}; as many {{comparison}} add {{chance}}."
_CONTROLS = ("untrained", "mixed")
_PLAIN = pl.col("control") == "none"
#: Of the difference between additive shares.
_MARGIN = Margin(
    0.05, "a control is one draw of random weights, and intervals over prompts do not tell how others would differ"
)


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the shares by layer, what follows from them beside the controls, and what magnitude and waves add."""
    table = tables["composition"]
    shares = table.filter(pl.col("over").is_null() & pl.col("value").is_not_null())
    parts: list[Any] = [_INTRODUCTION]
    for subset in shares["subset"].unique().sort(descending=True).to_list():
        of_subset = shares.filter(subset=subset)
        digits = int(subset.removeprefix("digits="))
        parts.append(_OF_LENGTH.format(digits=digits))
        for matrices in (True, False):
            of_kind = of_subset.filter((pl.col("context") == "vocabulary") == matrices)
            parts += [_shares(of_kind)] if of_kind.height else []
        parts += _courses(of_subset, digits)
    return Section(
        "States of numbers beside their digits added up (`composition`)",
        [*parts, *_added(table), *reasons_of(table.filter(_PLAIN))],
    )


def _shares(shares: pl.DataFrame) -> Grid:
    """Return layers as columns, shares of the model and additive shares of the controls as rows."""
    wanted = [("additive", "none"), *(("additive", control) for control in _CONTROLS)]
    wanted += [(metric, "none") for metric in ("pairs", "whole", "beyond")]
    shown = []
    for part in shares.partition_by("model", "context", maintain_order=True):
        for metric, control in wanted:
            rows = part.filter(metric=metric, control=control)
            name = metric if control == "none" else f"{metric}, {control}"
            shown.append(rows.with_columns(pl.lit(name).alias("share")))
    return spread_out(pl.concat(shown), ["model", "context", "share"], "layer")


def _courses(shares: pl.DataFrame, digits: int) -> Iterator[Statement]:
    """Yield, for each model and context of prompts, where digits are composed, and where controls do the same."""
    additive = shares.filter(pl.col("context") != "vocabulary", metric="additive")
    for part in additive.partition_by("model", "context", maintain_order=True):
        own = _by_layer(part.filter(_PLAIN))
        if own:
            controls = {name: _by_layer(part.filter(control=name)) for name in _CONTROLS}
            yield _course(f"{part['model'][0]}, `{part['context'][0]}`", digits, own, controls)


def _by_layer(rows: pl.DataFrame) -> Rows:
    found = {row["layer"]: row for row in rows.iter_rows(named=True)}
    return {layer: found[layer] for layer in layer_order(list(found))}


def _course(subject: str, digits: int, own: Rows, controls: Mapping[str, Rows]) -> Statement:
    """Return the highest and the lowest additive share in the order of the layers, beside the controls."""
    values = {layer: row["value"] for layer, row in own.items()}
    ends = {max(values, key=values.__getitem__), min(values, key=values.__getitem__)}
    chosen = [layer for layer in values if layer in ends]
    numbers: dict[str, Any] = {"digits": digits}
    for name, layer in zip(("first", "last"), chosen, strict=False):
        numbers |= {name: cell_of(own[layer]), f"{name}_layer": Layers((layer,))}
    measured = {name: rows for name, rows in controls.items() if rows}
    tested = {
        (layer, name): by_rows(_exact(row), _exact(rows[layer]), _MARGIN)
        for layer, row in own.items()
        for name, rows in measured.items()
        if layer in rows
    }
    below, above = (_shown(tested, found) for found in (Verdict.LOWER, Verdict.HIGHER))
    numbers |= {"below": Layers(tuple(below)), "above": Layers(tuple(above))}
    apart = " ".join(text for text, layers in ((_BELOW, below), (_ABOVE, above)) if layers)
    verdict = (apart or _NOT_APART) if measured else _ALONE
    return Statement(subject, " and ".join(measured), numbers, (_COURSE if len(chosen) > 1 else _UNIFORM) + verdict)


def _shown(tested: Mapping[tuple[str, str], Comparison], wanted: Verdict) -> list[str]:
    """Return the layers with this verdict against every control; all layers and controls are one family."""
    verdicts = dict(zip(tested, family_verdicts(list(tested.values())), strict=True))
    shown = {key for key, found in verdicts.items() if found == wanted and tested[key].beyond}
    layers = dict.fromkeys(layer for layer, _ in tested)
    return [layer for layer in layers if all(key in shown for key in tested if key[0] == layer)]


def _exact(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return a share and its bounds; without an interval it is exact, because no prompt changes it."""
    value = row["value"]
    return value, value if row["ci_low"] is None else row["ci_low"], value if row["ci_high"] is None else row["ci_high"]


def _added(table: pl.DataFrame) -> Iterator[Statement]:
    """Yield what log n and waves add to the digits at most, beside what permuted numbers add there."""
    rows = table.filter(pl.col("value").is_not_null(), pl.col("dimensions") > 0, over="additive")
    rows = rows.filter(pl.col("context") != "vocabulary")
    if rows.is_empty():
        return
    longest = str(rows["subset"].max())
    rows = rows.filter(subset=longest)
    chance = {_place(row): row["value"] for row in rows.filter(control="shuffled").iter_rows(named=True)}
    for part in rows.filter(_PLAIN).partition_by("metric", maintain_order=True):
        row = part.sort("value", descending=True, maintain_order=True).row(0, named=True)
        numbers = {
            "digits": int(longest.removeprefix("digits=")),
            "columns": row["metric"],
            "points": Estimate(100 * row["value"]),
        }
        if _place(row) in chance:
            numbers["chance"] = Estimate(100 * chance[_place(row)])
        subject = f"{row['model']}, `{row['context']}`, {Layers((row['layer'],))}"
        yield Statement(subject, "random directions", numbers, _BY_CHANCE if "chance" in numbers else f"{_ADDED}.")


def _place(row: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("model", "context", "layer", "metric"))
