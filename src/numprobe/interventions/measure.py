"""Changes of states over a grid of strengths: chosen on the prompts that choose, reported on the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.ask import Answers
from numprobe.answers.ask_again import RepeatedAsker
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.evaluation.outcomes import outcome_rows, share_rows
from numprobe.interventions.choice import TEST, VALIDATION, best_setting, is_validation
from numprobe.interventions.directions import relative_norm
from numprobe.interventions.states import shift

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Movement:
    """How the states of one layer are moved.

    Attributes
    ----------
    layer
        Name of the state.
    control
        "none", or the control that this is.
    change
        float32 [questions, width]: what strength 1 adds to each state.
    written
        int64 [questions]: the number that is written, None for controls that write none.
    rank
        Directions that the change is confined to; None: all.
    """

    layer: str
    control: str
    change: np.ndarray
    written: np.ndarray | None = None
    rank: int | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """What a model is asked, what it answers as it is, and the states of the last tokens, which are moved.

    Attributes
    ----------
    asker, questions
        Who is asked, and what.
    answers
        The answers without a change.
    states
        Layer -> float32 [questions, width].
    """

    asker: RepeatedAsker
    questions: Questions
    answers: Answers
    states: Mapping[str, np.ndarray]

    def answers_after(self, movement: Movement, strength: float) -> np.ndarray:
        """The answers with the states moved, int64 [questions]."""
        return self.asker.answers([shift(movement.layer, self.questions.last, movement.change, strength)]).values


def movement_rows(
    trial: Trial, movements: Sequence[Movement], strengths: Sequence[float], resamples: int, seed: int
) -> list[Row]:
    """Gain and harm of every movement at every strength.

    The prompts of half of the true results choose the layer and the strength at which the movement without a control
    changes the accuracy most (`numprobe.interventions.choice`); those of the other half are reported.

    Parameters
    ----------
    trial
        The model and the questions.
    movements
        One for every layer and control; those with control "none" are chosen from.
    strengths
        Factors of the changes.
    resamples, seed
        Of the bootstrap over true results.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `numprobe.evaluation.outcomes.INTERVENTION`, over all
    prompts and, for the chosen layer and strength, by operation. Beside the metrics of
    `numprobe.evaluation.outcomes.outcome_rows` there is `follows`: the share of answers that are the number written.

    Raises
    ------
    NumprobeError
        If one of the two halves is empty.
    """
    truth = trial.questions.table["value"].to_numpy().astype(np.int64)
    choosing = is_validation(truth, seed)
    if choosing.all() or not choosing.any():
        raise NumprobeError("too few different results to choose on some and report others: ask more prompts")
    after = {(m.control, m.layer, s): trial.answers_after(m, s) for m in movements for s in strengths}
    chosen = best_setting(
        {
            (layer, strength): float((values == truth)[choosing].mean())
            for (control, layer, strength), values in after.items()
            if control == "none"
        }
    )
    found = []
    for movement in movements:
        for strength in strengths:
            values, picked = after[movement.control, movement.layer, strength], chosen == (movement.layer, strength)
            for prompts, part in ((VALIDATION, choosing), (TEST, ~choosing)):
                described = _described(trial, movement, strength, prompts, part, picked)
                by_operation = picked and prompts == TEST
                found += [
                    described | row for row in _measured(trial, movement, values, part, resamples, seed, by_operation)
                ]
    return found


def _described(trial: Trial, movement: Movement, strength: float, prompts: str, part: np.ndarray, picked: bool) -> Row:
    change = strength * movement.change[part]
    return {
        "layer": movement.layer,
        "control": movement.control,
        "strength": strength,
        "relative_norm": relative_norm(change, trial.states[movement.layer][part]),
        "rank": movement.rank,
        "prompts": prompts,
        "chosen": picked,
    }


def _measured(
    trial: Trial,
    movement: Movement,
    after: np.ndarray,
    part: np.ndarray,
    resamples: int,
    seed: int,
    by_operation: bool,
) -> list[Row]:
    table = trial.questions.table.filter(pl.Series(part))
    rows = outcome_rows(table, trial.answers.values[part], after[part], resamples, seed, by_operation)
    if movement.written is None:
        return rows
    follows = after[part] == movement.written[part]
    return rows + share_rows(table, "follows", follows, resamples, seed, by_operation)
