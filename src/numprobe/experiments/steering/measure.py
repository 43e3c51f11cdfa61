"""Share of a model's answers that follow an operand whose state was moved to another number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.answers.spoken import NO_NUMBER
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.experiments.steering.changes import PATTERNS, STATE, Changes, steering_changes
from numprobe.experiments.steering.replacement import results_with
from numprobe.experiments.steering.steerable import Steerable, find_steerable
from numprobe.intervals import prompt_accuracy_interval
from numprobe.interventions.choice import TEST, VALIDATION, best_setting, is_validation
from numprobe.interventions.directions import relative_norm
from numprobe.interventions.operands import read_later
from numprobe.measure.outcomes import INTERVENTION, subsets
from numprobe.measure.predict import split_of
from numprobe.probes.patterns import Patterns, load_patterns
from numprobe.probes.probe import Probe, load_probe
from numprobe.status import too_few_answers
from numprobe.tables import Row

#: (direction, control, layer, strength)
Setting = tuple[str, str, str, float]
#: Columns that the table adds to `numprobe.tables.MEASUREMENT`.
COLUMNS = INTERVENTION | {"direction": pl.String, "tokens": pl.String}

#: All prompts with one operand share its fate.
_UNIT = "operands"


@dataclass(frozen=True)
class Grid:
    """Layers and strengths to try.

    Attributes
    ----------
    layers
        Names of the states; the last block's, which no answer reads, and those that the patterns lack are left out.
    strengths
        In units of the distance between the patterns of the two numbers.
    per_operation
        Questions of an operation at the most.
    """

    layers: tuple[str, ...]
    strengths: tuple[float, ...]
    per_operation: int


def steer_operands(given: Given) -> None:
    """Write the table of a model and context: answers to prompts in which an operand's state was moved."""
    answer_model, questions = load_asked(given)
    patterns = load_patterns(given.file("patterns"))
    probe = load_probe(given.file("probe")).in_context(patterns.metadata["context"])
    values = given.values
    grid = Grid(tuple(values["layers"]), tuple(values["strengths"]), values["prompts"])
    rows = steering_rows(answer_model, questions, values["operand"], probe, patterns, grid, values["seed"])
    given.write_rows(rows, COLUMNS)


def steering_rows(
    answer_model: AnswerModel,
    questions: Questions,
    operand: str,
    probe: Probe,
    patterns: Patterns,
    grid: Grid,
    seed: int,
) -> list[Row]:
    """Move the operand's state in every layer, by every strength, along every direction, and see what is answered.

    Half of the operands choose the layer and strength of each direction at which most answers follow; those of the
    other half are reported. Controls are marked as chosen where the direction along the patterns is.

    Parameters
    ----------
    answer_model, questions
        The model, and all questions.
    operand
        "a" or "b": whose state is moved.
    probe, patterns
        Fitted where the operand is read at its own token.
    grid
        Layers, strengths and the number of questions.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` with the columns `COLUMNS`. Metric `answered`: share of questions that are
    answered correctly with either operand; of these, `follows`: the answer is the result with the other number;
    `unchanged`: that with the operand; `other`: neither; `no_number`. `tokens`: `last`, the state at the operand's last
    token is moved; `all`, where operands have several, and its earlier tokens are those of the other number.
    """
    used = read_later(grid.layers, patterns, answer_model)
    split = split_of(probe)
    found = find_steerable(answer_model, questions, operand, patterns, split, used, grid.per_operation, seed)
    answered = {"metric": "answered", **_interval(found.operands_asked, found.right, seed)}
    choosing = is_validation(found.replacement.operands, seed)
    if choosing.all() or not choosing.any():
        return [{**answered, **too_few_answers("too few right answers")}]
    changes = {layer: steering_changes(found, probe, patterns, layer, seed) for layer in used}
    rows = [answered]
    for reach in found.reaches:
        measured = _reach_rows(answer_model, found, operand, changes, grid, reach, choosing, seed)
        rows += [{"tokens": reach, **row} for row in measured]
    return rows


def _reach_rows(
    answer_model: AnswerModel,
    found: Steerable,
    operand: str,
    changes: Mapping[str, Changes],
    grid: Grid,
    reach: str,
    choosing: np.ndarray,
    seed: int,
) -> Iterator[Row]:
    """Yield what is answered with all settings, where the operand's last or all its tokens are changed."""
    settings = [
        (direction, control, layer, strength)
        for layer in changes
        for direction, control in changes[layer]
        for strength in ([1.0] if direction == STATE else grid.strengths)
    ]
    after = {setting: _answers(answer_model, found, changes, setting, reach) for setting in settings}
    outcome = {setting: _outcomes(found, operand, answers) for setting, answers in after.items()}
    chosen = _chosen({setting: marks["follows"][choosing] for setting, marks in outcome.items()})
    for setting, marks in outcome.items():
        for name, part in ((VALIDATION, choosing), (TEST, ~choosing)):
            described = _described(found, changes, setting, part) | {"part": name, "chosen": setting in chosen}
            by_operation = setting in chosen and name == TEST
            yield from (described | row for row in _shares(found, marks, part, by_operation, seed))


def _answers(
    answer_model: AnswerModel, found: Steerable, changes: Mapping[str, Changes], setting: Setting, reach: str
) -> np.ndarray:
    direction, control, layer, strength = setting
    edits = found.edits(layer, reach, changes[layer][direction, control], strength)
    return answer_model.answers(found.replacement.questions, edits).values


def _outcomes(found: Steerable, operand: str, answers: np.ndarray) -> dict[str, np.ndarray]:
    table = found.replacement.questions.table
    follows = answers == results_with(table, operand, found.replacement.numbers)
    unchanged = answers == table["number"].to_numpy()
    other = ~(follows | unchanged)
    return {"follows": follows, "unchanged": unchanged, "other": other, "no_number": answers == NO_NUMBER}


def _chosen(follows: Mapping[Setting, np.ndarray]) -> set[Setting]:
    best = {}
    for direction in {direction for direction, control, _, _ in follows if direction != STATE}:
        gains = {
            (layer, strength): float(marks.mean())
            for (name, control, layer, strength), marks in follows.items()
            if (name, control) == (direction, "none")
        }
        best[direction] = best_setting(gains)
    layer = best[PATTERNS][0]
    return {
        setting
        for setting in follows
        if (setting[2:] == best[setting[0]] if setting[0] != STATE else setting[2] == layer)
    }


def _described(found: Steerable, changes: Mapping[str, Any], setting: Setting, part: np.ndarray) -> Row:
    direction, control, layer, strength = setting
    change = strength * changes[layer][direction, control][part]
    norm = relative_norm(change, found.states[layer][part])
    return {"direction": direction, "control": control, "layer": layer, "strength": strength, "relative_norm": norm}


def _shares(
    found: Steerable, marks: Mapping[str, np.ndarray], part: np.ndarray, by_operation: bool, seed: int
) -> Iterator[Row]:
    operands = found.replacement.operands[part]
    for subset, rows in subsets(found.replacement.questions.table.filter(pl.Series(part)), by_operation):
        for metric, marked in marks.items():
            interval = _interval(operands[rows], marked[part][rows], seed)
            yield {"subset": subset, "metric": metric, **interval}


def _interval(operands: np.ndarray, marks: np.ndarray, seed: int) -> Row:
    return {**prompt_accuracy_interval(operands, marks).columns(_UNIT), "seed": seed}
