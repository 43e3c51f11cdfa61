"""`numprobe.fit`: the workflow's fit and evaluation on states in memory."""

import numpy as np
import polars as pl
import pytest
import torch
from tests.probes.planted import split_of, waves, write_folder

import numprobe
from numprobe.errors import NumprobeError
from numprobe.measure.accuracy import evaluate
from numprobe.probes.codes import CODES
from numprobe.probes.fit_closed_form import save_closed_form
from numprobe.probes.measured import MEASURED_COLUMNS
from numprobe.probes.probe import load_probe
from numprobe.tables import measurements

PERIODS = (2, 5, 10, 100, 200)
VALUES = np.tile(np.arange(200), 3)
STATES = waves(VALUES, periods=PERIODS).astype(np.float32)
LAYERS = {"0": STATES, "1": waves(VALUES, noise=2.0, periods=PERIODS, seed=1).astype(np.float32)}


@pytest.fixture(scope="module")
def fitted():
    return numprobe.fit(LAYERS, VALUES, folds=5)


def workflow(folder, kind, text_split, split):
    """The probe and the measurements that the workflow makes of the same states."""
    write_folder(folder / "states", LAYERS, VALUES, text_split)
    save_closed_form(folder / "states", folder, [kind], ["shuffled"], split, {}, 1, None)
    probes = [load_probe(folder / f"{kind}{control}.safetensors") for control in ("", ".shuffled")]
    return probes[0], probes


@pytest.mark.parametrize("kind", ["fourier", "digits", "log"])
@pytest.mark.parametrize("parts", [("any",), ("train", "test", "any")])
def test_the_probe_and_its_measurements_are_those_of_the_workflow(tmp_path, kind, parts):
    text_split = np.resize(parts, len(VALUES)).tolist()
    probe = numprobe.fit(LAYERS, VALUES, kind, folds=5, text_split=text_split, seed=3)
    wanted, probes = workflow(tmp_path, kind, text_split, split_of(199, seed=3))
    assert (probe.layers, probe.folds, probe.width) == (wanted.layers, wanted.folds, wanted.width)
    for place, tensors in wanted.tensors.items():
        assert set(tensors) == set(probe.tensors[place])
        for name, array in tensors.items():
            np.testing.assert_array_equal(probe.tensors[place][name], array)
    card = {"single_token_numbers": {"contiguous_from_minimum": None}}
    _, rows = evaluate(tmp_path / "states", probes, card, "none", 1000, 3)
    table = measurements(rows).filter((pl.col("subset") == "all") & pl.col("fold").is_null())
    found = table.filter(pl.col("metric") == "accuracy").select(probe.accuracy.columns)
    assert found.rows() == probe.accuracy.rows()
    kept = table.filter(pl.col("metric").is_in(["accuracy", "mae", "r2"])).select(MEASURED_COLUMNS.names())
    assert pl.DataFrame(probe.metadata["measured"], schema=MEASURED_COLUMNS).rows() == kept.rows()


def test_planted_numbers_are_read_and_controls_are_not(fitted):
    accuracy = {(row["layer"], row["control"]): row for row in fitted.accuracy.iter_rows(named=True)}
    assert set(accuracy) == {(layer, control) for layer in "01" for control in ("none", "shuffled", "constant")}
    assert accuracy["0", "none"]["value"] > 0.95 and accuracy["0", "none"]["n_values"] == 200
    assert accuracy["0", "shuffled"]["value"] < 0.05 and accuracy["0", "constant"]["value"] < 0.05
    assert accuracy["1", "none"]["ci_high"] < accuracy["0", "none"]["ci_low"]
    assert (fitted.decode(STATES, "0") == VALUES).mean() > 0.95


def test_measurements_travel_with_the_file(fitted, tmp_path):
    fitted.save(tmp_path / "probe.safetensors")
    assert load_probe(tmp_path / "probe.safetensors").accuracy.rows() == fitted.accuracy.rows()


