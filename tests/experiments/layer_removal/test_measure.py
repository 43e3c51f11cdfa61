import numpy as np
import polars as pl
import pytest

from models.planted_writes import writing_answer_model
from models.tiny import word_tokenizer
from numprobe.answers.questions import find_questions
from numprobe.experiments.layer_removal.measure import (
    ANY,
    COLUMNS,
    MIRRORED,
    NOTHING,
    choose_removals,
    oracle_rows,
    removal_rows,
)
from numprobe.experiments.layer_removal.removal import Removal, all_removals, removal_answers
from numprobe.interventions.choice import is_validation
from numprobe.models.tokens import NumberTokenizer
from numprobe.prompts.generate import result_prompts
from numprobe.tables import measurements

SEED = 0


@pytest.fixture(scope="module")
def questions():
    prompts = result_prompts(0, 90, SEED, "result", ["+", "-"], 2)
    return find_questions(prompts, NumberTokenizer(word_tokenizer()))


def measured(questions, writes):
    """The table of a model whose parts write what they are told."""
    answer_model = writing_answer_model("llama", questions, writes)
    before, after = answer_model.answers(questions).values, removal_answers(answer_model, questions)
    return measurements(removal_rows(questions.table, before, after, SEED), COLUMNS)


def right_answers(questions):
    return {prompt: {value: 1} for prompt, value in questions.table.select("prompt", "number").iter_rows()}


def ten_more(questions, operation="+"):
    """A stronger wrong answer to half of the prompts of an operation."""
    asked = questions.table.filter((pl.col("operation") == operation) & (pl.col("prompt") % 2 == 0))
    return {prompt: {value + 10: 2} for prompt, value in asked.select("prompt", "number").iter_rows()}


def on_test(table, **wanted):
    """Metric -> value on test prompts."""
    rows = table.filter(part="test", control=wanted.pop("control", "none"), **wanted)
    return dict(rows.select("metric", "value").iter_rows())


def test_the_block_that_breaks_right_answers_is_removed(questions):
    table = measured(questions, {(1, "mlp"): right_answers(questions), (3, "attention"): ten_more(questions)})
    for subset in ("all", "operation=+"):
        chosen = table.filter(chosen=True, subset=subset, part="test")
        assert set(chosen.select("layer", "site").iter_rows()) == {("3", "block")}
        effect = on_test(chosen)
        assert effect["accuracy_after"] == 1 and effect["repaired"] == 1 and effect["harmed"] == 0
        assert effect["accuracy_before"] < 0.8
        assert effect["accuracy_change"] == pytest.approx(1 - effect["accuracy_before"])
    assert set(table.filter(chosen=True, subset="operation=-")["site"]) == {NOTHING}


def test_removing_anything_from_a_right_model_does_not_help(questions):
    table = measured(questions, {(1, "mlp"): right_answers(questions)})
    assert set(table.filter(chosen=True)["site"]) == {NOTHING}
    assert table.filter(metric="accuracy_change")["value"].max() == 0
    assert on_test(table, subset="all", layer="1", site="mlp")["harmed"] == 1
    assert "oracle_repaired" not in set(table["metric"])


def test_a_break_in_one_operation_alone_is_repaired_there_alone(questions):
    """Block 2 breaks sums and alone gives the differences."""
    table = right_answers(questions)
    sums = set(questions.table.filter(operation="+")["prompt"])
    first = {prompt: written for prompt, written in table.items() if prompt in sums}
    second = {prompt: written for prompt, written in table.items() if prompt not in sums} | ten_more(questions)
    found = measured(questions, {(1, "mlp"): first, (2, "mlp"): second})
    assert set(found.filter(chosen=True, subset="operation=+")["layer"]) == {"2"}
    assert set(found.filter(chosen=True, subset="operation=-")["site"]) == {NOTHING}
    assert on_test(found, subset="operation=-", layer="2", site="block")["harmed"] == 1


