"""The section on ablation: what removing directions harms, what interchanging them carries, and what a probe reads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import compared
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Grid, Section, Statement, cell_of
from numprobe.tell.tested import tallies
from numprobe.verdicts import Comparison, Margin, Verdict, family_verdicts

_TITLE = "Directions taken from the operands, or interchanged (`ablation`)"
_METHOD = """
Is a subspace needed, and is it enough? At the operand's token, the state's component in r directions is removed
(necessity), or becomes that of another prompt's operand (sufficiency). The directions are the first ones along which
states differ by their number (`patterns`), the first ones that the probe reads (`read-out`), or random ones (`random`;
`as long`: the removed component is as long as the longer of the other two). `all but` is the rest of the state: all
directions other than these r. `all tokens` (operands of several tokens): the earlier tokens change too, because later
tokens attend to them; after removal they are the mean state of their place, after interchange the other prompt's.
Removal also leaves a state that the model never has, so its harm shows that an answer is fragile, not that the removed
directions hold the number; only interchange shows what carries it.
"""
_REMOVED = "Removal: share of the correct answers that become wrong, at the middle one of the ranks r of both:"
_INTERCHANGED = """Interchange: share of the answers that become the result with the other prompt's operand, of the
pairs of prompts that the model answers correctly:"""
_HALVES = """`answers halve`: the smallest r at which removal makes half of the correct answers wrong. `reading halves`:
the smallest r at which a probe that is fitted again on the remaining states reads at most half as many unseen numbers
as before. Both say how fragile an answer and a reading are:"""
_NOBODY = "No model answers a prompt correctly."
_CARRIED = (
    "In {carried} of {places} cases (models and layers) the whole state of the operand carries it to the answer: after "
    "its interchange more than {margin} % of the answers follow, by a test. Elsewhere a change of the state comes too "
    "late, or its effect is undecided."
)
_NECESSARY = (
    "Necessity, share of answers harmed by removal less that by {comparison}: patterns {patterns}; read-out {readout}."
)
_SUFFICIENT = (
    "Sufficiency, share of answers that follow an interchange less that of {comparison}: patterns {patterns}; read-out "
    "{readout}."
)
_BESIDE_REST = (
    "Share of answers that follow an interchange of the directions less that of {comparison}: patterns {patterns}; "
    "read-out {readout}. "
)
_REST_USED = _BESIDE_REST + (
    "Where it is lower, the rest carries more of the operand than the removed directions: it is used, whatever removal "
    "harms. For a model builder: choose the directions to edit by interchange."
)
_THROUGH_THEM = _BESIDE_REST + (
    "Nowhere is it shown that the rest carries more. For a model builder: where it is higher, edit these directions."
)
_UNDECIDED = _BESIDE_REST + "It is not shown which of the two carries more."

#: The difference that does not matter.
MARGIN = Margin(0.05, "an edit that moves fewer than one answer in twenty is of no use, and so is one that spares them")

Key = tuple[str | None, str | None, str | None, str | None]
#: (metric, direction, component, control) -> rows by rank, ascending.
Curves = Mapping[Key, list[Mapping[str, Any]]]
#: (model, layer) -> curves.
Places = Mapping[tuple[str, str], Curves]

_ANSWERS: Mapping[str, Key] = {
    "patterns": ("harmed", "patterns", "inside", "none"),
    "read-out": ("harmed", "readout", "inside", "none"),
    "random, as long": ("harmed", "random", "inside", RANDOM_SUBSPACE),
    "random": ("harmed", "random", "inside", RANDOM_COMPONENT),
}
_WHOLE: Key = ("harmed", "state", None, "none")
_LEFT: Mapping[str, Key] = {
    "all but patterns": ("harmed", "patterns", "rest", "none"),
    "all but read-out": ("harmed", "readout", "rest", "none"),
    "whole state": _WHOLE,
}
_WHOLE_FOLLOWS: Key = ("follows", "state", None, "none")
_FOLLOWS: Mapping[str, Key] = {
    "patterns": ("follows", "patterns", "inside", "none"),
    "read-out": ("follows", "readout", "inside", "none"),
    "random": ("follows", "random", "inside", RANDOM_COMPONENT),
    "all but patterns": ("follows", "patterns", "rest", "none"),
    "all but read-out": ("follows", "readout", "rest", "none"),
    "whole state": _WHOLE_FOLLOWS,
}
_READING: Mapping[str, Key] = {
    "patterns": ("reads_refitted", "patterns", None, "none"),
    "read-out": ("reads_refitted", "readout", None, "none"),
    "random": ("reads_refitted", "random", None, RANDOM_COMPONENT),
}
_BEFORE: Key = ("reads_before", None, None, "none")


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the tables `ablation` and `ablated_probe`."""
    places = _places(tables["ablation"], tables["ablated_probe"])
    if not places:
        return Section(_TITLE, [_METHOD, Statement("all models", "", {"models": 0}, _NOBODY)])
    removed = _shares(places, {**_ANSWERS, **_LEFT})
    interchanged = _shares(places, _FOLLOWS)
    grids: list[str | Grid] = [_REMOVED, removed, _INTERCHANGED, interchanged, _HALVES, _ranks(places)]
    counted = _places(_independent(tables["ablation"]), tables["ablated_probe"])
    return Section(_TITLE, [_METHOD, *grids, *_statements(counted)])


