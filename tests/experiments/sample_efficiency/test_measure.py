import numpy as np
import pytest
from polars.testing import assert_frame_equal
from tests.experiments.sample_efficiency.planted import VALUES
from tests.probes.planted import waves, write_folder

from numprobe.errors import NumprobeError
from numprobe.experiments.given import Given
from numprobe.experiments.sample_efficiency.measure import Amounts, evaluate_sample_efficiency, measure_folder
from numprobe.experiments.sample_efficiency.sample import rank_within, read_sample
from numprobe.tables import read_table

AMOUNTS = Amounts(values=(8, 32), prompts=(1, 2), held_out=20, orders=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    values = np.repeat(VALUES, 3)
    states = waves(values, width=12, noise=0.01, periods=(2, 5, 10, 100))
    texts = np.tile(["train", "train", "test"], 100)
    layers = {"0": np.ones_like(states), "1": states}
    return write_folder(tmp_path_factory.mktemp("states"), layers, values, texts)


def test_a_sample_keeps_so_many_rows_per_number_and_divides_texts(folder):
    sample = read_sample(folder, "1", 0, 79, prompts=1, seed=0)
    assert sample.states.shape == (160, 12) and sample.values.max() == 79
    assert sample.trains.sum() == sample.tests.sum() == 80 and not (sample.trains & sample.tests).any()
    assert sample.present.tolist() == list(range(80))
    assert sample.kept.sum() == 160


def test_rows_are_ranked_within_their_number():
    values, keys = np.array([5, 3, 5, 5, 3]), np.array([0.9, 0.1, 0.2, 0.5, 0.0])
    assert rank_within(values, keys).tolist() == [2, 1, 0, 1, 0]


def test_a_folder_yields_curves_over_numbers_and_prompts(folder):
    rows = measure_folder(folder, "1", ["fourier"], (0, 99), AMOUNTS, 50, 0)
    found = {(r["train_values"], r["train_prompts"]) for r in rows if r["metric"] == "accuracy"}
    assert found == {(8, 2), (32, 1), (32, 2)}
    again = measure_folder(folder, "1", ["fourier"], (0, 99), AMOUNTS, 50, 0)
    assert rows == again


def test_what_cannot_be_measured_is_said(folder):
    (constant,) = measure_folder(folder, "0", ["fourier"], (0, 99), AMOUNTS, 50, 0)
    assert constant["status"] == "constant state"
    (few,) = measure_folder(folder, "1", ["fourier"], (0, 24), AMOUNTS, 50, 0)
    assert (few["status"], few["note"]) == ("not applicable", "25 numbers, needs 28")
    with pytest.raises(NumprobeError, match="has no state residual 7"):
        measure_folder(folder, "7", ["fourier"], (0, 99), AMOUNTS, 50, 0)


def table_of(folder, path, **changed):
    values = {
        "model": "m",
        "control": "none",
        "layer": "1",
        "closed_form": ["fourier", "linear"],
        "iterative": ["sinusoidal"],
        "iterative_values": [32],
        "values": [8, 32],
        "prompts": [1],
        "held_out": 20,
        "orders": 2,
        "numbers": [0, 99],
        "resamples": 20,
        "seed": 0,
    }
    inputs, outputs = {"states": [folder / "manifest.json"]}, {"table": path}
    evaluate_sample_efficiency(Given(inputs, values | changed, outputs, "m", "c", {}))
    return read_table(path)


def test_the_table_has_iterative_probes_of_one_order(folder, tmp_path):
    table = table_of(folder, tmp_path / "table.parquet")
    assert set(table["probe"]) == {"fourier", "linear", "sinusoidal"}
    descended = table.filter((table["probe"] == "sinusoidal") & (table["metric"] == "accuracy"))
    assert descended["train_values"].to_list() == [32] and descended["note"].to_list() == ["one order"]
    assert table["model"].unique().to_list() == ["m"] and table["layer"].unique().to_list() == ["1"]
    assert set(table["control"]) == {"none", "shuffled"}


def test_a_control_has_the_readings_of_the_true_numbers_alone(folder, tmp_path):
    plain = table_of(folder, tmp_path / "plain.parquet", iterative=[])
    control = table_of(folder, tmp_path / "control.parquet", iterative=[], control="mixed")
    assert set(control["control"]) == {"mixed"} and set(control["model"]) == {"m"}
    own = plain.filter(plain["control"] == "none")
    assert_frame_equal(control.drop("control"), own.drop("control"), check_row_order=False)
