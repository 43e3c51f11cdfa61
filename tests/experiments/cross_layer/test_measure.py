"""Layers read with the probes of other layers: planted layers of known likeness."""

import numpy as np
import polars as pl
import pytest

from measure.fakes import SPLIT, make_probe, write_folder
from measure.planted import write_waves
from numprobe.experiments.cross_layer.measure import cross_layer_rows, matrix_rows
from numprobe.measure.predict import predict
from numprobe.probes.dataset import describe_split, training_rows, whole_fold
from numprobe.probes.fit_closed_form import fit_closed_form
from numprobe.tables import measurements

DESCRIBED = describe_split(SPLIT, [whole_fold(SPLIT), *SPLIT.folds])
EXTRA = {"fit_layer": pl.String, "normalisation": pl.String}


def pairs(rows, normalisation):
    table = measurements(rows, EXTRA).filter(pl.col("normalisation") == normalisation)
    return {(fit, layer): value for fit, layer, value in table.select("fit_layer", "layer", "value").iter_rows()}


def test_every_pair_of_layers(tmp_path):
    """Layer 1 is layer 0 times two: a probe of one reads 2 n or n / 2, unless it reads states on their own scale."""
    folder = write_folder(tmp_path, range(100))
    probe = make_probe()
    own = {"0": 1.0, "1": 2.0}
    tensors = {
        (layer, fold): {**arrays, "scale": np.array([own[layer]]), "weight": np.eye(3, 1, dtype=np.float32)}
        for (layer, fold), arrays in probe.tensors.items()
    }
    scaled = type(probe)(**{**vars(probe), "tensors": tensors})
    rows = matrix_rows(folder, scaled, ("none", "layer"), 2, 0)
    assert pairs(rows, "layer") == {(fit, layer): 1.0 for fit in "01" for layer in "01"}
    as_fitted = pairs(rows, "none")
    assert as_fitted["0", "0"] == as_fitted["1", "1"] == 1.0
    # 2 n = n for 0 alone, and what exceeds the range reads as 99.
    assert as_fitted["0", "1"] == pytest.approx(2 / 100)
    assert as_fitted["1", "0"] == pytest.approx(1 / 100)


def test_at_most_so_many_rows_of_each_number_are_read(tmp_path):
    folder = write_folder(tmp_path, np.repeat(np.arange(100), 5))
    found = predict(folder, [make_probe()], per_value=2)
    counts = found.group_by("layer", "number").len()
    assert counts.height == 200 and (counts["len"] == 2).all()
    assert (
        found.filter(pl.col("layer") == "0")["row"].to_list() == found.filter(pl.col("layer") == "1")["row"].to_list()
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Layers 0 to 2 write numbers alike, on different scales; layer 3 in other directions."""
    folder = tmp_path_factory.mktemp("planted")
    shapes = {"0": (0.05, 0.0, 0), "1": (1.0, 1.0, 0), "2": (2.0, 0.0, 0), "3": (1.0, 0.0, 8)}
    rows = training_rows(write_waves(folder, shapes), SPLIT)
    probes = fit_closed_form(rows, SPLIT, ["fourier"], ["shuffled"], 0, {"split": DESCRIBED})
    found = cross_layer_rows(rows, SPLIT, list(probes.values()), "none", True, 1, DESCRIBED, 50, 0)
    return measurements(found, EXTRA)


def accuracy(table, layer, **names):
    wanted = {"metric": "accuracy", "control": "none", "fit_layer": "others", "layer": layer, **names}
    (value,) = table.filter(pl.col(name) == value for name, value in wanted.items())["value"]
    return value


def test_layers_that_write_alike_are_read_by_the_others(table):
    for layer in "012":
        assert accuracy(table, layer, normalisation="layer") > 0.9
        assert accuracy(table, layer, normalisation="chosen") > 0.9
    assert accuracy(table, "0", normalisation="none") < 0.5  # its scale is another one
    assert accuracy(table, "3", normalisation="layer") < 0.1  # its directions are
    assert accuracy(table, "3", fit_layer="3", normalisation="layer") > 0.9


def test_controls_of_left_out_layers_are_near_chance(table):
    for layer in "0123":
        assert accuracy(table, layer, control="shuffled", normalisation="chosen") < 0.1
        assert accuracy(table, layer, control="constant") < 0.1


def test_what_sets_a_layer_apart_is_told(table):
    found = {
        (metric, layer): value
        for metric, layer, value in table.select("metric", "layer", "value").iter_rows()
        if metric in ("scale_ratio", "mean_offset", "code_cosine")
    }
    assert found["scale_ratio", "0"] < 0.1 < found["scale_ratio", "3"]
    assert found["mean_offset", "1"] > 2 * found["mean_offset", "2"]
    assert found["code_cosine", "1"] > 0.8 and abs(found["code_cosine", "3"]) < 0.3
    interval = table.filter((pl.col("metric") == "code_cosine") & (pl.col("layer") == "1")).row(0, named=True)
    assert interval["ci_low"] < interval["value"] < interval["ci_high"] and interval["n_values"] == 100


def test_an_untrained_model_is_marked(table, tmp_path):
    rows = training_rows(write_waves(tmp_path, {"0": (1.0, 0.0, 0), "1": (1.0, 0.0, 0)}), SPLIT)
    probes = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": DESCRIBED})
    found = measurements(
        cross_layer_rows(rows, SPLIT, list(probes.values()), "untrained", True, 1, DESCRIBED, 50, 0), EXTRA
    )
    assert set(found["control"]) == {"untrained"}
    assert set(found.filter(pl.col("fit_layer") != "others")["normalisation"]) == {"layer"}


def test_one_layer_has_no_others(tmp_path):
    rows = training_rows(write_waves(tmp_path, {"0": (1.0, 0.0, 0)}), SPLIT)
    probes = fit_closed_form(rows, SPLIT, ["fourier"], [], 0, {"split": DESCRIBED})
    found = cross_layer_rows(rows, SPLIT, list(probes.values()), "none", True, 1, DESCRIBED, 50, 0)
    assert {row["fit_layer"] for row in found} == {"0"}
