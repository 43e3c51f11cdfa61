"""The section on layer removal: what one removal, chosen beforehand, repairs and harms, beside oracles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from numprobe.prompts.templates import RESULTS
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import ACCURACY, compared
from numprobe.tell.rows import named_by_context
from numprobe.tell.section import Difference, Grid, Part, Section, Share, Statement, cell_of, change_of
from numprobe.tell.tested import tallies
from numprobe.verdicts import Comparison, Verdict, family_verdicts

_TITLE = "Does removing a part of the model repair its answers? (`layer_removal`)"
_METHOD = """
Every block is left out in turn, as a whole or with its attention or its MLP alone. Half of the true results choose the
one removal that gains most (nothing at all is a candidate too); the table shows the other half. `repaired`: share of
the wrong answers that become right. `harmed`: share of the right answers that become wrong.
"""
_ORACLE = """
With the truth at hand, the best removal can be taken for every single prompt. This is an upper bound, not a repair:
among so many altered models some give the truth by luck. Luck is measured with `2 answer - truth`, a wrong number as
far from the answer as the truth; the last two columns are about the wrong answers for which this number is in the range
of the results. `harmed`: right answers that some removal makes wrong.
"""
_NONE_CHOSEN = "Nothing is chosen in {nothing} of {cases} cases (models and operations)."
_SOME_CHOSEN = _NONE_CHOSEN + (" Where something is, the change of accuracy on the test prompts is {tests}.")
_SOME_GAINED = _SOME_CHOSEN.removesuffix(".") + "; the largest shown gain is {most} points."
_LUCK = (
    "Over all cases an oracle reaches the truth of {truth} % of the wrong answers, and {comparison} of {luck} %. Only "
    "the difference speaks of truths that a part of the model hides."
)
_NO_LUCK = "There are too few wrong answers for an oracle."
_HELPS = (
    "For a model builder: in {gained} of {cases} cases a net gain on unseen results is shown where one part is left "
    "out ({subject}); elsewhere none is shown."
)
_NO_HELP = (
    "For a model builder: that a part of these models can be taken out to repair their arithmetic is shown in no case."
)

#: Metric -> head of a column.
_EFFECT = {
    "accuracy_before": "right before",
    "accuracy_after": "right after",
    "accuracy_change": "change",
    "repaired": "repaired",
    "harmed": "harmed",
}
#: Head of a column -> metric, site, control.
_BOUNDS = {
    "some block repairs": ("oracle_repaired", "block", "none"),
    "some removal repairs": ("oracle_repaired", "any", "none"),
    "harmed": ("oracle_harmed", "any", "none"),
    "truth reached": ("oracle_reached", "any", "none"),
    "`2 answer - truth` reached": ("oracle_reached", "any", "mirrored"),
}


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `layer_removal`."""
    tested = (pl.col("part") == "test") & pl.col("value").is_not_null()
    table = named_by_context(tables["layer_removal"].filter(tested))
    chosen = table.filter(pl.col("chosen"))
    grids: list[Part] = [_METHOD, _chosen_grid(chosen), _ORACLE, _oracle_grid(table)]
    operations = pl.col("subset") != "all"
    change = independent(chosen.filter(operations, metric="accuracy_change"), "context", "subset")
    tried = change.filter(pl.col("site") != "none")
    tests = [compared(row, ACCURACY) for row in tried.iter_rows(named=True)]
    gained = tried.filter(pl.Series([found == Verdict.HIGHER for found in family_verdicts(tests)], dtype=pl.Boolean))
    said = [
        _choice(change, gained, tests),
        _luck(independent(table.filter(operations), "context", "subset")),
        _advice(change, gained),
    ]
    return Section(_TITLE, [*grids, *said])


def _runs(table: pl.DataFrame) -> Iterator[tuple[list[str], pl.DataFrame]]:
    """Yield the names of a model and an operation, with their rows."""
    for run in table.partition_by("model", maintain_order=True):
        for subset in ("all", *(f"operation={operation}" for operation in RESULTS)):
            part = run.filter(subset=subset)
            if part.height:
                yield [run["model"][0], _operation(subset)], part


def _operation(subset: str) -> str:
    return f"`{subset.removeprefix('operation=')}`"


def _chosen_grid(chosen: pl.DataFrame) -> Grid:
    lines: list[list[Any]] = []
    for names, run in _runs(chosen):
        rows = {row["metric"]: row for row in run.iter_rows(named=True)}
        cells = {metric: (change_of if metric == "accuracy_change" else cell_of)(row) for metric, row in rows.items()}
        lines.append([*names, _removal(run.row(0, named=True)), *(cells.get(metric) for metric in _EFFECT)])
    return Grid(["model", "operation", "chosen", *_EFFECT.values()], lines)


def _removal(row: Mapping[str, Any]) -> str:
    return "nothing" if row["site"] == "none" else f"{row['site']} {row['layer']}".replace("mlp", "MLP")


def _oracle_grid(table: pl.DataFrame) -> Grid:
    lines: list[list[Any]] = []
    for names, run in _runs(table.filter(pl.col("metric").str.starts_with("oracle_"))):
        cells = {(row["metric"], row["site"], row["control"]): cell_of(row) for row in run.iter_rows(named=True)}
        lines.append([*names, *(cells.get(key) for key in _BOUNDS.values())])
    return Grid(["model", "operation", *_BOUNDS], lines)


def _choice(change: pl.DataFrame, gained: pl.DataFrame, tests: Sequence[Comparison]) -> Statement:
    """State for how many models and operations a removal is chosen, and how many of these gain on the test prompts."""
    nothing = change.filter(site="none").height
    numbers: dict[str, Any] = {"nothing": nothing, "cases": change.height}
    wording = _NONE_CHOSEN
    if nothing < change.height:
        numbers["tests"] = tallies({"tests": tests})["tests"]
        wording = _SOME_CHOSEN
    if gained.height:
        numbers["most"] = Difference(max(gained["value"].to_list()))
        wording = _SOME_GAINED
    return Statement(", ".join(change["model"].unique(maintain_order=True)), "the whole model", numbers, wording)


def _luck(table: pl.DataFrame) -> Statement:
    """State what an oracle and luck reach, on the prompts that have both."""
    reached = table.filter(metric="oracle_reached", site="any")
    counted = reached.group_by("control").agg((pl.col("value") * pl.col("n_prompts")).sum(), pl.col("n_prompts").sum())
    share = {control: Share(value / count) for control, value, count in counted.iter_rows()}
    models = ", ".join(table["model"].unique(maintain_order=True))
    if not share:
        return Statement(models, "", {"answers": 0}, _NO_LUCK)
    return Statement(models, "`2 answer - truth`", {"truth": share["none"], "luck": share["mirrored"]}, _LUCK)


def _advice(change: pl.DataFrame, gained: pl.DataFrame) -> Statement:
    """State which parts can be left out."""
    rows = gained.iter_rows(named=True)
    where = [f"{_removal(row)} of {row['model']} for {_operation(row['subset'])}" for row in rows]
    numbers = {"gained": gained.height, "cases": change.height}
    return Statement(", ".join(where) or "all models", "the whole model", numbers, _HELPS if where else _NO_HELP)
