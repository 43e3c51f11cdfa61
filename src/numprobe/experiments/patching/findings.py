"""The section on patching: what the true result repairs and harms when it is written into the last state."""

from collections.abc import Mapping

import polars as pl

from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.tell.independent import independent
from numprobe.tell.outcomes import beats_controls, operation_grid, reported, setting_grid
from numprobe.tell.section import Part, Section, Statement

_TITLE = "The true result written into the last state (`patching`, an oracle)"
_METHOD = """
The true result is written into the state at the last token. This is an oracle, not a repair: it uses the result. The
prompts of half of the true results choose layer and strength; the table shows the other half. `size`: mean length of
the change divided by that of the state. `repaired`: share of the wrong answers that become right, also when another
number is written or when the state moves in a random direction. `harmed`: share of the right answers that become wrong.
"""
_NO_ERRORS = "No prompt is answered wrongly, so there is nothing to repair."
_NO_EFFECT = (
    "In none of {cases} cases does the true number repair more than {comparison} (intervals apart): a result that is "
    "written along these directions does not reach the answer."
)
_EFFECT = (
    "In {ahead} of {cases} cases the true number repairs more than {comparison} (intervals apart): there the model "
    "takes the answer from the state at the last token, along the directions in which states move with the number."
)
#: Head of a column -> metric, control.
_COLUMNS = {
    "right before": ("accuracy_before", "none"),
    "right after": ("accuracy_after", "none"),
    "repaired": ("repaired", "none"),
    "repaired, wrong number": ("repaired", WRONG_NUMBER),
    "repaired, random direction": ("repaired", RANDOM_DIRECTION),
    "harmed": ("harmed", "none"),
    "answers the wrong number": ("follows", WRONG_NUMBER),
}


def section(tables: Mapping[str, pl.DataFrame]) -> Section:
    """Return the section of the experiment `patching`.

    Parameters
    ----------
    tables
        The collected tables; `patching` is read.
    """
    rows = reported(tables["patching"])
    keys = ("model", "settings") if rows["settings"].n_unique() > 1 else ("model",)
    parts: list[Part] = [_METHOD, setting_grid(rows, _COLUMNS, keys)]
    parts += ["Repaired, by operation:", operation_grid(rows, "repaired", keys)]
    parts += ["Harmed, by operation:", operation_grid(rows, "harmed", keys)]
    counted = independent(rows.filter(metric="repaired"), "context")
    return Section(_TITLE, [*parts, _effect(beats_controls(counted, "repaired", keys))])


def _effect(ahead: Mapping[str, bool]) -> Statement:
    """State in how many cases the true number repairs more than both controls."""
    numbers = {"ahead": sum(ahead.values()), "cases": len(ahead)}
    wording = _NO_ERRORS if not ahead else _EFFECT if any(ahead.values()) else _NO_EFFECT
    return Statement(", ".join(ahead) or "all models", "both controls", numbers, wording)
