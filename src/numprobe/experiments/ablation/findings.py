"""Ablation: how many directions must go until answers suffer, and until nothing can be read any more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_COMPONENT, RANDOM_SUBSPACE
from numprobe.interventions.reach import by_tokens, model_of
from numprobe.tell.markdown import cell
from numprobe.tell.markdown import table as grid

_HEADING = """## Directions taken from the operands (`ablation`)

From the state at the operand's last token the component in r directions is taken away: the first ones along which
states differ by their number (`patterns`), those that the probe reads with (`read-out`), or random ones (`random`; `as
long`: the component made as long as the longer of the other two). `all tokens`, where operands have several: the
earlier tokens get the mean state of their place as well, because later tokens attend to them. `answers halve`: the
smallest r at which half of the right answers are wrong; `reading halves`: at which a probe that is fitted again on what
is left reads half as many unseen numbers as before. `whole state`: share of the right answers that become wrong when
all of it is taken.
"""
#: (metric, subspace, control): what the ranks are told of.
_ANSWERS = {
    "patterns": ("harmed", "patterns", "none"),
    "read-out": ("harmed", "readout", "none"),
    "random, as long": ("harmed", "random", RANDOM_SUBSPACE),
    "random": ("harmed", "random", RANDOM_COMPONENT),
}
_READING = {
    "patterns": ("reads_refitted", "patterns", "none"),
    "read-out": ("reads_refitted", "readout", "none"),
    "random": ("reads_refitted", "random", RANDOM_COMPONENT),
}

Key = tuple[str | None, str | None, str | None]
#: (metric, subspace, control) -> rows by rank, ascending.
Curves = Mapping[Key, list[Mapping[str, Any]]]


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `ablation`.

    Parameters
    ----------
    tables
        The collected tables; `ablation` and `ablated_probe` are read.
    """
    answers = {(model, layer): curves for model, layer, curves in _places(by_tokens(tables["ablation"]))}
    readings = {(model, layer): curves for model, layer, curves in _places(tables["ablated_probe"])}
    both = {
        (model, layer): {**curves, **readings.get((model_of(model), layer), {})}
        for (model, layer), curves in answers.items()
    }
    measured = {place: curves for place, curves in both.items() if ("harmed", "state", "none") in curves}
    if not measured:
        return f"{_HEADING}\nNo model answered a prompt rightly."
    return "\n".join([_HEADING, _ranks(measured), _shares(measured), _sentence(measured)])


def _places(table: pl.DataFrame) -> Iterator[tuple[str, str, Curves]]:
    rows = table.filter((pl.col("subset") == "all") & pl.col("layer").is_not_null() & pl.col("value").is_not_null())
    for part in rows.partition_by("model", "layer", maintain_order=True):
        curves: dict[Key, list[Mapping[str, Any]]] = {}
        for row in part.sort("rank").iter_rows(named=True):
            curves.setdefault((row["metric"], row["probe"], row["control"]), []).append(row)
        yield part["model"][0], part["layer"][0], curves


def _ranks(measured: Mapping[tuple[str, str], Curves]) -> str:
    """Return a table of the ranks at which answers and reading halve."""
    heads = ["model", "layer", "whole state", "reads before"]
    heads += [f"answers halve: {name}" for name in _ANSWERS] + [f"reading halves: {name}" for name in _READING]
    lines = []
    for (model, layer), curves in measured.items():
        before = curves.get(("reads_before", None, "none"), [])
        levels = [cell(dict(rows[0])) if rows else "" for rows in (curves["harmed", "state", "none"], before)]
        halves = [_told(_halved(curves, key), curves, key) for key in (*_ANSWERS.values(), *_READING.values())]
        lines.append([model, layer, *levels, *halves])
    return grid(heads, lines)


def _halved(curves: Curves, key: Key) -> int | None:
    """Return the smallest rank at which half of the answers are wrong, or half of what was read is lost."""
    before = [row["value"] for row in curves.get(("reads_before", None, "none"), [])]
    for row in curves.get(key, []):
        lost = row["value"] >= 0.5 if key[0] == "harmed" else bool(before) and row["value"] <= before[0] / 2
        if lost:
            return int(row["rank"])
    return None


def _told(rank: int | None, curves: Curves, key: Key) -> str:
    most = [row["rank"] for row in curves.get(key, [])]
    return str(rank) if rank is not None else f"> {most[-1]}" if most else ""


def _shares(measured: Mapping[tuple[str, str], Curves]) -> str:
    """Return a table of the harm at one rank, fixed beforehand: the middle one of those that were tried."""
    ranks = sorted(
        {row["rank"] for curves in measured.values() for key in _ANSWERS.values() for row in curves.get(key, [])}
    )
    middle = ranks[len(ranks) // 2]
    lines = []
    for (model, layer), curves in measured.items():
        rows = [[row for row in curves.get(key, []) if row["rank"] == middle] for key in _ANSWERS.values()]
        lines.append([model, layer, *(cell(dict(found[0])) if found else "" for found in rows)])
    return f"Share of the right answers that become wrong at r = {middle}:\n\n" + grid(
        ["model", "layer", *_ANSWERS], lines
    )


def _sentence(measured: Mapping[tuple[str, str], Curves]) -> str:
    """Say whether answers and reading fail with the same directions, where the state matters at all."""
    whole = _whole_operands(measured)
    used = [curves for curves in whole.values() if curves["harmed", "state", "none"][0]["value"] >= 0.5]
    told = f"- In {len(used)} of {len(whole)} models and layers at least half of the answers need the operand's state. "
    if not used:
        return told + "For a model builder: what is read there comes too late to change an answer.\n"
    fewer, read_out = (_fewer(used, _ANSWERS[name], _ANSWERS["random, as long"]) for name in ("patterns", "read-out"))
    known = [curves for curves in used if _READING["patterns"] in curves]
    before = _fewer(known, _ANSWERS["patterns"], _READING["patterns"])
    after = _fewer(known, _READING["patterns"], _ANSWERS["patterns"])
    told += (
        f"There the answers halve with fewer directions of the patterns than random ones (as long) in {fewer} of "
        f"{len(used)}, of the read-out in {read_out}; before a refitted probe's reading halves in {before}, with it in "
        f"{len(known) - before - after}, after it in {after}. For a model builder: "
    )
    if fewer <= len(used) / 2:
        return told + "the directions that a probe finds are not those that these models need.\n"
    if after > len(known) / 2:
        return told + "a number that no probe reads any more may still be computed with: erasing is not forgetting.\n"
    if before > len(known) / 2:
        return told + "few directions carry an operand; what a probe still reads without them is not used.\n"
    return told + "answers and reading hang on the same directions: those that a probe finds are those that are used.\n"


def _whole_operands(measured: Mapping[tuple[str, str], Curves]) -> dict[tuple[str, str], Curves]:
    """Return the places at which all tokens of the operand are changed; its last alone tells nothing of its use."""
    several = {(model_of(model), layer) for model, layer in measured if model != model_of(model)}
    return {place: curves for place, curves in measured.items() if place not in several}


def _fewer(places: Sequence[Curves], one: Key, other: Key) -> int:
    """Return in how many places the first curve halves at a smaller rank than the second."""
    ranks = [[_halved(curves, key) or float("inf") for key in (one, other)] for curves in places]
    return sum(first < second for first, second in ranks)
