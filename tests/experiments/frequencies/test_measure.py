"""Tables of waves: planted periods are found and shared, controls are at chance, what cannot be measured is named."""

import numpy as np
import polars as pl
import pytest

from measure.spaces import card, planted, word_table, write_space, write_words
from numprobe.experiments.frequencies.measure import EXTRA, frequency_rows
from numprobe.experiments.frequencies.shared import EXTRA as SHARED
from numprobe.experiments.frequencies.shared import shared_frequency_rows
from numprobe.measure.geometry import open_spaces
from numprobe.measure.matched_tokens import MatchedTokens
from numprobe.tables import measurements


def random(seed, count=60):
    return np.random.default_rng(seed).standard_normal((count, 8))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    root = tmp_path_factory.mktemp("waves")
    folders = [
        write_space(root, "one", "vocabulary", {"embedding": planted(0)}),
        write_space(root, "one", "number", {"0": planted(1), "1": planted(2), "2": np.ones((60, 8))}),
        write_space(root, "one.untrained", "vocabulary", {"embedding": random(0)}),
        write_space(root, "two", "vocabulary", {"embedding": planted(3)}),
        write_space(root, "two", "number", {"0": planted(4), "1": random(5)}),
        write_space(root, "few", "vocabulary", {"embedding": planted(6, np.arange(20))}, np.arange(20)),
    ]
    words = {name: write_words(root / "matched", name, random(8 + i)) for i, name in enumerate(("one", "two", "few"))}
    return open_spaces(folders, [card("one", 2), card("two", 2), card("few", 2)]), words


@pytest.fixture(scope="module")
def table(study):
    return measurements(frequency_rows(study[0], "one", random(7), 0), EXTRA)


def value(table, **columns):
    return table.filter(*(pl.col(name) == wanted for name, wanted in columns.items()))["value"].item()


def test_planted_periods_hold_the_power(table):
    shares = table.filter(
        pl.col("metric") == "power_share", pl.col("layer") == "embedding", pl.col("control") == "none"
    )
    assert shares.height == 30
    assert shares["value"].sum() == pytest.approx(1)
    assert set(shares.sort("value", descending=True)["period"][:2]) == {10.0, 60.0}


@pytest.mark.parametrize("metric", ["participation", "half_power"])
def test_waves_are_sparser_than_every_control(table, metric):
    controls = ("none", "shuffled", "untrained", "matched")
    found = {control: value(table, metric=metric, layer="embedding", control=control) for control in controls}
    assert found["none"] < 0.5 * min(found["shuffled"], found["untrained"], found["matched"])


def test_power_at_ten_comes_with_kappa_and_controls_have_neither(table):
    place = {"layer": "embedding", "subset": "mod=10"}
    assert value(table, metric="power_at", control="none", **place) > 0.3
    null = table.filter(pl.col("metric") == "kappa", pl.col("control") == "shuffled", pl.col("subset") == "mod=10")
    highest = null.filter(pl.col("layer") == "embedding")["ci_high"].item()
    assert value(table, metric="kappa", control="none", **place) > highest
    for control in ("untrained", "matched"):
        assert value(table, metric="kappa", control=control, **place) < 0.12


def test_every_measurement_has_an_interval_or_says_that_it_is_a_point(table):
    measured = table.filter(pl.col("value").is_not_null())
    assert measured.filter(pl.col("ci_low").is_null() & pl.col("note").is_null()).is_empty()
    assert ((measured["ci_low"] <= measured["value"]) & (measured["value"] <= measured["ci_high"])).all()


def test_constant_layers_are_named(table):
    assert table.filter(pl.col("layer") == "2").select("value", "status").rows() == [(None, "constant state")]


def test_few_consecutive_numbers_are_named(study):
    notes = {(row["status"], row["note"]) for row in frequency_rows(study[0], "few", None, 0)}
    assert notes == {("not applicable", "fewer than 50 consecutive numbers")}


@pytest.fixture(scope="module")
def shared(study):
    spaces, words = study
    matched = MatchedTokens(words, word_table(words, 60))
    return measurements(shared_frequency_rows(spaces, matched, [2, 10, 500], 0), SHARED)


def test_models_with_the_same_waves_share_their_frequencies(shared):
    rows = shared.filter(pl.col("model") == "one", pl.col("other_model") == "two", pl.col("subset") == "top=2")
    rows = rows.filter(pl.col("layer") == "embedding")
    assert rows.filter(pl.col("control") == "none", pl.col("spectrum") == "power").select(
        "value", "p_value"
    ).rows() == [(1.0, pytest.approx(1 / 201, abs=0.02))]
    assert rows.filter(pl.col("spectrum") == "published")["value"].to_list() == [1.0]
    assert rows.filter(pl.col("control").is_in(["shuffled", "matched"]))["value"].max() < 0.5


def test_random_states_share_no_more_than_chance(shared):
    row = shared.filter(pl.col("layer") == "1", pl.col("subset") == "top=10", pl.col("control") == "none")
    assert row.filter(pl.col("spectrum") == "power")["p_value"].min() > 0.01


def test_more_frequencies_than_there_are_are_left_out(shared):
    assert set(shared["subset"]) == {"top=2", "top=10", "all"}


def test_pairs_with_too_few_numbers_are_named(shared):
    rows = shared.filter(pl.col("other_model") == "few", pl.col("control") == "none")
    assert set(rows["note"]) == {"fewer than 50 consecutive numbers"}
