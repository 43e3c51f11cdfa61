"""Planted numbers of two and three tokens are read back, token by token and whole."""

import numpy as np
import polars as pl
import pytest

from numprobe.activations.store import write_activations
from numprobe.experiments.multi_token.measure import EXTRA, chunk_rows
from numprobe.experiments.multi_token.superposition import planted_numbers, superposition_rows
from numprobe.tables import measurements

ROWS, WIDTH = 700, 48


def write(folder, layers, values, positions=("last", "next"), width=3):
    """States of numbers of several tokens; layers: (name, position) -> states."""
    count = len(values)
    table = pl.concat(
        [
            pl.DataFrame(
                {
                    "prompt": np.arange(count, dtype=np.uint32),
                    "format": ["second"] * count,
                    "position": [position] * count,
                    "chunks": values.tolist(),
                    "widths": [[width] * values.shape[1]] * count,
                    "numeral": ["".join(f"{value:0{width}d}" for value in row) for row in values],
                }
            )
            for position in positions
        ]
    ).with_row_index("row")
    names = list(dict.fromkeys(name for name, _ in layers))
    states = {
        name: np.concatenate([layers[name, position] for position in positions]).astype(np.float32) for name in names
    }
    write_activations(
        folder, [states], layers=names, width=WIDTH, dtype="float32", positions=table, details={"provenance": {}}
    )
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Layer 0 holds the last token alone at "last"; layer 1 both tokens there; "next" is one vector in layer 0."""
    random = np.random.default_rng(0)
    values = random.integers(0, 1000, size=(ROWS, 2))
    noise = 0.05 * random.standard_normal((ROWS, WIDTH))
    both = planted_numbers(values, WIDTH, 0.05, 0)
    last = planted_numbers(values[:, 1:], WIDTH, 0.05, 1)
    layers = {("0", "last"): last, ("0", "next"): np.ones((ROWS, WIDTH))}
    layers |= {("1", "last"): both, ("1", "next"): noise}
    folder = write(tmp_path_factory.mktemp("planted"), layers, values)
    rows = chunk_rows(folder, 3, 4, 3, ["shuffled"], "none", 100, 0)
    return measurements([{"model": "m", **row} for row in rows], EXTRA)


def value(table, **wanted):
    rows = table.filter(**{"subset": "all", "control": "none", **wanted})
    assert rows.height == 1
    return rows["value"][0]


def test_superposed_tokens_are_both_read(planted):
    place = {"layer": "1", "position": "last", "tokens": 2}
    assert value(planted, metric="accuracy", chunk=0, **place) > 0.97
    assert value(planted, metric="accuracy", chunk=1, **place) > 0.97
    assert value(planted, metric="joint_accuracy", **place) > 0.95


def test_a_state_with_one_token_gives_that_token_alone(planted):
    place = {"layer": "0", "position": "last", "tokens": 2}
    assert value(planted, metric="accuracy", chunk=0, **place) > 0.97
    assert value(planted, metric="accuracy", chunk=1, **place) < 0.02
    assert value(planted, metric="joint_accuracy", **place) < 0.02


def test_the_folds_choose_the_state_that_holds_both(planted):
    chosen = planted.filter(pl.col("position") == "selected", pl.col("control") == "none")
    assert chosen["probe_layers"].unique().to_list() == ["1 last (4 of 4 folds)"]
    assert value(planted, metric="joint_accuracy", position="selected") == value(
        planted, metric="joint_accuracy", position="last", layer="1"
    )


def test_controls_are_at_chance(planted):
    controls = planted.filter(pl.col("control").is_in(["shuffled", "constant"]), pl.col("value").is_not_null())
    assert set(controls["control"]) == {"shuffled", "constant"}
    assert controls.filter(pl.col("metric") != "joint_minus_product")["value"].max() < 0.03


def test_the_difference_is_between_the_two(planted):
    place = {"layer": "1", "position": "last"}
    joint, product, gap = (
        value(planted, metric=metric, **place)
        for metric in ("joint_accuracy", "product_accuracy", "joint_minus_product")
    )
    assert gap == pytest.approx(joint - product)


def test_one_vector_for_all_rows_is_said_to_be_constant(planted):
    without = planted.filter(pl.col("status") != "measured")
    assert without.select("layer", "position", "status").rows() == [("0", "next", "constant state")]


def test_every_measurement_has_an_interval(planted):
    measured = planted.filter(pl.col("value").is_not_null())
    assert measured["ci_low"].null_count() == measured["resampled"].null_count() == 0
    assert (measured["ci_low"] <= measured["value"]).all() and (measured["value"] <= measured["ci_high"]).all()


def test_an_untrained_model_is_marked(tmp_path):
    random = np.random.default_rng(1)
    values = random.integers(0, 1000, size=(200, 1))
    folder = write(tmp_path, {("0", "last"): random.standard_normal((200, WIDTH))}, values, ("last",))
    rows = chunk_rows(folder, 3, 4, 3, [], "untrained", 50, 0)
    assert {row["control"] for row in rows} == {"untrained"}
    assert max(row["value"] for row in rows) < 0.05


def test_single_digits_are_too_few_values_to_hold_out(tmp_path):
    values = np.random.default_rng(0).integers(0, 10, size=(50, 2))
    folder = write(tmp_path, {("0", "last"): np.zeros((50, WIDTH))}, values, ("last",), width=1)
    (row,) = chunk_rows(folder, 3, 4, 3, [], "none", 50, 0)
    assert (row["status"], row["note"]) == ("not applicable", "every token is one digit")


def test_planted_numbers_are_read_as_well_together_as_alone_where_there_is_no_noise():
    rows = list(superposition_rows(50, 0, sizes=(2,), noises=(0.0, 3.0), width=48))
    clean, noisy = (
        {(row["control"], row["metric"], row.get("place")): row["value"] for row in rows if row["noise"] == noise}
        for noise in (0.0, 3.0)
    )
    assert clean["none", "joint_accuracy", None] > 0.99
    assert clean["shuffled", "joint_accuracy", None] == 0
    assert noisy["none", "accuracy", 0] < 0.3
    assert noisy["none", "joint_accuracy", None] < noisy["none", "accuracy", 0]
