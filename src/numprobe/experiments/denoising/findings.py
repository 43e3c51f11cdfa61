"""The section on denoising: what a move of the last state towards the number that the probe reads in it repairs."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from numprobe.interventions.controls import RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import beats_controls, operation_grid, reported, setting_grid
from numprobe.tell.section import Difference, Section, Statement

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
_NO_GAIN = (
    "In none of {cases} cases does the repair without labels raise the accuracy (interval above 0); in {lowered} it "
    "lowers it (interval below 0). For a model builder: what a probe reads in the last state, also where it reads "
    "surely, repairs no more answers than it harms."
)
_GAIN = (
    "In {raised} of {cases} cases the repair without labels raises the accuracy (interval above 0), by {least} to "
    "{most} points. In {ahead} cases it repairs more than {comparison} (intervals apart). For a model builder: there "
    "the state holds the result better than the model answers it, and writing back what is read repairs answers "
    "without training."
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
    """Return the section of the experiment `denoising`.

    Parameters
    ----------
    tables
        The collected tables; `denoising` is read.
    """
    rows = reported(tables["denoising"])
    grids = [setting_grid(rows, _COLUMNS), operation_grid(rows, "accuracy_change")]
    return Section(_TITLE, [_METHOD, grids[0], _BY_OPERATION, grids[1], _gain(rows)])


def _gain(rows: pl.DataFrame) -> Statement:
    """State in how many cases the repair raises or lowers the accuracy, and repairs more than its controls."""
    own = independent(rows.filter(metric="accuracy_change", control="none", subset="all"), "context")
    raised, lowered = own.filter(pl.col("ci_low") > 0), own.filter(pl.col("ci_high") < 0)
    cases = ", ".join(own["model"])
    if raised.is_empty():
        return Statement(cases, "no repair", {"cases": own.height, "lowered": lowered.height}, _NO_GAIN)
    gains = raised["value"].to_list()
    numbers: dict[str, Any] = {
        "raised": raised.height,
        "cases": own.height,
        "ahead": sum(beats_controls(rows.filter(pl.col("model").is_in(own["model"].implode())), "repaired").values()),
    }
    numbers |= {"least": Difference(min(gains)), "most": Difference(max(gains))}
    return Statement(cases, "both controls", numbers, _GAIN)
