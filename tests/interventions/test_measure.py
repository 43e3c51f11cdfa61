from dataclasses import replace

import numpy as np
import pytest

from models.programmed import (
    NUMBERS,
    WIDTH,
    adds_to_last,
    planes,
    programmed_answer_model,
    programmed_questions,
    wave_code,
)
from numprobe.answers.cached_prefix import CachedPrefixModel
from numprobe.errors import NumprobeError
from numprobe.interventions.choice import is_validation
from numprobe.interventions.measure import MOVEMENT, Movement, Trial, movement_rows
from numprobe.interventions.states import answers_and_states, shift
from numprobe.tables import measurements

QUESTIONS = programmed_questions()
TRUTH = QUESTIONS.table["number"].to_numpy().astype(np.int64)
PLANE = planes(10)
HEAD = wave_code(np.arange(NUMBERS)) @ PLANE
# Every third answer is 7 too large.
SAID = np.where(np.arange(len(TRUTH)) % 3 == 0, (TRUTH + 7) % NUMBERS, TRUTH)


@pytest.fixture(scope="module")
def trial():
    answer_model = programmed_answer_model(
        QUESTIONS, [adds_to_last(HEAD[SAID]), adds_to_last(np.zeros((len(TRUTH), WIDTH)))], HEAD
    )
    answers, states = answers_and_states(answer_model, QUESTIONS, ("1", "2"), QUESTIONS.last)
    return Trial(CachedPrefixModel(answer_model, QUESTIONS), QUESTIONS, answers, states)


def rows_of(trial, movements, strengths=(0.25, 1.0)):
    return movement_rows(trial, movements, strengths, 0)


def only(rows, **wanted):
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_a_constructed_model_answers_what_it_was_told(trial):
    assert np.array_equal(trial.answers.values, SAID)
    assert np.allclose(trial.states["1"], HEAD[SAID], atol=1e-6)


def test_a_change_moves_the_states_by_strength(trial):
    change = (HEAD[TRUTH] - HEAD[SAID]).astype(np.float32)
    edit = shift("1", QUESTIONS.last, change, 0.5)
    kept = {}

    def keep(states, rows):
        kept.update(zip(rows.tolist(), states.numpy(), strict=True))
        return states

    trial.answer_model.answers([edit, type(edit)("2", QUESTIONS.last, keep)])
    expected = (HEAD[TRUTH] + HEAD[SAID]) / 2
    assert np.allclose([kept[row] for row in range(len(TRUTH))], expected, atol=1e-5)


def test_what_repairs_is_chosen_and_counted(trial):
    right = Movement("1", "none", (HEAD[TRUTH] - HEAD[SAID]).astype(np.float32), TRUTH)
    nothing = Movement("2", "none", np.zeros((len(TRUTH), WIDTH), dtype=np.float32), TRUTH)
    table = measurements(rows_of(trial, [nothing, right]), extra=MOVEMENT)
    assert table.filter(table["chosen"])["layer"].unique().to_list() == ["1"]
    chosen = {row["metric"]: row for row in only(table.to_dicts(), chosen=True, part="test", subset="all")}
    assert chosen["repaired"]["value"] == 1 and chosen["harmed"]["value"] == 0 and chosen["follows"]["value"] == 1
    assert chosen["accuracy_change"]["value"] == pytest.approx(np.mean((SAID != TRUTH)[~is_validation(TRUTH, 0)]))
    assert chosen["repaired"]["relative_norm"] < 1
    idle = {row["metric"]: row["value"] for row in only(table.to_dicts(), layer="2", strength=1.0, part="test")}
    assert idle["repaired"] == idle["harmed"] == idle["accuracy_change"] == 0


def test_operations_are_told_apart_where_it_counts(trial):
    rows = rows_of(trial, [Movement("1", "none", (HEAD[TRUTH] - HEAD[SAID]).astype(np.float32), TRUTH)])
    by_operation = [row for row in rows if row["subset"] != "all"]
    assert {row["subset"] for row in by_operation} == {"operation=+", "operation=-"}
    assert all(row["chosen"] and row["part"] == "test" for row in by_operation)


def test_the_prompts_that_are_reported_choose_nothing(trial):
    """Layer 1 repairs the prompts that choose and spoils the others; layer 2 the other way round."""
    choosing = is_validation(TRUTH, 0)
    repair, spoil = HEAD[TRUTH] - HEAD[SAID], HEAD[(TRUTH + 50) % NUMBERS] - HEAD[SAID]
    movements = [
        Movement("1", "none", np.where(choosing[:, None], repair, spoil).astype(np.float32)),
        Movement("2", "none", np.where(choosing[:, None], spoil, repair).astype(np.float32)),
    ]
    rows = rows_of(trial, movements, (1.0,))
    assert {row["layer"] for row in rows if row["chosen"]} == {"1"}
    (after,) = only(rows, chosen=True, part="test", metric="accuracy_after", subset="all")
    assert after["value"] == 0


def test_one_result_cannot_choose_and_be_reported(trial):
    some = TRUTH == 50
    few = Trial(trial.answer_model, QUESTIONS.take(some), trial.answers, {"1": trial.states["1"][some]})
    with pytest.raises(NumprobeError, match="too few different results"):
        rows_of(few, [Movement("1", "none", np.zeros((int(some.sum()), WIDTH), dtype=np.float32))])


def test_states_of_some_prompts_may_be_left_alone(trial):
    """Half of the prompts are repaired, the others spoiled: what is left alone answers as before."""
    even = np.arange(len(TRUTH)) % 2 == 0
    change = np.where(even[:, None], HEAD[TRUTH], HEAD[(TRUTH + 50) % NUMBERS]) - HEAD[SAID]
    whole = Movement("1", "none", change.astype(np.float32))
    rows = rows_of(trial, [whole, replace(whole, share=0.5, moved=even)], (1.0,))
    assert {row["share"] for row in rows if row["chosen"]} == {0.5}
    (harmed,) = only(rows, chosen=True, part="test", metric="harmed", subset="all")
    (spoiled,) = only(rows, chosen=False, part="test", metric="harmed", subset="all")
    assert harmed["value"] == 0 and 0.4 < spoiled["value"] < 0.6
