"""Effect of a change of a model on its answers: gain beside harm, with intervals over true results."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from numprobe.intervals import Interval, prompt_accuracy_interval, prompt_change_interval
from numprobe.prompts.templates import RESULTS
from numprobe.tables import Row

#: All prompts of one true result share its fate.
UNIT = "true results"
#: Columns that tables of interventions add to `numprobe.tables.MEASUREMENT`.
INTERVENTION = {
    "strength": pl.Float64,
    "relative_norm": pl.Float64,
    "rank": pl.Int64,
    "part": pl.String,
    "chosen": pl.Boolean,
}


def outcome_rows(
    questions: pl.DataFrame,
    before: np.ndarray,
    after: np.ndarray,
    seed: int,
    by_operation: bool = True,
) -> list[Row]:
    """Return gain and harm of a change, over all prompts and by operation.

    Parameters
    ----------
    questions
        One row per prompt, with `number` (the true result) and `operation`.
    before, after
        int64 [prompts]: the answers without and with the change (`numprobe.answers.spoken.NO_NUMBER`: no number).
    seed
        The study's seed, for the rows.
    by_operation
        False: over all prompts alone.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with `subset`, `metric`, value and interval. Metrics: `accuracy_before`,
    `accuracy_after`, `accuracy_change`; `repaired` = share of the wrong answers that become right; `harmed` = share of
    the right answers that become wrong. A share of no prompts has no row.
    """
    truth = questions["number"].to_numpy().astype(np.int64)
    found = []
    for subset, part in subsets(questions, by_operation):
        right, still = before[part] == truth[part], after[part] == truth[part]
        for metric, interval in _measured(truth[part], right, still):
            found.append({"subset": subset, "metric": metric, **interval_row(interval, seed)})
    return found


def interval_row(interval: Interval, seed: int) -> Row:
    """Return the columns of a measurement whose unit is the true result."""
    return {**interval.columns(UNIT), "seed": seed}


def share_rows(
    questions: pl.DataFrame, metric: str, marks: np.ndarray, seed: int, by_operation: bool = True
) -> list[Row]:
    """Return the share of prompts that are marked (bool [prompts]), as rows like those of `outcome_rows`."""
    truth = questions["number"].to_numpy().astype(np.int64)
    found = []
    for subset, part in subsets(questions, by_operation):
        interval = prompt_accuracy_interval(truth[part], marks[part])
        found.append({"subset": subset, "metric": metric, **interval_row(interval, seed)})
    return found


def subsets(questions: pl.DataFrame, by_operation: bool = True) -> Iterator[tuple[str, np.ndarray]]:
    """Yield `subset` of a measurement and its prompts, bool [prompts]: all, and if wanted those of each operation."""
    operation = questions["operation"].to_numpy()
    yield "all", np.ones(len(operation), dtype=bool)
    for name in [name for name in RESULTS if by_operation and (operation == name).any()]:
        yield f"operation={name}", operation == name


def _measured(truth: np.ndarray, right: np.ndarray, still: np.ndarray) -> Iterator[tuple[str, Interval]]:
    yield "accuracy_before", prompt_accuracy_interval(truth, right)
    yield "accuracy_after", prompt_accuracy_interval(truth, still)
    yield "accuracy_change", prompt_change_interval(truth, right, still)
    if not right.all():
        yield "repaired", prompt_accuracy_interval(truth[~right], still[~right])
    if right.any():
        yield "harmed", prompt_accuracy_interval(truth[right], ~still[right])