def random_answers(questions, removals=6):
    random = np.random.default_rng(3)
    truth = questions.table["number"].to_numpy()
    draws = {r: np.where(random.random(len(truth)) < 0.5, truth, 0) for r in all_removals(removals // 3)}
    return np.where(random.random(len(truth)) < 0.6, truth, 0), draws


def test_the_choice_does_not_look_at_test_prompts(questions):
    before, after = random_answers(questions)
    validation = is_validation(questions.table["number"].to_numpy(), SEED)
    chosen = choose_removals(questions.table, {None: before, **after}, validation)
    for other in (-1, questions.table["number"].to_numpy()):
        changed = {r: np.where(validation, answers, other) for r, answers in after.items()}
        assert choose_removals(questions.table, {None: before, **changed}, validation) == chosen
    best = Removal(2, "mlp")
    after[best] = np.where(validation, questions.table["number"].to_numpy(), -1)
    rows = measurements(removal_rows(questions.table, before, after, SEED), COLUMNS)
    assert set(rows.filter(chosen=True)["site"]) == {"mlp"}
    assert on_test(rows, subset="all", layer="2", site="mlp")["accuracy_after"] == 0


def test_gain_and_harm_stand_beside_each_other_for_every_removal(questions):
    before, after = random_answers(questions)
    table = measurements(removal_rows(questions.table, before, after, SEED), COLUMNS)
    shown = table.filter(part="test", subset="all").filter(pl.col("site").is_in(["block", "attention", "mlp"]))
    effects = shown.filter(pl.col("layer").is_not_null()).group_by("layer", "site").agg("metric")
    kinds = {"accuracy_before", "accuracy_after", "accuracy_change", "repaired", "harmed"}
    assert len(effects) == 6 and all(set(metrics) == kinds for metrics in effects["metric"])
    assert table.drop_nulls("ci_low")["resampled"].str.starts_with("true results").all()
    half = table.filter(part="validation", subset="all")
    tested = table.filter(part="test", subset="all", site=NOTHING, metric="accuracy_before")
    assert set(half["n_prompts"] + tested["n_prompts"][0]) == {len(questions)}
    nothing = table.filter(site=NOTHING, metric="accuracy_change", part="test")
    assert set(nothing["value"]) == {0} and nothing["ci_low"].null_count() == len(nothing)


def test_the_oracle_takes_the_best_removal_of_each_prompt():
    table = pl.DataFrame({"number": [10, 20, 30, 40, 50, 60], "operation": ["+"] * 6})
    before = np.array([10, 20, 31, 43, 48, -1])
    after = {
        Removal(1, "block"): np.array([10, 0, 30, 46, 48, -1]),
        Removal(1, "attention"): np.array([0, 20, 31, 46, 50, 60]),
    }
    rows = measurements(oracle_rows(table, before, after, SEED), COLUMNS)
    whole, best = ({"subset": "all", "site": site} for site in ("block", ANY))
    assert on_test(rows, **whole) == pytest.approx(
        {"oracle_repaired": 1 / 4, "oracle_harmed": 1 / 2, "oracle_reached": 1 / 3}
    )
    assert on_test(rows, **best) == pytest.approx(
        {"oracle_repaired": 3 / 4, "oracle_harmed": 1, "oracle_reached": 2 / 3}
    )
    assert on_test(rows, control=MIRRORED, **best) == {"oracle_reached": pytest.approx(1 / 3)}


def test_where_removals_change_answers_blindly_the_mirrored_number_is_reached_as_often(questions):
    random = np.random.default_rng(5)
    truth = questions.table["number"].to_numpy()
    before = truth + random.choice([-2, -1, 1, 2], len(truth))
    after = {r: before + random.integers(-3, 4, len(truth)) for r in all_removals(2)}
    rows = measurements(oracle_rows(questions.table, before, after, SEED), COLUMNS)
    real, mirrored = (on_test(rows, subset="all", site=ANY, control=c)["oracle_reached"] for c in ("none", MIRRORED))
    assert real > 0.5 and real == pytest.approx(mirrored, abs=0.1)