def _independent(ablation: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of models that are independent of each other, of those whose whole state was removed."""
    removed = ablation.filter(pl.col("value").is_not_null(), metric="harmed", direction="state", subset="all")
    return ablation.filter(pl.col("model").is_in(independent(removed)["model"].implode()))


def _places(ablation: pl.DataFrame, ablated_probe: pl.DataFrame) -> Places:
    """Return the curves of the answers and of the reading, where the answers were measured."""
    readings = {(model, layer): curves for model, _, layer, curves in _curves(ablated_probe)}
    found = {
        (name, layer): {**curves, **readings.get((model, layer), {})}
        for model, name, layer, curves in _curves(ablation)
    }
    return {place: curves for place, curves in found.items() if _WHOLE in curves}


def _curves(table: pl.DataFrame) -> Iterator[tuple[str, str, str, Curves]]:
    """Yield a model, its name in the section, a layer, and the curves."""
    named = table.with_columns(base="model")
    named = named_by_context(by_tokens(named) if "tokens" in table.columns else named)
    rows = named.filter(pl.col("layer").is_not_null(), pl.col("value").is_not_null(), subset="all")
    for part in rows.partition_by("model", "layer", maintain_order=True):
        curves: dict[Key, list[Mapping[str, Any]]] = {}
        for row in part.sort("rank").iter_rows(named=True):
            key = row["metric"], row["direction"], row.get("component"), row["control"]
            curves.setdefault(key, []).append(row)
        yield part["base"][0], part["model"][0], part["layer"][0], curves


def _ranks(places: Places) -> Grid:
    """Return the ranks at which answers and reading halve."""
    heads = ["model", "layer", "whole state", "reads before"]
    heads += [f"answers halve: {name}" for name in _ANSWERS] + [f"reading halves: {name}" for name in _READING]
    lines = []
    for (model, layer), curves in places.items():
        levels = [cell_of(curves[key][0]) if key in curves else None for key in (_WHOLE, _BEFORE)]
        halves = [_rank(curves, key) for key in (*_ANSWERS.values(), *_READING.values())]
        lines.append([model, layer, *levels, *halves])
    return Grid(heads, lines)


def _rank(curves: Curves, key: Key) -> int | str | None:
    """Return the rank at which a curve halves, or the largest one where it does not."""
    rank = _halved(curves, key)
    return f"> {curves[key][-1]['rank']}" if rank is None and key in curves else rank


def _halved(curves: Curves, key: Key) -> int | None:
    """Return the smallest rank at which half of the answers are wrong, or half of what was read is lost."""
    before = [row["value"] for row in curves.get(_BEFORE, [])]
    for row in curves.get(key, []):
        lost = row["value"] >= 0.5 if key[0] == "harmed" else bool(before) and row["value"] <= before[0] / 2
        if lost:
            return int(row["rank"])
    return None


def _rank_of(places: Places, model: str) -> int:
    """Return a model's rank at which shares are told: the middle one of those at which components are interchanged.

    Where nothing was interchanged, it is the middle one of those that were removed.
    """
    own = [curves for (name, _), curves in places.items() if model_of(name) == model_of(model)]
    for keys in (_FOLLOWS["patterns"], _ANSWERS["patterns"]):
        ranks = sorted({int(row["rank"]) for curves in own for row in curves.get(keys, [])})
        if ranks:
            return ranks[len(ranks) // 2]
    return 0


def _shares(places: Places, columns: Mapping[str, Key]) -> Grid:
    """Return shares at one rank, fixed beforehand."""
    lines = []
    for (model, layer), curves in places.items():
        rank = _rank_of(places, model)
        lines.append([model, layer, rank, *(_at(curves.get(key, []), rank) for key in columns.values())])
    return Grid(["model", "layer", "r", *columns], lines)


def _at(rows: Sequence[Mapping[str, Any]], rank: int) -> Any:
    found = [row for row in rows if row["rank"] == rank or row["direction"] == "state"]
    return cell_of(found[0]) if found else None


def _statements(places: Places) -> Iterator[Statement]:
    """Yield where the operand's state still acts, and there what is needed and what is enough."""
    whole = _whole_operands(places)
    measured = {place: curves[_WHOLE_FOLLOWS][0] for place, curves in whole.items() if _WHOLE_FOLLOWS in curves}
    verdicts = family_verdicts([compared(row, MARGIN) for row in measured.values()])
    carried = [place for place, found in zip(measured, verdicts, strict=True) if found == Verdict.HIGHER]
    counts = {"carried": len(carried), "places": len(measured), "margin": f"{100 * MARGIN.value:g}"}
    if measured:
        yield Statement(_named(measured), "", counts, _CARRIED)
    acting = {place: whole[place] for place in carried} if measured else whole
    if not acting:
        return
    yield _tested(acting, "harmed_over_random", "random directions in which as much is removed", _NECESSARY)
    if carried:
        yield _tested(acting, "follows_over_random", "random directions", _SUFFICIENT)
        yield _beside_rest(acting)


def _beside_rest(places: Places) -> Statement:
    found = _tested(places, "follows_over_rest", "all other directions", _UNDECIDED)
    tests = found.numbers.values()
    if any(test.lower for test in tests):
        wording = _REST_USED
    else:
        wording = _THROUGH_THEM if any(test.higher for test in tests) else _UNDECIDED
    return Statement(found.subject, found.comparison, found.numbers, wording)


def _tested(places: Places, metric: str, rival: str, wording: str) -> Statement:
    """Return the verdicts on a paired difference of both subspaces at all places, which are one family."""
    groups: dict[str, list[Comparison]] = {}
    for direction in ("patterns", "readout"):
        key: Key = (metric, direction, "inside", "none")
        groups[direction] = [
            compared(row, MARGIN)
            for (model, _), curves in places.items()
            for row in curves.get(key, [])
            if row["rank"] == _rank_of(places, model)
        ]
    return Statement(_named(places), rival, tallies(groups), wording)


def _named(places: Collection[tuple[str, str]]) -> str:
    return ", ".join(f"{model} layer {layer}" for model, layer in places)


def _whole_operands(places: Places) -> Places:
    """Return the places at which all tokens of the operand are changed; its last alone tells nothing of its use."""
    several = {(model_of(model), layer) for model, layer in places if model != model_of(model)}
    return {place: curves for place, curves in places.items() if place not in several}
