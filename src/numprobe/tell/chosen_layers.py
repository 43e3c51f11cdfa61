"""Each reader at the layer that inner values choose, beside the controls that decide, as data."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.percent import per_cent
from numprobe.probes.leading import SIDE_BY_SIDE
from numprobe.tables import Row
from numprobe.tell.outcomes import compared
from numprobe.tell.section import Grid, Listed, Section, Share, Statement, cell_of, change_of
from numprobe.verdicts import WITHIN, Margin, Verdict, family_verdicts

#: A number counts as read where at least this share of the numbers is.
MOST = 0.5
_NOTE = """Every fold chooses the layer of a reader by the accuracy on its training values, each read by the probe of
the fold that held it out, and is judged on its own test values. The brackets behind a layer hold the share of the folds
that chose it. The test values of a fold do not choose its layer, but the probes whose readings choose were fitted on
them too: the fits are nested, the choice of the layer is not strictly. `mixed` is no network: it is the sum of the
embeddings of the last four tokens, each turned by a fixed random rotation. Differences from it are paired, row by row,
and given in points. `untrained` is the best of ALL layers of the untrained networks (between contexts, of a reader that
the experiment `transfer` leaves out: their chosen layer). A reading that `mixed` gives as well shows that the tokens of
a number stand together where it is read, in one format. That the model has a code of the number follows from structure
that `mixed` lacks, or from use, never from reading alone.
"""
_ALL = "All readers, in the context of their fit and in others:"
# Sentences on numbers of several tokens.
_NOT_READ = "{subject}: no reader reads {most} % of the numbers"
_GATHERED = (
    "{subject}: the tokens of a number are gathered at its last token in one format; {comparison} is read as well "
    "({alike})"
)
_NOT_BY_ALL = ", although not with every reader ({more})"
_MORE = "{subject}: more is read than from {comparison} ({more}); reading alone does not say what that is"
_OPEN = "{subject}: whether more is read than from {comparison} is undecided ({undecided})"
_UNTRAINED = "; untrained networks reach {untrained} % ({untrained_reader})"
_PLACE = ["model", "probe", "fit_context", "context"]
_HEADS = ("model", "fitted in", "read in", "reader", "layer", "accuracy", "mixed", "accuracy - mixed", "untrained")
_TITLE = "Each reader at the layer that inner values choose"

_MARGIN = Margin(0.02, "two in a hundred numbers")

#: Highest accuracy of any untrained network, by model, probe and pair of contexts.
Best = Mapping[tuple[str, ...], float]


def section(chosen: pl.DataFrame, accuracy: pl.DataFrame, transfer: pl.DataFrame | None = None) -> Section:
    """Return the section.

    Parameters
    ----------
    chosen
        The collected table `chosen_layers`.
    accuracy, transfer
        The collected tables of these names: untrained networks in every layer. `transfer` may be missing.
    """
    names = [name for name in SIDE_BY_SIDE if name in set(chosen["probe"])]
    shown = chosen.filter(pl.col("probe").is_in(names) if names else pl.lit(True)).filter(pl.col("probe").is_not_null())
    best = _untrained(accuracy, transfer, chosen)
    places = shown.select(_PLACE).unique(maintain_order=True).sort(_between_contexts(), maintain_order=True)
    rows = [_cells(_at(shown, place), best.get(place)) for place in places.iter_rows()]
    leading = [row for row in rows if row[3] == rows[0][3] and row[1] == row[2]]
    short = Grid(_HEADS, leading, open=True)
    return Section(_TITLE, [*_statements(shown, best), short, _NOTE, _ALL, Grid(_HEADS, rows)])


def _between_contexts() -> pl.Expr:
    """Return the key that puts readings in the context of the fit first."""
    return pl.col("context") != pl.col("fit_context")


def _at(chosen: pl.DataFrame, place: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows of one model, reader and pair of contexts."""
    return chosen.filter(pl.all_horizontal(pl.col(name) == wanted for name, wanted in zip(_PLACE, place, strict=True)))


