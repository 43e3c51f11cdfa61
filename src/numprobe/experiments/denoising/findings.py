"""The section on denoising: what a move of the last state towards the number that the probe reads in it repairs."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import ACCURACY, compared, operation_grid, over_controls, reported, setting_grid
from numprobe.tell.section import Difference, Listed, Section, Statement
from numprobe.tell.tested import tallies
from numprobe.verdicts import Verdict, family_verdicts

_TITLE = "Repair without labels (`denoising`)"
_METHOD = """
The state at the last token moves towards the pattern of the number that the probe reads in it, within the directions in
which states of different numbers differ most. The true result is not used. The prompts of half of the true results
choose the layer, the strength and the share of the prompts that is changed (those that the probe reads most surely);
the table shows the other half. `size`: mean length of the change divided by that of the state. `repaired`: share of the
wrong answers that become right. `readable`: share of the wrong answers whose true result the probe reads in that layer.
`harmed`: share of the right answers that become wrong.
"""
_BY_OPERATION = "Change of accuracy, by operation:"
_TESTS = (
    "Change of accuracy at the chosen setting: {change}. Share of the wrong answers that are repaired, less that of "
    "{comparison}: {tests}. "
)
_NO_GAIN = _TESTS + (
    "In no case is it shown that the repair without labels raises the accuracy. For a model builder: do not count on "
    "it. Where a case is undecided, a smaller gain than the one named may exist."
)
_GAIN = _TESTS + (
    "Where it is higher, the accuracy rises by {least} to {most} points; in {ahead} cases it is shown to repair more "
    "than both controls. For a model builder: only there the state holds the result better than the model answers "
    "it, and writing back what is read repairs answers without training."
)
#: Head of a column -> metric, control.
_COLUMNS = {
    "right before": ("accuracy_before", "none"),
    "change": ("accuracy_change", "none"),
    "repaired": ("repaired", "none"),
    "readable": ("readable", "none"),
    "harmed": ("harmed", "none"),
    "repaired, wrong number": ("repaired", WRONG_NUMBER),
    "repaired, random subspace": ("repaired", RANDOM_SUBSPACE),
    "harmed, random subspace": ("harmed", RANDOM_SUBSPACE),
}


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section on the table `denoising`."""
    rows = reported(tables["denoising"])
    grids = [setting_grid(rows, _COLUMNS), operation_grid(rows, "accuracy_change")]
    return Section(_TITLE, [_METHOD, grids[0], _BY_OPERATION, grids[1], _gain(rows)])


def _gain(rows: pl.DataFrame) -> Statement:
    """State in how many cases the repair raises or lowers the accuracy, and repairs more than its controls."""
    own = independent(rows.filter(metric="accuracy_change", control="none", subset="all"), "context")
    tests = [compared(row, ACCURACY) for row in own.iter_rows(named=True)]
    gains = [one.estimate for one, found in zip(tests, family_verdicts(tests), strict=True) if found == Verdict.HIGHER]
    ahead, controls = over_controls(independent(rows.filter(metric="repaired_over_control"), "context"))
    numbers: dict[str, Any] = {"change": tallies({"change": tests})["change"], "tests": Listed(controls)}
    cases = ", ".join(own["model"])
    if not gains:
        return Statement(cases, "both controls", numbers, _NO_GAIN)
    numbers |= {"ahead": sum(ahead.values()), "least": Difference(min(gains)), "most": Difference(max(gains))}
    return Statement(cases, "both controls", numbers, _GAIN)
