"""The section on ablation: how many directions must go until answers suffer, and until a refitted probe fails."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Grid, Section, Statement, cell_of

_TITLE = "Directions taken from the operands (`ablation`)"
_METHOD = """
The state at the operand's last token loses its component in r directions: the first ones along which states differ by
their number (`patterns`), the first ones that the probe reads (`read-out`), or random ones (`random`; `as long`: the
removed component is as long as the longer of the other two). `all tokens` (operands of several tokens): the earlier
tokens also get the mean state of their place, because later tokens attend to them. `answers halve`: the smallest r at
which half of the correct answers are wrong. `reading halves`: the smallest r at which a probe that is fitted again on
the remaining states reads at most half as many unseen numbers as before. `whole state`: share of the correct answers
that become wrong when the whole state becomes the mean state.
"""
_SHARES = "Share of the correct answers that become wrong at the middle one of the ranks r:"
_NOBODY = "No model answers a prompt correctly."
_NEEDED = (
    "In {needed} of {places} cases (models and layers) at least half of the correct answers need the operand's state."
)
_TOO_LATE = _NEEDED + " For a model builder: what is read there comes too late to change an answer."
_FEWER = (
    "In {patterns} of these {needed} cases the answers halve with fewer directions of the patterns than of "
    "{comparison}; in {readout} they halve with fewer directions of the read-out."
)
_ORDER = (
    "In {before} of {known} cases the answers halve at a smaller rank than the reading of {comparison}, in {same} at "
    "the same rank, in {after} at a larger one. For a model builder: "
)
_OTHER_DIRECTIONS = _ORDER + "the directions that a probe finds are not those that these models need."
_NOT_FORGOTTEN = (
    _ORDER + "a model may still compute with a number that no probe reads any more; erasing is not forgetting."
)
_NOT_USED = _ORDER + "few directions carry an operand; these models do not use what a probe reads without them."
_SAME_DIRECTIONS = (
    _ORDER + "answers and reading need the same directions; those that a probe finds are those that these models use."
)

Key = tuple[str | None, str | None, str | None]
#: (metric, direction, control) -> rows by rank, ascending.
Curves = Mapping[Key, list[Mapping[str, Any]]]
#: (model, layer) -> curves.
Places = Mapping[tuple[str, str], Curves]

_ANSWERS: Mapping[str, Key] = {
    "patterns": ("harmed", "patterns", "none"),
    "read-out": ("harmed", "readout", "none"),
    "random, as long": ("harmed", "random", RANDOM_SUBSPACE),
    "random": ("harmed", "random", RANDOM_COMPONENT),
}
_READING: Mapping[str, Key] = {
    "patterns": ("reads_refitted", "patterns", "none"),
    "read-out": ("reads_refitted", "readout", "none"),
    "random": ("reads_refitted", "random", RANDOM_COMPONENT),
}
_WHOLE: Key = ("harmed", "state", "none")
_BEFORE: Key = ("reads_before", None, "none")


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of the experiment `ablation`.

    Parameters
    ----------
    tables
        The collected tables; `ablation` and `ablated_probe` are read.
    """
    places = _places(tables["ablation"], tables["ablated_probe"])
    if not places:
        return Section(_TITLE, [_METHOD, Statement("all models", "", {"models": 0}, _NOBODY)])
    return Section(_TITLE, [_METHOD, _ranks(places), _SHARES, _shares(places), *_statements(places)])


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
    rows = named.filter((pl.col("subset") == "all") & pl.col("layer").is_not_null() & pl.col("value").is_not_null())
    for part in rows.partition_by("model", "layer", maintain_order=True):
        curves: dict[Key, list[Mapping[str, Any]]] = {}
        for row in part.sort("rank").iter_rows(named=True):
            curves.setdefault((row["metric"], row["direction"], row["control"]), []).append(row)
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


def _shares(places: Places) -> Grid:
    """Return the harm at one rank, fixed beforehand: the middle one of those that were tried."""
    ranks = {row["rank"] for curves in places.values() for key in _ANSWERS.values() for row in curves.get(key, [])}
    middle = sorted(ranks)[len(ranks) // 2]
    lines = []
    for (model, layer), curves in places.items():
        rows = [[row for row in curves.get(key, []) if row["rank"] == middle] for key in _ANSWERS.values()]
        lines.append([model, layer, middle, *(cell_of(found[0]) if found else None for found in rows)])
    return Grid(["model", "layer", "r", *_ANSWERS], lines)


def _statements(places: Places) -> Iterator[Statement]:
    """Yield whether answers and reading fail with the same directions, where the state matters at all."""
    whole = _whole_operands(places)
    needed = {place: curves for place, curves in whole.items() if curves[_WHOLE][0]["value"] >= 0.5}
    counts = {"needed": len(needed), "places": len(whole)}
    yield Statement(_named(whole), "", counts, _NEEDED if needed else _TOO_LATE)
    if not needed:
        return
    used = list(needed.values())
    patterns, readout = (_fewer(used, _ANSWERS[name], _ANSWERS["random, as long"]) for name in ("patterns", "read-out"))
    numbers = {"needed": len(needed), "patterns": patterns, "readout": readout}
    yield Statement(_named(needed), "random directions in which as much is removed", numbers, _FEWER)
    yield _order(needed, patterns)


def _order(needed: Places, patterns: int) -> Statement:
    """State whether the answers fail before the reading; `patterns`: in how many cases they need the patterns."""
    known = [curves for curves in needed.values() if _READING["patterns"] in curves]
    before = _fewer(known, _ANSWERS["patterns"], _READING["patterns"])
    after = _fewer(known, _READING["patterns"], _ANSWERS["patterns"])
    numbers = {"known": len(known), "before": before, "same": len(known) - before - after, "after": after}
    if patterns <= len(needed) / 2:
        wording = _OTHER_DIRECTIONS
    elif after > len(known) / 2:
        wording = _NOT_FORGOTTEN
    else:
        wording = _NOT_USED if before > len(known) / 2 else _SAME_DIRECTIONS
    return Statement(_named(needed), "a refitted probe", numbers, wording)


def _named(places: Places) -> str:
    return ", ".join(f"{model} layer {layer}" for model, layer in places)


def _whole_operands(places: Places) -> Places:
    """Return the places at which all tokens of the operand are changed; its last alone tells nothing of its use."""
    several = {(model_of(model), layer) for model, layer in places if model != model_of(model)}
    return {place: curves for place, curves in places.items() if place not in several}


def _fewer(places: Sequence[Curves], one: Key, other: Key) -> int:
    """Return in how many places the first curve halves at a smaller rank than the second."""
    ranks = [[_halved(curves, key) or float("inf") for key in (one, other)] for curves in places]
    return sum(first < second for first, second in ranks)
