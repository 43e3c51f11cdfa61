"""Write the true number into the last state before the answer: an oracle for what an edit of the state can achieve.

h <- (1 - alpha) h + alpha P[t], with P[t] the pattern of the true result t (arXiv 2510.26285, second version,
"enhancing sinusoidality"). Controls at the same alpha: another number's P[m], and a random direction.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from numprobe.answers.ask import AnswerModel
from numprobe.answers.questions import Questions
from numprobe.experiments.asked import load_asked
from numprobe.experiments.given import Given
from numprobe.experiments.patching.published_patch import published_patches
from numprobe.interventions.controls import RANDOM_DIRECTION, WRONG_NUMBER
from numprobe.interventions.directions import random_change
from numprobe.interventions.folds import Folds, StatesOfNumbers, other_numbers, pattern_states
from numprobe.interventions.measure import MOVEMENT, Movement, Trial, movement_rows
from numprobe.interventions.trial import last_token_trial
from numprobe.probes.patterns import load_patterns
from numprobe.probes.probe import load_probe
from numprobe.splits import Split
from numprobe.tables import Row

#: Columns that tables of patches add to `numprobe.tables.MEASUREMENT`; `settings` names the patch, "default" (the
#: forward model) or "published".
PATCHING = MOVEMENT | {"settings": pl.String}
#: The `note` of rows that use the true result, which no label-free method can.
ORACLE = "oracle: the true result is written"


def evaluate_patching(given: Given) -> None:
    """Write the table of a model and context: gain and harm of the patch, and of the published one, over the grid."""
    asked, values, seed = load_asked(given), given.values, given.values["seed"]
    written: dict[str, Any] = {"default": load_patterns(given.file("patterns"))}
    if given.inputs["wave"]:
        wave, device = load_probe(given.file("wave")), asked[0].parts.device
        written["published"] = published_patches(wave, values["layers"], values["steps"], seed, device)
    grid = (values["layers"], values["strengths"], values["prompts"])
    rows = [
        {"settings": settings, **row}
        for settings, patches in written.items()
        for row in patching_rows(*asked, patches, given.split, *grid, seed)
    ]
    given.write_rows(rows, PATCHING)


def patching_rows(
    answer_model: AnswerModel,
    questions: Questions,
    patterns: StatesOfNumbers,
    split: Split,
    layers: Sequence[str],
    strengths: Sequence[float],
    per_operation: int,
    seed: int,
) -> list[Row]:
    """Patch every layer at every strength, on prompts whose results the patterns have not seen.

    Parameters
    ----------
    answer_model, questions
        The model and the questions.
    patterns
        Expected states of the numbers; `layers` that they do not have are left out.
    split
        Values and folds.
    layers, strengths
        The grid.
    per_operation
        Prompts of each operation, at most.
    seed
        The study's seed.

    Returns
    -------
    Rows for `numprobe.tables.measurements` (`numprobe.interventions.measure.movement_rows`) that lack model, context
    and settings; those without a control carry the note `ORACLE`.

    Raises
    ------
    NumprobeError
        If no prompt can be used.
    """
    known = [layer for layer in layers if layer in patterns.layers]
    trial, folds = last_token_trial(answer_model, questions, split, patterns.folds, known, per_operation, seed)
    movements = patching_movements(trial, patterns, folds, split, known, seed)
    rows = movement_rows(trial, movements, strengths, seed)
    return [{**row, "note": ORACLE} if row["control"] == "none" else row for row in rows]


def patching_movements(
    trial: Trial, patterns: StatesOfNumbers, folds: Folds, split: Split, layers: Sequence[str], seed: int
) -> list[Movement]:
    """Return the patch and its controls in every layer; strength 1 replaces the state.

    Parameters
    ----------
    trial
        The model, the questions, and the states of `layers` at their last tokens.
    patterns
        Expected states of the numbers.
    folds
        Fold -> prompts whose true results it never saw; together all prompts.
    split
        Values and folds.
    layers
        Layers that are patched, one at a time.
    seed
        The study's seed. Each prompt has one wrong number and, in each layer, one random direction.
    """
    table = trial.questions.table
    truth = table["number"].to_numpy().astype(np.int64)
    wrong = other_numbers(truth[:, None], table["prompt"].to_numpy(), split, folds, seed)
    found = []
    for layer in layers:
        states = trial.states[layer]
        patch = pattern_states(patterns, folds, truth, layer) - states
        other = pattern_states(patterns, folds, wrong, layer) - states
        found += [
            Movement(layer, "none", patch, truth),
            Movement(layer, WRONG_NUMBER, other, wrong),
            Movement(layer, RANDOM_DIRECTION, random_change(patch, seed, layer)),
        ]
    return found
