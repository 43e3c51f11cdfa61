"""Noise that the probe sees through is removed without labels; nothing else is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from interventions.planted import SPLIT, planted
from models.programmed import (
    NUMBERS,
    PERIODS,
    WIDTH,
    adds_to_last,
    planes,
    programmed_answer_model,
    programmed_questions,
    wave_code,
)
from numprobe.experiments.denoising.measure import confined, denoising_movements, denoising_rows, readings
from numprobe.interventions.measure import MOVEMENT
from numprobe.tables import measurements

QUESTIONS = programmed_questions(per_value=3)
TRUTH = QUESTIONS.table["number"].to_numpy().astype(np.int64)
FRAME = planes(WIDTH)
WAVES = wave_code(np.arange(NUMBERS))
CODE = WAVES @ FRAME[: 2 * len(PERIODS)]
# The head relies on the waves of period 10 more than it should, and these are noisy; the probe weighs them by what they
# are worth.
TENS = [4, 5]
HEAD = np.where(np.isin(np.arange(WAVES.shape[1]), TENS), 4.0, 1.0) * WAVES @ FRAME[: 2 * len(PERIODS)]
NOISE = 0.8 * np.random.default_rng(0).standard_normal((len(TRUTH), 2)) @ FRAME[TENS]
LAYERS = ("1", "2")


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Block 1 writes the code with noise, block 2 nothing."""
    blocks = [adds_to_last(CODE[TRUTH] + NOISE), adds_to_last(np.zeros_like(NOISE))]
    return planted(
        tmp_path_factory.mktemp("noisy"), programmed_answer_model(QUESTIONS, blocks, HEAD), QUESTIONS, LAYERS
    )


def ranks_of(found, rank=9):
    return {(layer, fold): rank for layer in LAYERS for fold in found.folds}


@pytest.fixture(scope="module")
def table(noisy):
    rows = denoising_rows(
        noisy.answer_model, QUESTIONS, noisy.probe, noisy.patterns, ranks_of(noisy), SPLIT, LAYERS, (0.0, 0.5, 1.0),
        (1.0,), 10_000, 0,
    )  # fmt: skip
    return measurements(rows, extra=MOVEMENT)


def value(table, **wanted):
    (only,) = table.filter(**{"subset": "all", "part": "test", "control": "none", **wanted})["value"]
    return only


def test_errors_that_come_from_noise_are_repaired(noisy, table):
    assert noisy.decoded("1") > 0.97
    assert value(table, metric="accuracy_before", chosen=True) < 0.9
    assert value(table, metric="readable", layer="1") > 0.9
    assert value(table, metric="repaired", chosen=True) > 0.8
    assert value(table, metric="harmed", chosen=True) < 0.02


def test_controls_repair_nothing(table):
    layer, strength = table.filter(chosen=True, metric="repaired", control="none").select("layer", "strength").row(0)
    where = {"layer": layer, "strength": strength}
    assert value(table, metric="repaired", control="wrong number", **where) < 0.05
    assert value(table, metric="follows", control="wrong number", **where) > 0.9
    assert value(table, metric="repaired", control="random subspace", **where) < 0.1


def test_strength_zero_changes_nothing(table):
    changes = table["metric"].is_in(["repaired", "harmed", "accuracy_change"])
    still = table.filter((table["strength"] == 0) & changes)
    assert still.height and (still["value"] == 0).all()


def test_states_are_moved_within_the_subspace_alone(noisy):
    read = {"1": readings(noisy.trial.states["1"], noisy.probe, noisy.folds, "1")[0]}
    (change, *_) = denoising_movements(noisy.trial, read, noisy.patterns, ranks_of(noisy, 4), noisy.folds, SPLIT, 0)
    bases = {fold: noisy.patterns.basis("1", fold, 4) for fold in noisy.folds}
    assert np.allclose(confined(change.change, bases, noisy.folds), change.change, atol=1e-5)
    assert change.rank == 4


def test_labels_are_not_needed(noisy):
    """With the results permuted among the prompts of each fold the states are moved as before."""
    permuted = TRUTH.copy()
    for rows in noisy.folds.values():
        permuted[rows] = np.random.default_rng(1).permutation(TRUTH[rows])
    trial = noisy.trial
    questions = replace(trial.questions, table=trial.questions.table.with_columns(number=permuted))
    blind = replace(trial, questions=questions)
    read = {"1": readings(trial.states["1"], noisy.probe, noisy.folds, "1")[0]}
    moved = [
        denoising_movements(one, read, noisy.patterns, ranks_of(noisy), noisy.folds, SPLIT, 0)[0].change
        for one in (trial, blind)
    ]
    assert np.array_equal(*moved)


def test_readings_come_with_their_log_odds(noisy):
    states = noisy.trial.states["1"] / 30
    read, sure = readings(states, noisy.probe, noisy.folds, "1")
    (fold, rows), *_ = noisy.folds.items()
    likely = softmax(noisy.probe.scores(states[rows], "1", fold).astype(float), axis=1)
    assert np.allclose(1 / (1 + np.exp(-sure[rows])), likely.max(axis=1), atol=1e-6)
    assert np.array_equal(read[rows], noisy.probe.decode(states[rows], "1", fold))


def test_the_surest_prompts_are_moved_first(noisy):
    rows = denoising_rows(
        noisy.answer_model, QUESTIONS, noisy.probe, noisy.patterns, ranks_of(noisy), SPLIT, ("1",), (1.0,),
        (1.0, 0.5, 0.1), 10_000, 0,
    )  # fmt: skip
    table = measurements(rows, extra=MOVEMENT).filter(metric="follows", control="wrong number", part="validation")
    # A wrong number is answered where it is written, and nowhere else.
    follows = dict(table.filter(subset="all").select("share", "value").iter_rows())
    assert follows[1.0] > 0.9 and follows[0.5] == pytest.approx(0.5, abs=0.1) and follows[0.1] < 0.2