def test_one_array_is_one_layer_whatever_holds_it(fitted):
    plain = numprobe.fit(STATES, VALUES.tolist(), folds=5, metadata={"model": "mine"})
    assert plain.layers == ("states",) and plain.metadata["model"] == "mine"
    tensors = numprobe.fit(torch.tensor(STATES, requires_grad=True), torch.tensor(VALUES), folds=5)
    for probe in (plain, tensors):
        assert probe.accuracy.drop("layer").rows() == fitted.accuracy.filter(layer="0").drop("layer").rows()
    half = numprobe.fit(torch.tensor(STATES).bfloat16(), VALUES, folds=5)
    assert half.accuracy["value"][0] > 0.9


def test_rows_outside_the_range_are_left_out_and_more_candidates_can_be_had(fitted):
    more = numprobe.fit(
        np.vstack([STATES, STATES[:50] + 9]), [*VALUES, *range(900, 950)], folds=5, minimum=0, maximum=199
    )
    assert more.accuracy.drop("layer").rows() == fitted.accuracy.filter(layer="0").drop("layer").rows()
    assert len(numprobe.fit(STATES, VALUES, "digits", maximum=299, folds=5).numbers) == 300


def test_constant_layers_are_told_and_not_read():
    probe = numprobe.fit({"0": np.ones((600, 4)), "1": STATES[:, :4]}, VALUES, "linear", folds=3)
    assert probe.constant == ("0",) and probe.layers == ("1",)
    assert probe.accuracy.filter(layer="0", control="none")["value"].to_list() == [None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": STATES[0]}, r"must have shape \[n, width\], not \[24\]"),
        ({"states": STATES[:0]}, r"must have shape \[n, width\], not \[0, 24\]"),
        ({"states": STATES.astype(int)}, "must be floating-point, not int64"),
        ({"states": torch.ones(600, 3, dtype=torch.int32)}, "must be floating-point, not torch.int32"),
        ({"states": np.where(STATES > 0, np.nan, STATES)}, "NaN or infinite components in layer 'states'"),
        ({"states": {}}, "states of one shape .* not: none"),
        ({"states": {"0": STATES, "1": STATES[:, :3]}}, r"not: 0 \[600, 24\], 1 \[600, 3\]"),
        ({"numbers": VALUES[:7]}, r"one number for each of 600 states, not an array of \[7\]"),
        ({"numbers": VALUES / 2}, "numbers must be integers, not float64"),
        ({"numbers": VALUES % 7, "folds": 4}, "7 different training numbers in 0..6, too few for 4 folds: fit with"),
        ({"numbers": VALUES * 0}, r"2 to 10,000 candidates, not 0..0"),
        ({"numbers": VALUES * 10**6}, "set minimum and maximum"),
        ({"kind": "sinusoidal"}, "no closed-form probe 'sinusoidal': choose from fourier, digits"),
        ({"folds": 1}, "at least 2 folds and 2 inner groups, not 1 and 3"),
        ({"text_split": ["train"]}, "one of train, test, any for each of 600 rows, not 1 entries"),
        ({"text_split": ["dev"] * 600}, "not 'dev'"),
        ({"text_split": ["train"] * 600}, "no row tests"),
        ({"text_split": ["test"] * 600}, "0 different training numbers"),
    ],
)  # fmt: skip
def test_wrong_input_is_answered_with_one_line(change, message):
    with pytest.raises(NumprobeError, match=message) as caught:
        numprobe.fit(**{"states": STATES, "numbers": VALUES, "kind": "linear", "folds": 5, **change})
    assert "\n" not in str(caught.value)


def test_a_probe_of_a_study_says_where_its_measurements_are(tmp_path):
    probe, _ = workflow(tmp_path, "linear", "any", split_of(199))
    with pytest.raises(NumprobeError, match=r"holds no measurements; those of a study are in results/tables"):
        _ = probe.accuracy


def test_every_closed_form_kind_can_be_fitted():
    for kind in CODES:
        assert numprobe.fit(STATES, VALUES, kind, folds=3).kind == kind
