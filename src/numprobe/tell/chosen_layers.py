"""The section on what each reader reads at the layer that inner values chose, beside the controls that decide."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.tell.markdown import cell, per_cent, table

#: Readers that the page shows, where the study has them; else all.
READERS = ("fourier", "digits", "circular")
#: A number counts as read where at least this share of the numbers is.
MOST = 0.5
_NOTE = """Every fold chooses the layer of a reader by the accuracy on its training values, each read by the probe of
the fold that held it out, and is judged on its own test values; in brackets the share of the folds that chose the
layer. The fold's test values do not choose, but the probes whose readings choose were fitted on them too: the fits are
nested, the choice of the layer is not strictly. `mixed` is no network: the embeddings of the last four tokens, each
turned by a fixed random rotation, added up; differences from it are paired, row by row, in points. `untrained` is the
best of ALL layers of the untrained networks (between contexts, of a reader that the experiment `transfer` leaves out:
their chosen layer). What `mixed` gives as well shows that the tokens of a number stand together where it is read, in
one format; that the model has a code of the number follows from structure that `mixed` lacks, or from use, never from
reading alone.
"""
_PLACE = ["model", "probe", "fit_context", "context"]
_HEADS = ("model", "fitted in", "read in", "reader", "layer", "accuracy", "mixed", "accuracy - mixed", "untrained")


def section(chosen: pl.DataFrame, accuracy: pl.DataFrame, transfer: pl.DataFrame | None = None) -> str:
    """Return the section as Markdown.

    Parameters
    ----------
    chosen
        The collected table `chosen_layers`.
    accuracy, transfer
        The collected tables of these names: untrained networks in every layer. `transfer` may be missing.
    """
    names = [name for name in READERS if name in set(chosen["probe"])]
    shown = chosen.filter(pl.col("probe").is_in(names) if names else pl.lit(True)).filter(pl.col("probe").is_not_null())
    best = _untrained(accuracy, transfer, chosen)
    places = shown.select(_PLACE).unique(maintain_order=True)
    order = pl.col("context") != pl.col("fit_context")
    lines = [_line(_at(shown, row), best.get(row)) for row in places.sort(order, maintain_order=True).iter_rows()]
    parts = [
        "## Each reader at the layer that inner values choose\n",
        _NOTE,
        table(_HEADS, lines),
        _sentences(shown, best),
    ]
    return "\n".join(part for part in parts if part)


def _at(chosen: pl.DataFrame, place: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows of one model, reader and pair of contexts."""
    return chosen.filter(pl.all_horizontal(pl.col(name) == wanted for name, wanted in zip(_PLACE, place, strict=True)))


def _untrained(
    accuracy: pl.DataFrame, transfer: pl.DataFrame | None, chosen: pl.DataFrame
) -> dict[tuple[str, ...], float]:
    """Return the highest accuracy of any untrained network in any layer by model, probe and pair of contexts."""
    tables = [chosen, accuracy.with_columns(pl.col("context").alias("fit_context"))]
    tables += [] if transfer is None else [transfer.filter(pl.col("context") != pl.col("fit_context"))]
    wanted = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null()
    wanted &= pl.col("control").str.starts_with("untrained") & pl.col("value").is_not_null()
    rows = pl.concat([part.filter(wanted).select(*_PLACE, "value") for part in tables])
    best = rows.group_by(_PLACE, maintain_order=True).agg(pl.col("value").max())
    return {tuple(row[:-1]): float(row[-1]) for row in best.iter_rows()}


def _line(rows: pl.DataFrame, untrained: float | None) -> list[str]:
    model, probe, fit_context, context = (str(rows[name][0]) for name in _PLACE)
    own = _row(rows, "accuracy", "none")
    layer = f"{own['layer']} ({per_cent(own['chosen_share'])} %)" if own and own["layer"] is not None else ""
    less = _row(rows, "accuracy_difference", "mixed")
    mixed = _row(rows, "accuracy", "mixed")
    return [
        model,
        fit_context,
        context,
        probe,
        layer,
        cell(own) if own else "",
        cell(mixed) if mixed else "",
        _points(less) if less else "",
        "" if untrained is None else per_cent(untrained),
    ]


def _row(rows: pl.DataFrame, metric: str, control: str) -> dict[str, Any] | None:
    found = rows.filter((pl.col("metric") == metric) & (pl.col("control") == control))
    return found.row(0, named=True) if found.height else None


def _sentences(chosen: pl.DataFrame, untrained: Mapping[tuple[str, ...], float]) -> str:
    """Return a sentence for each model and pair of contexts whose numbers are several tokens, from the paired test."""
    several = chosen.filter((pl.col("tokens") > 1) & pl.col("value").is_not_null())
    order = pl.col("context") != pl.col("fit_context")
    parts = several.sort(order, maintain_order=True).partition_by(
        "model", "fit_context", "context", maintain_order=True
    )
    lines = [sentence for part in parts if (sentence := _sentence(part, untrained))]
    return "\n".join([*lines, ""]) if lines else ""


def _sentence(part: pl.DataFrame, untrained: Mapping[tuple[str, ...], float]) -> str | None:
    """Return what follows of one pair of contexts; None without the control `mixed`."""
    own = {row["probe"]: row for row in part.filter(_of("accuracy", "none")).iter_rows(named=True)}
    less = {row["probe"]: row for row in part.filter(_of("accuracy_difference", "mixed")).iter_rows(named=True)}
    if not less:
        return None
    fit, context = part["fit_context"][0], part["context"][0]
    where = f"`{context}`" if fit == context else f"`{fit}` → `{context}`"
    read = [name for name in less if name in own and own[name]["value"] >= MOST]
    if not read:
        return f"- {part['model'][0]}, {where}: no reader reads {per_cent(MOST)} % of the numbers."
    alike = [name for name in read if less[name]["ci_low"] is None or less[name]["ci_low"] <= 0]
    more = [name for name in read if name not in alike]
    if alike:
        text = "the number's tokens are gathered at its last token in one format; `mixed` is read as well"
        text += f" ({_differences(alike, less)})"
        text += f", although not with every reader ({_differences(more, less)})" if more else ""
    else:
        text = f"more is read than from `mixed` ({_differences(more, less)}); reading alone does not say what that is"
    return f"- {part['model'][0]}, {where}: {text}{_by_chance(part, untrained)}."


def _by_chance(part: pl.DataFrame, untrained: Mapping[tuple[str, ...], float]) -> str:
    """Return what the best untrained network reaches in one pair of contexts, and with which reader."""
    found = {place[1]: untrained[place] for place in part.select(_PLACE).unique().rows() if place in untrained}
    if not found:
        return ""
    probe = max(sorted(found), key=lambda name: found[name])
    return f"; untrained networks reach {per_cent(found[probe])} % ({probe})"


def _of(metric: str, control: str) -> pl.Expr:
    return (pl.col("metric") == metric) & (pl.col("control") == control)


def _differences(names: Sequence[str], less: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"{name}: {_points(less[name])} points" for name in names)


def _points(row: dict[str, Any]) -> str:
    """Return a difference of accuracies and its interval in points."""
    numbers = [row[name] for name in ("value", "ci_low", "ci_high")]
    value, low, high = (None if number is None else f"{100 * number:+.1f}" for number in numbers)
    return str(value) if low is None else f"{value} [{low}, {high}]"
