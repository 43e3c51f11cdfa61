"""Measure moves of states over a grid of strengths: choose on some prompts, report on the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from numprobe.answers.ask import Answers
from numprobe.answers.cached_prefix import CachedPrefixModel
from numprobe.answers.questions import Questions
from numprobe.errors import NumprobeError
from numprobe.intervals import prompt_change_interval
from numprobe.interventions.choice import TEST, VALIDATION, best_setting, is_validation
from numprobe.interventions.directions import relative_norm
from numprobe.interventions.states import shift
from numprobe.measure.outcomes import INTERVENTION, interval_row, outcome_rows, share_rows
from numprobe.tables import Row

#: Columns that tables of movements add to `numprobe.tables.MEASUREMENT`.
MOVEMENT = INTERVENTION | {"share": pl.Float64}


@dataclass(frozen=True, eq=False)
class Movement:
    """A move of the states of one layer.

    Attributes
    ----------
    layer
        Name of the state.
    control
        Name of the control, or "none".
    change
        float32 [questions, width]: what strength 1 adds to each state.
    written
        int64 [questions]: the number that is written; None for controls that write none.
    rank
        Number of directions that the change is confined to; None: all.
    share
        Share of the prompts whose states are moved.
    moved
        bool [questions]: whether each prompt is moved; None: all.
    """

    layer: str
    control: str
    change: np.ndarray
    written: np.ndarray | None = None
    rank: int | None = None
    share: float = 1.0
    moved: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Trial:
    """Questions, the model's unedited answers, and the states of the last tokens, which are to be moved.

    Attributes
    ----------
    answer_model, questions
        The model and the questions.
    answers
        The answers without an edit.
    states
        Layer -> float32 [questions, width].
    """

    answer_model: CachedPrefixModel
    questions: Questions
    answers: Answers
    states: Mapping[str, np.ndarray]

    def answers_after(self, movement: Movement, strength: float) -> np.ndarray:
        """Return the answers with the states moved, int64 [questions]."""
        return self.answer_model.answers([shift(movement.layer, self.questions.last, movement.change, strength)]).values


def movement_rows(trial: Trial, movements: Sequence[Movement], strengths: Sequence[float], seed: int) -> list[Row]:
    """Measure gain and harm of every movement at every strength.

    The prompts of half of the true results choose the layer, the strength and the share of moved prompts at which the
    movement without a control changes the accuracy most (`numprobe.interventions.choice`); those of the other half are
    reported.

    Parameters
    ----------
    trial
        The model and the questions.
    movements
        One for every layer, share and control; the choice is among those with control "none".
    strengths
        Factors of the changes.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `MOVEMENT`, over all prompts and, for the chosen setting,
    by operation. Besides the metrics of `numprobe.measure.outcomes.outcome_rows` there is `follows`: the share of
    answers that are the number written. Of the chosen setting, `repaired_over_control` is the share of the wrong
    answers that the movement repairs less the share that the row's control repairs, a paired difference on test
    prompts.

    Raises
    ------
    NumprobeError
        If one of the two halves is empty.
    """
    truth = trial.questions.table["number"].to_numpy().astype(np.int64)
    choosing = is_validation(truth, seed)
    if choosing.all() or not choosing.any():
        raise NumprobeError("too few different results to choose on some and report others: ask more prompts")
    asked = _Asked(trial)
    right = {
        (movement.layer, strength, movement.share): (asked.after(movement, strength) == truth)[choosing].mean()
        for movement in movements
        for strength in strengths
        if movement.control == "none"
    }
    chosen = _best_of(right)
    found = []
    for movement in movements:
        for strength in strengths:
            after, picked = asked.after(movement, strength), (movement.layer, strength, movement.share) == chosen
            for name, part in ((VALIDATION, choosing), (TEST, ~choosing)):
                described = _described(trial, movement, strength, name, part) | {"chosen": picked}
                by_operation = picked and name == TEST
                rows = _measured(trial, movement, after, part, seed, by_operation)
                found += [described | row for row in rows]
    return found + list(_over_controls(asked, movements, chosen, truth, ~choosing, seed))


def _over_controls(
    asked: "_Asked",
    movements: Sequence[Movement],
    chosen: tuple[str, float, float],
    truth: np.ndarray,
    part: np.ndarray,
    seed: int,
) -> Iterator[Row]:
    """Yield what the chosen movement repairs more than each of its controls, of the same wrong answers."""
    layer, strength, share = chosen
    same = {one.control: one for one in movements if (one.layer, one.share) == (layer, share)}
    wrong = part & (asked.trial.answers.values != truth)
    if not wrong.any():
        return
    repaired = asked.after(same["none"], strength)[wrong] == truth[wrong]
    for control, movement in same.items():
        if control != "none":
            rival = asked.after(movement, strength)[wrong] == truth[wrong]
            difference = prompt_change_interval(truth[wrong], rival, repaired)
            names = _described(asked.trial, movement, strength, TEST, part) | {"chosen": True, "subset": "all"}
            yield {**names, "metric": "repaired_over_control", **interval_row(difference, seed)}


class _Asked:
    """Cache of the answers with moved states: movements that differ only in the share of prompts are run once."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._after: dict[tuple[int, float], np.ndarray] = {}

    def after(self, movement: Movement, strength: float) -> np.ndarray:
        """Return the answers after a movement, int64 [prompts]; those of prompts that are not moved stay."""
        key = id(movement.change), strength
        if key not in self._after:
            self._after[key] = self.trial.answers_after(movement, strength)
        if movement.moved is None:
            return self._after[key]
        return np.where(movement.moved, self._after[key], self.trial.answers.values)


def _best_of(gains: Mapping[tuple[str, float, float], float]) -> tuple[str, float, float]:
    """Return the layer, strength and share with the largest gain (`best_setting`); among equals the largest share."""
    best: dict[tuple[str, float], tuple[float, float]] = {}
    for (layer, strength, share), gain in gains.items():
        best[layer, strength] = max(best.get((layer, strength), (-np.inf, 0.0)), (gain, share))
    setting = best_setting({key: gain for key, (gain, _) in best.items()})
    return (*setting, best[setting][1])


def _described(trial: Trial, movement: Movement, strength: float, name: str, part: np.ndarray) -> Row:
    moved = part if movement.moved is None else part & movement.moved
    states, change = trial.states[movement.layer][moved], strength * movement.change[moved]
    return {
        "layer": movement.layer,
        "control": movement.control,
        "strength": strength,
        "relative_norm": relative_norm(change, states) if len(states) else None,
        "rank": movement.rank,
        "share": movement.share,
        "part": name,
    }


def _measured(
    trial: Trial,
    movement: Movement,
    after: np.ndarray,
    part: np.ndarray,
    seed: int,
    by_operation: bool,
) -> list[Row]:
    table = trial.questions.table.filter(pl.Series(part))
    rows = outcome_rows(table, trial.answers.values[part], after[part], seed, by_operation)
    if movement.written is None:
        return rows
    follows = after[part] == movement.written[part]
    return rows + share_rows(table, "follows", follows, seed, by_operation)
