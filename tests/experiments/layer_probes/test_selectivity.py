import numpy as np
import polars as pl
import pytest

from numprobe.activations.store import write_activations
from numprobe.experiments.layer_probes.selectivity import selectivity_rows

VALUES = np.tile(np.arange(60), 4)


def write(folder, states):
    positions = pl.DataFrame(
        {"row": np.arange(240, dtype=np.uint32), "number": VALUES.astype(np.int32), "text_split": ["any"] * 240}
    ).with_columns(a=pl.Series(np.arange(240)))
    details = {"model": "m", "context": "operand", "weights_sha256": "0"}
    width = next(iter(states.values())).shape[1]
    batch = {layer: array.astype(np.float32) for layer, array in states.items()}
    write_activations(
        folder, [batch], layers=list(batch), width=width, dtype="float32", positions=positions, details=details
    )
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    random = np.random.default_rng(0)
    line = np.outer(VALUES / 60, random.standard_normal(60)) + 1e-4 * random.standard_normal((240, 60))
    one_hot = np.eye(60)[VALUES] + 0.01 * random.standard_normal((240, 60))
    folder = write(tmp_path_factory.mktemp("s") / "m", {"0": np.ones((240, 60)), "1": line, "2": one_hot})
    return selectivity_rows(folder, ["digits", "linear"], 4, (0, 59), 0)


def value(rows, layer, probe, metric, control="none"):
    wanted = {"layer": layer, "probe": probe, "metric": metric, "control": control}
    (found,) = [row for row in rows if wanted.items() <= row.items()]
    return found


def test_a_line_is_read_selectively_and_one_hot_states_are_not(rows):
    assert value(rows, "1", "linear", "selectivity")["value"] > 0.9
    assert value(rows, "2", "digits", "accuracy")["value"] == 1
    assert value(rows, "2", "digits", "accuracy", "task")["value"] == 1
    assert value(rows, "2", "digits", "selectivity")["value"] == 0


def test_selectivity_is_the_difference_and_has_an_interval(rows):
    for layer in "12":
        for probe in ("digits", "linear"):
            true, random = (value(rows, layer, probe, "accuracy", name) for name in ("none", "task"))
            found = value(rows, layer, probe, "selectivity")
            assert found["value"] == pytest.approx(true["value"] - random["value"])
            assert found["ci_low"] <= found["value"] <= found["ci_high"] and found["n_values"] == 60


def test_constant_states_are_told(rows):
    assert {row["status"] for row in rows if row["layer"] == "0"} == {"constant state"}
