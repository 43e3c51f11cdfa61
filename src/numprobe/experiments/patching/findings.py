"""Patching: what writing the true result into the last state repairs and harms."""

from collections.abc import Mapping

import polars as pl

from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.tell.outcomes import beats_controls, operation_table, reported, setting_table

_HEADING = """## Patching (oracle)

The true result is written into the state at the last token: an oracle, not a repair. Layer and strength were chosen on
the prompts of half of the true results; the others are reported. `norms`: mean size of the change in units of the
state's norm. Share of the wrong answers that become right (repaired), also with another number or in a random
direction; share of the right answers that become wrong (harmed).
"""
_COLUMNS = {
    "right before": ("accuracy_before", "none"),
    "right after": ("accuracy_after", "none"),
    "repaired": ("repaired", "none"),
    "repaired, wrong number": ("repaired", WRONG_NUMBER),
    "repaired, random direction": ("repaired", RANDOM_DIRECTION),
    "harmed": ("harmed", "none"),
    "answers the wrong number": ("follows", WRONG_NUMBER),
}


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `patching`.

    Parameters
    ----------
    tables
        The collected tables; `patching` is read.
    """
    rows = reported(tables["patching"])
    keys = tuple(key for key in ("model", "context", "settings") if key == "model" or rows[key].n_unique() > 1)
    parts = [_HEADING, setting_table(rows, _COLUMNS, keys), "Repaired, by operation:\n"]
    parts += [operation_table(rows, "repaired", keys), "Harmed, by operation:\n", operation_table(rows, "harmed", keys)]
    return "\n".join([*parts, _sentence(rows, keys)])


def _sentence(rows: pl.DataFrame, keys: tuple[str, ...]) -> str:
    ahead, total = beats_controls(rows, "repaired", keys)
    if not total:
        return "No prompt was answered wrongly, so there was nothing to repair.\n"
    if not ahead:
        return (
            "In no line does the true number repair more than the controls (intervals apart): a result that is written "
            "along these directions does not reach the answer.\n"
        )
    return (
        f"In {ahead} of {total} lines the true number repairs more than both controls (intervals apart): there the "
        "answer is taken from the state at the last token, along the directions in which states move with the number.\n"
    )
