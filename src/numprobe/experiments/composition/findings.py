"""The section on how much of a number's state is more than its digits."""

from collections.abc import Mapping, Sequence

import polars as pl

from numprobe.layers import layer_order
from numprobe.status import Status, in_words
from numprobe.tell.markdown import cell, pivot

_NOTE = """Share of the variance between numbers (that two halves of the prompts have in common) which a sum of one
vector per digit and place explains; tables of pairs of digits explain `pairs` more, `whole` is left. In brackets 95 %
intervals over prompts; none where a state depends on nothing but the number. A number of several tokens is read as soon
as its digits are gathered at the last token; a share below those of the controls at the same layer shows more, that the
model composes the digits (arXiv 2410.05864 and 2606.08562 describe it for words).
"""
_CONTROLS = ("untrained", "mixed")
_PLAIN = pl.col("control") == "none"
#: A share is called lower than another from this difference of their intervals on: a control is one draw of random
#: weights, and intervals over prompts do not tell how others would differ.
_LEAST = 0.05


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section as Markdown.

    Parameters
    ----------
    tables
        Collected tables of the study; `composition` is read.
    """
    table = tables["composition"]
    parts = ["## Is the state of a number more than its digits? (`composition`)\n", _NOTE]
    shares = table.filter(pl.col("over").is_null() & pl.col("value").is_not_null())
    for subset in shares["subset"].unique().sort(descending=True).to_list():
        of_subset = shares.filter(pl.col("subset") == subset)
        parts.append(f"### Numbers of {subset.removeprefix('digits=')} digits\n")
        for matrices in (True, False):
            of_kind = of_subset.filter((pl.col("context") == "vocabulary") == matrices)
            parts += [_shares(of_kind)] if of_kind.height else []
        parts += [_courses(of_subset), ""]
    parts += [_added(table), _skipped(table)]
    return "\n".join(part for part in parts if part is not None)


def _shares(shares: pl.DataFrame) -> str:
    """Return a table: layers as columns, shares of the model and additive shares of the controls as rows."""
    wanted = [("additive", "none"), *(("additive", control) for control in _CONTROLS)]
    wanted += [(metric, "none") for metric in ("pairs", "whole", "beyond")]
    shown = []
    for part in shares.partition_by("model", "context", maintain_order=True):
        for metric, control in wanted:
            rows = part.filter((pl.col("metric") == metric) & (pl.col("control") == control))
            name = metric if control == "none" else f"{metric}, {control}"
            shown.append(rows.with_columns(pl.lit(name).alias("share")))
    return pivot(pl.concat(shown), index=("model", "context", "share"), column="layer")


def _courses(shares: pl.DataFrame) -> str:
    """Return a line per model and context of prompts: where digits are composed, and where controls do the same."""
    additive = shares.filter((pl.col("metric") == "additive") & (pl.col("context") != "vocabulary"))
    lines = []
    for part in additive.partition_by("model", "context", maintain_order=True):
        own = _by_layer(part.filter(_PLAIN))
        if own:
            lines.append(f"- {part['model'][0]}, `{part['context'][0]}`: {_course(own)} {_verdict(part, own)}")
    return "\n".join(lines)


def _by_layer(rows: pl.DataFrame) -> dict[str, dict[str, object]]:
    found = {row["layer"]: row for row in rows.iter_rows(named=True)}
    return {layer: found[layer] for layer in layer_order(list(found))}


def _course(own: Mapping[str, dict[str, object]]) -> str:
    """Return the highest and the lowest additive share, in the order of the layers."""
    values = {layer: float(str(row["value"])) for layer, row in own.items()}
    chosen = {max(values, key=values.__getitem__), min(values, key=values.__getitem__)}
    told = [f"{cell(own[layer])} at layer {layer}" for layer in values if layer in chosen]
    return f"additive {', then '.join(told)}."


def _verdict(part: pl.DataFrame, own: Mapping[str, dict[str, object]]) -> str:
    """Return what the comparison with the controls allows to say."""
    controls = {name: _by_layer(part.filter(pl.col("control") == name)) for name in _CONTROLS}
    controls = {name: rows for name, rows in controls.items() if rows}
    if not controls:
        return "There is no control to compare it with."
    beside = {layer: [rows[layer] for rows in controls.values() if layer in rows] for layer in own}
    below = [layer for layer, rows in beside.items() if rows and all(_is_below(own[layer], row) for row in rows)]
    above = [layer for layer, rows in beside.items() if rows and all(_is_below(row, own[layer]) for row in rows)]
    names = " and ".join(controls)
    told = [f"Below {names} at {_layers(below)}: there the state is more than gathered digits."] if below else []
    if above:
        told.append(f"Above {names} at {_layers(above)}: more of the state is a sum of digits than there.")
    return " ".join(told) or f"At no layer apart from {names}: no more than they do is shown."


def _is_below(one: dict[str, object], other: dict[str, object]) -> bool:
    """Return whether an interval lies `_LEAST` or more below another."""
    return _bound(one, "ci_high") < _bound(other, "ci_low") - _LEAST


def _bound(row: dict[str, object], name: str) -> float:
    return float(str(row["value"] if row[name] is None else row[name]))


def _layers(layers: Sequence[str]) -> str:
    return f"layer {layers[0]}" if len(layers) == 1 else f"layers {', '.join(layers)}"


def _added(table: pl.DataFrame) -> str:
    """Return what log n and waves add to the digits at most, beside what permuted numbers add there."""
    rows = table.filter((pl.col("over") == "additive") & pl.col("value").is_not_null() & (pl.col("dimensions") > 0))
    rows = rows.filter(pl.col("context") != "vocabulary")
    if rows.is_empty():
        return ""
    longest = str(rows["subset"].max())
    rows = rows.filter(pl.col("subset") == longest)
    chance = {_place(row): row["value"] for row in rows.filter(control="shuffled").iter_rows(named=True)}
    lines = []
    for part in rows.filter(_PLAIN).partition_by("metric", maintain_order=True):
        row = part.sort("value", descending=True, maintain_order=True).row(0, named=True)
        where = f"layer {row['layer']} of {row['model']}, `{row['context']}`"
        by_chance = f", as many random directions {_points(chance[_place(row)])}" if _place(row) in chance else ""
        lines.append(f"`{row['metric']}` at most {_points(row['value'])} ({where}{by_chance})")
    digits = longest.removeprefix("digits=")
    return f"Beyond the digits of {digits}-digit numbers, in points: " + "; ".join(lines) + ".\n"


def _place(row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("model", "context", "layer", "metric"))


def _points(share: object) -> str:
    """Return a share in per cent with one decimal."""
    return f"{100 * float(str(share)):.1f}"


def _skipped(table: pl.DataFrame) -> str:
    without = table.filter((pl.col("status") == Status.NOT_APPLICABLE) & _PLAIN)
    lines = [
        f"- {row['model']}, `{row['context']}`: {in_words(row['status'], row['note'])}"
        for row in without.unique(["model", "context", "note"], maintain_order=True).iter_rows(named=True)
    ]
    return "\n".join([*lines, ""]) if lines else ""
