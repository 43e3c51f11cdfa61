"""Planted identical codes and independent ones are told apart, within a model and between models."""

import numpy as np
import polars as pl
import pytest

from numprobe.experiments.consistency.half_fits import load_kernels, save_kernels
from numprobe.experiments.consistency.measure import (
    EXTRA,
    Settings,
    between_rows,
    fit_places,
    model_codes,
    shown_places,
    within_rows,
    without_seeds,
)
from numprobe.tables import measurements
from probes.planted import waves, write_folder

COUNT = 200
VALUES = np.arange(COUNT)
SETTINGS = Settings(0, COUNT - 1, (0, 1), 100, 0)
PERIODS = (2, 5, 10, 200)
OTHERS = (200 / 7, 200 / 13, 200 / 31, 200 / 57)


def states(seed, periods=PERIODS, width=24):
    return waves(VALUES, width=width, periods=periods, seed=seed)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    root = tmp_path_factory.mktemp("states")
    # Layer 2 has the waves of layer 1 in other planes; layer 3 has other waves; layer 4 is layer 1 again, with noise.
    first = states(1)
    noise = 0.05 * np.random.default_rng(9).standard_normal(first.shape)
    layers = {"0": np.ones((COUNT, 24)), "1": first, "2": states(2), "3": states(3, OTHERS), "4": first + noise}
    models = {
        "a": layers,
        "b": {"1": states(4, width=30), "2": states(4, width=30), "3": states(4, width=30)},
        "c": {"1": states(5, OTHERS), "2": states(5, OTHERS), "3": states(5, OTHERS)},
    }
    folders = {name: {"number": write_folder(root / name, parts, VALUES)} for name, parts in models.items()}
    return {name: fit_places(folder, SETTINGS, shuffled=True, everywhere=True) for name, folder in folders.items()}


@pytest.fixture(scope="module")
def within(fitted):
    return measurements(within_rows(fitted["a"], SETTINGS), EXTRA)


def value(table, metric, layer, other, control="none"):
    chosen = (pl.col("metric") == metric) & (pl.col("control") == control)
    return table.filter(chosen & (pl.col("layer") == layer) & (pl.col("other_layer") == other))["value"].item()


def test_layers_with_the_same_waves_have_the_same_kernel_and_others_do_not(within):
    assert value(within, "cka", "1", "1") > 0.9
    # The planes are drawn at random, so the same waves have other weights.
    assert value(within, "cka", "1", "2") > 0.5
    assert abs(value(within, "cka", "1", "3")) < 0.1


def test_the_same_waves_in_other_planes_have_other_subspaces(within):
    null = value(within, "overlap", "1", "2", "random")
    assert value(within, "overlap", "1", "4") > 0.8
    assert value(within, "overlap", "1", "2") < null + 0.2


def test_frequencies_are_shared_where_they_were_planted(within):
    assert value(within, "iou_top10", "1", "2") > 5 * value(within, "iou_top10", "1", "2", "random")
    assert value(within, "iou", "1", "1") > value(within, "iou", "1", "3")


def test_permuted_numbers_share_nothing(within):
    shown = within.filter(pl.col("control") == "shuffled")
    assert set(shown["layer"]) == {"2"}
    kernels = shown.filter(pl.col("metric") == "cka")["value"].drop_nulls()
    assert kernels.is_empty() or kernels.abs().max() < 0.3


def test_constant_states_are_said_to_be(within):
    assert within.filter(pl.col("layer") == "0")["status"].to_list() == ["constant state"]


def test_angles_are_measured_against_the_middle_block_alone(within):
    angles = within.filter((pl.col("metric") == "angle") & (pl.col("control") == "none"))
    assert {frozenset(pair) for pair in angles.select("layer", "other_layer").iter_rows()} == {
        frozenset({"2", other}) for other in ("1", "2", "3", "4")
    }


def test_intervals_hold_the_values(within):
    measured = within.filter(pl.col("value").is_not_null() & (pl.col("control") != "random"))
    assert (measured["ci_low"] <= measured["value"] + 1e-9).all()
    assert (measured["value"] <= measured["ci_high"] + 1e-9).all()


def codes(fitted, tmp_path, runs, specifications):
    found = []
    for name, run, specification in zip("abc", runs, specifications, strict=True):
        path = tmp_path / f"{name}.safetensors"
        place = ("number", "2")
        save_kernels(path, {place: fitted[name].fits[place]}, {})
        found.append(model_codes(name, run, specification, load_kernels(path), "none", SETTINGS))
    return found


def test_models_with_the_same_waves_are_alike_whatever_their_width(fitted, tmp_path):
    rows = between_rows(codes(fitted, tmp_path, "abc", "xyz"), SETTINGS, "none")
    cka = {(row["model"], row["other_model"]): row["value"] for row in rows if row["metric"] == "cka"}
    assert cka["a", "b"] > 0.4
    assert abs(cka["a", "c"]) < 0.1 and abs(cka["b", "c"]) < 0.1
    assert {row["compared"] for row in rows} == {"models"}


def test_pairs_of_one_run_and_of_one_specification_are_named(fitted, tmp_path):
    rows = between_rows(codes(fitted, tmp_path, "aab", "xyx"), SETTINGS, "none")
    kinds = {(row["model"], row["other_model"]): row["compared"] for row in rows}
    assert kinds == {("a", "b"): "one run", ("a", "c"): "training seeds", ("b", "c"): "models"}
    assert without_seeds(rows) == []


def test_a_study_without_two_training_seeds_says_so(fitted, tmp_path):
    (row,) = without_seeds(between_rows(codes(fitted, tmp_path, "abc", "xyz"), SETTINGS, "none"))
    assert row["status"] == "not applicable" and row["note"].startswith("no two models")


def test_the_embedding_and_the_middle_block_stand_for_a_model():
    places = [("vocabulary", "embedding"), ("vocabulary", "unembedding"), *(("number", str(k)) for k in range(5))]
    assert shown_places(places) == [("vocabulary", "embedding"), ("number", "2")]
