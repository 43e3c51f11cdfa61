"""The table of comparisons: planted alike and independent models are told apart, controls are at chance."""

import numpy as np
import polars as pl
import pytest

from measure.spaces import card, planted, word_table, write_space, write_words
from numprobe.experiments.rsa.measure import EXTRA, rsa_rows
from numprobe.measure.draws import Sampling
from numprobe.measure.geometry import open_spaces
from numprobe.measure.matched_tokens import MatchedTokens
from numprobe.tables import measurements

MODELS = ("one", "two", "odd")


def random(seed, count=60):
    return np.random.default_rng(seed).standard_normal((count, 8))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """`one` and `two` hold the same circles (`two` on fewer numbers and layers); `odd` is random; all have a norm."""
    root = tmp_path_factory.mktemp("spaces")
    some = np.arange(50)
    folders = [
        write_space(root, "one", "vocabulary", {"embedding": planted(0)}),
        write_space(root, "two", "vocabulary", {"embedding": planted(1, some), "unembedding": planted(2, some)}, some),
        write_space(root, "odd", "vocabulary", {"embedding": random(0)}),
        write_space(root, "one", "number", {layer: planted(3) for layer in ("0", "1", "2", "3", "4", "final_norm")}),
        write_space(root, "two", "number", {layer: planted(4, some) for layer in ("0", "1", "2")}, some),
        write_space(root, "one.untrained", "vocabulary", {"embedding": random(1)}),
        write_space(
            root, "two.untrained", "vocabulary", {"embedding": random(2, 50), "unembedding": random(3, 50)}, some
        ),
    ]
    matched = {model: write_words(root / "matched", model, random(7 + i)) for i, model in enumerate(MODELS)}
    cards = [card("one", 4), card("two", 2, tied=False), card("odd", 2)]
    rows = rsa_rows(open_spaces(folders, cards), MatchedTokens(matched, word_table(MODELS, 60)), Sampling(99, 200, 0))
    return measurements(rows, EXTRA)


def chosen(table, model, other, **columns):
    wanted = {"metric": "spearman", "dissimilarity": "cosine", "control": "none", "layer": "embedding", **columns}
    conditions = [pl.col(name) == value for name, value in {"model": model, "other_model": other, **wanted}.items()]
    return table.filter(*conditions).filter(pl.col("other_layer") != "unembedding").row(0, named=True)


def test_alike_models_are_told_from_independent_ones(table):
    alike, apart = chosen(table, "one", "two"), chosen(table, "one", "odd")
    assert alike["value"] > 0.6
    assert alike["p_value"] == pytest.approx(0.01)
    assert alike["ci_low"] <= alike["value"] <= alike["ci_high"]
    assert abs(apart["value"]) < 0.1
    assert apart["p_value"] > 0.01


def test_a_shared_circle_remains_without_digits_and_distances(table):
    alike, apart = (chosen(table, "one", other, metric="partial_spearman") for other in ("two", "odd"))
    assert alike["value"] > 0.3
    assert alike["p_value"] == pytest.approx(0.01)
    assert alike["ci_low"] <= alike["value"] <= alike["ci_high"]
    assert abs(apart["value"]) < 0.1
    assert apart["p_value"] > 0.01


def test_both_nulls_and_the_untrained_baseline_of_what_remains_are_at_chance(table):
    for control in ("shuffled", "relabelled", "untrained"):
        found = chosen(table, "one", "two", metric="partial_spearman", control=control)
        assert found["ci_low"] < 0 < found["ci_high"]
    trained, untrained, change = (
        chosen(table, "one", "two", metric=metric, control=control)["value"]
        for metric, control in (
            ("partial_spearman", "none"),
            ("partial_spearman", "untrained"),
            ("partial_spearman_difference", "untrained"),
        )
    )
    assert change == pytest.approx(trained - untrained)


def test_models_are_compared_on_the_numbers_that_both_have(table):
    assert chosen(table, "one", "two")["n_values"] == 50
    assert chosen(table, "one", "odd")["n_values"] == 60


@pytest.mark.parametrize("control", ["shuffled", "gaussian", "untrained", "matched"])
def test_controls_are_at_chance(table, control):
    found = chosen(table, "one", "two", control=control)
    assert abs(found["value"]) < 0.15
    assert found["ci_low"] < 0 < found["ci_high"]


def test_every_dissimilarity_and_correlation_is_there_and_says_what_it_lacks(table):
    rows = table.filter(pl.col("model") == "one", pl.col("other_model") == "two", pl.col("layer") == "embedding")
    rows = rows.filter(pl.col("other_layer") == "embedding", pl.col("control") == "none")
    rows = rows.filter(pl.col("metric").is_in(["spearman", "pearson"]))
    assert rows.select(pl.struct("metric", "dissimilarity").n_unique()).item() == rows.height == 6
    points = rows.filter(pl.col("ci_low").is_null())
    assert points["note"].str.starts_with("point value").all()
    assert (points["value"] > 0.5).all()


def test_layers_are_paired_by_depth_and_permuted_in_the_middle(table):
    rows = table.filter(pl.col("context") == "number", pl.col("control") == "none", pl.col("metric") == "spearman")
    rows = rows.filter(pl.col("dissimilarity") == "cosine").sort("depth")
    assert rows.select("layer", "other_layer").rows() == [("0", "0"), ("2", "1"), ("4", "2")]
    assert rows["p_value"].is_not_null().to_list() == [False, True, False]


def test_an_output_matrix_of_its_own_is_compared_with_the_tied_one(table):
    rows = table.filter(pl.col("other_layer") == "unembedding", pl.col("model") == "one", pl.col("control") == "none")
    rows = rows.filter(pl.col("metric").is_in(["spearman", "pearson"]))
    assert set(rows["layer"]) == {"embedding"}
    assert rows["value"].min() > 0.5


def test_theories_are_measured_for_every_model(table):
    rows = table.filter(pl.col("theory").is_not_null(), pl.col("control") == "none")
    assert rows.height == 9
    circle = rows.filter(pl.col("model") == "one", pl.col("theory") == "|a - b|")
    assert circle["n_values"].item() == 60
    assert rows["p_value"].is_not_null().all()


def test_too_few_common_numbers_are_named(tmp_path):
    few = np.arange(10)
    folders = [write_space(tmp_path, name, "vocabulary", {"embedding": planted(0, few)}, few) for name in ("a", "b")]
    words = {name: write_words(tmp_path / "m", name, random(0, 5)) for name in ("a", "b")}
    words = MatchedTokens(words, word_table("ab", 5))
    rows = rsa_rows(open_spaces(folders, [card("a", 2), card("b", 2)]), words, Sampling(99, 100, 0))
    assert {row["status"] for row in rows} == {"not applicable"}
    assert not any("value" in row for row in rows)


def test_one_model_has_nothing_to_be_compared_with(tmp_path):
    few = np.arange(10)
    folder = write_space(tmp_path, "a", "vocabulary", {"embedding": planted(0, few)}, few)
    words = {"a": write_words(tmp_path / "m", "a", random(0, 5))}
    rows = rsa_rows(
        open_spaces([folder], [card("a", 2)]), MatchedTokens(words, word_table("a", 5)), Sampling(99, 100, 0)
    )
    assert [(row["status"], row["note"]) for row in rows] == [("not applicable", "fewer than two models")]
