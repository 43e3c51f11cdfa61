"""Denoising: what moving the last state towards the number that the probe reads in it gains and harms."""

from collections.abc import Mapping

import polars as pl

from numprobe.interventions.controls import RANDOM_SUBSPACE, WRONG_NUMBER
from numprobe.tell.outcomes import beats_controls, operation_table, reported, setting_table

_HEADING = """## Denoising (label-free)

The state at the last token is moved towards the pattern of the number that the probe reads in it, within the directions
in which states of different numbers differ most; the true result is not used. Layer, strength and the share of the
prompts that is changed (the surest readings) were chosen on the prompts of half of the true results; the others are
reported. `norms`: mean size of the change in units of the state's norm; readable: share of the wrong answers whose true
result the probe reads in that layer.
"""
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


def section(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the section of the experiment `denoising`.

    Parameters
    ----------
    tables
        The collected tables; `denoising` is read.
    """
    rows = reported(tables["denoising"])
    keys = tuple(key for key in ("model", "context") if key == "model" or rows[key].n_unique() > 1)
    parts = [_HEADING, setting_table(rows, _COLUMNS, keys), "Change of accuracy, by operation:\n"]
    return "\n".join([*parts, operation_table(rows, "accuracy_change", keys), _sentence(rows, keys)])


def _sentence(rows: pl.DataFrame, keys: tuple[str, ...]) -> str:
    own = rows.filter(
        (pl.col("metric") == "accuracy_change") & (pl.col("control") == "none") & (pl.col("subset") == "all")
    )
    better, worse = own.filter(pl.col("ci_low") > 0), own.filter(pl.col("ci_high") < 0)
    ahead, _ = beats_controls(rows, "repaired", keys)
    if better.is_empty():
        costs = f", and lowers it in {worse.height}" if worse.height else ""
        return (
            f"In no line does the label-free repair raise the accuracy (interval above 0){costs}. For a model builder: "
            "what a probe reads in the last state, also where it reads surely, mends no more answers than it spoils.\n"
        )
    low, high = (100 * float(str(end)) for end in (better["value"].min(), better["value"].max()))
    return (
        f"In {better.height} of {own.height} lines the label-free repair raises the accuracy (interval above 0), by "
        f"{low:.1f} to {high:.1f} points, and in {ahead} it repairs more than both controls (intervals apart). For a "
        "model builder: there the state holds the result better than the model answers it, and writing back what is "
        "read mends answers without training.\n"
    )
