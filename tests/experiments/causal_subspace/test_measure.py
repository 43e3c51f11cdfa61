"""The measurements tell a model's own subspace from one that says the same number and is not used."""

import numpy as np
import polars as pl
import pytest

from models.adder import NUMBERS, RANK, Adder
from models.tiny import digit_tokenizer, tiny_model, word_tokenizer
from numprobe.answers.ask import AnswerModel
from numprobe.experiments.causal_subspace.learn import train_subspaces
from numprobe.experiments.causal_subspace.measure import EXTRA, causal_subspace_rows
from numprobe.experiments.causal_subspace.spaces import Study
from numprobe.experiments.causal_subspace.train_basis import Training
from numprobe.interventions.pair_settings import PairSettings
from numprobe.interventions.pairs import PairPrompts
from numprobe.models.tokens import NumberTokenizer
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.probes.fit_patterns import fit_patterns
from numprobe.splits import make_split
from numprobe.tables import measurements
from probes.planted import write_folder

SPLIT = make_split(0, NUMBERS - 1, "folds", 5, 3, 0)
DRAWN = PairSettings(("+", "-"), 800, 200)


@pytest.fixture(scope="module")
def answer_model():
    return AnswerModel(Adder(), NumberTokenizer(word_tokenizer()))


def probe_of_the_unused(answer_model, folder):
    """A probe and patterns of states in which the used waves are gone: it reads from the other space alone."""
    ids = answer_model.numbers.tokenizer.convert_tokens_to_ids([str(number) for number in range(NUMBERS)])
    states = answer_model.parts.input_matrix.detach().numpy()[ids].repeat(8, axis=0)
    values = np.repeat(np.arange(NUMBERS), 8)
    states = states - states @ answer_model.model.used @ answer_model.model.used.T
    states += 0.02 * np.random.default_rng(0).standard_normal(states.shape)
    layers = {"0": states, "1": states}
    rows = training_rows(write_folder(folder / "states", layers, values), SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    return probe, fit_patterns(rows, probe, SPLIT, "none", 0, {})


@pytest.fixture(scope="module")
def table(answer_model, tmp_path_factory):
    training = Training(steps=200, batch=48, every=100)
    learned = train_subspaces(answer_model, SPLIT, ["0", "1", "2"], True, [], 2, RANK, DRAWN, training, 0, {})
    assert learned.layers == ["0", "1"]
    probe, patterns = probe_of_the_unused(answer_model, tmp_path_factory.mktemp("probe"))
    study = Study(SPLIT, probe, patterns, random=3, seed=0)
    return measurements(causal_subspace_rows(answer_model, learned, study), EXTRA)


def measured(table, metric, subspace, layer="1", **where):
    """The pooled measurement: over all draws together where there are several."""
    found = table.filter(
        (pl.col("metric") == metric) & (pl.col("subspace") == subspace) & (pl.col("layer") == layer),
        *(pl.col(name).eq_missing(value) for name, value in {"subset": "all", "draw": None, **where}.items()),
    )
    assert found.height == 1
    return found.row(0, named=True)


@pytest.mark.parametrize("layer", ["0", "1"])
def test_answers_follow_the_trained_subspace_and_not_the_probes(table, layer):
    for subspace, low, high in (
        ("causal", 0.9, 1), ("whole state", 1, 1), ("asked", 1, 1), ("read-out", 0, 0.1), ("pattern", 0, 0.1),
        ("random", 0, 0.2), ("nothing", 0, 0),
    ):  # fmt: skip
        row = measured(table, "interchange_accuracy", subspace, layer)
        assert low <= row["value"] <= high, subspace
        assert row["resampled"].startswith("true results")


@pytest.mark.parametrize("layer", ["0", "1"])
def test_the_probe_reads_the_source_after_the_interchange_that_moves_no_answer(table, layer):
    for subspace in ("read-out", "whole state"):
        for metric in ("reads_base", "reads_source"):
            row = measured(table, metric, subspace, layer)
            assert row["value"] > 0.9 and row["n_prompts"] == 200, (subspace, metric)
    assert measured(table, "interchange_accuracy", "read-out", layer)["value"] < 0.1
    # The probe of this layer reads both spaces: the rank of one of them moves a part of what it reads.
    own = [measured(table, metric, "layer's read-out", layer)["value"] for metric in ("reads_source", "reads_base")]
    assert 0 < own[0] < 0.9 < own[1]


def test_differences_are_those_of_the_same_pairs(table):
    trained, probe, random = (
        measured(table, "interchange_accuracy", name)["value"] for name in ("causal", "read-out", "random")
    )
    over = {
        (name, metric): measured(table, f"interchange_over_{metric}", name)
        for name, metric in (("causal", "random"), ("read-out", "random"), ("read-out", "trained"))
    }
    assert over["causal", "random"]["value"] == pytest.approx(trained - random)
    assert over["read-out", "random"]["value"] == pytest.approx(probe - random)
    assert over["read-out", "trained"]["value"] == pytest.approx(probe - trained)
    assert over["read-out", "trained"]["ci_high"] < -0.5


def test_layers_without_a_trained_basis_have_the_other_subspaces(answer_model, tmp_path):
    drawn = PairSettings(("+", "-"), 100, 60)
    learned = train_subspaces(answer_model, SPLIT, ["1"], False, ["0"], 1, 3, drawn, Training(steps=1, batch=8), 0, {})
    assert learned.layers == ["1"] and learned.metadata["candidates"] == ["0", "1"]
    study = Study(SPLIT, *probe_of_the_unused(answer_model, tmp_path), random=1, seed=0)
    first = measurements(causal_subspace_rows(answer_model, learned, study), EXTRA).filter(layer="0", subset="all")
    assert set(first.filter(metric="interchange_accuracy")["subspace"]) == {
        "read-out", "layer's read-out", "pattern", "variance", "random", "whole state", "nothing", "asked",
    }  # fmt: skip
    assert first.filter(metric="interchange_accuracy", subspace="read-out")["rank"].to_list() == [3]
    assert set(first["metric"]).isdisjoint({"angle", "overlap", "interchange_over_trained"})


def test_shares_of_answers_are_one_together(table):
    parts = [measured(table, metric, "causal") for metric in ("interchange_accuracy", "base_kept", "other_answer")]
    assert sum(part["value"] for part in parts) == pytest.approx(1)
    assert measured(table, "base_kept", "read-out")["value"] > 0.9
    assert {part["n_prompts"] for part in parts} == {2 * 200}


def test_a_source_with_the_same_number_does_no_harm(table):
    for subspace in ("causal", "read-out", "random", "whole state"):
        assert measured(table, "harmed", subspace)["value"] == 0


def test_starts_stand_alone_and_together(table):
    single = [measured(table, "interchange_accuracy", "causal", draw=draw)["value"] for draw in (0, 1)]
    assert np.mean(single) == pytest.approx(measured(table, "interchange_accuracy", "causal")["value"])
    operations = [measured(table, "interchange_accuracy", "causal", subset=f"operation={name}") for name in "+-"]
    assert sum(row["n_prompts"] for row in operations) == 400
    assert measured(table, "steps", "causal", draw=0)["value"] in (100, 200)


def test_both_components_say_the_number_and_what_is_random_does_not_take_it_away(table):
    for subspace, draw in (("causal", 0), ("read-out", None)):
        assert measured(table, "accuracy_component", subspace, draw=draw)["value"] > 0.9
        assert measured(table, "accuracy_complement", subspace, draw=draw)["value"] > 0.9
    assert measured(table, "accuracy_component", "whole state")["value"] == 1
    assert measured(table, "accuracy_complement", "random", draw=0)["value"] > 0.9


def test_angles_stand_beside_random_ones(table):
    starts = measured(table, "overlap", "causal", other_subspace="causal", control="none")
    probe = measured(table, "overlap", "causal", other_subspace="read-out", control="none")
    null = measured(table, "overlap", "causal", other_subspace="read-out", control="random")
    assert starts["value"] > 0.9 and probe["value"] < null["ci_low"]
    assert starts["resampled"] == probe["resampled"] == "seeds (range)" or starts["resampled"] is None
    angles = table.filter(
        (pl.col("metric") == "angle") & (pl.col("layer") == "1") & (pl.col("other_subspace") == "read-out")
    )
    assert angles.filter(pl.col("control") == "none", pl.col("subspace") == "causal")["angle"].to_list() == [1, 2, 3, 4]


def test_where_the_operand_was_read_the_whole_state_carries_nothing(table):
    assert measured(table, "interchange_accuracy", "whole state", "2")["value"] == 0
    assert table.filter((pl.col("layer") == "2") & (pl.col("subspace") == "causal")).is_empty()


def test_operands_of_several_tokens_are_measured_at_the_last_and_at_all(tmp_path):
    numbers = NumberTokenizer(digit_tokenizer())
    answer_model = AnswerModel(tiny_model("llama", head=True, vocab_size=len(numbers.tokenizer)), numbers)
    drawn = PairSettings(("+",), 20, 20, PairPrompts(((0, 9), (20, 60))))
    learned = train_subspaces(answer_model, SPLIT, ["0", "1"], True, [], 1, 2, drawn, Training(steps=1, batch=4), 0, {})
    states = np.random.default_rng(0).standard_normal((800, 32))
    layers = {"0": states, "1": states}
    rows = training_rows(write_folder(tmp_path / "states", layers, np.repeat(np.arange(100), 8)), SPLIT)
    described = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
    probe = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": described})["fourier", "none"]
    patterns = fit_patterns(rows, probe, SPLIT, "none", 0, {})
    study = Study(SPLIT, probe, patterns, random=1, seed=0)
    table = measurements(causal_subspace_rows(answer_model, learned, study), EXTRA)
    whole = table.filter(metric="base_kept", subspace="whole state", subset="all")
    assert whole.select("layer", "tokens").rows() == [(n, tokens) for n in "01" for tokens in ("last", "all")]
    answers = ["interchange_accuracy", "base_kept", "other_answer", "harmed", "reads_source", "reads_base"]
    answers += ["interchange_over_random", "interchange_over_trained"]
    assert (table["tokens"].is_not_null() == table["metric"].is_in(answers)).all()
