"""The patch tells a model that answers what its code says from one that does not, though both are read perfectly."""

import numpy as np
import pytest

from interventions.planted import SPLIT, planted
from models.programmed import (
    NUMBERS,
    WIDTH,
    adds_to_last,
    planes,
    programmed_answer_model,
    programmed_questions,
    wave_code,
)
from numprobe.experiments.patching.measure import patching_movements
from numprobe.interventions.measure import MOVEMENT, movement_rows
from numprobe.tables import measurements

QUESTIONS = programmed_questions()
TRUTH = QUESTIONS.table["number"].to_numpy().astype(np.int64)
SAID = np.where(np.arange(len(TRUTH)) % 4 == 0, np.random.default_rng(0).permutation(TRUTH), TRUTH)
FRAME = planes(WIDTH)
CODE = wave_code(np.arange(NUMBERS)) @ FRAME[:10]
#: One random direction per number: nothing follows for numbers that were not seen.
DECOY = np.random.default_rng(1).standard_normal((NUMBERS, WIDTH - 10)) @ FRAME[10:] / 2


def follows_code():
    """Block 1 writes the right code, block 2 spoils a quarter of the codes, the head reads codes."""
    return programmed_answer_model(QUESTIONS, [adds_to_last(CODE[TRUTH]), adds_to_last(CODE[SAID] - CODE[TRUTH])], CODE)


def ignores_code():
    """Block 1 writes right codes, block 2 decoys of which a quarter is wrong, and the head reads decoys."""
    return programmed_answer_model(QUESTIONS, [adds_to_last(CODE[TRUTH]), adds_to_last(DECOY[SAID])], DECOY)


def measured(folder, answer_model, strengths=(0.0, 0.5, 1.0)):
    found = planted(folder, answer_model, QUESTIONS, ("1", "2"))
    movements = patching_movements(found.trial, found.patterns, found.folds, SPLIT, ("1", "2"), 0)
    rows = movement_rows(found.trial, movements, strengths, 0)
    return found, measurements(rows, extra=MOVEMENT)


def value(table, **wanted):
    chosen = table.filter(**{"subset": "all", "part": "test", "control": "none", **wanted})
    (only,) = chosen["value"]
    return only


@pytest.fixture(scope="module")
def following(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("follows"), follows_code())


@pytest.fixture(scope="module")
def ignoring(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("ignores"), ignores_code())


def test_both_models_are_read_perfectly_and_err_alike(following, ignoring):
    assert following[0].decoded("1") == ignoring[0].decoded("1") == ignoring[0].decoded("2") == 1
    before = [value(table, metric="accuracy_before", layer="1", strength=0.0) for _, table in (following, ignoring)]
    assert before[0] == before[1] < 0.85


def test_a_model_that_follows_its_code_is_repaired(following):
    table = following[1]
    chosen = table.filter(chosen=True, control="none")
    assert set(chosen["layer"]) == {"2"}
    assert value(table, metric="repaired", chosen=True) > 0.95
    assert value(table, metric="harmed", chosen=True) == 0
    # What block 2 spoils is spoiled again.
    assert value(table, metric="repaired", layer="1", strength=1.0) < 0.1


def test_a_model_that_ignores_its_code_is_not(ignoring):
    for layer in ("1", "2"):
        assert value(ignoring[1], metric="repaired", layer=layer, strength=0.5) < 0.05
        assert value(ignoring[1], metric="harmed", layer=layer, strength=0.5) < 0.05


def test_another_number_is_answered_and_repairs_nothing(following):
    table = following[1]
    assert value(table, metric="follows", layer="2", strength=1.0, control="wrong number") > 0.95
    assert value(table, metric="repaired", layer="2", strength=1.0, control="wrong number") < 0.05


def test_random_directions_repair_nothing(following):
    for strength in (0.5, 1.0):
        assert value(following[1], metric="repaired", layer="2", strength=strength, control="random direction") < 0.1
    sizes = following[1].filter(layer="2", strength=1.0, part="test")
    by_control = dict(sizes.select("control", "relative_norm").iter_rows())
    assert by_control["random direction"] == pytest.approx(by_control["none"], rel=1e-4)


def test_strength_zero_changes_nothing(following, ignoring):
    for _, table in (following, ignoring):
        still = table.filter(
            (table["strength"] == 0) & table["metric"].is_in(["repaired", "harmed", "accuracy_change"])
        )
        assert still.height and (still["value"] == 0).all()