def _untrained(accuracy: pl.DataFrame, transfer: pl.DataFrame | None, chosen: pl.DataFrame) -> Best:
    """Return the highest accuracy of any untrained network in any layer by model, probe and pair of contexts."""
    tables = [chosen, accuracy.with_columns(pl.col("context").alias("fit_context"))]
    tables += [] if transfer is None else [transfer.filter(_between_contexts())]
    wanted = (pl.col("metric") == "accuracy") & (pl.col("subset") == "all") & pl.col("fold").is_null()
    wanted &= pl.col("control").str.starts_with("untrained") & pl.col("value").is_not_null()
    rows = pl.concat([part.filter(wanted).select(*_PLACE, "value") for part in tables])
    best = rows.group_by(_PLACE, maintain_order=True).agg(pl.col("value").max())
    return {tuple(row[:-1]): float(row[-1]) for row in best.iter_rows()}


def _cells(rows: pl.DataFrame, untrained: float | None) -> list[Any]:
    """Return the cells of one model, reader and pair of contexts."""
    model, probe, fit_context, context = (rows[name][0] for name in _PLACE)
    own, mixed = _row(rows, "accuracy", "none"), _row(rows, "accuracy", "mixed")
    less = _row(rows, "accuracy_difference", "mixed")
    layer = f"{own['layer']} ({per_cent(own['chosen_share'])} %)" if own and own["layer"] is not None else None
    shares = [cell_of(own) if own else None, cell_of(mixed) if mixed else None]
    return [
        *(model, fit_context, context, probe, layer, *shares),
        change_of(less) if less else None,
        None if untrained is None else Share(untrained),
    ]


def _row(rows: pl.DataFrame, metric: str, control: str) -> Row | None:
    found = rows.filter(_of(metric, control))
    return found.row(0, named=True) if found.height else None


def _of(metric: str, control: str) -> pl.Expr:
    return (pl.col("metric") == metric) & (pl.col("control") == control)


def _statements(chosen: pl.DataFrame, untrained: Best) -> list[Statement]:
    """Return a statement for each model and pair of contexts whose numbers are several tokens, from the paired test."""
    several = chosen.filter((pl.col("tokens") > 1) & pl.col("value").is_not_null())
    differences = several.filter(_of("accuracy_difference", "mixed"))
    tested = family_verdicts([compared(row, _MARGIN) for row in differences.iter_rows(named=True)])
    verdicts = dict(zip(differences.select(_PLACE).iter_rows(), tested, strict=True))
    parts = several.sort(_between_contexts(), maintain_order=True).partition_by(
        "model", "fit_context", "context", maintain_order=True
    )
    return [said for part in parts if (said := _statement(part, untrained, verdicts))]


def _statement(part: pl.DataFrame, untrained: Best, verdicts: Mapping[tuple[str, ...], Verdict]) -> Statement | None:
    """Return what follows of one pair of contexts; None without the control `mixed`."""
    own = {row["probe"]: row for row in part.filter(_of("accuracy", "none")).iter_rows(named=True)}
    less = {row["probe"]: row for row in part.filter(_of("accuracy_difference", "mixed")).iter_rows(named=True)}
    if not less:
        return None
    fit, context = part["fit_context"][0], part["context"][0]
    subject = f"{part['model'][0]}, " + (f"`{context}`" if fit == context else f"`{fit}` → `{context}`")
    read = [name for name in less if name in own and own[name]["value"] >= MOST]
    if not read:
        return Statement(subject, "", {"most": Share(MOST)}, f"{_NOT_READ}.")
    told = {name: verdicts[tuple(less[name][key] for key in _PLACE)] for name in read}
    alike = [name for name in read if told[name] in WITHIN | {Verdict.LOWER}]
    more = [name for name in read if told[name] == Verdict.HIGHER]
    found = {"alike": alike, "more": more, "undecided": [name for name in read if name not in (*alike, *more)]}
    numbers = {key: Listed({name: change_of(less[name]) for name in names}, "points") for key, names in found.items()}
    chance = _by_chance(part, untrained)
    return Statement(subject, "`mixed`", numbers | chance, _wording(alike, more, bool(chance)))


def _wording(alike: Sequence[str], more: Sequence[str], by_chance: bool) -> str:
    text = _GATHERED + (_NOT_BY_ALL if more else "") if alike else _MORE if more else _OPEN
    return text + (_UNTRAINED if by_chance else "") + "."


def _by_chance(part: pl.DataFrame, untrained: Best) -> dict[str, Any]:
    """Return what the best untrained network reaches in one pair of contexts, and with which reader."""
    found = {place[1]: untrained[place] for place in part.select(_PLACE).unique().rows() if place in untrained}
    if not found:
        return {}
    probe = max(sorted(found), key=lambda name: found[name])
    return {"untrained": Share(found[probe]), "untrained_reader": probe}
